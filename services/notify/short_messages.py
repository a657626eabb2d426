"""Write short messages, count what they cost, say when they may go, and hand them to a provider over HTTP.

A text names no person, no enterprise and no project: telephones show it to whoever holds them. It is sent at most once: where nobody
knows whether the provider took it, it is parked and not sent again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ValidationError

from services.notify.rules import rules
from services.notify.sender import Away, Never, NotNow
from shared import clock
from shared.messages import AnyEvent
from shared.overload.breaker import Breaker, Resting

# What a text begins with, as providers in China ask for it: whose it is.
SIGN = "【工美资金】"
# UCS-2: of one message, and of each part of a longer one, whose head takes three (3GPP TS 23.040, 9.2.3.24.1).
ALONE, PART = 70, 67
# Nobody is woken, unless the day is the last.
QUIET_FROM, QUIET_UNTIL = 22, 8
LAST_DAY = timedelta(hours=24)
# Until when what a kind tells of has to be done.
_DEADLINES: dict[str, Callable[[Any], datetime]] = {
    "application_returned": lambda event: event.correct_by,
    "correction_due": lambda event: event.correct_by,
    "round_closing": lambda event: event.closes_at,
}
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=False,  # noqa: S701 (a text, no page)
    undefined=StrictUndefined,
    auto_reload=False,
)


@dataclass(frozen=True)
class ShortMessage:
    """A text for one telephone; `id` is the same at every attempt."""

    id: str
    to: str
    text: str


def short_message(event: AnyEvent) -> str:
    """Return the short message of an event, with its sign."""
    deadline = _DEADLINES.get(event.kind)
    context = {"event": event, "by": _short(deadline(event)) if deadline else ""}
    text = _TEMPLATES.get_template(f"{event.kind}/sms.txt").render(context)
    return SIGN + "".join(text.split())


def _short(instant: datetime) -> str:
    local = instant.astimezone(clock.SHANGHAI)
    return f"{local.month}月{local.day}日{local:%H:%M}"


def parts(text: str) -> int:
    """Return how many messages a text is sent and paid as, in UCS-2; no character is cut in two."""
    lengths = [len(letter.encode("utf-16-be")) // 2 for letter in text]
    if sum(lengths) <= ALONE:
        return 1
    count, room = 1, PART
    for length in lengths:
        if length > room:
            count, room = count + 1, PART
        room -= length
    return count


def longest(kind: str) -> str:
    """Return the short message of a kind with the longest number and instant there are."""
    about = {"number": "GM-2026-REWARD-00001", "approved": True}
    text = _TEMPLATES.get_template(f"{kind}/sms.txt").render({"event": about, "by": "12月31日23:59"})
    return SIGN + "".join(text.split())


def lengths() -> list[tuple[str, int, int]]:
    """Return each kind that is told by short message, with the letters of its longest text and how many messages that is."""
    kinds = [kind for kind, rule in rules().items() if "sms" in rule.channels]
    return [(kind, len(longest(kind)), parts(longest(kind))) for kind in kinds]


def may_go(event: AnyEvent, now: datetime) -> datetime:
    """Return when a message of an event may go: now, or at eight in the morning where it is night and there is more than a day left."""
    local = now.astimezone(clock.SHANGHAI)
    if QUIET_UNTIL <= local.hour < QUIET_FROM:
        return now
    deadline = _DEADLINES.get(event.kind)
    if deadline and deadline(event) - now <= LAST_DAY:
        return now
    morning = local.replace(hour=QUIET_UNTIL, minute=0, second=0, microsecond=0)
    return morning + timedelta(days=1) if local.hour >= QUIET_FROM else morning


def masked(mobile: str | None) -> str | None:
    """Return a telephone's number as lists show it."""
    return f"{mobile[:3]}****{mobile[-4:]}" if mobile and len(mobile) >= 7 else mobile


class TextSender(Protocol):
    """Sends one message and gives the provider's answer; raises `Away`, `NotNow` or `Never`."""

    def send(self, message: ShortMessage) -> str: ...


class Taken(BaseModel):
    """What a provider answers: whether it took the message, under which name, or why not, and whether to try again."""

    accepted: bool
    id: str = ""
    reason: str = ""
    retry: bool = False


class HttpTextSender:
    """Sends by `POST` of `{"id", "to", "text"}` as JSON with a bearer's key, and `Idempotency-Key`; the answer is a `Taken`. Threads may
    share one.

    What was not begun to be sent is tried again; so is what the provider says (429, 503, `retry`). After any other failure the message may
    have gone, and is not sent again.
    """

    def __init__(self, url: str, key: str, timeout: float) -> None:
        self._url = url
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(3.0, timeout)),
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
        )
        self._breaker = Breaker("notify", "sms")

    def send(self, message: ShortMessage) -> str:
        body = {"id": message.id, "to": message.to, "text": message.text}
        try:
            with self._breaker.call(httpx.TransportError):
                answer = self._http.post(self._url, json=body, headers={"Idempotency-Key": message.id})
        except Resting as error:
            raise Away("短信平台没有应答，稍后再试") from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Away(f"短信平台没有应答：{type(error).__name__}") from error
        except httpx.TransportError as error:
            raise Never(f"短信平台没有应答，不能确定是否已发出，不再发送：{type(error).__name__}") from error
        if answer.status_code in (401, 403):
            # Our own key: an operator mends it and nothing is lost.
            raise Away(f"短信平台不接受密钥：{answer.status_code}")
        if answer.status_code in (429, 503):
            raise NotNow(f"短信平台繁忙：{answer.status_code}")
        return _verdict(answer)

    def close(self) -> None:
        self._http.close()


def _verdict(answer: httpx.Response) -> str:
    if answer.status_code >= 500:
        raise Never(f"短信平台出错（{answer.status_code}），不能确定是否已发出，不再发送")
    try:
        taken = Taken.model_validate_json(answer.content)
    except ValidationError as error:
        raise Never(f"短信平台的应答无法识别（{answer.status_code}），不再发送") from error
    if taken.accepted and answer.is_success:
        return f"{answer.status_code} {taken.id}"[:500]
    reason = f"{answer.status_code} {taken.reason}"[:500]
    raise (NotNow if taken.retry else Never)(reason)


@dataclass
class MemoryTextSender:
    """Keeps the messages it is given. `refusals` are raised first, one a message."""

    messages: list[ShortMessage] = field(default_factory=list)
    refusals: list[NotNow | Never] = field(default_factory=list)

    def send(self, message: ShortMessage) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.messages.append(message)
        return "200 kept"
