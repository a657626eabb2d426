"""The stub platform's own pages: what its tests fill in, and a gateway that signs people in freely."""

import re
from collections.abc import AsyncIterator
from html import unescape
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
from aiohttp import ClientResponse, FormData
from aiohttp.test_utils import TestServer
from psycopg.sql import SQL, Identifier
from sqlalchemy import select

from services.gateway.app import create_app
from services.gateway.stub_idp import certificates
from services.gateway.stub_idp.models import (
    StubMail,
)
from services.gateway.web.context import DATABASE
from tests import factories
from tests.integration.gateway.conftest import Browser, make_settings, seed_people

PDF = factories.PDF
STEP_1 = {
    "org_name": "北京燕京景泰蓝工艺品有限公司",
    "uscc": "91110105MA00TE5T2T",
    "document": "resident_id",
    "legal_name": "王㙍",
    "document_number": "11010519491231002X",
    "captcha": "8888",
}
STEP_2 = {
    "name": "周新",
    "handler_id": "110101199001011237",
    "mobile": "13600136000",
    "email": "zhouxin@example.com",
    "username": "zhouxin",
    "password": "Jingtai#2026",
    "again": "Jingtai#2026",
}
FOREIGN = {
    "org_name": "北京和风漆艺有限公司",
    "uscc": "91110106MA01ABCD2L",
    "document": "other",
    "legal_name": "Tanaka Yuki",
    "document_number": "TK1234567",
}


@pytest.fixture(autouse=True)
def _nothing_of_another_test(database_url: str) -> None:
    """No name or address is locked by what another test tried, and nothing of it waits."""
    with psycopg.connect(database_url) as connection:
        for table in ("failures", "registrations", "reviews", "challenges"):
            connection.execute(SQL("DELETE FROM stub_idp.{}").format(Identifier(table)))


def multipart(fields: dict[str, str], scan: bytes = b"") -> FormData:
    form = FormData()
    for name, value in fields.items():
        form.add_field(name, value)
    form.add_field(
        "scan", BytesIO(scan), filename="scan.pdf" if scan else "", content_type="application/octet-stream"
    )
    return form


def errors_of(text: str) -> dict[str, str]:
    return {name: unescape(told) for name, told in re.findall(r'id="(\w+)-error">([^<]*)<', text)}


@pytest.fixture(scope="module")
def ca_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the test CA whose certificates may sign in."""
    return tmp_path_factory.mktemp("ca")


@pytest.fixture(scope="module")
async def gateway(database_url: str, redis_url: str, ca_folder: Path) -> AsyncIterator[TestServer]:
    settings = make_settings(database_url, redis_url, signins_per_minute=10_000)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GM_STUB_CA_FILE", str(certificates.make_ca(ca_folder)))
        app = create_app(settings)
    async with TestServer(app, port=settings.gateway_port) as running:
        async with running.app[DATABASE].begin() as session:
            await seed_people(session)
        yield running


async def register(
    browser: Browser, first: dict[str, str], second: dict[str, str], scan: bytes = b""
) -> ClientResponse:
    begun = await browser.go("POST", "/stub-idp/register", data=multipart({**STEP_1, **first}, scan))
    assert "/stub-idp/register/" in str(begun.url), await begun.text()
    return await browser.go("POST", begun.url.path, data={**STEP_2, **second})


async def as_reviewer(other: Browser) -> tuple[str, str]:
    """The reviewer's page, and its token."""
    form = {"username": "pingtai", "password": "Demo#2024", "captcha": "8888"}
    page = await (await other.go("POST", "/stub-idp/review/sign-in", data=form)).text()
    return page, re.search(r'name="csrf_token" value="([^"]+)"', page)[1] if "csrf_token" in page else ""  # type: ignore[index]


async def mails_to(gateway: TestServer, address: str) -> list[StubMail]:
    async with gateway.app[DATABASE].begin() as session:
        return list(await session.scalars(select(StubMail).where(StubMail.recipient == address)))
