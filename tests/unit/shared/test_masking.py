"""How much of a number is shown, on pages and in logs."""

import json
import logging

import pytest
from aiohttp import ClientResponseError, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from shared.identity import Signer
from shared.observability.logs import JsonLine
from shared.text.masking import mask, scrub
from tests import factories


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("11010519491231002X", "110***********002X"),
        ("13800138000", "138****8000"),
        ("１３８００１３８０００", "138****8000"),
        ("0200 0010 0900 0000 001", "****0001"),
        ("010-58511090", "****1090"),
        ("E12345678", "****5678"),
        ("1234", "****"),
        ("", "****"),
    ],
)
def test_masks(value: str, shown: str) -> None:
    assert mask(value) == shown


def test_logs_keep_nobodys_numbers() -> None:
    record = logging.LogRecord(
        "x", logging.INFO, __file__, 1, "申请人 %s 手机 %s", ("11010519491231002X", "13800138000"), None
    )
    record.account = {"no": ["11001045300053000001"], "id": "0d9f0c3e-1234-4234-9234-123456789012"}
    try:
        raise ValueError("bad value 13900139000")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    line = JsonLine("test").format(record)
    for number in ("11010519491231002X", "13800138000", "11001045300053000001", "13900139000"):
        assert number not in line
    said = json.loads(line)
    assert said["message"] == "申请人 110***********002X 手机 138****8000"
    # Ids of our own, and times, are not numbers of people.
    assert said["account"]["id"] == "0d9f0c3e-1234-4234-9234-123456789012"


def test_text_without_numbers_is_left_alone() -> None:
    for text in ("GM2026000001", "a13800138000", "2026-11-24T10:00:00.000+00:00", "申报 22.00 万元", "1380013800"):
        assert scrub(text) == text


async def test_no_token_stands_in_a_log() -> None:
    """An error of aiohttp tells the whole request, with what it is signed by."""
    signer = Signer("gateway", factories.private_key("gateway"))
    headers = {**signer.headers("applications", "GET", "/x"), "Proxy-Authorization": "Basic Y2xpZW50OnNlY3JldA=="}
    url = URL("http://127.0.0.1/x")
    error = ClientResponseError(
        RequestInfo(url, "GET", CIMultiDictProxy(CIMultiDict(headers)), url), (), status=400
    )
    record = logging.makeLogRecord({"msg": "no answer", "reason": repr(error)})
    assert all(value in record.__dict__["reason"] for value in headers.values())
    line = JsonLine("test").format(record)
    assert "eyJ" not in line
    assert "Y2xpZW50" not in line
    assert "Bearer ***" in json.loads(line)["reason"]
