"""Two reviewers and an applicant, in any order, on pages as old as they like, now and then at the very same moment: the
audit shows legal transitions only, every event is owed once, and becomes one notice by each of its channels."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from services.applications.workflow import TABLE, Action, Place, State
from services.notify import ledger
from services.notify.models import Notification
from services.notify.rules import rules
from shared import clock
from shared.identity import Actor
from tests import factories
from tests.properties.test_application import ENTERPRISES, SECTIONS, Service, service

__all__ = ["service"]

APPLICANT = "申报单位"
PEOPLE = ("甲", "乙", APPLICANT)
# What each move tells, and once each.
TELLS = {
    "submit": "submission_received",
    "accept": "application_accepted",
    "return": "application_returned",
    "recall": "return_recalled",
    "extend": "correction_extended",
    "refuse": "application_decided",
}
BY_REVIEWER = ("look", "lease", "take_over", "accept", "return", "recall", "extend", "pass", "refuse")
BY_APPLICANT = ("look", "opinions", "answer", "submit", "withdraw")

STEP = st.one_of(
    st.tuples(st.sampled_from(PEOPLE[:2]), st.sampled_from(BY_REVIEWER)),
    st.tuples(st.just(APPLICANT), st.sampled_from(BY_APPLICANT)),
)
# One step, or two at the same moment.
TURN = st.one_of(STEP.map(lambda s: (s,)), st.tuples(STEP, STEP))


@pytest.fixture(scope="module")
def told(database_url: str) -> Iterator[Session]:
    """notify's ledger, beside."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


class Play:
    """One case, and what each person last saw of it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._who: dict[str, Actor] = {name: service.reviewer(name) for name in PEOPLE[:2]}
        self._who[APPLICANT] = service.applicant(0)
        mine = self._who[APPLICANT]
        made = service.call(
            "POST", "/applications", mine,
            json={"round_id": service.round_id}, headers={"Idempotency-Key": uuid4().hex},
        )  # fmt: skip
        self.id = str(made.json()["id"])
        self._seen = dict.fromkeys(PEOPLE, "1")
        files: dict[str, list[str]] = {}
        for slot, key in factories.REWARD_SLOTS.items():
            path = f"/applications/{self.id}/attachments?section={key}&slot={slot}"
            sent = service.call("POST", path, mine, files={"file": factories.file_for(slot)})
            files[slot] = [sent.json()["id"]]
        values = factories.reward_values(files)
        uscc, name = ENTERPRISES[0]
        values["company"] |= {"uscc": uscc, "org_name": name}
        for key in SECTIONS:
            path = f"/applications/{self.id}/sections/{key}"
            etag = service.call("GET", path, mine).headers["ETag"]
            service.call("PUT", path, mine, json={"values": values[key]}, headers={"If-Match": etag})
        for name in PEOPLE:
            self.step(name, "look")
        self.step(APPLICANT, "submit")

    def step(self, name: str, what: str) -> None:
        """Do one thing as somebody, on what they last saw; whatever the answer, it is one of those that are promised."""
        who, path = self._who[name], f"/applications/{self.id}"
        if what == "look":
            found = self._service.call("GET", path, who)
            if found.status_code == 200:
                self._seen[name] = str(found.json()["version"])
            return
        if what == "opinions":
            self._service.call("GET", f"{path}/opinions", who)
            return
        if what == "answer":
            for opinion in self._service.call("GET", f"{path}/opinions", who).json():
                self._service.call("PUT", f"{path}/opinions/{opinion['id']}", who, json={"reply": "已改"})
            return
        if what in {"lease", "take_over"}:
            body = {"takeover": True, "reason": "急办"} if what == "take_over" else {}
            answer = self._service.call("POST", f"/review{path}/lease", who, json=body)
        else:
            by_me = name == APPLICANT
            answer = self._service.call(
                "POST", f"{path if by_me else f'/review{path}'}/{what}", who, json=self._body(what),
                headers={"If-Match": self._seen[name], "Idempotency-Key": uuid4().hex},
            )  # fmt: skip
        assert answer.status_code in {200, 404, 409, 412, 422}, (what, answer.text)

    def _body(self, what: str) -> dict[str, Any]:
        until = (clock.now() + timedelta(days=5)).isoformat()
        return {
            "return": {"correct_by": until, "opinions": [{"section": "contact", "text": "请核对"}]},
            "extend": {"correct_by": until, "reason": "材料仍在办理"},
            "refuse": {"reason": "不属于支持范围"},
        }.get(what, {})


def legal(before: str, action: str, after: str) -> bool:
    """Whether the state table has such a move."""
    rule = TABLE.get((State(before), Action(action)))
    if rule is None:
        return False
    if rule.to is Place.SUBMITTED_FROM:
        return after in {State.DRAFT, State.RETURNED}
    if rule.to is Place.RETURNED_FROM:
        return after in {State.PENDING_ACCEPTANCE, State.FORM_REVIEW}
    return rule.to == after


@settings(
    max_examples=10,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(turns=st.lists(TURN, min_size=6, max_size=30))
def test_in_any_interleaving_moves_are_legal_and_told_once(
    service: Service, database_url: str, told: Session, turns: list[tuple[tuple[str, str], ...]]
) -> None:
    play = Play(service)
    with ThreadPoolExecutor(2) as pool:
        for turn in turns:
            # Most steps are made on a page that was just opened; the others show what old pages do.
            list(pool.map(lambda step: play.step(*step), turn))
            if len(turn) == 1:
                play.step(turn[0][0], "look")
    with psycopg.connect(database_url.replace("postgresql+psycopg", "postgresql")) as connection:
        moves = connection.execute(
            "SELECT from_state, action, to_state FROM applications.audit "
            "WHERE application_id = %s AND to_state IS NOT NULL ORDER BY id",
            [play.id],
        ).fetchall()
        owed = connection.execute(
            "SELECT payload FROM applications.outbox WHERE application_id = %s AND topic = 'notify'", [play.id]
        ).fetchall()
    state = "draft"
    for before, action, after in moves[1:]:
        assert before == state, moves
        assert legal(before, action, after), (before, action, after)
        state = after
    events = [ledger.EVENT.validate_python(payload) for (payload,) in owed]
    assert Counter(e.kind for e in events) == Counter(TELLS[a] for _, a, _ in moves if a in TELLS)
    for event in [*events, *reversed(events)]:
        ledger.accept(told, event, "noreply@example.com")
    told.commit()
    rows = told.execute(
        select(Notification.event_id, func.count())
        .where(Notification.event_id.in_([e.event_id for e in events]))
        .group_by(Notification.event_id)
    )
    counted = {row[0]: row[1] for row in rows}
    assert counted == {e.event_id: len({*rules()[e.kind].channels} - {"live", "sms"}) for e in events}
