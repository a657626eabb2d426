"""Instants in pages: HTML's `datetime` knows no microseconds."""

from datetime import UTC, datetime

from services.gateway.web.rendering import iso


def test_an_instant_stands_to_the_second() -> None:
    assert iso(datetime(2026, 11, 29, 12, 0, 1, 999_999, UTC)) == "2026-11-29T12:00:01+00:00"
    assert iso("2026-11-29T20:00:00.123456+08:00") == "2026-11-29T20:00:00+08:00"
