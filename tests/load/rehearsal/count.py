"""What was accepted, counted where it must have arrived: database, store, mail sink. Equal, or the night failed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import psycopg

from shared.store import attachment_key, pdf_key


@dataclass
class Check:
    """One comparison: two sets of names that must be the same."""

    what: str
    expected: int
    found: int
    # Names that are on one side only, or twice.
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not self.missing and not self.extra and self.expected == self.found


def compare(what: str, expected: Iterable[str], found: Iterable[str]) -> Check:
    """Both as multisets: what comes twice is as wrong as what does not come."""
    wanted, had = Counter(expected), Counter(found)
    return Check(
        what, wanted.total(), had.total(), sorted((wanted - had).elements()), sorted((had - wanted).elements())
    )


def message_ids(folder: Path) -> list[str]:
    """Of every mail in the sink."""
    found = []
    for file in sorted(folder.glob("*.eml")):
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        found.append(str(message["Message-ID"]).strip())
    return found


def _column(connection: psycopg.Connection[Any], query: str, *values: object) -> list[str]:
    return [str(row[0]) for row in connection.execute(query, values)]


def counts(database_url: str, round_id: str, receipts: list[dict[str, Any]], var: Path) -> list[Check]:
    """Everything that must be equal once nothing is owed any more. `receipts`: what the browsers were given."""
    store = var / "store"
    with psycopg.connect(database_url) as connection:

        def column(query: str) -> list[str]:
            return _column(connection, query, round_id)

        of_round = "JOIN applications.applications a ON a.id = {0}.application_id AND a.round_id = %s"
        revisions = column(
            "SELECT a.number || ' ' || r.sha256 FROM applications.revisions r " + of_round.format("r")
        )
        audited = column(
            "SELECT x.application_id FROM applications.audit x "
            + of_round.format("x")
            + " WHERE x.action = 'submit'"
        )
        documents = column(
            "SELECT a.number || ' ' || d.source_sha256 FROM applications.documents d "
            + of_round.format("d")
            + " WHERE d.kind = 'revision' AND d.sha256 IS NOT NULL"
        )
        pdfs = column(
            "SELECT d.sha256 FROM applications.documents d "
            + of_round.format("d")
            + " WHERE d.kind = 'revision' AND d.sha256 IS NOT NULL"
        )
        attachments = column(
            "SELECT DISTINCT t.sha256 FROM applications.attachments t "
            + of_round.format("t")
            + " WHERE t.deleted_at IS NULL"
        )
        events = column(
            "SELECT o.payload->>'event_id' FROM applications.outbox o "
            + of_round.format("o")
            + " WHERE o.topic = 'notify'"
        )
        ledger = column("SELECT DISTINCT n.event_id FROM notify.notifications n " + of_round.format("n"))
        sent = column(
            "SELECT n.message_id FROM notify.notifications n "
            + of_round.format("n")
            + " WHERE n.channel = 'email' AND n.state = 'sent'"
        )
    promised = [f"{r['number']} {r['sha256']}" for r in receipts]
    return [
        compare("回执对应的版本", promised, revisions),
        compare("受理的审计记录", [r["application"] for r in receipts], audited),
        compare("版本对应的 PDF", revisions, documents),
        compare("存储中的 PDF 文件", set(pdfs), (s for s in set(pdfs) if (store / pdf_key(s)).exists())),
        compare("存储中的附件", attachments, (s for s in attachments if (store / attachment_key(s)).exists())),
        compare("移交通知服务的事件", events, ledger),
        compare("邮件（每封一次）", sent, message_ids(var / "mail")),
    ]
