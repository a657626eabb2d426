"""Say who may see personal data, in every form it takes.

| form | its enterprise | reviewer, director | expert, auditor |
|---|---|---|---|
| values in JSON and on pages | whole | masked; whole after `reveal`, recorded | masked |
| PDF of a revision | whole | whole, recorded | a rendition of its own: masked, without the embedded data |
| attachments, pages of them | whole | whole, recorded | only those of slots that hold no personal data |
| parts with `audience: bureau` | whole | as above | an expert: none of them, nor checks about them; an auditor: on pages, not in the masked PDF |
| lists, exports, letters, mails | hold no sensitive value | the same | the same |

Which values are sensitive and which slots hold personal data is said by the form.
"""

from typing import Any

from services.applications.core.codec import SectionCodec
from services.applications.forms.definition import Form
from services.applications.forms.filled import audience, reading
from services.applications.tables.applications import Attachment
from shared import codes
from shared.contract.checks import Outcome
from shared.errors import NotAllowed
from shared.identity import Actor, Role
from shared.text.masking import scrub

# Who decides on a case needs what the paper says; who judges the work or the procedure does not.
WHOLE = frozenset({Role.APPLICANT, Role.REVIEWER, Role.DIRECTOR})
# Slots about the work in forms that were published before `personal` could be said of a slot.
WORK_PAPERS = frozenset({"photos", "ip_proof", "acceptance_proof", "feasibility", "recognition_proof"})
Json = dict[str, Any]


def reads_whole(actor: Actor) -> bool:
    """Tell whether papers and files are shown to the actor as they were handed in."""
    return bool(actor.roles & WHOLE)


def is_recorded(actor: Actor) -> bool:
    """Tell whether a reading by this actor leaves an audit row: the enterprise's own does not."""
    return not actor.is_a(Role.APPLICANT)


def holds_personal_data(form: Form, section: str, slot: str) -> bool:
    """Tell whether files of this slot are withheld from experts and auditors. A slot that the form no longer has is."""
    found = form.section(section)
    defined = found.slot(slot) if found else None
    return defined is None or (defined.personal and slot not in WORK_PAPERS)


def must_be_shown(actor: Actor, form: Form, attachment: Attachment) -> None:
    """Raise `NotAllowed` for a file that the actor must not see."""
    if is_expert(actor) and not audience.for_experts(form, attachment.section, attachment.slot):
        raise NotAllowed("该附件不提供给评审专家查看。", code=codes.NOT_FOR_EXPERTS)
    if not reads_whole(actor) and holds_personal_data(form, attachment.section, attachment.slot):
        raise NotAllowed("该附件可能含有个人信息，评审专家和审计人员不能查看。", code=codes.PERSONAL_DATA)


def masked(codec: SectionCodec, content: Json) -> Json:
    """Return a revision's opened content with its sensitive values masked."""
    return {**content, "sections": {key: codec.mask(key, values) for key, values in content["sections"].items()}}


def shown_to(actor: Actor, codec: SectionCodec, form: Form, content: Json, *, whole: bool = False) -> Json:
    """Return a revision's opened content as the actor may see it: masked unless `whole`, and with files withheld from those who
    read nothing whole."""
    if not whole:
        content = masked(codec, content)
    if reads_whole(actor):
        return content
    return withheld(form, of_experts(form, content) if is_expert(actor) else content)


def is_expert(actor: Actor) -> bool:
    """Tell whether the actor is shown only what the form has for experts."""
    return actor.is_a(Role.EXPERT) and not actor.roles & (WHOLE | {Role.AUDITOR})


def of_experts(form: Form, content: Json) -> Json:
    """Return a content without the parts that are not for experts, and without their files."""
    sections = audience.sections_for_experts(form, content["sections"])
    named = {id for s in form.sections for id in reading.named_files(s, sections.get(s.key))}
    files = {id: file for id, file in content["attachments"].items() if id in named}
    shown = {c.id for c in form.checks if audience.for_experts(form, c.section, c.field or "")}
    reasons = {check: reason for check, reason in content.get("reasons", {}).items() if check in shown}
    return {**content, "sections": sections, "attachments": files, "reasons": reasons}


def checks_for(actor: Actor, form: Form, outcomes: list[Outcome]) -> list[Outcome]:
    """Return the checks that the actor may see: an expert's are about parts that experts are shown."""
    if not is_expert(actor):
        return outcomes
    return [o for o in outcomes if audience.for_experts(form, o.section, o.field or "")]


def withheld(form: Form, content: Json) -> Json:
    """Return the content for those who read nothing whole: files that are withheld say so, and no name of a file tells a number."""
    closed = {
        id
        for section in form.sections
        for slot in section.slots
        if holds_personal_data(form, section.key, slot.key)
        for id in (content["sections"].get(section.key) or {}).get(slot.key) or []
    }
    files = {
        id: {**file, "name": scrub(file["name"]), **({"withheld": True} if id in closed else {})}
        for id, file in content["attachments"].items()
    }
    content = {key: value for key, value in content.items() if key != "reasons" or value}
    said = {check: scrub(reason) for check, reason in content.get("reasons", {}).items()}
    return {**content, "attachments": files, **({"reasons": said} if said else {})}
