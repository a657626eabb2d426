"""Keep what was typed, unvalidated (暂存): one question without a lock and one write that compares and sets, each a transaction of
its own; of a section that was kept before, the write alone.

暂存 is asked for more often than everything else together. SQLAlchemy's connections do it, without a unit of work and with statements
that are compiled once. Where more has to be written than the section, or somebody was faster, the same is done under locks.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import Executable, and_, bindparam, select, update
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm.attributes import instance_dict
from sqlalchemy.sql import ClauseElement

from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.core.repository import THERE, of_enterprise
from services.applications.core.return_seen import mark_seen
from services.applications.filling.filled_form import alone
from services.applications.filling.sections import Opened, must_be_editable, must_be_of, must_match, standing
from services.applications.forms.definition import Form
from services.applications.forms.filled import reading
from services.applications.forms.filled.checks import name_in
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
Found = tuple[Application, Section, Round]
# A row as the database gave it: the columns below, in their order.
Looked = tuple[Any, ...]

# What is looked at while something is kept; the rest of the rows stays where it is.
_APPLICATION = (
    Application.id, Application.round_id, Application.fund_type, Application.form_version, Application.enterprise,
    Application.project_name, Application.state, Application.version, Application.revision, Application.correct_by,
    Application.unlocked, Application.return_seen_at, Application.wrapped_key, Application.created_at,
    Application.registry_asked_at,
)  # fmt: skip
_SECTION = (Section.application_id, Section.key, Section.etag, Section.saved_at, Section.prefill)
# What is saved, and what was kept before: only for whom the section is judged with others, or somebody was faster.
_BOTH = (Section.saved, Section.draft, Section.draft_at)
_ROUND = (Round.parameters, Round.closes_at, Round.version)
# Where the enterprise and the section's tag stand in what was looked at.
_ENTERPRISE = [column.key for column in _APPLICATION].index("enterprise")
_TAG = len((*_APPLICATION, *_ROUND)) + [column.key for column in _SECTION].index("etag")
# How many sections' last looks a process remembers, some 3 KB each.
REMEMBERED = 4000


def _compiled(statement: Executable) -> str:
    """Compile a statement once. Looking up its compiled form costs more than the database's answer."""
    assert isinstance(statement, ClauseElement)
    return str(statement.compile(dialect=PGDialect_psycopg()))  # type: ignore[no-untyped-call]


_own = and_(Application.id == bindparam("of"), of_enterprise(bindparam("enterprise")))
_EXISTS = _compiled(select(Application.id).where(_own))
_looked_at = (
    select(*_APPLICATION, *_ROUND, *_SECTION)
    .join(Section, and_(Section.application_id == Application.id, Section.key == bindparam("section")))
    .join(Round, Round.id == Application.round_id)
    .where(_own)
)
_LOOK = _compiled(_looked_at)
_OPEN = _compiled(_looked_at.add_columns(*_BOTH).with_for_update(key_share=True, of=(Application, Section)))
_write = (
    update(Section)
    .where(Section.application_id == bindparam("of"), Section.key == bindparam("section"))
    .values(draft=bindparam("values"), draft_at=bindparam("at"), etag=bindparam("tag"))
)
_KEEP = _compiled(_write)
# The application is as it was when it was looked at, and stays so until this is written: a submission or a return that is under way is
# waited for, and then it is not. One that comes later finds the 暂存. The round and what the registry said are compared for what is answered.
_as_seen = (
    select(Application.id)
    .join(Round, Round.id == Application.round_id)
    .where(
        Application.id == bindparam("of"),
        Application.version == bindparam("version"),
        THERE,
        Application.registry_asked_at.is_not_distinct_from(bindparam("asked")),
        Round.version == bindparam("round"),
    )
    .with_for_update(read=True, of=Application)
    .subquery()
)
_KEEP_AS_SEEN = _compiled(
    _write.where(Section.application_id == _as_seen.c.id, Section.etag == bindparam("seen")).returning(
        Section.etag
    )
)
_SAVED = _compiled(
    select(Section.saved).where(Section.application_id == bindparam("of"), Section.key == bindparam("section"))
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


_application, _round = _reader(Application, _APPLICATION), _reader(Round, _ROUND)
_section, _whole_section = _reader(Section, _SECTION), _reader(Section, (*_SECTION, *_BOTH))


@lru_cache(2)
def _at_once(engine: AsyncEngine) -> AsyncEngine:
    """Return an engine's twin, of the same pool, whose statements are transactions of their own. To make it for each 暂存 would cost as much as
    one of the statements."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


Kept = tuple[Opened, SectionNow, dict[str, Any]]
# What the last 暂存 of a section looked at, with the tag that it wrote; the one that was longest not asked for first.
_remembered: OrderedDict[tuple[UUID, str], Looked] = OrderedDict()


async def keep_draft(
    engine: AsyncEngine, codec: Codec, actor: Actor, id: UUID, key: str, etag: str, given: SectionValues
) -> Kept:
    """Keep a section's values: the section, how it stands with what was typed, and that as it is kept. Raises only the
    section's tag."""
    async with _at_once(engine).connect() as connection:
        looked = _recall(actor, id, key, etag) or await _look(connection, _LOOK, actor, id, key)
        found = _read(looked)
        application, row, round_ = found
        if etag == str(row.etag) and not _unseen(application):
            opened, typed, name = _typed(found, codec, actor, key, given)
            seen = {
                "version": application.version,
                "asked": application.registry_asked_at,
                "round": round_.version,
                "seen": row.etag - 1,
            }
            kept = {**_values(opened), **seen}
            if name is None and (await connection.exec_driver_sql(_KEEP_AS_SEEN, kept)).first() is not None:
                _remember(application, key, looked, row.etag)
                if key not in rules_of(opened.form).alone:
                    row.saved = (await connection.exec_driver_sql(_SAVED, {"of": id, "section": key})).scalar_one()
                return opened, await _now(connection, opened, round_, typed), typed
    async with engine.begin() as connection:
        found = _read(await _look(connection, _OPEN, actor, id, key))
        opened, typed, name = _typed(found, codec, actor, key, given, etag)
        await connection.exec_driver_sql(_KEEP, _values(opened))
        if name is not None:
            await connection.exec_driver_sql(_RENAME, {"of": id, "name": name})
        if _unseen(opened.application):
            async with AsyncSession(bind=connection) as session:
                await mark_seen(session, await session.get_one(Application, id), actor)
        return opened, await _now(connection, opened, found[2], typed), typed


def _remember(application: Application, key: str, looked: Looked, etag: int) -> None:
    """Keep in mind what was looked at, of a draft alone: until it is handed in or deleted, which the write compares, nothing refuses a
    change of it."""
    if application.state != State.DRAFT:
        return
    _remembered[application.id, key] = (*looked[:_TAG], etag, *looked[_TAG + 1 :])
    if len(_remembered) > REMEMBERED:
        _remembered.popitem(last=False)


def _recall(actor: Actor, id: UUID, key: str, etag: str) -> Looked | None:
    """Take out what was looked at last; None unless it was of the actor's enterprise and of this tag."""
    looked = _remembered.pop((id, key), None)
    if looked is None or looked[_ENTERPRISE] != actor.enterprise or str(looked[_TAG]) != etag:
        return None
    return looked


def _unseen(application: Application) -> bool:
    return application.state == State.RETURNED and application.return_seen_at is None


def _typed(
    found: Found, codec: Codec, actor: Actor, key: str, given: SectionValues, etag: str | None = None
) -> tuple[Opened, dict[str, Any], str | None]:
    """Return the section with what was typed in it, that as it is kept, and the application's new name where it gets one.
    `etag`: the tag that it must have, where that was not compared yet."""
    application, row, _ = found
    form = form_of(application)
    definition = form.section(key)
    if definition is None:
        raise NotFound("没有这份申报材料。", code=codes.UNKNOWN_SECTION)
    opened = Opened(application, form, definition, row, codec.of(application, form))
    must_be_of(application, given.form_version)
    if etag is not None:
        must_match(opened, etag)
    must_be_editable(application, key, actor)
    typed = reading.draft(definition, given.values)
    row.draft, row.draft_at, row.etag = opened.codec.seal(key, typed), clock.now(), row.etag + 1
    name = name_typed(form, application, key, given.values)
    if name is not None:
        application.project_name = name
    return opened, typed, name


def name_typed(form: Form, application: Application, key: str, values: dict[str, Any]) -> str | None:
    """Return what a draft is called by what was typed in a section, where that is another name than it has. A draft goes by the name that
    was typed last, even if only kept so: its owner looks for that name."""
    if application.revision:
        return None
    name = name_in(form, {key: values})
    if not isinstance(name, str) or (name := one_line(name)[:100]) == application.project_name:
        return None
    return name


def _values(opened: Opened) -> dict[str, Any]:
    row = opened.row
    values = Jsonb(row.draft, dumps=dumps)
    return {"of": row.application_id, "section": row.key, "values": values, "at": row.draft_at, "tag": row.etag}


async def _now(connection: AsyncConnection, opened: Opened, round_: Round, typed: dict[str, Any]) -> SectionNow:
    if opened.definition.key in rules_of(opened.form).alone:
        return alone(opened.form, opened.application, round_, opened.codec, opened.row).now(
            opened.definition, typed
        )
    async with AsyncSession(bind=connection) as session:
        return await standing(session, opened)


async def _look(connection: AsyncConnection, statement: str, actor: Actor, id: UUID, key: str) -> Looked:
    """Return an application of the actor's enterprise, one of its sections and the round, with no more than is looked at here.
    `NotFound` as for `repository.application_and_section`."""
    scope = {"of": id, "enterprise": actor.enterprise or ""}
    found = (await connection.exec_driver_sql(statement, {"section": key, **scope})).first()
    if found is None:
        known = (await connection.exec_driver_sql(_EXISTS, scope)).first()
        raise NotFound("没有这份申报材料。", code=codes.UNKNOWN_SECTION) if known else NotFound("未找到该申请。")
    return tuple(found)


def _read(looked: Looked) -> Found:
    first, second = len(_APPLICATION), len(_APPLICATION) + len(_ROUND)
    section = _section if len(looked) == second + len(_SECTION) else _whole_section
    return _application(looked[:first]), section(looked[second:]), _round(looked[first:second])
