"""Let happen what a night must stand: a gateway that is killed in the last minutes, and an extension of the round once it has closed."""

import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import psycopg

from deploy.demo.client import Person, Unexpected
from shared import clock
from tests.load.rehearsal.plan import PASSWORD, Enterprise, Options
from tests.system.running import RunningSystem, submit

REASON = "演练：截止前系统拥堵"
# Within which every page says that the round was extended.
SEEN_SECONDS = 5.0
GIVE_UP_SECONDS = 30.0


@dataclass
class Killed:
    """One of several gateways, killed so many seconds before the close; how often it was started again until the night was over."""

    name: str
    before: float
    restarts: int = 0


@dataclass
class Extended:
    """An extension for drafts that were begun before the close: how many enterprises, after how many seconds one of them saw it, whether the first
    could be proposed and confirmed by one person, and how many of those who had come too late with everything saved were taken then."""

    enterprises: int
    seen_after: float
    confirmed_by_another: bool
    asked: int
    taken: int


def kill_gateway(options: Options, system: RunningSystem, begins: float) -> Killed:
    """Kill one of the gateways when its time has come; nobody stops it first."""
    name = "gateway-1" if options.gateways > 1 else "gateway"
    time.sleep(max(0.0, begins + options.seconds - options.kill_gateway - time.time()))
    system.kill(name)
    return Killed(name, options.kill_gateway)


def restarts(system: RunningSystem, killed: Killed) -> Killed:
    """Return the same with how often the gateway was started again."""
    killed.restarts = int(system.description()["processes"][killed.name]["restarts"])
    return killed


def extend(
    options: Options, system: RunningSystem, database_url: str, round_id: str, crowd: list[Enterprise]
) -> dict[str, Any]:
    """Extend the round for drafts that were begun before its close: proposed by an operator, confirmed by an officer. Then those hand in who
    came too late with everything saved."""
    operator, officer = system.person("yunwei"), system.person("yewu")
    with psycopg.connect(database_url) as connection:
        query = "SELECT closes_at FROM applications.rounds WHERE id = %s"
        [closes_at] = connection.execute(query, [round_id]).fetchone() or [None]
    assert closes_at is not None
    until = clock.now() + timedelta(minutes=options.extend)
    body = {
        "whom": "drafts",
        "begun_before": closes_at.isoformat(),
        "until": until.isoformat(),
        "reason": REASON,
    }
    proposed = operator.call("POST", f"/rounds/{round_id}/class-extensions", json=body, expect=202).json()
    path = f"/confirmations/{proposed['id']}/confirm"
    own = operator.call("POST", path, json={}, expect=(204, 409)).status_code
    late = [enterprise for enterprise in crowd if enterprise.steps[-1][0] == "submit_late"]
    people = [_signed_in(system, enterprise) for enterprise in late]
    officer.call("POST", path, json={})
    confirmed = time.monotonic()
    while not _sees_it(people[0], round_id, closes_at.isoformat()):
        if time.monotonic() - confirmed > GIVE_UP_SECONDS:
            raise Unexpected("nobody sees that the round was extended")
        time.sleep(0.1)
    seen_after = time.monotonic() - confirmed
    taken = sum(_hands_in(person) for person in people)
    with psycopg.connect(database_url) as connection:
        query = "SELECT cardinality(enterprises) FROM applications.class_extensions WHERE round_id = %s"
        [enterprises] = connection.execute(query, [round_id]).fetchone() or [0]
    for person in people:
        person.close()
    found = Extended(enterprises, round(seen_after, 1), own == 409, len(people), taken)
    return asdict(found)


def _signed_in(system: RunningSystem, enterprise: Enterprise) -> Person:
    person = Person(system.url, enterprise.username, lambda _: None)
    person.sign_in(PASSWORD, "8888")
    return person


def _sees_it(person: Person, round_id: str, closes_at: str) -> bool:
    [draft] = person.call("GET", "/applications", params={"state": "draft"}).json()["items"]
    assert draft["round_id"] == round_id
    return bool(draft["closes_at"] > closes_at)


def _hands_in(person: Person) -> bool:
    """Whether a draft with everything saved is taken now."""
    [draft] = person.call("GET", "/applications", params={"state": "draft"}).json()["items"]
    try:
        return bool(submit(person, str(draft["id"]))["receipt"]["number"])
    except Unexpected:
        return False
