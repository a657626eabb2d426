"""How the reviewers' queue grows: `make bench-queue`.

The same questions are asked over HTTP of one service on 2,000 cases and of another on 200,000, turn by turn in one
run; what is printed is the ratio of their medians. Cases are spread over ten states, four fund types, seventeen
districts, twelve reviewers and, however many, over 140 days, so that a filter finds as large a part of the few as of
the many; one district is rare. A full page beside an empty one would tell what a page's rows cost.
"""

import asyncio
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from sqlalchemy import text

from deploy.embedded.ports import free_port
from deploy.embedded.postgres import Postgres
from services.applications import __main__ as commands
from services.applications.app import create_app
from services.applications.core.context import SESSIONS
from services.applications.review.case_list import draw_counts_together
from services.applications.rounds.seed import seed
from shared import clock
from shared.database import migrate
from shared.identity import Role, Signer
from tests import factories
from tests.integration.applications.conftest import make_settings

SIZES = (2_000, 200_000)
TURNS = 60
CASES = """
INSERT INTO applications.applications (
  id, round_id, fund_type, form_version, enterprise, enterprise_name, created_by, state, version, revision, number,
  project_name, applied_wan, submitted_at, created_at, round_trips, unlocked, district, assignee, assignee_name,
  wrapped_key)
SELECT gen_random_uuid(), (SELECT id FROM applications.rounds ORDER BY id OFFSET n / 10 % 2 LIMIT 1), 'reward', 1,
  lpad((n % 5000)::text, 18, '9'), '北京' || word.b || word.d || word.a || '工艺品有限公司', 'bench',
  (ARRAY['pending_acceptance','returned','lapsed','form_review','expert_review','decision','publicity','approved',
         'rejected','approved'])[1 + n * 7 % 10],
  1, 1, 'GM2026' || lpad(n::text, 6, '0'), word.d || word.a || word.c || word.b || '研发', 1 + (n * 7919 % 50000) / 100.0,
  now() - n * step.apart, now() - n * step.apart, 0, '{}',
  CASE WHEN n % 90 = 0 THEN '延庆区' ELSE (ARRAY['东城区','西城区','朝阳区','丰台区','石景山区','海淀区','门头沟区','房山区',
  '通州区','顺义区','昌平区','大兴区','怀柔区','平谷区','密云区','北京经济技术开发区'])[1 + n * 13 % 16] END,
  CASE WHEN n % 13 > 0 THEN 'reviewer-' || n % 13 END, CASE WHEN n % 13 > 0 THEN '审核' || n % 13 END, ''
FROM generate_series(1, :n) AS n, (SELECT interval '140 days' / :n AS apart) AS step, LATERAL (SELECT
  (ARRAY['景泰蓝','玉雕','牙雕','雕漆','金漆','花丝','宫毯','京绣'])[1 + n * 3 % 8] AS a,
  (ARRAY['燕京','云锦','翠微','紫檀','天工','瑞祥','荣宝','德和'])[1 + n * 5 % 8] AS b,
  (ARRAY['礼盒','屏风','摆件','首饰','茶具','文房','挂毯','扇面'])[1 + n * 11 % 8] AS c,
  chr(19968 + n * 17 % 3000) || chr(19968 + n * 31 % 2000) AS d) AS word
"""
# A batch for each round that most cases went into; returns of which a third was never opened; 公示 that ended or runs.
STAGES = """
WITH made AS (
  INSERT INTO applications.batches (id, round_id, name, created_by)
  SELECT gen_random_uuid(), id, '第 1 批', 'bench' FROM applications.rounds RETURNING id, round_id)
UPDATE applications.applications a SET
  batch_id = CASE WHEN a.state NOT IN ('pending_acceptance', 'returned') THEN made.id END,
  returned_at = CASE WHEN a.state = 'returned'
                THEN least(now(), a.submitted_at + right(a.number, 6)::int / 10 % 7 * interval '1 day') END,
  return_seen_at = CASE WHEN a.state = 'returned' AND right(a.number, 6)::int / 10 % 3 > 0 THEN now() END,
  publicity_until = CASE WHEN a.state = 'publicity' THEN a.submitted_at + interval '90 days' END
FROM made WHERE made.round_id = a.round_id
"""
# Every fourth case was once asked to be opened further; every eighth of the returned waits for an answer, and as many moved
# on without one.
REQUESTS = """
INSERT INTO applications.unlock_requests (
  id, application_id, round_trip, section, reason, status, note, asked_by, asked_at)
SELECT gen_random_uuid(), id, 0, 'company', '地址有误', CASE WHEN nth % 8 = 1 THEN 'open' ELSE 'granted' END, '', 'bench',
  submitted_at
FROM (SELECT *, right(number, 6)::int / 10 AS nth FROM applications.applications) AS a
WHERE nth % 4 = 0 AND state <> 'pending_acceptance' OR nth % 8 = 1 AND state IN ('returned', 'decision')
"""
QUESTIONS = {
    "第一页": "",
    "一种状态": "state=pending_acceptance",
    "两种状态": "state=pending_acceptance,form_review",
    "区": "district=朝阳区",
    "少见的区": "district=延庆区",
    "状态与区": "state=form_review&district=海淀区",
    "办理人": "assignee=reviewer-3",
    "办理人与状态": "assignee=reviewer-3&state=pending_acceptance,form_review",
    "未分配": "assignee=none&state=pending_acceptance",
    "批次": "round={round}&state=decision",
    "类别": "fund_type=reward&state=publicity",
    "金额": "min_wan=300&max_wan=320",
    "金额与状态": "min_wan=440&state=form_review",
    "等待天数": "min_days=1&state=pending_acceptance",
    "编号": "q=GM2026000777",
    "编号末尾": "q=000777",
    "文字": "q=景泰蓝",
    "两个词": "q=景泰蓝 天工",
    "少见的文字": "q=丁一",
    "没有的文字": "q=没有这个项目",
    "审核批": "batch={batch}",
    "审核批与状态": "batch={batch}&state=expert_review",
    "审核批里没有的状态": "batch={batch}&state=pending_acceptance",
    "退回满三日未查看": "unseen=1",
    "公示期满": "over=1",
    "申请开放材料": "unlock=1",
    "倒序": "order=newest&state=returned",
    "按单位": "order=enterprise",
    "按单位，两种状态": "order=enterprise&state=pending_acceptance,form_review",
    "按类别": "order=fund_type",
    "按金额，从大到小": "order=-amount",
    "按金额，区": "order=-amount&district=朝阳区",
    "按金额，少见的区": "order=amount&district=延庆区",
    "按金额，等待天数": "order=-amount&min_days=1&state=pending_acceptance",
    "按办理人": "order=assignee",
    "按办理人，文字": "order=-assignee&q=景泰蓝",
    "按单位，我的": "order=enterprise&assignee=reviewer-3&state=pending_acceptance,form_review",
}
# What the page of the queue asks besides.
BESIDE = {"筛选项": "choices", "审核批一览": "batches", "常用筛选": "filters"}


async def _filled(url: str, folder: Path, n: int) -> TestServer:
    settings = make_settings(url, folder)
    migrate(settings, Path(str(commands.__file__)).parent / "migrations", "applications")
    app = create_app(settings)
    server = TestServer(app)
    await server.start_server()
    async with app[SESSIONS].begin() as session:
        await seed(session)
        await session.execute(text(CASES), {"n": n})
        await session.execute(text(STAGES))
        await session.execute(text(REQUESTS))
        await draw_counts_together(session)
    plain = url.replace("postgresql+psycopg", "postgresql")
    async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as connection:
        await connection.execute("VACUUM ANALYZE")
        # Cases come one by one, and a relay draws their counts together every few seconds.
        await connection.execute("VACUUM FULL applications.desk_counts")
    return server


async def compare(
    postgres: Postgres, folder: Path, sizes: tuple[int, int] = SIZES
) -> dict[str, tuple[float, float]]:
    """The medians in milliseconds of every question, first with few cases, then with many."""
    signer = Signer("gateway", factories.private_key("gateway"))
    servers = []
    for n in sizes:
        postgres.create_database(f"bench{n}")
        servers.append(await _filled(postgres.url(f"bench{n}"), folder, n))
    took: dict[str, tuple[list[float], list[float]]] = {}
    async with ClientSession() as http:
        who = factories.staff(Role.REVIEWER, "reviewer-3")

        async def get(server: TestServer, path: str) -> Any:
            url = server.make_url(path)
            fresh = who.model_copy(update={"received_at": clock.now()})
            headers = signer.headers("applications", "GET", url.raw_path_qs, fresh)
            async with http.get(url, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.json()

        batches = []
        for server in servers:
            listed = await get(server, "/api/v1/review/batches")
            batches.append(max(listed, key=lambda b: (b["cases"], b["round"])))
        asked = {
            f"{name}·{path}": f"{path}?{q}" for name, q in QUESTIONS.items() for path in ("applications", "counts")
        }
        asked |= BESIDE
        for turn in range(TURNS):
            for name, query in asked.items():
                # Neither always goes first.
                for which, server in sorted(enumerate(servers), key=lambda s: s[0], reverse=turn % 2 == 0):
                    filled = query.format(round=batches[which]["round"], batch=batches[which]["id"])
                    started = time.perf_counter()
                    await get(server, f"/api/v1/review/{filled}")
                    if turn >= TURNS // 6:  # the first turns warm caches
                        seconds = time.perf_counter() - started
                        took.setdefault(name, ([], []))[which].append(seconds * 1000)
    for server in servers:
        await server.close()
    return {name: (statistics.median(few), statistics.median(many)) for name, (few, many) in took.items()}


def main() -> None:
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
                found = asyncio.run(compare(server, folder))
            finally:
                process.send_signal(signal.SIGINT)  # whoever is still connected is cut off
                process.wait(30)
                server.remove()
    for question, (few, many) in found.items():
        print(f"{many / few:5.2f}  {few:6.1f} ms → {many:6.1f} ms  {question}")
    worst = max(found, key=lambda q: found[q][1] / found[q][0])
    print(f"worst ratio {SIZES[1]:,} : {SIZES[0]:,} = {found[worst][1] / found[worst][0]:.2f} ({worst})")


if __name__ == "__main__":
    main()
