"""A mail server whose answers a test writes down beforehand."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from deploy.embedded.ports import free_port

SILENT, CUT = "silent", "cut"
SILENCE_SECONDS = 6.0


class MailServer:
    """Takes mails, after answering with `refusals` first, one a mail: an SMTP answer, `SILENT` (no answer, and the
    mail is not taken) or `CUT` (the mail is taken, and the connection ends before its answer)."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        # Whom each of them was for, by its envelope.
        self.recipients: list[list[str]] = []
        self.refusals: list[str] = []
        # Answers to recipients of a domain, every time.
        self.domains: dict[str, str] = {}
        self._port = free_port()
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._port}"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if answer := self.domains.get(address.rpartition("@")[2]):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        refusal = self.refusals.pop(0) if self.refusals else ""
        if refusal == SILENT:
            await asyncio.sleep(SILENCE_SECONDS)
            return "451 4.4.2 too late"
        if refusal not in {"", CUT}:
            return refusal
        message = message_from_bytes(envelope.original_content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.append(list(envelope.rcpt_tos))
        if refusal == CUT:
            server.transport.abort()
        return "250 kept"

    def start(self, **options: Any) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port, **options)
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None
