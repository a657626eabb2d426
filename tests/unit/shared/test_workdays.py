"""Working days: published, said by an operator, or guessed with a warning."""

import logging
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from shared.workdays import WorkingDays


def test_published_holidays_and_working_weekends() -> None:
    calendar = WorkingDays()
    assert not calendar.is_working(date(2026, 10, 1))  # 国庆节
    assert calendar.is_working(date(2026, 11, 24))
    assert not calendar.is_working(date(2026, 11, 28))
    assert calendar.known(2026)


def test_after_counts_working_days_in_beijing() -> None:
    calendar = WorkingDays()
    # Friday, half past eleven at night in Beijing: two working days later is Tuesday.
    friday = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)
    assert calendar.after(friday, 2) == datetime(2026, 12, 1, 15, 30, tzinfo=UTC)
    # Over the national holiday of 2026.
    assert calendar.after(datetime(2026, 9, 30, 2, 0, tzinfo=UTC), 1) == datetime(2026, 10, 8, 2, 0, tzinfo=UTC)


def test_unpublished_year_is_guessed_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    calendar = WorkingDays()
    assert not calendar.known(2099)
    with caplog.at_level(logging.WARNING):
        assert calendar.is_working(date(2099, 1, 1))  # a Thursday
        assert not calendar.is_working(date(2099, 1, 3))
    assert [r.message for r in caplog.records] == ["holidays unknown: Monday to Friday are taken for working days"]


def test_operators_file_goes_before_the_library(tmp_path: Path) -> None:
    file = tmp_path / "workdays.yaml"
    file.write_text("2099: {rest: [2099-01-01], work: [2099-01-03]}\n")
    calendar = WorkingDays(str(file))
    assert calendar.known(2099)
    assert not calendar.is_working(date(2099, 1, 1))
    assert calendar.is_working(date(2099, 1, 3))


@pytest.mark.parametrize("text", ["2099: {reste: []}", "2099: {rest: [yesterday]}"])
def test_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "workdays.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match="validation error"):
        WorkingDays(str(file))
