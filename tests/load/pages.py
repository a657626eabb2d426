"""What pages cost: `make bench-pages`.

A form page of 120 fields and a table of 60 rows is made by the gateway's own view, with the services' answers at hand:
CPU per page beside the smallest form's, and how much of it travels. 我的项目 is asked of one service with 200
applications and of another with 200,000, turn by turn in one run; what is printed is the ratio of their medians.
"""

import asyncio
import json
import random
import signal
import statistics
import subprocess
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer, make_mocked_request
from pydantic import TypeAdapter
from sqlalchemy import text

from deploy.embedded.ports import free_port
from deploy.embedded.postgres import Postgres
from services.applications import __main__ as commands
from services.applications.app import create_app
from services.applications.core.context import SESSIONS
from services.applications.forms.definition import Form
from services.applications.rounds.seed import seed
from services.gateway.accounts.sessions import Session
from services.gateway.form import section_page
from services.gateway.form.common_returns import COMMON_RETURNS, CommonReturns
from services.gateway.form.page_after import PAGES_AFTER, PagesAfter
from services.gateway.web import calls
from services.gateway.web.assets import ASSETS
from services.gateway.web.backend import Answer
from services.gateway.web.context import CACHE, RECEIVED_AT, SERVICES, SESSION, SETTINGS
from services.gateway.web.profiles import PROFILES
from services.gateway.web.switches import SWITCHES, Board
from shared import clock
from shared.contract.checks import Outcome
from shared.contract.pages import SectionPage
from shared.contract.sections import (
    ApplicationView,
    RegistryView,
    SectionNow,
    SectionSummary,
    SectionView,
    TableNow,
)
from shared.database import migrate
from shared.http.app import REQUEST_ID
from shared.identity import Role, Signer
from tests import factories
from tests.integration.applications.conftest import make_settings
from tests.integration.gateway.conftest import make_settings as gateway_settings

PAGES = 60
TURNS = 120
SIZES = (200, 200_000)
ID = "0198a000-0000-7000-8000-000000000000"
# One enterprise with 40 of them, whatever the number of the others.
APPLICATIONS = """
INSERT INTO applications.applications (
  id, round_id, fund_type, form_version, enterprise, enterprise_name, created_by, state, version, revision, number,
  project_name, submitted_at, created_at, round_trips, unlocked, district, wrapped_key)
SELECT gen_random_uuid(), (SELECT id FROM applications.rounds ORDER BY id LIMIT 1), 'reward', 1,
  CASE WHEN n % (:n / 40) = 0 THEN :mine ELSE lpad((n % 5000)::text, 18, '9') END, '北京某某工艺品有限公司', 'bench',
  (ARRAY['draft','pending_acceptance','returned','approved'])[1 + n / 7 % 4], 1, 1, 'GM2026' || lpad(n::text, 6, '0'),
  '第' || n || '件礼盒', now() - (n || ' minutes')::interval, now() - (n || ' minutes')::interval, 0, '{}', '', ''
FROM generate_series(1, :n) AS n
"""
QUESTIONS = {
    "第一页": "limit=20",
    "待提交": "limit=20&state=draft",
    "名称": "limit=20&q=礼盒",
    "没有的名称": "limit=20&q=没有这个项目",
    "下一页": "limit=20&cursor={cursor}",
}


def large_form(fields: int, rows: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A form with one section of so many fields and rows, and values that fill it."""
    kinds = ("text", "money", "date", "textarea", "integer", "text")
    section = {
        "key": "large",
        "label": "项目主要内容",
        "title": "项目主要内容",
        "fields": [
            {"key": f"field_{n}", "kind": kinds[n % len(kinds)], "label": f"第 {n} 项内容"} for n in range(fields)
        ],
        "tables": [
            {
                "key": "lines",
                "label": "费用明细",
                "max_rows": 200,
                "totals": ["amount"],
                "columns": [
                    {"key": "name", "kind": "text", "label": "名称"},
                    {"key": "amount", "kind": "money", "label": "金额"},
                    {"key": "paid_on", "kind": "date", "label": "日期"},
                    {"key": "remark", "kind": "text", "label": "说明", "required": False},
                ],
            }
        ]
        if rows
        else [],
    }
    others = [
        {"key": f"other_{n}", "label": f"材料 {n}", "title": f"材料 {n}", "fields": section["fields"][:1]}
        for n in range(8)
    ]
    form = Form.model_validate(
        {
            "fund_type": "bench",
            "version": 1,
            "label": "奖励类",
            "title": "工美资金（奖励）",
            "document_title": "申报书",
            "project_name": "large.field_0",
            "contact_name": "large.field_0",
            "contact_email": "large.field_0",
            "sections": [section, *others],
            "checks": [
                {
                    "id": f"c{n}",
                    "message": f"第 {n} 项合计应与明细一致",
                    "op": "==",
                    "left": "large.field_1",
                    "right": "large.field_1",
                    "section": "large",
                    "field": "field_1",
                }
                for n in range(10)
            ],
        }
    ).model_dump(mode="json")
    chance = random.Random(7)

    def words(length: int) -> str:
        return "".join(chr(chance.randrange(0x4E00, 0x5E00)) for _ in range(length))

    def amount() -> str:
        return f"{chance.randrange(1, 99999) / 100:.2f}"

    def day() -> str:
        return f"2026-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"

    # Nothing repeats, so that what travels is no smaller than what people write.
    typed = {
        "text": lambda: words(12),
        "money": amount,
        "date": day,
        "integer": amount,
        "textarea": lambda: words(200),
    }
    values: dict[str, Any] = {f"field_{n}": typed[kinds[n % len(kinds)]]() for n in range(fields)}
    values["lines"] = [
        {
            "id": f"{chance.getrandbits(48):012x}",
            "name": words(8),
            "amount": amount(),
            "paid_on": day(),
            "remark": words(6),
        }
        for n in range(rows)
    ]
    return form, values


class Empty:
    """A cache that has nothing."""

    async def get(self, key: str) -> None:
        return None

    async def gather(self, key: str, member: str, now: float, seconds: int) -> list[str]:
        return []


class AtHand:
    """The services, with every answer ready as it travels: what is measured is the gateway's own work."""

    def __init__(self, form: dict[str, Any], values: dict[str, Any]) -> None:
        section, now = form["sections"][0], clock.now()
        application = ApplicationView(
            id=UUID(ID), number=None, project_name="景泰蓝赏瓶", enterprise="91110105MA00T5T27T", enterprise_name="北京燕京景泰蓝工艺品有限公司",
            fund_type=form["fund_type"], fund_type_label="奖励类", form_title=form["title"], form_version=1, newer_form_version=None,
            round_id=UUID(ID), round_title="第一批", parameters={}, registry=RegistryView(answered=True, asked_at=None, waiting=[]), left_over=0,
            state="draft", state_label="待提交", version=1, revision=0, submitted_at=None, created_at=now, closes_at=now + timedelta(days=3),
            correct_by=None, actions=["edit", "submit"],
            sections=[
                SectionSummary(key=s["key"], label=s["label"], required=True, status="saved", editable=True, saved_at=now, draft_at=None, etag="1")
                for s in form["sections"]
            ],
        )  # fmt: skip
        state = SectionNow(
            visible=True,
            section_required=True,
            required=[f["key"] for f in section["fields"]],
            tables={t["key"]: TableNow(sums={"amount": "12,345.00"}) for t in section["tables"]},
        )
        opened = SectionView(
            key="large", saved=values, draft=None, prefill={}, registry={}, attachments=[], editable=True, saved_at=now, draft_at=None,
            etag="7", version=1, now=state,
        )  # fmt: skip
        checks = [
            Outcome(id=f"c{n}", holds=True, severity="error", op="==", left="12.50", right="12.50", difference="0.00", message=f"第 {n} 项合计应与明细一致", section="large", field="field_1")
            for n in range(10)
        ]  # fmt: skip
        page = SectionPage(
            application=application,
            section=opened,
            problems=[],
            checks=checks,
            opinions=[],
            requests=[],
            left_over=[],
        )
        self._answers = {
            f"/forms/{form['fund_type']}/1": json.dumps(form).encode(),
            f"/common-returns/{form['fund_type']}": b"[]",
            f"/applications/{ID}/sections/large/page": page.model_dump_json().encode(),
        }

    async def ask(self, who: Any, method: str, path: str, model: Any, **options: Any) -> Answer[Any]:
        return Answer(200, "7", TypeAdapter(model).validate_json(self._answers[path]))


class NobodyKnown:
    """Profiles of nobody: nothing travels with the calls."""

    async def header(self, account: UUID, *, anew: bool = False) -> str:
        return ""


async def made(fields: int, rows: int) -> tuple[float, int, int]:
    """CPU in milliseconds of one page, its bytes plain and as they travel."""
    form, values = large_form(fields, rows)
    calls._FORMS.clear()
    app = web.Application()
    app[SETTINGS] = gateway_settings("postgresql+psycopg://x@127.0.0.1:9/x", "redis://127.0.0.1:9/0")
    app[SWITCHES] = Board()
    app[SERVICES] = AtHand(form, values)  # type: ignore[misc]
    app[CACHE] = Empty()  # type: ignore[misc]
    app[PROFILES] = NobodyKnown()  # type: ignore[misc]
    app[COMMON_RETURNS] = CommonReturns()
    app[PAGES_AFTER] = PagesAfter()
    now = clock.now()
    session = Session(
        id_sha256="0" * 64, id=UUID(ID), account=UUID(ID), subject="qiye1", name="李响", roles=frozenset({Role.APPLICANT}),
        enterprise="91110105MA00T5T27T", enterprise_name="北京燕京景泰蓝工艺品有限公司", csrf_token="t" * 43,
        last_seen_at=now, expires_at=now + timedelta(hours=8),
    )  # fmt: skip

    async def show(encoding: str) -> web.Response:
        headers = {"Accept": "text/html", "Accept-Encoding": encoding}
        match = {"id": ID, "key": "large"}
        request = make_mocked_request(
            "GET", f"/applications/{ID}/sections/large", headers=headers, app=app, match_info=match
        )
        request[SESSION], request[RECEIVED_AT], request[REQUEST_ID] = session, now, "bench"
        return await section_page.show(request)

    plain = len((await show("identity")).body or b"")
    travels = len((await show("br")).body or b"")
    started = time.process_time()
    for _ in range(PAGES):
        await show("br")
    return (time.process_time() - started) / PAGES * 1000, plain, travels


def first_load(page: int) -> int:
    """Bytes of everything the form page loads, when nothing is kept yet."""
    return page + sum(len(asset.encoded("br")[1]) for asset in ASSETS.values())


async def _filled(postgres: Postgres, folder: Path, n: int) -> TestServer:
    postgres.create_database(f"bench{n}")
    url = postgres.url(f"bench{n}")
    settings = make_settings(url, folder)
    migrate(settings, Path(str(commands.__file__)).parent / "migrations", "applications")
    app = create_app(settings)
    server = TestServer(app)
    await server.start_server()
    async with app[SESSIONS].begin() as session:
        await seed(session)
        await session.execute(text(APPLICATIONS), {"n": n, "mine": factories.applicant().enterprise})
    # Kept: statistics that are rolled back leave the planner with those of an empty table.
    async with app[SESSIONS].begin() as session:
        await session.execute(text("ANALYZE"))
    return server


async def my_projects(postgres: Postgres, folder: Path) -> dict[str, tuple[float, float]]:
    """The medians in milliseconds of every question, first with few applications, then with many."""
    signer = Signer("gateway", factories.private_key("gateway"))
    servers = [await _filled(postgres, folder, n) for n in SIZES]
    took: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in QUESTIONS}
    async with ClientSession() as http:

        async def get(server: TestServer, query: str) -> dict[str, Any]:
            who = factories.applicant().model_copy(update={"received_at": clock.now()})
            url = server.make_url(f"/api/v1/applications?{query}")
            headers = signer.headers("applications", "GET", url.raw_path_qs, who)
            answer = await http.get(url, headers=headers)
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found

        cursors = [(await get(server, "limit=20"))["next_cursor"] for server in servers]
        for turn in range(TURNS):
            for name, query in QUESTIONS.items():
                # Neither always goes first.
                for which in (0, 1) if turn % 2 else (1, 0):
                    started = time.perf_counter()
                    await get(servers[which], query.format(cursor=cursors[which]))
                    if turn >= TURNS // 6:  # the first turns warm caches
                        took[name][which].append((time.perf_counter() - started) * 1000)
    for server in servers:
        await server.close()
    return {name: (statistics.median(few), statistics.median(many)) for name, (few, many) in took.items()}


def _with_postgres() -> dict[str, tuple[float, float]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Postgres(folder / "data", free_port(), "bench", durable=False)
        server.prepare()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                server.command, stdout=log, stderr=log, env=server.env(), **server.popen_options
            )
            try:
                server.wait(30, process)
                return asyncio.run(my_projects(server, folder))
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(30)
                server.remove()


def main() -> None:
    small, _, _ = asyncio.run(made(1, 0))
    cpu, plain, travels = asyncio.run(made(120, 60))
    print(
        f"form page, 120 fields and 60 rows: {cpu:5.1f} ms CPU, {cpu / small:4.1f} times one field's {small:.1f} ms"
    )
    print(
        f"  {plain / 1024:.0f} KB, travels as {travels / 1024:.1f} KB; first load {first_load(travels) / 1024:.1f} KB"
    )
    for question, (few, many) in _with_postgres().items():
        print(f"我的项目 {many / few:5.2f}  {few:6.1f} ms → {many:6.1f} ms  {question}")


if __name__ == "__main__":
    main()
