"""The crowd: `python -m tests.load.rehearsal.play folder`. A locust process of its own, headless: it reads
`crowd.json`, gathers, writes `gathered`, waits for `night.json` to say when the night begins, and writes `steps.jsonl`.

Every enterprise is a locust user that sleeps until each of its steps is due. A step's latency is counted from when
it was due, whatever kept it: the system's last answer as much as this one.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from datetime import UTC, datetime, timedelta  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
from gevent.event import Event  # noqa: E402
from locust import FastHttpUser, events, task  # noqa: E402
from locust.env import Environment  # noqa: E402
from locust.exception import StopUser  # noqa: E402

from deploy.demo.files import pdf  # noqa: E402
from deploy.demo.values import REWARD_SLOTS, file_for, reward_values  # noqa: E402
from tests.load.rehearsal.browser import Browser, Refused  # noqa: E402
from tests.load.rehearsal.plan import PASSWORD  # noqa: E402

# The slot that gets each enterprise's large file.
LARGE = "financial_statements"
OPINIONS = [{"section": "fund_plan", "field": "bank_name", "text": "开户银行请填写全称。"}]


class Night:
    """What all users share: the plan, what is left of it, and where results go."""

    def __init__(self, plan: dict[str, Any], out: Path) -> None:
        self.crowd = list(plan["crowd"])
        self.returns = [float(at) for at in plan["returns"]]
        self._out = out.open("w", encoding="utf-8")
        self._known = Event()
        self.begins = 0.0
        self.round_id = ""

    def begin(self, said: dict[str, Any]) -> None:
        """Now everybody knows when it begins, and which round it is about."""
        self.begins = float(said["begins"])
        self.round_id = str(said["round_id"])
        self._known.set()

    def wait(self) -> None:
        self._known.wait()

    def write(self, **line: Any) -> None:
        self._out.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._out.close()


class _Player(FastHttpUser):
    """Plays steps when they are due."""

    abstract = True
    network_timeout = 90.0
    connection_timeout = 30.0
    night: Night

    def on_start(self) -> None:
        self.chance = random.Random(id(self))
        self.answers: list[dict[str, Any]] = []
        self.browser = Browser(self.client, self.answers.append, self.chance)

    def at(self, due: float, step: str, who: int, act: Any, of: str = "") -> bool:
        """Do one step when it is due, `of` a section; whether it was done."""
        night = self.night
        night.wait()
        gevent.sleep(max(0.0, night.begins + due - time.time()))
        began = time.time() - night.begins
        self.answers.clear()
        fault, told = "", None
        try:
            told = act()
        except (Refused, KeyError, ValueError) as error:
            fault = f"{type(error).__name__}: {error}"[:500]
        ended = time.time() - night.begins
        night.write(
            step=step, of=of, who=who, due=round(due, 3), began=round(began, 3), ended=round(ended, 3), fault=fault,
            told=told, answers=[[a["status"], bool(a["retry_after"])] for a in self.answers],
            refused=[round(a["at"] - night.begins, 1) for a in self.answers if a["status"] == 503],
        )  # fmt: skip
        self.environment.events.request.fire(
            request_type="step", name=step, response_time=(ended - due) * 1000, response_length=0,
            exception=fault or None, context={},
        )  # fmt: skip
        return not fault


class Applicant(_Player):
    """One enterprise's evening."""

    def on_start(self) -> None:
        super().on_start()
        self.id = ""
        self.etags: dict[str, str] = {}
        self.files: dict[str, list[str]] = {slot: [] for slot in REWARD_SLOTS}
        self.receipt: dict[str, Any] = {}

    @task
    def evening(self) -> None:
        if not self.night.crowd:
            raise StopUser
        self.me = self.night.crowd.pop()
        for step, argument, due in self.me["steps"]:
            act = getattr(self, f"do_{step}")
            if not self.at(due, step, self.me["number"], lambda act=act, of=argument: act(of), argument):
                # Whoever is stopped here cannot go on; the step is counted as failed, and so is the evening.
                break
        raise StopUser

    def _path(self, rest: str = "") -> str:
        return f"/applications/{self.id}{rest}"

    def do_sign_in(self, _: str) -> None:
        self.browser.sign_in(self.me["username"], PASSWORD)

    def do_projects(self, _: str) -> None:
        self.browser.page("/projects")

    def do_create(self, _: str) -> None:
        made = self.browser.api("POST", "/applications", {"round_id": self.night.round_id}, key=True).json()
        self.id = made["id"]

    def do_open(self, section: str) -> None:
        self.etags[section] = self.browser.tag(self._path(f"/sections/{section}"))

    def _values(self, section: str) -> dict[str, Any]:
        values: dict[str, Any] = reward_values(self.files, name=f"演练项目{self.me['number']:05d}")[section]
        if section == "company":
            values |= {"org_name": self.me["name"], "uscc": self.me["uscc"]}
        return values

    def do_autosave(self, section: str) -> None:
        body = {"values": self._values(section)}
        kept = self.browser.api("PUT", self._path(f"/sections/{section}/draft"), body, etag=self.etags[section])
        self.etags[section] = str(kept.json()["etag"])

    def do_attach(self, section: str) -> None:
        for slot, place in REWARD_SLOTS.items():
            if place != section:
                continue
            where = self._path(f"/attachments?section={section}&slot={slot}")
            answer = self.browser.api("POST", where, upload=lambda slot=slot: self._file(slot))  # type: ignore[misc]
            self.files[slot] = [answer.json()["id"]]

    def _file(self, slot: str) -> tuple[str, bytes]:
        name, content = file_for(slot)
        return name, pdf(self.me["username"], weight=self.me["file_bytes"]) if slot == LARGE else content

    def do_save(self, section: str) -> None:
        body = {"values": self._values(section)}
        saved = self.browser.api("PUT", self._path(f"/sections/{section}"), body, etag=self.etags[section])
        self.etags[section] = str(saved.json()["etag"])

    def do_look_over(self, _: str) -> None:
        self.version = self.browser.tag(self._path("/submit"))

    def do_submit(self, _: str) -> dict[str, Any]:
        answer = self.browser.api("POST", self._path("/submit"), {}, etag=self.version, key=True)
        self.receipt = answer.json()["receipt"]
        return {"application": self.id, **self.receipt}

    def do_submit_late(self, _: str) -> str:
        # Somebody who had not opened the page in time has no ticket.
        self.browser.ticket = ""
        answer = self.browser.api("POST", self._path("/submit"), {}, etag=self.version, key=True, final=(409,))
        if answer.status_code != 409 or answer.json()["type"] != "round_closed":
            raise Refused(f"a submission after the close was answered {answer.status_code} {answer.text[:200]}")
        return "round_closed"

    def do_receipt(self, _: str) -> None:
        self.browser.page(self._path(f"/receipt/{self.receipt['revision']}"))

    def do_pdf(self, _: str) -> str:
        """生成PDF, and a look or two; whoever has to wait longer comes back another day."""
        path = self._path(f"/revisions/{self.receipt['revision']}/pdf")
        answer = self.browser.api("POST", path, {})
        for _look in range(2):
            if answer.status_code == 200:
                return "ready"
            gevent.sleep(min(float(answer.headers.get("retry-after") or 2), 10))
            answer = self.browser.api("GET", path)
        return "ready" if answer.status_code == 200 else "waiting"


class Reviewer(_Player):
    """Returns some of what has come in."""

    fixed_count = 1

    @task
    def evening(self) -> None:
        self.night.wait()
        self.browser.sign_in("shencha", "Demo#2024")
        for number, due in enumerate(self.night.returns):
            self.at(due, "return", number, self._return_one)
        raise StopUser

    def _return_one(self) -> str:
        # When the machine is behind, the first applications come late: who finds none looks again.
        for _look in range(30):
            found = self.browser.api("GET", "/review/applications?state=pending_acceptance").json()["items"]
            if mine := [a for a in found if a["round_id"] == self.night.round_id]:
                break
            gevent.sleep(1)
        else:
            return "nothing to return"
        id = self.chance.choice(mine)["id"]
        leased = self.browser.api("POST", f"/review/applications/{id}/lease", {}).json()
        body = {"correct_by": (datetime.now(UTC) + timedelta(days=7)).isoformat(), "opinions": OPINIONS}
        self.browser.api("POST", f"/review/applications/{id}/return", body, etag=str(leased["version"]))
        return str(id)


def main() -> None:
    folder = Path(sys.argv[1])
    plan = json.loads((folder / "crowd.json").read_text(encoding="utf-8"))
    night = Night(plan, folder / "steps.jsonl")
    _Player.night = night
    count = len(night.crowd) + 1
    environment = Environment(user_classes=[Applicant, Reviewer], host=plan["url"], events=events)
    runner = environment.create_local_runner()
    runner.start(count, spawn_rate=1000)
    while runner.user_count < count:
        gevent.sleep(0.05)
    (folder / "gathered").touch()
    said = folder / "night.json"
    while not said.exists():
        gevent.sleep(0.05)
    night.begin(json.loads(said.read_text(encoding="utf-8")))
    until = night.begins + float(plan["seconds"]) + float(plan["patience"])
    while time.time() < until and runner.user_count:
        gevent.sleep(0.2)
    runner.quit()
    night.close()


if __name__ == "__main__":
    main()
