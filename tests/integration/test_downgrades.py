"""The last revisions of applications taken back and put on again, with rows that the release before could not have written."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from services.applications.tables.applications import Application, Document, Round
from services.applications.tables.decision import Announcement, Letter, Listed
from services.applications.workflow import State
from shared import clock
from tests import factories

FOLDER = Path(__file__).parents[2] / "services" / "applications" / "migrations"
OLDEST = "0020"


def put_in(session: Session) -> str:
    """Put in a round with its drafter, a case that is 拟支持, and a published 公示 with its letter; return the case's id."""
    now = clock.now()
    round_ = Round(
        id=uuid4(), fund_type="reward", form_version=1, title="批次", opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=1), parameters={}, published_at=now, drafted_by="a", drafted_by_name="甲",
    )  # fmt: skip
    uscc, name = factories.ENTERPRISE_1
    case = Application(
        id=uuid4(), round_id=round_.id, fund_type="reward", form_version=1, enterprise=uscc, enterprise_name=name,
        created_by="b", state=State.PROPOSED, approved_wan=5, unlocked=[], wrapped_key=b"",
    )  # fmt: skip
    paper = Document(id=uuid4(), kind="letter", source_sha256="0" * 64)
    letter = Letter(
        id=uuid4(), document_id=paper.id, kind="publicity", name="公示", reference="京工美公示〔2026〕1号",
        round_trip=0,
    )  # fmt: skip
    published = Announcement(
        id=uuid4(), kind="publicity", round_id=round_.id, title="公示", text="正文", working_days=5,
        drafted_by="a", drafted_by_name="甲", published_by="c", published_by_name="丙", published_at=now,
        letter_id=letter.id,
    )  # fmt: skip
    for rows in (
        [round_], [case, paper], [letter], [published],
        [Listed(announcement_id=published.id, application_id=case.id, kind="publicity")],
    ):  # fmt: skip
        session.add_all(rows)
        session.flush()
    return str(case.id)


def test_the_last_revisions_are_taken_back_and_put_on_again(make_migrated_database: Callable[[], str]) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["schema"] = "applications"
    with create_engine(make_migrated_database(), poolclass=NullPool).connect() as connection:
        config.attributes["connection"] = connection
        with Session(connection, join_transaction_mode="control_fully") as session:
            id = put_in(session)
            session.commit()
        command.downgrade(config, OLDEST)
        state = text("SELECT state, approved_wan FROM applications.applications WHERE id = :id")
        # What was not published is to be decided again.
        assert connection.execute(state, {"id": id}).one() == ("decision", None)
        # A paper that is of no application is not to be read by the release before.
        papers = text(
            "SELECT (SELECT count(*) FROM applications.documents) + (SELECT count(*) FROM applications.letters)"
        )
        assert connection.scalar(papers) == 0
        columns = text(
            "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'applications'"
        )
        before = set(connection.scalars(columns))
        assert not {"rounds.drafted_by", "objections.announcement_id", "announcements.id"} & before
        with pytest.raises((DataError, IntegrityError)), connection.begin_nested():
            connection.execute(
                text("UPDATE applications.applications SET state = 'proposed' WHERE id = :id"), {"id": id}
            )
        command.upgrade(config, "head")
        now = set(connection.scalars(columns))
        assert {"rounds.drafted_by", "objections.announcement_id", "announcements.id"} <= now
        connection.execute(
            text("UPDATE applications.applications SET state = 'proposed' WHERE id = :id"), {"id": id}
        )
        connection.rollback()
