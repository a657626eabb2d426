"""The deployment as an operator has it: from empty volumes through kills, an upgrade and a restore, in production mode.

The tests of this file share one installation and go in order. Servers stand in for the registry's (images/Dockerfile).
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.story import Story, Teller
from deploy.embedded.system import ROOT
from tests.containers.conftest import FOLDER, NEW, OLD, nothing
from tests.containers.engine import IMAGES, Engine
from tests.containers.installation import MAIL_PAGE, PORTAL, Installation
from tests.containers.load import Crowd
from tests.containers.people import ForeignPerson

# Images are built, and a dozen containers start where a machine may be busy.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

PEOPLE = ("qiye1", "qiye1")
# In the order of the machine's worst hour.
KILLED = (
    "cache", "broker", "documents", "relay", "notify-worker", "notify", "applications", "gateway", "balancer", "tls", "postgres",
)  # fmt: skip
SETTLE_SECONDS = 120


@pytest.fixture(scope="module")
def installation(engine: Engine) -> Iterator[Installation]:
    """By the runbook, from empty volumes."""
    made = Installation(engine, FOLDER / "installation", OLD)
    made.prepare()
    # Crowds of one enterprise, and little patience with what was in hand when a process died.
    made.set(
        GM_DRAFTS_PER_ROUND="5000", GM_CALLS_PER_MINUTE="6000", GM_NOTIFY_PER_ADDRESS="100000",
        GM_NOTIFY_PER_ENTERPRISE="100000", GM_PUBLISH_LEASE_SECONDS="3", GM_JOB_LEASE_SECONDS="8",
        GM_NOTIFY_RETRY_SECONDS="0.5",
    )  # fmt: skip
    made.compose("--profile", "standby", "down", "--volumes", "--timeout", "5")
    made.up()
    made.execute("gateway", "python", "-m", "services.gateway", "staff", "set", "yunwei", "余运维", "operator")
    made.execute("gateway", "python", "-m", "services.gateway", "staff", "set", "shencha", "陈审查", "reviewer")
    made.execute("applications", "python", "-m", "services.applications", "seed")
    try:
        yield made
    finally:
        made.compose("--profile", "standby", "down", "--volumes", "--timeout", "10")


@contextmanager
def _crowd(person: Callable[..., ForeignPerson], ready: int) -> Iterator[Crowd]:
    people = [person(PORTAL, name, nothing) for name in PEOPLE]
    try:
        for one in people:
            one.sign_in()
        yield Crowd(people, ready)
    finally:
        for one in people:
            one.close()


def _clean(installation: Installation) -> dict[str, Any]:
    """`reconcile`, once what is under way has settled."""
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        command = installation.command(
            "exec", "--no-TTY", "applications", "python", "-m", "services.applications", "reconcile"
        )
        code, said = installation.engine.tried(*command)
        if code == 0:
            report: dict[str, Any] = json.loads(said[said.index("{") :])
            assert report["clean"], report
            return report
        assert time.monotonic() < until, said
        time.sleep(2)


def _audits_whole(installation: Installation) -> None:
    for service in ("gateway", "applications"):
        installation.execute(service, "python", "-m", f"services.{service}", "audit-verify")


def test_story_is_told_from_empty_volumes(
    installation: Installation, person: Callable[..., ForeignPerson], tmp_path: Path
) -> None:
    with installation.engine.inside():
        Story(PORTAL, MAIL_PAGE, Teller(nothing, nothing, tmp_path), person).tell()
        operator = person(PORTAL, "yunwei", nothing)
        assert operator.sign_in()["roles"] == ["operator"]
        operator.close()
    _clean(installation)


def test_ninety_people_of_ninety_addresses_sign_in_within_a_minute(
    installation: Installation, person: Callable[..., ForeignPerson]
) -> None:
    """Behind the proxy everybody counts for himself; what somebody says of himself before it does not."""
    one = person(PORTAL, "qiye1", nothing)
    with installation.engine.inside(), one.another() as http:
        statuses = [
            http.get("/login", headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(1, 91)
        ]
    one.close()
    assert statuses == [303] * 90


def test_body_as_large_as_a_form_reaches_the_gateway(
    installation: Installation, person: Callable[..., ForeignPerson]
) -> None:
    with installation.engine.inside():
        one = person(PORTAL, "qiye1", nothing)
        one.sign_in()
        # One megabyte more than a file may have: the refusal is the gateway's, with its code.
        answer = one.send(
            "POST", "/applications/00000000-0000-4000-8000-000000000000/attachments",
            params={"section": "company", "slot": "licence"}, headers={"X-CSRF-Token": one.csrf_token},
            files={"file": ("大.pdf", b"%PDF-" + bytes(51 * 2**20))},
        )  # fmt: skip
        assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text[:300]
        one.close()


def test_each_container_is_killed_in_turn_under_load(
    installation: Installation, person: Callable[..., ForeignPerson]
) -> None:
    installation.up("--no-recreate", "--scale", "documents=3", "--scale", "gateway=2")
    assert len(installation.running("documents")) == 3
    engine = installation.engine
    with engine.inside(), _crowd(person, ready=3) as crowd:
        with crowd:
            for service in KILLED:
                name = installation.running(service)[0]
                # As a crash, and not as a stop that somebody asked for.
                process = engine.do("docker", "inspect", "--format", "{{.State.Pid}}", name).strip()
                engine.do("kill", "-9", process)
                until = time.monotonic() + 300
                while not _back(engine, name, process):
                    assert time.monotonic() < until, f"{name} did not come back"
                    time.sleep(1)
        assert len(crowd.numbers()) == 3 * len(PEOPLE)
    _clean(installation)
    _audits_whole(installation)


def _back(engine: Engine, name: str, killed: str) -> bool:
    state = json.loads(engine.do("docker", "inspect", "--format", "{{json .State}}", name))
    running = state["Running"] and str(state["Pid"]) != killed
    return bool(running and state.get("Health", {}).get("Status", "healthy") == "healthy")


def test_upgrade_without_a_failed_request(
    installation: Installation, person: Callable[..., ForeignPerson], capsys: pytest.CaptureFixture[str]
) -> None:
    engine = installation.engine
    installation.set(GM_RELEASE=NEW)
    files = f"{ROOT / 'deploy/compose.yaml'}:{ROOT / 'tests/containers/outside.yaml'}"
    with engine.inside(), _crowd(person, ready=4) as crowd:
        began = time.monotonic()
        with crowd:
            said = engine.do(
                "env", f"COMPOSE_FILE={files}", "COMPOSE_PROFILES=tls", str(ROOT / "deploy/upgrade.sh"),
                str(installation.file), seconds=1800,
            )  # fmt: skip
        took = time.monotonic() - began
        with capsys.disabled():
            print(  # noqa: T201
                f"\nupgrade of every service in {took:.0f} s: {crowd.answered} requests, {len(crowd.failed)} failed,"
                f" the slowest {crowd.slowest:.1f} s"
            )
        assert crowd.failed == [], said
        assert len(crowd.numbers()) == 4 * len(PEOPLE)
    running = [
        c for c in installation.containers() if c["State"] == "running" and c["Image"].startswith("gongmei/")
    ]
    # PostgreSQL has a version of its own, and is no part of an upgrade.
    ours = [c for c in running if not c["Image"].startswith("gongmei/postgres:")]
    assert {c["Image"].rpartition(":")[2] for c in ours} == {NEW}
    assert len([c for c in ours if c["Service"] == "gateway"]) == 2
    _clean(installation)


def test_synthetic_applicant_walks_the_whole_way(installation: Installation) -> None:
    """With its profile it is there in the new release, through the balancer, as long as its settings name an address."""
    installation.set(GM_SYNTHETIC_EMAIL="nobody@example.com", GM_SYNTHETIC_SECONDS="5")
    profile = ("--profile", "synthetic")
    installation.compose(*profile, "up", "--detach", "--no-build", "--wait", "synthetic")
    question = "SELECT outcome, step, reason FROM identity.synthetic_runs ORDER BY id DESC LIMIT 1"
    ask = ("exec", "--no-TTY", "postgres", "psql", "-U", "gongmei", "-d", "gongmei", "-XAtc", question)
    until = time.monotonic() + SETTLE_SECONDS
    while (said := installation.compose(*ask).strip()) != "well||":
        assert time.monotonic() < until, said
        time.sleep(1)
    installation.compose(*profile, "rm", "--stop", "--force", "synthetic")
    _clean(installation)


def test_database_comes_back_as_it_was_at_a_moment(
    installation: Installation, person: Callable[..., ForeignPerson]
) -> None:
    """Database and store are lost; the archive and the objects' pool lie elsewhere."""
    with installation.engine.inside(), _crowd(person, ready=2) as crowd, crowd:
        time.sleep(5)
    counts = _clean(installation)["counts"]
    installation.execute("archive", "archive", "backup")
    installation.compose("run", "--rm", "backup", "objects", "--to", "/backups")
    moment = datetime.now(UTC).isoformat(sep=" ", timespec="milliseconds")
    time.sleep(1)
    with installation.engine.inside(), _crowd(person, ready=1) as crowd, crowd:
        time.sleep(5)
    assert _clean(installation)["counts"] != counts
    installation.compose("down", "--timeout", "30")
    restored = Installation(installation.engine, installation.folder, NEW, project="moment")
    try:
        said = restored.engine.tried(*restored.command("run", "--rm", "point-in-time", moment))
        assert said[0] == 0, said
        restored.compose("run", "--rm", "backup", "restore-objects", "--to", "/backups")
        restored.up()
        assert _clean(restored)["counts"] == counts
        # Twice into the same volume would be the end of what is there.
        code, words = restored.engine.tried(*restored.command("run", "--rm", "point-in-time", moment))
        assert code != 0
        assert "is not empty" in words
    finally:
        restored.compose("down", "--volumes", "--timeout", "10")


def test_standby_takes_over(installation: Installation, person: Callable[..., ForeignPerson]) -> None:
    # What was restored above wrote on in the same archive; this one begins a new one.
    installation.set(GM_ARCHIVE_FOLDER=str(installation.folder / "archive-of-two"))
    installation.set(GM_DATABASE_HOSTS="postgres,standby")
    installation.up()
    installation.compose("--profile", "standby", "up", "--detach", "--no-build", "--wait", "standby")
    installation.set(GM_SYNCHRONOUS_STANDBY="standby")
    installation.compose("up", "--detach", "--no-build", "--no-deps", "--wait", "postgres")
    engine = installation.engine
    files = f"{ROOT / 'deploy/compose.yaml'}:{ROOT / 'tests/containers/outside.yaml'}"
    with engine.inside(), _crowd(person, ready=3) as crowd:
        with crowd:
            time.sleep(5)
            engine.do("docker", "kill", installation.running("postgres")[0])
            engine.do(
                "env", f"COMPOSE_FILE={files}", "COMPOSE_PROFILES=tls,standby", str(ROOT / "deploy/failover.sh"),
                str(installation.file),
            )  # fmt: skip
            time.sleep(10)
        assert len(crowd.numbers()) == 3 * len(PEOPLE)
        assert crowd.waited < 60
    counts = _clean(installation)["counts"]
    _audits_whole(installation)
    # Whoever starts the services anew does not wake the lost one.
    installation.compose("--profile", "standby", "up", "--detach", "--no-build", "--wait", "--wait-timeout", "300")
    assert (installation.running("postgres"), len(installation.running("standby"))) == ([], 1)
    assert _clean(installation)["counts"] == counts


def test_backup_is_restored_into_new_volumes(
    installation: Installation, person: Callable[..., ForeignPerson]
) -> None:
    counts = _clean(installation)["counts"]
    installation.compose("run", "--rm", "backup", "create", "--to", "/backups")
    [manifest] = (installation.folder / "backups").glob("*/manifest.json")
    backup = f"/backups/{manifest.parent.name}"
    installation.compose("run", "--rm", "backup", "verify", backup)
    # The machine is lost, its standby as well: another project has volumes of its own, and the same file and folder.
    installation.compose("--profile", "standby", "down", "--timeout", "30")
    restored = Installation(installation.engine, installation.folder, NEW, project="restored")
    restored.set(GM_ARCHIVE_FOLDER=str(installation.folder / "archive-of-restored"), GM_POSTGRES_REPLICAS="")
    try:
        restored.compose("run", "--rm", "backup", "restore", backup)
        restored.up()
        assert _clean(restored)["counts"] == counts
        _audits_whole(restored)
        with installation.engine.inside():
            one = person(PORTAL, "qiye1", nothing)
            one.sign_in()
            listed = one.call("GET", "/applications", params={"state": "pending_acceptance"}).json()["items"]
            assert listed
            path = f"/applications/{listed[0]['id']}/revisions/1/pdf"
            assert one.wait_for(path, 60).content.startswith(b"%PDF-")
            one.close()
    finally:
        restored.compose("down", "--volumes", "--timeout", "10")


@pytest.mark.parametrize("name", IMAGES)
def test_image_belongs_to_nobody_who_may_write(engine: Engine, name: str) -> None:
    image = f"gongmei/{name}:{NEW}"
    writable = "find / -xdev -type f -perm -0002 -not -path '/proc/*'; find /app /venv -writable"
    assert (
        engine.do("docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", writable) == ""
    )
    [found] = json.loads(engine.do("docker", "image", "inspect", image))
    assert found["Config"]["User"] == "10001:10001"
    assert found["Config"]["Labels"]["org.opencontainers.image.version"] == NEW
    # What it is made of is said in it.
    listed = engine.do(
        "docker", "run", "--rm", "--network", "none", "--entrypoint", "cat", image, "/app/libraries.cdx.json"
    )
    assert {"pydantic", "pydantic-settings"} <= {part["name"] for part in json.loads(listed)["components"]}
    # Nothing is compiled at a start.
    count = "find /app -name '*.py' -size +0 | wc -l; find /app -name '*.pyc' | wc -l"
    said = engine.do("docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", count)
    sources, compiled = map(int, said.split())
    assert compiled >= sources > 10
