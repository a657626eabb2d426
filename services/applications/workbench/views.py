"""Show what 表单工作台 shows: types with their versions, a draft with its faults, a version with what it changes."""

from collections.abc import Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.moves import round_facts
from services.applications.forms.authoring import publishing
from services.applications.forms.catalogue import UnknownForm, forms
from services.applications.forms.definition import Form, RoundFacts
from services.applications.tables.forms import FormDraft, FormDraftSave, FormRetirement, FormVersion
from services.applications.workbench import queries
from services.applications.workbench.publication import own
from services.applications.workbench.reading import differences
from shared.contract.workbench import (
    FormDraftSummary,
    FormDraftView,
    FormProposal,
    FormRead,
    FormRetired,
    FormSave,
    FormTypeView,
    FormVersionText,
    FormVersionView,
)
from shared.identity import Actor


async def types(session: AsyncSession) -> list[FormTypeView]:
    """Return every fund type that has a version or a draft."""
    known, drafts = await _known(session), await queries.drafts(session)
    found = []
    for fund_type in sorted({key for key, _ in known} | drafts.keys()):
        versions = [view for (key, _), view in known.items() if key == fund_type]
        versions.sort(key=lambda view: -view.version)
        draft = drafts.get(fund_type)
        found.append(
            FormTypeView(
                fund_type=fund_type,
                label=_label(fund_type, [view.version for view in versions]),
                versions=versions,
                draft=draft and _summary(draft),
            )
        )
    return found


def _summary(draft: FormDraft) -> FormDraftSummary:
    return FormDraftSummary(
        changed_by=draft.changed_by_name, changed_at=draft.changed_at, proposed=draft.proposed_by is not None
    )


def _label(fund_type: str, versions: list[int]) -> str:
    """Return what the newest version that can be read calls its type."""
    for version in versions:
        try:
            return forms()[fund_type, version].label
        except (ValueError, OSError):
            continue
    return fund_type


async def _known(session: AsyncSession) -> dict[queries.Key, FormVersionView]:
    rows, retired = await queries.versions(session), await queries.retirements(session)
    rounds = await queries.rounds_of_versions(session)
    return {key: _version(key, rows, retired, rounds.get(key, [])) for key in forms()}


def _version(
    key: queries.Key,
    rows: Mapping[queries.Key, FormVersion],
    retired: Mapping[queries.Key, FormRetirement],
    rounds: list[str],
) -> FormVersionView:
    catalogue, row, gone = forms(), rows.get(key), retired.get(key)
    fault, title = None, ""
    try:
        title = catalogue[key].title
    except (ValueError, OSError) as error:
        fault = str(error).partition("\n")[0]
    return FormVersionView(
        version=key[1],
        title=title,
        office=row is not None,
        sha256=row.sha256 if row else publishing.digest_of(_text(key)),
        proposed_by=row and row.proposed_by_name,
        published_by=row and row.published_by_name,
        published_at=row and row.published_at,
        retired=gone and FormRetired(by=gone.retired_by_name, at=gone.retired_at, reason=gone.reason),
        fault=fault,
        rounds=rounds,
    )


def _text(key: queries.Key) -> str:
    try:
        return forms().text(key)
    except (KeyError, ValueError, OSError):
        return ""


def before(draft: FormDraft) -> str | None:
    """Return the text that a draft began with; None where there is none."""
    return None if draft.based_on is None else _text((draft.fund_type, draft.based_on)) or None


def draft_view(
    draft: FormDraft, saves: Iterable[FormDraftSave], found: FormRead, actor: Actor, *, by_two: bool
) -> FormDraftView:
    """Return a draft, with what was found of its text, as whoever asks may work on it."""
    proposal = None
    if draft.proposed_by_name is not None and draft.proposed_at is not None:
        mine = by_two and own(draft, actor)
        proposal = FormProposal(by=draft.proposed_by_name, at=draft.proposed_at, note=draft.note, own=mine)
    return FormDraftView(
        **found.model_dump(),
        fund_type=draft.fund_type,
        based_on=draft.based_on,
        text=draft.text,
        etag=str(draft.version),
        changed_by=draft.changed_by_name,
        changed_at=draft.changed_at,
        proposal=proposal,
        saves=[FormSave(number=s.number, by=s.saved_by_name, at=s.saved_at) for s in saves],
    )


def _read(fund_type: str, version: int | None) -> Form | None:
    try:
        return forms()[fund_type, version] if version is not None else None
    except (KeyError, ValueError, OSError):
        return None


async def version_view(
    session: AsyncSession, fund_type: str, version: int, against: int | None
) -> FormVersionText:
    """Return a published version's text and what it changes against another one."""
    known = {key[1]: view for key, view in (await _known(session)).items() if key[0] == fund_type}
    if version not in known or (against is not None and against not in known):
        raise UnknownForm
    before = against if against is not None else max((v for v in known if v < version), default=None)
    old, new = _read(fund_type, before), _read(fund_type, version)
    return FormVersionText(
        fund_type=fund_type,
        label=_label(fund_type, sorted(known, reverse=True)),
        version=known[version],
        text=_text((fund_type, version)),
        against=before,
        others=sorted(v for v in known if v != version),
        changes=differences(old, new) if old and new else [],
    )


async def round_to_try(session: AsyncSession, fund_type: str) -> RoundFacts:
    """Return what a form of this type is tried in: the facts of the type's newest round."""
    round_ = await queries.newest_round(session, fund_type)
    return round_facts(round_) if round_ else RoundFacts()
