"""What workers are scaled by in a cluster is asked of the real tables, by the role of the runbook."""

import re
from collections.abc import Iterator

import psycopg
import pytest
import yaml

from deploy.embedded.system import ROOT

SCALED = {
    (d["metadata"]["name"], trigger["name"]): trigger["metadata"]["query"]
    for d in yaml.safe_load_all((ROOT / "deploy" / "k8s" / "keda.yaml").read_text(encoding="utf-8"))
    if d["kind"] == "ScaledObject"
    for trigger in d["spec"]["triggers"]
}
RUNBOOK = (ROOT / "docs" / "operating" / "install.md").read_text(encoding="utf-8")


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A transaction in which the runbook's role is there; nothing of it stays."""
    [statements] = re.findall(r"```sql\n(CREATE ROLE gongmei_scaling.*?)```", RUNBOOK, flags=re.S)
    with psycopg.connect(database_url) as opened:
        opened.execute(statements)
        yield opened
        opened.rollback()


def _asked(connection: psycopg.Connection[tuple[object, ...]], worker: str, trigger: str) -> float:
    connection.execute("SET LOCAL ROLE gongmei_scaling")
    [value] = connection.execute(SCALED[worker, trigger]).fetchone() or ()
    connection.execute("RESET ROLE")
    return float(str(value))


def _owe(connection: psycopg.Connection[tuple[object, ...]], topic: str, seconds: int, **marks: str) -> None:
    columns = "".join(f", {name}" for name in marks)
    values = "".join(f", {value}" for value in marks.values())
    connection.execute(
        "INSERT INTO applications.outbox (id, topic, due_key, payload, priority, starts, created_at"
        f"{columns}) VALUES (gen_random_uuid(), %s, gen_random_uuid()::text, '{{}}', 50, 0,"
        f" now() - make_interval(secs => %s){values})",
        (topic, seconds),
    )


@pytest.mark.parametrize(("worker", "topic"), [("documents", "render_document"), ("notify-worker", "notify")])
def test_age_of_the_oldest_row_that_is_owed(
    connection: psycopg.Connection[tuple[object, ...]], worker: str, topic: str
) -> None:
    other = {"render_document": "notify", "notify": "render_document"}[topic]
    assert _asked(connection, worker, "owed") == 0
    _owe(connection, other, 500)
    _owe(connection, topic, 400, done_at="now()")
    _owe(connection, topic, 300, parked_at="now()")
    assert _asked(connection, worker, "owed") == 0
    _owe(connection, topic, 90)
    _owe(connection, topic, 30, published_at="now()")
    assert 89 < _asked(connection, worker, "owed") < 95


@pytest.mark.parametrize(
    ("worker", "topic", "most"), [("documents", "render_document", 20), ("notify-worker", "notify", 60)]
)
def test_a_broker_that_is_away_asks_for_no_more_workers(
    connection: psycopg.Connection[tuple[object, ...]], worker: str, topic: str, most: int
) -> None:
    """Two are always there, and two is what it asks for."""
    _owe(connection, topic, 4000, published_at="now() - interval '10 minutes'")
    assert _asked(connection, worker, "owed") == most


@pytest.mark.parametrize(
    ("closes", "published", "asked"),
    [("19 minutes", "now()", 8), ("-29 minutes", "now()", 8), ("21 minutes", "now()", 0), ("-31 minutes", "now()", 0),
     ("19 minutes", "NULL", 0)],
)  # fmt: skip
def test_workers_are_there_before_a_round_closes(
    connection: psycopg.Connection[tuple[object, ...]], closes: str, published: str, asked: int
) -> None:
    connection.execute(
        "INSERT INTO applications.rounds (id, fund_type, form_version, title, opens_at, closes_at, parameters, published_at, version)"
        f" VALUES (gen_random_uuid(), 'reward', 1, '批次', now() - interval '9 days', now() + interval '{closes}', '{{}}',"
        f" {published}, 1)"
    )
    assert _asked(connection, "documents", "closing") == asked
