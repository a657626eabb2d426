"""Render the mail of an event: one function a kind gives what the templates in `templates/<kind>/` need."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notify.rules import rules
from shared import clock
from shared.messages import (
    AnyEvent,
    ApplicationAccepted,
    ApplicationDecided,
    ApplicationReturned,
    CorrectionDue,
    CorrectionExtended,
    CorrectionMissed,
    Event,
    PublicityAnnounced,
    PublicityBegun,
    PublicityLeft,
    PublicityOver,
    ReturnRecalled,
    ReturnUnseen,
    RoundClosing,
    RoundExtended,
    StaffAddressCheck,
    StaffNews,
    SubmissionReceived,
    Told,
)
from shared.text import amounts

Context = dict[str, Any]
E = TypeVar("E", bound=Told)
EMAILS: dict[str, Callable[[Any], Context]] = {}

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    # Once a process: looking whether a file has changed costs as much as rendering it.
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["amount"] = amounts.show


@dataclass(frozen=True)
class Mail:
    """A rendered mail."""

    subject: str
    text: str
    html: str


def email(kind: str) -> Callable[[Callable[[E], Context]], Callable[[E], Context]]:
    """Register the mail of one kind of event."""

    def register(function: Callable[[E], Context]) -> Callable[[E], Context]:
        EMAILS[kind] = function
        return function

    return register


@email("submission_received")
def submission_received(event: SubmissionReceived) -> Context:
    return {
        "received_at": clock.show(event.received_at),
        "sha256": event.sha256,
        "page": f"applications/{event.application_id}",
    }


@email("application_returned")
def application_returned(event: ApplicationReturned) -> Context:
    return {
        "correct_by": clock.show(event.correct_by),
        "opinions": [
            {"place": " · ".join(part for part in (o.material, o.field) if part), "text": o.text}
            for o in event.opinions
        ],
        "page": f"applications/{event.application_id}/opinions",
    }


@email("application_accepted")
def application_accepted(event: ApplicationAccepted) -> Context:
    return {"page": f"applications/{event.application_id}/view"}


@email("return_recalled")
def return_recalled(event: ReturnRecalled) -> Context:
    return {"page": f"applications/{event.application_id}/view"}


@email("correction_extended")
def correction_extended(event: CorrectionExtended) -> Context:
    return {
        "correct_by": clock.show(event.correct_by),
        "page": f"applications/{event.application_id}/opinions",
    }


@email("correction_due")
def correction_due(event: CorrectionDue) -> Context:
    return {
        "correct_by": clock.show(event.correct_by),
        "page": f"applications/{event.application_id}/opinions",
    }


@email("correction_missed")
def correction_missed(event: CorrectionMissed) -> Context:
    return {
        "correct_by": clock.show(event.correct_by),
        "page": f"applications/{event.application_id}/opinions",
    }


@email("return_unseen")
def return_unseen(event: ReturnUnseen) -> Context:
    return {
        "returned_at": clock.show(event.returned_at),
        "correct_by": clock.show(event.correct_by),
        "page": f"applications/{event.application_id}/opinions",
    }


@email("publicity_begun")
def publicity_begun(event: PublicityBegun) -> Context:
    return {"last_day": clock.show_date(clock.last_moment(event.until)), "page": "publicity"}


@email("publicity_announced")
def publicity_announced(event: PublicityAnnounced) -> Context:
    last = clock.show_date(clock.last_moment(event.until))
    return {"last_day": last, "page": f"publicity/{event.announcement_id}"}


@email("publicity_left")
def publicity_left(event: PublicityLeft) -> Context:
    return {"page": f"applications/{event.application_id}/view"}


@email("publicity_over")
def publicity_over(event: PublicityOver) -> Context:
    last = clock.show_date(clock.last_moment(event.until))
    return {"last_day": last, "page": f"applications/{event.application_id}/view"}


@email("application_decided")
def application_decided(event: ApplicationDecided) -> Context:
    return {"page": f"applications/{event.application_id}/view"}


@email("round_closing")
def round_closing(event: RoundClosing) -> Context:
    left = f"{event.hours // 24} 天" if event.hours % 24 == 0 else f"{event.hours} 小时"
    return {
        "left": left,
        "closes_at": clock.show(event.closes_at),
        "name": _named(event),
        "page": f"applications/{event.application_id}",
    }


@email("round_extended")
def round_extended(event: RoundExtended) -> Context:
    return {
        "until": clock.show(event.until),
        "name": _named(event),
        "page": f"applications/{event.application_id}",
    }


@email("staff_news")
def staff_news(event: StaffNews) -> Context:
    return {"total": len(event.items) + event.more, "page": "messages"}


@email("staff_address_check")
def staff_address_check(event: StaffAddressCheck) -> Context:
    return {"expires_at": clock.show(event.expires_at), "page": "messages"}


def _named(event: Event) -> str:
    return event.project_name or f"未命名项目（{event.fund_type_label}）"


def render(event: AnyEvent, public_url: str, *, mailed: bool = True) -> Mail:
    """Render the mail of an event, its link leading to the portal at `public_url`; not `mailed`: the same as 站内信."""
    context = {
        "event": event,
        "mailed": mailed,
        "reminder": rules()[event.kind].reminder,
        **EMAILS[event.kind](event),
    }
    context["link"] = f"{public_url.rstrip('/')}/{context['page']}"

    def part(name: str) -> str:
        return _TEMPLATES.get_template(f"{event.kind}/{name}").render(context).strip()

    # A header is one line, whatever a project is called.
    return Mail(subject=" ".join(part("subject.txt").split()), text=part("body.txt"), html=part("body.html"))
