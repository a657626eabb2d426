"""One function a mail: from an event to what its templates need. The texts stand in `templates/<kind>/`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from shared import clock
from shared.messages import ApplicationReturned, Event, SubmissionReceived

Context = dict[str, Any]
E = TypeVar("E", bound=Event)
EMAILS: dict[str, Callable[[Any], Context]] = {}

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


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


def render(event: SubmissionReceived | ApplicationReturned, public_url: str) -> Mail:
    """The mail of an event, its link leading to the portal at `public_url`."""
    context = {"event": event, **EMAILS[event.kind](event)}
    context["link"] = f"{public_url.rstrip('/')}/{context['page']}"

    def part(name: str) -> str:
        return _TEMPLATES.get_template(f"{event.kind}/{name}").render(context).strip()

    # A header is one line, whatever a project is called.
    return Mail(subject=" ".join(part("subject.txt").split()), text=part("body.txt"), html=part("body.html"))
