"""Time that shrinks along the way, services that are left alone, retries that are counted, tickets."""

import time
from datetime import timedelta
from uuid import UUID

import pytest

from shared import clock, tickets
from shared.identity import Signer, Verifier, public_key
from shared.overload import breaker, deadline
from shared.overload.breaker import Breaker, Resting, RetryBudget
from shared.tickets import Ticket
from tests import factories


@pytest.fixture(autouse=True)
def _no_end() -> None:
    deadline.forget()


def test_each_step_has_less_time_than_the_one_before() -> None:
    assert deadline.left(20) == 20
    assert deadline.headers() == {}
    deadline.begin(10)
    first = deadline.read(deadline.headers()[deadline.HEADER])
    assert first is not None
    assert 9 < first < 10
    assert deadline.left(3) == 3
    deadline.begin(first)
    second = deadline.read(deadline.headers()[deadline.HEADER])
    assert second is not None
    assert second < first
    assert not deadline.over()
    deadline.begin(0.01)
    assert deadline.over()
    assert deadline.left(3) == deadline.LEAST


def test_what_was_begun_is_waited_for_longer_than_anything_is_begun() -> None:
    assert deadline.until_answered(20) == 20 + deadline.FINISH
    deadline.begin(0.01)
    assert deadline.over()
    assert deadline.until_answered(20) >= deadline.FINISH


def test_slow_line_costs_its_owner_no_time() -> None:
    deadline.begin(0.3)
    time.sleep(0.2)
    deadline.restart()
    assert deadline.left(1) > 0.15


@pytest.mark.parametrize("text", [None, "", "soon", "-5", "1.5", "٣", "9" * 20])
def test_nonsense_is_no_deadline(text: str | None) -> None:
    assert deadline.read(text) is None


def fail(one: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(OSError, match="gone"), one.call(OSError):
            raise OSError("gone")


def test_service_is_left_alone_after_three_failures_and_one_call_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(breaker, "monotonic", lambda: now)
    one = Breaker("test", "target")
    fail(one, 2)
    with one.call(OSError):
        pass
    fail(one, 3)
    with pytest.raises(Resting), one.call(OSError):
        raise AssertionError
    now += 1.3
    with one.call(OSError), pytest.raises(Resting), one.call(OSError):
        # While one tries, nobody else does.
        raise AssertionError
    assert not one.rests


def test_rest_grows_while_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(breaker, "monotonic", lambda: now)
    one = Breaker("test", "target")
    fail(one, 3)
    # Those that were under way together are one reason to rest.
    with pytest.raises(Resting), one.call(OSError):
        pass
    rests = []
    for _ in range(6):
        began = now
        while True:
            try:
                fail(one)
                break
            except Resting:
                now += 0.05
        rests.append(now - began)
    assert rests[0] < 1.4
    assert max(rests) <= 15 * 1.25 + 0.1
    assert rests[-1] > rests[1] > rests[0]


def test_other_faults_open_nothing() -> None:
    one = Breaker("test", "target")
    for _ in range(20):
        with pytest.raises(ValueError, match="ours"), one.call(OSError):
            raise ValueError("ours")
    assert not one.rests


def test_retries_are_a_tenth_of_the_calls() -> None:
    budget = RetryBudget(share=0.1, most=3)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    for _ in range(11):
        budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]


TRUSTED = {name: (public_key(factories.private_key(name)),) for name in factories.SERVICES}


@pytest.fixture
def ticket() -> Ticket:
    """A ticket of this very moment: a run of all tests takes longer than a ticket counts."""
    now = clock.now()
    return Ticket(
        application=UUID(int=1),
        version="3",
        session=UUID(int=2),
        enterprise="91110000MA01ABCD10",
        received_at=now,
        ends_at=now + tickets.LIFETIME,
    )


def test_ticket_is_read_by_whoever_trusts_the_gateway_until_its_end(ticket: Ticket) -> None:
    text = tickets.issue(Signer("gateway", factories.private_key("gateway")), ticket)
    verifier = Verifier("applications", TRUSTED)
    assert tickets.read(verifier, text, at=ticket.received_at) == ticket
    assert tickets.read(verifier, text, at=ticket.ends_at) == ticket
    assert tickets.read(verifier, text, at=ticket.ends_at + timedelta(microseconds=1)) is None


def test_forged_old_and_foreign_tickets_are_none(monkeypatch: pytest.MonkeyPatch, ticket: Ticket) -> None:
    now = ticket.received_at
    verifier = Verifier("applications", TRUSTED)
    gateway = Signer("gateway", factories.private_key("gateway"))
    assert tickets.read(verifier, None, at=now) is None
    assert tickets.read(verifier, "x" * 5000, at=now) is None
    assert tickets.read(verifier, tickets.issue(Signer("gateway", b"x" * 32), ticket), at=now) is None
    notify = Signer("notify", factories.private_key("notify"))
    assert tickets.read(verifier, tickets.issue(notify, ticket), at=now) is None
    # What opens a service is no ticket, and a ticket opens nothing.
    assert tickets.read(verifier, gateway.token("applications", "GET", "/"), at=now) is None
    # A ticket of before this version of it had no end of its own.
    without = gateway.statement(
        tickets.SUBJECT, tickets.LIFETIME, ticket.model_dump(mode="json", exclude={"ends_at"})
    )
    assert tickets.read(verifier, without, at=now) is None
    before = now - timedelta(minutes=11)
    monkeypatch.setattr("shared.clock.now", lambda: before)
    old = tickets.issue(gateway, ticket.model_copy(update={"ends_at": before + tickets.LIFETIME}))
    monkeypatch.undo()
    assert tickets.read(verifier, old, at=before) is None
