"""What workers are scaled by in a cluster is asked of the real tables."""

import psycopg
import pytest
import yaml

from deploy.embedded.system import ROOT

SCALED = {
    d["metadata"]["name"]: d["spec"]["triggers"][0]["metadata"]["query"]
    for d in yaml.safe_load_all((ROOT / "deploy" / "k8s" / "keda.yaml").read_text(encoding="utf-8"))
    if d["kind"] == "ScaledObject"
}


@pytest.mark.parametrize(("worker", "topic"), [("documents", "render_document"), ("notify-worker", "notify")])
def test_age_of_the_oldest_row_that_is_owed(database_url: str, worker: str, topic: str) -> None:
    other = {"render_document": "notify", "notify": "render_document"}[topic]
    with psycopg.connect(database_url) as connection:

        def age() -> float:
            [value] = connection.execute(SCALED[worker]).fetchone() or ()
            return float(value)

        def owe(topic: str, seconds: int, **marks: bool) -> None:
            columns = "".join(f", {name}" for name in marks)
            values = ", now()" * len(marks)
            connection.execute(
                "INSERT INTO applications.outbox (id, topic, due_key, payload, priority, starts, created_at"
                f"{columns}) VALUES (gen_random_uuid(), %s, gen_random_uuid()::text, '{{}}', 50, 0,"
                f" now() - make_interval(secs => %s){values})",
                (topic, seconds),
            )

        assert age() == 0
        owe(other, 500)
        owe(topic, 400, done_at=True)
        owe(topic, 300, parked_at=True)
        assert age() == 0
        owe(topic, 90)
        owe(topic, 30)
        assert 89 < age() < 95
        connection.rollback()
