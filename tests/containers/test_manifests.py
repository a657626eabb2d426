"""Every Deployment, Job and CronJob of deploy/k8s as a container with the manifest's own words: the migrations, then what serves,
then a backup and its restore. The tests go in order."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from deploy.embedded.system import ROOT
from tests.architecture.manifests import filled_in, in_cluster, pods
from tests.containers.conftest import FOLDER, NEW
from tests.containers.engine import PYTHON, Engine
from tests.containers.pods import Pod
from tests.production.servers import BUCKET

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

NETWORK = "cluster"
MIGRATIONS = ("gateway-migrate", "applications-migrate", "notify-migrate")
# As nobody waits for another.
SERVING = ("gateway", "applications", "relay", "documents", "notify", "notify-worker", "synthetic")
# What an installation says where it is to run.
SAID = {"synthetic": {"GM_SYNTHETIC_EMAIL": "nobody@example.gov.cn"}}
# Whoever works with the broker says so; who answers people goes on without it.
WITH_BROKER = {"relay", "documents", "notify-worker"}
OWNER = "postgresql://owner:password@db:5432"
STORE = {
    "AWS_ENDPOINT_URL": "http://s3:9000", "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
}  # fmt: skip
GROUP = 10001


@dataclass
class Cluster:
    """What an office has beside the manifests: PostgreSQL, two Valkeys, an S3, a claim for backups."""

    engine: Engine
    folder: Path
    running: dict[str, Pod] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=filled_in)

    def begin(self) -> None:
        for name in self._names():
            self.engine.tried("docker", "rm", "--force", "--volumes", name)
        self.engine.tried("docker", "network", "rm", NETWORK)
        self.engine.do("docker", "network", "create", "--internal", NETWORK)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        # As a cluster gives a claim to the pod's `fsGroup`.
        os.chown(self.folder, 0, GROUP)
        self.folder.chmod(0o2775)
        self._server(
            "db", "stand-in/postgres:1.0", "--env=POSTGRES_USER=owner", "--env=POSTGRES_PASSWORD=password",
            "--env=POSTGRES_DB=gongmei", "--env=POSTGRES_INITDB_ARGS=--encoding=UTF8",
        )  # fmt: skip
        for name in ("broker", "cache"):
            self._server(
                name, "stand-in/valkey:1.0", "--user=999:999", command=("valkey-server", "--protected-mode", "no")
            )
        packages = ROOT / ".venv/lib/python3.11/site-packages"
        self._server(
            "s3", PYTHON, f"--volume={ROOT}:{ROOT}:ro", f"--env=PYTHONPATH={packages}",
            command=("python3", "-m", "moto.server", "-H", "0.0.0.0", "-p", "9000"),
        )  # fmt: skip
        until = time.monotonic() + 120
        while self.engine.tried("docker", "exec", "db", "pg_isready", "-h", "127.0.0.1", "-U", "owner")[0]:
            assert time.monotonic() < until
            time.sleep(1)

    def _server(self, name: str, image: str, *options: str, command: tuple[str, ...] = ()) -> None:
        self.engine.do(
            "docker", "run", "--detach", "--name", name, "--network", NETWORK, *options, image, *command
        )  # fmt: skip

    def _names(self) -> list[str]:
        return ["db", "broker", "cache", "s3", *(name for name, _, _ in pods())]

    def end(self) -> None:
        for name in self._names():
            self.engine.tried("docker", "rm", "--force", "--volumes", name)
        self.engine.tried("docker", "network", "rm", NETWORK)

    def make_bucket(self, name: str) -> None:
        form = f'{{{{(index .NetworkSettings.Networks "{NETWORK}").IPAddress}}}}'
        address = self.engine.do("docker", "inspect", "--format", form, "s3").strip()
        httpx.put(f"http://{address}:9000/{name}", trust_env=False, timeout=30).raise_for_status()

    def start(self, name: str, **changed: str) -> Pod:
        """A pod, told what the runbook's secrets hold."""
        [(_, spec, labels)] = [one for one in pods() if one[0] == name]
        _, environment = in_cluster(spec, self.made)
        pod = Pod(self.engine, name, spec, labels, NETWORK)
        stored = STORE if labels.get("store") == "yes" else {}
        pod.start(NEW, environment | stored | changed, {"backups": self.folder})
        self.running[name] = pod
        return pod

    def rows(self, database: str) -> str:
        """What a backup must bring back: every table with the number of its rows."""
        count = (
            "SELECT string_agg(format('%s.%s %s', table_schema, table_name, (xpath('/row/n/text()', query_to_xml(format("
            "'SELECT count(*) AS n FROM %I.%I', table_schema, table_name), false, true, '')))[1]), E'\\n' "
            "ORDER BY table_schema, table_name) FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema IN ('applications', 'gateway', 'notify')"
        )
        return self.sql(database, count)

    def sql(self, database: str, text: str) -> str:
        return self.engine.do("docker", "exec", "db", "psql", "-U", "owner", "-d", database, "-XAtc", text)


@pytest.fixture(scope="module")
def cluster(engine: Engine) -> Iterator[Cluster]:
    made = Cluster(engine, FOLDER / "claim")
    made.begin()
    try:
        yield made
    finally:
        made.end()


def test_migrations_complete(cluster: Cluster) -> None:
    assert {n for n, _, _ in pods()} == {*MIGRATIONS, *SERVING, "backup", "restore"}
    for name in MIGRATIONS:
        cluster.start(name)
    for name in MIGRATIONS:
        cluster.running[name].complete(300)
    # Again, as at a release that changes nothing.
    cluster.engine.do("docker", "rm", "applications-migrate")
    cluster.start("applications-migrate").complete(300)


def test_probes_tell_the_truth(cluster: Cluster) -> None:
    engine = cluster.engine
    with engine.inside():
        started = {name: cluster.start(name, **SAID.get(name, {})) for name in SERVING}
        for pod in started.values():
            pod.until("startupProbe")
        for name in ("gateway", "applications", "notify"):
            assert started[name].holds("livenessProbe"), name
        # Without a bucket nothing can be kept; that is nobody else's trouble.
        assert not started["applications"].holds("readinessProbe")
        cluster.make_bucket(BUCKET)
        for pod in started.values():
            pod.until("readinessProbe")

        engine.do("docker", "stop", "--time", "1", "broker")
        for name in sorted(WITH_BROKER):
            started[name].until("readinessProbe", holds=False)
        for name in ("gateway", "applications", "notify"):
            assert started[name].holds("readinessProbe"), name
            assert started[name].holds("livenessProbe"), name
        engine.do("docker", "start", "broker")
        for name in sorted(WITH_BROKER):
            started[name].until("readinessProbe")

        engine.do("docker", "pause", "db")
        for name in ("gateway", "applications", "relay", "notify"):
            started[name].until("readinessProbe", holds=False)
        # A restart would not bring the database back.
        assert all(started[name].holds("livenessProbe") for name in ("gateway", "applications", "notify"))
        engine.do("docker", "unpause", "db")
        for pod in started.values():
            pod.until("readinessProbe")


def test_backup_and_restore(cluster: Cluster) -> None:
    engine = cluster.engine
    with engine.inside():
        engine.do("docker", "exec", "applications", "python", "-m", "services.applications", "seed")
        before = cluster.rows("gongmei")
        assert "applications.rounds 0" not in before
        cluster.start("backup", GM_DATABASE_URL=f"{OWNER}/gongmei").complete(300)
        [manifest] = cluster.folder.glob("*/manifest.json")
        assert manifest.stat().st_gid == GROUP
        cluster.sql("postgres", "CREATE DATABASE restored")
        cluster.make_bucket("restored")
        elsewhere = {"GM_DATABASE_URL": f"{OWNER}/restored", "GM_STORE_URL": "s3://restored"}
        cluster.start("restore", **elsewhere).complete(300)
        assert cluster.rows("restored") == before
        # Twice would be the end of what is there.
        engine.do("docker", "rm", "restore")
        again = cluster.start("restore", **elsewhere)
        with pytest.raises(AssertionError):
            again.complete(300)
        assert cluster.rows("restored") == before


def test_everything_ends_within_its_grace(cluster: Cluster) -> None:
    codes = {name: cluster.running[name].stop() for name in SERVING}
    assert codes == dict.fromkeys(SERVING, 0)
