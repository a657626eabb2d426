"""Tell the time: instants are aware and in UTC; people read them in Asia/Shanghai."""

from datetime import UTC, date, datetime, timedelta, timezone

# China has kept one offset without summer time since 1991, so the clock needs no zone database.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def date_of(instant: datetime) -> date:
    """Return the date of an instant on an office calendar in Beijing."""
    return instant.astimezone(SHANGHAI).date()


def today() -> date:
    """Return the date on an office calendar in Beijing."""
    return date_of(now())


def show(instant: datetime) -> str:
    """Return an instant as people of the office read it, to the second: ``2026-11-23 17:59:59``."""
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def show_date(instant: datetime) -> str:
    """Return the date of an instant in Beijing: ``2026-11-23``."""
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d")


def last_moment(until: datetime) -> datetime:
    """Return an instant of the last day of a period that ends with `until`: one that ends at midnight ends the day before."""
    return until - timedelta(seconds=1)


def show_long_date(day: date) -> str:
    """Return a date as an official paper writes it: ``2026年11月23日``."""
    return f"{day.year}年{day.month}月{day.day}日"
