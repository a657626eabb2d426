"""The SQL of 暂存: one question with a lock, one write, and seldom a second."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.orm.attributes import instance_dict

from services.applications.core.repository import of_enterprise
from services.applications.tables.applications import Application, Round, Section
from shared import clock
from shared.direct import Driver, Statement
from shared.errors import NotFound
from shared.identity import Actor
from shared.text.json_text import dumps

T = TypeVar("T")

# What is looked at while something is kept; the rest of both rows stays where it is.
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

_own = and_(Application.id == bindparam("id"), of_enterprise(bindparam("enterprise")))
_EXISTS = Statement(select(Application.id).where(_own))
_OPEN = Statement(
    select(*_APPLICATION, *_SECTION, *_ROUND)
    .join(Section, and_(Section.application_id == Application.id, Section.key == bindparam("section")))
    .join(Round, Round.id == Application.round_id)
    .where(_own)
    .with_for_update(key_share=True, of=(Application, Section))
)
_KEEP = Statement(
    update(Section)
    .where(Section.application_id == bindparam("id"), Section.key == bindparam("section"))
    .values(draft=bindparam("values"), draft_at=bindparam("at"), etag=bindparam("tag"))
)
_RENAME = Statement(
    update(Application).where(Application.id == bindparam("of")).values(project_name=bindparam("name"))
)
_SEEN = Statement(
    update(Application).where(Application.id == bindparam("of")).values(return_seen_at=bindparam("at"))
)


def _reader(kind: type[T], columns: tuple[Any, ...]) -> Callable[[tuple[Any, ...]], T]:
    """Makes of a row's values what a unit of work would, without its book-keeping: everything counts as loaded."""
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


async def open_for_keeping(
    connection: Driver, actor: Actor, id: UUID, key: str
) -> tuple[Application, Section, Round]:
    """An application of the actor's enterprise and one of its sections, both locked, and the round; of no unit of work, and with
    no more than 暂存 looks at. `NotFound` as for `repository.application_and_section`."""
    scope = {"id": id, "enterprise": actor.enterprise or ""}
    found = await _OPEN.first(connection, section=key, **scope)
    if found is None:
        known = await _EXISTS.first(connection, **scope)
        raise NotFound("没有这份申报材料。", code="unknown_section") if known else NotFound("未找到该申请。")
    middle, last = len(_APPLICATION), len(_APPLICATION) + len(_SECTION)
    return _application(found[:middle]), _section(found[middle:last]), _round(found[last:])


async def keep(connection: Driver, row: Section, values: dict[str, Any]) -> None:
    """What was typed, in the place of what was typed before."""
    row.draft, row.draft_at, row.etag = values, clock.now(), row.etag + 1
    await _KEEP.run(
        connection,
        id=row.application_id,
        section=row.key,
        # As short as it can be: escaped, Chinese takes twice the bytes and PostgreSQL longer to read.
        values=Jsonb(values, dumps=dumps),
        at=row.draft_at,
        tag=row.etag,
    )


async def rename(connection: Driver, application: Application, name: str) -> None:
    """The application goes by this name from now on."""
    if name != application.project_name:
        application.project_name = name
        await _RENAME.run(connection, of=application.id, name=name)


async def see_return(connection: Driver, application: Application) -> None:
    """The return has been seen, if nobody had yet."""
    if application.return_seen_at is None:
        application.return_seen_at = clock.now()
        await _SEEN.run(connection, of=application.id, at=application.return_seen_at)
