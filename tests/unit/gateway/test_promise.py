"""What was promised, judged by counts of minutes."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.gateway.operator.promise import Minute, bars, extension, kept, stretches
from services.gateway.web import minutes
from services.gateway.web.minutes import Cell, Kind, Minutes

NINE = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
NOON = 1_764_000_000.0
SOMEBODY = UUID(int=1)


def at(minute: int, kind: Kind = "write", **counts: int) -> Minute:
    return Minute(NINE + timedelta(minutes=minute), {kind: Cell(**counts)})


@pytest.mark.parametrize(
    ("minute", "degraded"),
    [
        (at(0, answered=100), False),
        # Two of a few are chance, three of a thousand are too few.
        (at(0, answered=5, failed=2), False),
        (at(0, answered=997, turned_away=3), False),
        (at(0, answered=100, turned_away=3), True),
        (at(0, answered=100, slow=3), True),
        (at(0, "submit", answered=0, failed=3), True),
        # A file's time is its line's, and documents yield on purpose.
        (at(0, "transfer", answered=10, failed=3), True),
        (at(0, "later", answered=0, turned_away=50), False),
    ],
)
def test_degraded_minute(minute: Minute, degraded: bool) -> None:
    assert minute.degraded is degraded


def test_kinds_of_one_minute_are_judged_together() -> None:
    minute = Minute(
        NINE, {"write": Cell(answered=50, slow=1), "submit": Cell(turned_away=1), "read": Cell(failed=1)}
    )
    assert (minute.total, minute.bad, minute.degraded) == (52, 3, True)


def test_stretches_join_what_is_near_and_an_extension_covers_them() -> None:
    bad = {"answered": 10, "failed": 5}
    found = stretches([at(0, **bad), at(1, answered=100), at(2, **bad), at(30, **bad)])
    assert [(s.since, s.until, s.minutes, s.bad, s.total) for s in found] == [
        (NINE, NINE + timedelta(minutes=3), 2, 10, 30),
        (NINE + timedelta(minutes=30), NINE + timedelta(minutes=31), 1, 5, 15),
    ]
    assert extension(found) == timedelta(minutes=30)
    assert extension([]) == timedelta(0)
    assert extension(stretches([at(n, **bad) for n in range(31)])) == timedelta(minutes=60)


def test_what_is_left_of_a_promise() -> None:
    answered, fast = kept({"submit": Cell(answered=9_998, slow=50, turned_away=1, failed=1)})[:2]
    assert (answered.total, answered.bad, answered.share) == (10_000, 2, 0.9998)
    assert answered.left == pytest.approx(0.6)
    assert (fast.total, fast.bad) == (9_998, 50)
    assert fast.left == pytest.approx(0.5, abs=0.01)
    gone = kept({"submit": Cell(answered=90, failed=10)})[0]
    assert gone.left == 0.0
    # Nobody asked: nothing was missed, and nothing is claimed.
    assert [(one.share, one.left) for one in kept({})] == [(None, None)] * 4


def test_bars_hold_every_stretch_of_a_time() -> None:
    found = bars(
        [at(1, answered=2), at(4, answered=3, failed=1), at(11, answered=1)],
        NINE,
        NINE + timedelta(minutes=12),
        timedelta(minutes=5),
    )
    assert [(total, bad) for _, total, bad in found] == [(6, 1), (0, 0), (1, 0)]


def test_answers_are_counted_by_minute_and_kind() -> None:
    counted = Minutes()
    counted.note("submit", 200, 0.1, NOON)
    counted.note("submit", 303, 2.1, NOON)
    counted.note("write", 422, 1.5, NOON)
    counted.note("transfer", 201, 99.0, NOON)
    counted.note("read", 503, 0.0, NOON, SOMEBODY)
    counted.note("read", 500, 0.0, NOON, SOMEBODY)
    counted.note("later", 503, 0.0, NOON, SOMEBODY)
    counted.note("read", 200, 0.0, NOON + 60)
    rows, people = counted.take()
    found = {(row["minute"].timestamp(), row["kind"]): [row[n] for n in Cell.__slots__] for row in rows}
    assert found == {
        (NOON, "submit"): [2, 1, 0, 0],
        (NOON, "write"): [1, 1, 0, 0],
        (NOON, "transfer"): [1, 0, 0, 0],
        (NOON, "read"): [0, 0, 1, 1],
        (NOON, "later"): [0, 0, 1, 0],
        (NOON + 60, "read"): [1, 0, 0, 0],
    }
    assert [(row["account_id"], row["times"]) for row in people] == [(SOMEBODY, 2)]
    assert counted.take() == ([], [])


def test_what_could_not_be_written_counts_later_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Minutes()
    counted.note("read", 503, 0.0, NOON, SOMEBODY)
    taken = counted.take()
    counted.note("read", 503, 0.0, NOON, SOMEBODY)
    counted.give_back(*taken)
    rows, people = counted.take()
    assert (rows[0]["turned_away"], people[0]["times"]) == (2, 2)
    # A database that stays away costs the oldest minutes, and not the memory.
    monkeypatch.setattr(minutes, "MINUTES_KEPT", 3)
    monkeypatch.setattr(minutes, "ACCOUNTS_KEPT", 2)
    for n in range(10):
        counted.note("read", 503, 0.0, NOON + 60 * n, SOMEBODY)
    assert [cell[0] for cell in counted.cells] == [int(NOON // 60) + n for n in (7, 8, 9)]
    assert len(counted.accounts) == 2
    counted.give_back(rows, people)
    assert len(counted.cells) == 3
