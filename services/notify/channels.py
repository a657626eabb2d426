"""Carry a notice by its channel. A further channel is one class here, its name in `rules.yaml`, and settings for it.

Every channel has a row of the ledger for each event. An inbox needs no carrying: its row is there, and that is all. What a
`Carrier` sends is owed until it was taken: the ledger leases, retries and parks it in the same way for each.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from services.notify import unsubscribing
from services.notify.composing import NoAddress, compose
from services.notify.emails import render
from services.notify.rules import rules
from services.notify.sender import Never, Sender
from services.notify.settings import NotifySettings
from services.notify.short_messages import ShortMessage, TextSender, short_message
from shared.messages import AnyEvent, Person

EMAIL, INBOX, LIVE, SMS = "email", "inbox", "live", "sms"


@dataclass(frozen=True)
class Parcel:
    """What a carrier is given: the event, for whom, and a name that is the same at every attempt."""

    event: AnyEvent
    to: Person
    message_id: str
    # An attempt was begun before, of which nobody knows how it ended.
    unclear: bool = False


class Carrier(Protocol):
    """Takes a parcel and gives the other side's answer, or raises `Away`, `NotNow` or `Never`. `name` is the channel's."""

    name: ClassVar[str]

    def carry(self, parcel: Parcel) -> str: ...


class Text:
    """Short messages, by a provider over HTTP."""

    name: ClassVar[str] = SMS

    def __init__(self, sender: TextSender) -> None:
        self._sender = sender

    def carry(self, parcel: Parcel) -> str:
        if parcel.unclear:
            raise Never("上一次发送的结果不明，为免重复，不再发送")
        return self._sender.send(
            ShortMessage(parcel.message_id, parcel.to.mobile or "", short_message(parcel.event))
        )


class Email:
    """Mail, over SMTP."""

    name: ClassVar[str] = EMAIL

    def __init__(self, sender: Sender, settings: NotifySettings) -> None:
        self._sender = sender
        self._settings = settings
        self._key = unsubscribing.key_of(settings.signing_key)

    def carry(self, parcel: Parcel) -> str:
        public_url = str(self._settings.public_url)
        mail = render(parcel.event, public_url)
        address = parcel.to.email or ""
        unsubscribe = None
        if rules()[parcel.event.kind].reminder:
            unsubscribe = unsubscribing.link(self._key, address, public_url)
        try:
            composed = compose(
                sender=self._settings.mail_from,
                name=parcel.to.name,
                address=address,
                subject=mail.subject,
                text=mail.text,
                html=mail.html,
                message_id=parcel.message_id,
                unsubscribe=unsubscribe,
            )
        except NoAddress as error:
            raise Never(f"不是邮箱地址：{address}") from error
        return self._sender.send(composed)
