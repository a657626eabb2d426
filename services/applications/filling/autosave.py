"""Keep what was typed, unvalidated (暂存): one question with a lock, one write, and seldom a second.

暂存 is asked for more often than everything else together. SQLAlchemy's connections do it, without a unit of work and with statements
that are compiled once.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import Executable, and_, bindparam, select, update
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm.attributes import instance_dict
from sqlalchemy.sql import ClauseElement

from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.repository import of_enterprise
from services.applications.core.return_seen import mark_seen
from services.applications.filling.filled_form import alone
from services.applications.filling.sections import Opened, must_be_editable, must_be_of, must_match, standing
from services.applications.forms.filled import reading
from services.applications.forms.filled.checks import value_at
from services.applications.forms.formulas.rules import rules_of
from services.applications.tables.applications import Application, Round, Section
from services.applications.workflow import State
from shared import clock, codes
from shared.contract.sections import SectionNow, SectionValues
from shared.errors import NotFound
from shared.identity import Actor
from shared.text.json_text import dumps
from shared.text.typed_text import one_line

T = TypeVar("T")

# What is looked at while something is kept; the rest of the rows stays where it is.
_APPLICATION = (
    Application.id, Application.round_id, Application.fund_type, Application.form_version, Application.enterprise,
    Application.project_name, Application.state, Application.version, Application.revision, Application.correct_by,
    Application.unlocked, Application.return_seen_at, Application.wrapped_key,
)  # fmt: skip
_SECTION = (
    Section.application_id, Section.key, Section.etag, Section.saved, Section.saved_at, Section.draft,
    Section.draft_at, Section.prefill,
)  # fmt: skip
_ROUND = (Round.parameters, Round.closes_at)


def _compiled(statement: Executable) -> str:
    """Compile a statement once. Looking up its compiled form costs more than the database's answer."""
    assert isinstance(statement, ClauseElement)
    return str(statement.compile(dialect=PGDialect_psycopg()))  # type: ignore[no-untyped-call]


_own = and_(Application.id == bindparam("of"), of_enterprise(bindparam("enterprise")))
_EXISTS = _compiled(select(Application.id).where(_own))
_OPEN = _compiled(
    select(*_APPLICATION, *_SECTION, *_ROUND)
    .join(Section, and_(Section.application_id == Application.id, Section.key == bindparam("section")))
    .join(Round, Round.id == Application.round_id)
    .where(_own)
    .with_for_update(key_share=True, of=(Application, Section))
)
_KEEP = _compiled(
    update(Section)
    .where(Section.application_id == bindparam("of"), Section.key == bindparam("section"))
    .values(draft=bindparam("values"), draft_at=bindparam("at"), etag=bindparam("tag"))
)
_RENAME = _compiled(
    update(Application).where(Application.id == bindparam("of")).values(project_name=bindparam("name"))
)


def _reader(kind: type[T], columns: tuple[Any, ...]) -> Callable[[tuple[Any, ...]], T]:
    """Make a function that makes an object of a row's values, of no unit of work: everything counts as loaded."""
    keys = tuple(column.key for column in columns)

    def read(values: tuple[Any, ...]) -> T:
        made = kind()
        instance_dict(made).update(zip(keys, values, strict=True))
        return made

    return read


_application, _section, _round = (
    _reader(Application, _APPLICATION),
    _reader(Section, _SECTION),
    _reader(Round, _ROUND),
)


async def keep_draft(
    connection: AsyncConnection, codec: Codec, actor: Actor, id: UUID, key: str, etag: str, given: SectionValues
) -> tuple[Opened, SectionNow, dict[str, Any]]:
    """Keep a section's values: the section, how it stands with what was typed, and that as it is kept. Raises only the
    section's tag. `connection` has a transaction, which the caller commits."""
    application, row, round_ = await _open(connection, actor, id, key)
    form = form_of(application)
    definition = form.section(key)
    if definition is None:
        raise NotFound("没有这份申报材料。", code=codes.UNKNOWN_SECTION)
    opened = Opened(application, form, definition, row, codec.of(application, form))
    must_be_of(application, given.form_version)
    must_match(opened, etag)
    must_be_editable(application, key, actor)
    typed = reading.draft(definition, given.values)
    row.draft, row.draft_at, row.etag = opened.codec.seal(key, typed), clock.now(), row.etag + 1
    kept = {"of": id, "section": key, "values": Jsonb(row.draft, dumps=dumps), "at": row.draft_at, "tag": row.etag}
    await connection.exec_driver_sql(_KEEP, kept)
    if application.revision == 0:
        # A draft goes by the name that was typed last, even if only kept so: its owner looks for that name.
        name = value_at(form.project_name, {key: given.values})
        if isinstance(name, str) and (name := one_line(name)[:100]) != application.project_name:
            application.project_name = name
            await connection.exec_driver_sql(_RENAME, {"of": id, "name": name})
    if application.state == State.RETURNED and application.return_seen_at is None:
        async with AsyncSession(bind=connection) as session:
            await mark_seen(session, await session.get_one(Application, id), actor)
    if key in rules_of(form).alone:
        return opened, alone(form, round_, opened.codec, row).now(definition, typed), typed
    async with AsyncSession(bind=connection) as session:
        return opened, await standing(session, opened), typed


async def _open(
    connection: AsyncConnection, actor: Actor, id: UUID, key: str
) -> tuple[Application, Section, Round]:
    """Return an application of the actor's enterprise and one of its sections, both locked, and the round, with no more than is
    looked at here. `NotFound` as for `repository.application_and_section`."""
    scope = {"of": id, "enterprise": actor.enterprise or ""}
    found = (await connection.exec_driver_sql(_OPEN, {"section": key, **scope})).first()
    if found is None:
        known = (await connection.exec_driver_sql(_EXISTS, scope)).first()
        raise NotFound("没有这份申报材料。", code=codes.UNKNOWN_SECTION) if known else NotFound("未找到该申请。")
    middle, last = len(_APPLICATION), len(_APPLICATION) + len(_SECTION)
    return _application(found[:middle]), _section(found[middle:last]), _round(found[last:])
