"""Applications by the hundred, and whoever asks for them as fast as answers come."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
from aiohttp import ClientSession
from psycopg.types.json import Jsonb

from services.applications.core.codec import Codec, SectionCodec
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.tables.applications import Application


def columns_of(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """The columns that a row brings; what the database computes by itself is left to it."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'applications' AND table_name = %s"
        " AND is_generated = 'NEVER' ORDER BY ordinal_position",
        [table],
    )
    return [row[0] for row in found]


def copying(connection: psycopg.Connection[Any], table: str, changes: str, where: str) -> str:
    """SQL that puts rows of a table into it again, with other values where the JSON `changes` says so."""
    names = [f'"{name}"' for name in columns_of(connection, table)]
    return (
        f"INSERT INTO applications.{table} ({', '.join(names)}) SELECT {', '.join(f'r.{name}' for name in names)}"
        f" FROM applications.{table} t, LATERAL jsonb_populate_record(t, {changes}) r WHERE {where}"
    )


def clones(database_url: str, codec: Codec, template: str, count: int) -> list[str]:
    """`count` copies of an application that was filled in through the public contract, each with a key and
    attachments of its own. Their values are not sealed, which costs whoever reads them nothing."""
    made = []
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT wrapped_key, fund_type, form_version FROM applications.applications WHERE id = %s", [template]
        ).fetchone()
        assert found is not None
        opener = codec.of(
            Application(id=UUID(template), wrapped_key=bytes(found[0])), catalogue_form(found[1], found[2])
        )
        sections = connection.execute(
            "SELECT key, saved, prefill FROM applications.sections WHERE application_id = %s", [template]
        ).fetchall()
        opened = {
            key: (opener.open_or_none(key, saved), prefilled(opener, key, known)) for key, saved, known in sections
        }
        files = [str(row[0]) for row in connection.execute(
            "SELECT id FROM applications.attachments WHERE application_id = %s", [template]
        )]  # fmt: skip
        of_application = copying(connection, "applications", "%s", "t.id = %s")
        of_file = copying(connection, "attachments", "%s", "t.id = %s")
        of_section = copying(connection, "sections", "%s", "t.application_id = %s AND t.key = %s")
        for _ in range(count):
            id = uuid4()
            new = {old: str(uuid4()) for old in files}
            key = f"\\x{codec.new_key(id).hex()}"
            connection.execute(of_application, [Jsonb({"id": str(id), "wrapped_key": key}), template])
            for old, file in new.items():
                connection.execute(of_file, [Jsonb({"id": file, "application_id": str(id)}), old])
            for section, (saved, known) in opened.items():
                text = json.dumps(saved)
                for old, file in new.items():
                    text = text.replace(old, file)
                changes = {"application_id": str(id), "saved": json.loads(text), "prefill": known}
                connection.execute(of_section, [Jsonb(changes), template, section])
            made.append(str(id))
    return made


def prefilled(opener: SectionCodec, section: str, known: dict[str, Any]) -> dict[str, Any]:
    """What was known from the registry, not sealed either."""
    values = opener.open(section, {name: item["value"] for name, item in known.items()})
    return {name: {**item, "value": values[name]} for name, item in known.items()}


@dataclass
class Drive:
    """What somebody saw: seconds of each answer, and how long all took."""

    seconds: list[float] = field(default_factory=list)
    took: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.took

    def quantile(self, share: float) -> float:
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * share))]

    def add(self, other: "Drive") -> None:
        self.seconds += other.seconds
        self.took += other.took


Ask = Callable[[ClientSession, str], Any]


async def for_a_while(ask: Ask, ids: Iterable[str], seconds: float) -> Drive:
    """One person an id, each asking again as soon as it was answered, for so long."""
    drive = Drive()
    began = time.perf_counter()

    async def person(http: ClientSession, id: str) -> None:
        while time.perf_counter() - began < seconds:
            at = time.perf_counter()
            await ask(http, id)
            drive.seconds.append(time.perf_counter() - at)

    async with ClientSession() as http:
        await asyncio.gather(*(person(http, id) for id in ids))
    drive.took = time.perf_counter() - began
    return drive


async def once_each(ask: Ask, ids: list[str], people: int) -> Drive:
    """So many people work the ids off, one after the other."""
    drive = Drive()
    left = list(ids)
    began = time.perf_counter()

    async def person(http: ClientSession) -> None:
        while left:
            id = left.pop()
            at = time.perf_counter()
            await ask(http, id)
            drive.seconds.append(time.perf_counter() - at)

    async with ClientSession() as http:
        await asyncio.gather(*(person(http) for _ in range(people)))
    drive.took = time.perf_counter() - began
    return drive
