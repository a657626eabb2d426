"""新增项目: a draft in an open round, its sections prefilled from what the city already knows."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications import repository
from services.applications.codec import Codec
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.definition import Form
from services.applications.forms.kinds import Wrong
from services.applications.models import Application, Round, Section
from services.applications.use_cases.moving import facts_of, round_facts
from services.applications.use_cases.recording import record
from services.applications.workflow import State, round_open
from shared.errors import Conflict, NotAllowed, NotFound
from shared.identity import Actor
from shared.messages import Profile

SOURCES = {"registry": "法人库", "account": "统一身份认证平台"}


async def start(session: AsyncSession, codec: Codec, actor: Actor, round_: Round, profile: Profile) -> Application:
    """Create a draft. `Conflict` when the round does not accept applications at this moment."""
    if not actor.enterprise:
        raise NotAllowed("只有企业账号可以申报。")
    if round_.published_at is None:
        # Nobody but operators knows of it.
        raise NotFound("没有这个申报批次。")
    extension = await repository.extension(session, round_.id, actor.enterprise)
    form = catalogue_form(round_.fund_type, round_.form_version)
    id = uuid4()
    application = Application(
        id=id,
        round_id=round_.id,
        fund_type=form.fund_type,
        form_version=form.version,
        enterprise=actor.enterprise,
        enterprise_name=actor.enterprise_name or actor.name,
        created_by=actor.account,
        state=State.DRAFT,
        wrapped_key=codec.new_key(id),
    )
    if refusal := round_open(facts_of(application, round_, extension, at=actor.received_at)):
        raise Conflict(refusal.message, code=refusal.code)
    session.add(application)
    await session.flush()  # the sections refer to it
    sealer = codec.of(id, application.wrapped_key, form)
    for section in form.sections:
        found = prefill(form, section.key, profile, round_)
        sealed = sealer.seal(section.key, {key: item["value"] for key, item in found.items()})
        session.add(
            Section(
                application_id=id,
                key=section.key,
                prefill={key: {**item, "value": sealed[key]} for key, item in found.items()},
            )
        )
    record(session, actor, "start", application_id=id, to_state=State.DRAFT, round=str(round_.id))
    await session.flush()
    await session.refresh(application)
    return application


def prefill(form: Form, key: str, profile: Profile, round_: Round) -> Mapping[str, dict[str, Any]]:
    """Per field: value, source and time of fetching. What does not fit its field is left out, not forced in."""
    section = form.section(key)
    assert section is not None
    choices = form.choices(round_facts(round_))
    found: dict[str, dict[str, Any]] = {}
    for field in section.fields:
        if not field.prefill:
            continue
        source, _, name = field.prefill.partition(".")
        raw = (profile.registry if source == "registry" else profile.account).get(name)
        fetched_at = profile.registry_fetched_at if source == "registry" else profile.account_fetched_at
        if not raw or raw == "null":
            continue
        try:
            value = field.parse(raw, choices)
        except Wrong:
            continue
        found[field.key] = {
            "value": value,
            "source": SOURCES[source],
            "fetched_at": fetched_at.isoformat() if fetched_at else None,
        }
    return found
