"""Applicants and reviewers play against the service; a small model says what must be true after every move."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from deploy.demo.client import authorities
from services.applications.app import create_app
from services.applications.core.context import SESSIONS
from services.applications.rounds.seed import seed
from shared import clock
from shared.identity import Actor, Role, Signer
from tests import factories
from tests.integration.applications.conftest import make_settings

SECTIONS = ("contact", "company", "project_content", "fund_plan", "social_benefit", "commitment")
ENTERPRISES = (factories.ENTERPRISE_1, factories.ENTERPRISE_2)
REVIEWERS = ("甲", "乙")


@dataclass
class Model:
    """What an application should be."""

    enterprise: int
    state: str = "draft"
    saved: set[str] = field(default_factory=set)
    drafts: set[str] = field(default_factory=set)
    revisions: int = 0
    number: str | None = None
    before: str = "draft"
    returned_from: str = ""
    unlocked: set[str] = field(default_factory=set)
    unanswered: int = 0
    seen: bool = False
    # What a return asked for; one that was taken back leaves it noted for the next.
    asked: set[str] = field(default_factory=set)
    noted: set[str] = field(default_factory=set)
    lease: str | None = None
    # Whoever took the case first while it waited for a reviewer.
    assignee: str | None = None


class Service:
    """The service in a thread of its own, and calls that are signed as the gateway signs them."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False, verify=authorities())
        self._signer = Signer("gateway", factories.private_key("gateway"))
        rounds = self.call("GET", "/rounds", self.applicant(0)).json()
        self.round_id = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")

    def applicant(self, n: int) -> Actor:
        return factories.applicant(ENTERPRISES[n])

    def reviewer(self, name: str) -> Actor:
        return factories.staff(Role.REVIEWER, name)

    def call(self, method: str, path: str, who: Actor, **options: Any) -> httpx.Response:
        url = self._http.build_request(method, f"/api/v1{path}", params=options.pop("params", None)).url
        now = who.model_copy(update={"received_at": clock.now()})
        signed = self._signer.headers("applications", method, url.raw_path.decode(), now)
        answer = self._http.request(method, url, headers={**signed, **options.pop("headers", {})}, **options)
        assert answer.status_code < 500, answer.text
        return answer

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def service(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    # Every game begins drafts in the same round, for the same two enterprises: more than a person ever would.
    known = make_settings(database_url, tmp_path_factory.mktemp("properties"), drafts_per_round=10_000)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> TestServer:
        app = create_app(known)
        server = TestServer(app)
        await server.start_server()
        async with app[SESSIONS].begin() as session:
            await seed(session)
        return server

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
    made = Service(str(server.make_url("")))
    yield made
    made.close()
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


class Office(RuleBasedStateMachine):
    service: Service
    applications = Bundle("applications")

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[str, Model] = {}
        self.gone: list[tuple[str, int]] = []
        # Whose turn the last step was: the others are looked at once more when the game ends.
        self.last: str | None = None

    def _get(self, id: str, who: Actor | None = None) -> dict[str, Any]:
        who = who or self.service.reviewer("甲")
        answer = self.service.call("GET", f"/applications/{id}", who)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def _turn(self, id: str) -> Model:
        """Whose turn it is; what should be true of it."""
        self.last = id
        return self.models[id]

    def _mine(self, id: str) -> Actor:
        return self.service.applicant(self.models[id].enterprise)

    def _look(self, id: str) -> str:
        """The version, as the applicant sees it; looking at a return is seen."""
        model = self.models[id]
        model.seen = model.seen or model.state == "returned"
        return str(self._get(id, self._mine(id))["version"])

    # ---- the applicant

    @rule(target=applications, enterprise=st.integers(0, 1))
    def start(self, enterprise: int) -> str:
        made = self.service.call(
            "POST",
            "/applications",
            self.service.applicant(enterprise),
            json={"round_id": self.service.round_id},
            headers={"Idempotency-Key": uuid4().hex},
        )
        assert made.status_code == 201, made.text
        id = str(made.json()["id"])
        self.models[id] = Model(enterprise)
        self.last = id
        return id

    def _write(self, id: str, key: str, path: str, values: dict[str, Any]) -> httpx.Response:
        self._look(id)
        who = self._mine(id)
        etag = self.service.call("GET", f"/applications/{id}/sections/{key}", who).headers["ETag"]
        return self.service.call(
            "PUT",
            f"/applications/{id}/sections/{key}{path}",
            who,
            json={"values": values},
            headers={"If-Match": etag},
        )

    def _may_edit(self, model: Model, key: str) -> bool:
        return model.state == "draft" or (model.state == "returned" and key in model.unlocked)

    @rule(id=applications)
    def fill(self, id: str) -> None:
        """Everything that may be saved is saved."""
        model, who = self._turn(id), self._mine(id)
        files: dict[str, list[str]] = {}
        for slot, key in factories.REWARD_SLOTS.items():
            name, content = factories.file_for(slot)
            made = self.service.call(
                "POST",
                f"/applications/{id}/attachments?section={key}&slot={slot}",
                who,
                files={"file": (name, content)},
            )
            assert made.status_code == (201 if self._may_edit(model, key) else 409), made.text
            files[slot] = [made.json().get("id", "")]
        values = factories.reward_values(files)
        uscc, name = ENTERPRISES[model.enterprise]
        values["company"] |= {"uscc": uscc, "org_name": name}
        for key in SECTIONS:
            answer = self._write(id, key, "", values[key])
            assert answer.status_code == (200 if self._may_edit(model, key) else 409), answer.text
            if answer.status_code == 200:
                model.saved.add(key)
                model.drafts.discard(key)

    @rule(id=applications, key=st.sampled_from(SECTIONS))
    def keep_draft(self, id: str, key: str) -> None:
        model = self._turn(id)
        answer = self._write(id, key, "/draft", {})
        assert answer.status_code == (200 if self._may_edit(model, key) else 409), answer.text
        if answer.status_code == 200:
            model.drafts.add(key)

    @rule(id=applications, key=st.sampled_from(SECTIONS))
    def save_nothing(self, id: str, key: str) -> None:
        """An empty form is refused with reasons and changes nothing."""
        model = self._turn(id)
        answer = self._write(id, key, "", {})
        assert answer.status_code == (422 if self._may_edit(model, key) else 409), answer.text

    @rule(id=applications, key=st.uuids(), times=st.integers(1, 3))
    def submit(self, id: str, key: Any, times: int) -> None:
        model = self._turn(id)
        version = self._look(id)
        headers = {"If-Match": version, "Idempotency-Key": key.hex}
        answers = [
            self.service.call("POST", f"/applications/{id}/submit", self._mine(id), json={}, headers=headers)
            for _ in range(times)
        ]
        expected = self._expected_submission(model)
        assert answers[0].status_code == expected, answers[0].text
        if expected != 200:
            return
        assert all(a.json() == answers[0].json() for a in answers)
        receipt = answers[0].json()["receipt"]
        assert model.number in {None, receipt["number"]}
        assert receipt["revision"] == model.revisions + 1
        model.before, model.state, model.number = model.state, "pending_acceptance", receipt["number"]
        model.revisions += 1

    @staticmethod
    def _expected_submission(model: Model) -> int:
        if model.state not in {"draft", "returned"} or model.unanswered:
            return 409
        return 200 if not model.drafts and model.saved == set(SECTIONS) else 422

    @rule(id=applications)
    def withdraw(self, id: str) -> None:
        model = self._turn(id)
        headers = {"If-Match": self._look(id)}
        answer = self.service.call(
            "POST", f"/applications/{id}/withdraw", self._mine(id), json={}, headers=headers
        )
        assert answer.status_code == (200 if model.state == "pending_acceptance" else 409), answer.text
        if answer.status_code == 200:
            model.state = model.before

    @rule(id=consumes(applications), target=applications)
    def delete(self, id: str) -> Any:
        model = self._turn(id)
        headers = {"If-Match": self._look(id)}
        answer = self.service.call("DELETE", f"/applications/{id}", self._mine(id), headers=headers)
        assert answer.status_code == (204 if model.state == "draft" else 409), answer.text
        if answer.status_code != 204:
            return id
        del self.models[id]
        self.gone.append((id, model.enterprise))
        return multiple()

    @rule(id=applications)
    def answer_opinions(self, id: str) -> None:
        model, who = self._turn(id), self._mine(id)
        self._look(id)
        listed = self.service.call("GET", f"/applications/{id}/opinions", who).json()
        for opinion in listed:
            path = f"/applications/{id}/opinions/{opinion['id']}"
            answer = self.service.call("PUT", path, who, json={"reply": "已补正"})
            assert answer.status_code == (200 if model.state == "returned" else 409), answer.text
        if model.state == "returned":
            model.unanswered = 0

    # ---- the reviewer

    def _submitted(self, id: str) -> bool:
        return self.models[id].revisions > 0

    def _act(self, id: str, name: str, action: str, **body: Any) -> httpx.Response:
        who = self.service.reviewer(name)
        headers = {"If-Match": str(self._get(id, who)["version"])}
        return self.service.call("POST", f"/review/applications/{id}/{action}", who, json=body, headers=headers)

    @precondition(lambda self: any(m.revisions and m.state != "draft" for m in self.models.values()))
    @rule(data=st.data(), name=st.sampled_from(REVIEWERS), take=st.booleans())
    def review(self, data: Any, name: str, take: bool) -> None:
        ids = [id for id, m in self.models.items() if m.revisions and m.state != "draft"]
        id = data.draw(st.sampled_from(ids))
        model = self._turn(id)
        if take:
            leased = self.service.call("POST", f"/review/applications/{id}/lease", self.service.reviewer(name))
            assert leased.status_code == (200 if model.lease in {None, name} else 409), leased.text
            if leased.status_code == 200:
                model.lease = name
                if model.state in {"pending_acceptance", "form_review"}:
                    model.assignee = model.assignee or name
        action = data.draw(st.sampled_from(["accept", "return", "recall", "pass"]))
        held = name in {model.lease, None if model.lease else model.assignee}
        if action == "return":
            self._return(id, model, name, held, data.draw(st.sampled_from(SECTIONS)))
            return
        allowed = {
            "accept": model.state == "pending_acceptance" and held,
            "pass": model.state == "form_review" and held and not model.noted,
            "recall": model.state == "returned" and not model.seen,
        }[action]
        answer = self._act(id, name, action)
        assert answer.status_code == (200 if allowed else 409), (action, model, answer.text)
        if not allowed:
            return
        if action == "recall":
            model.state, model.unanswered, model.noted = model.returned_from, 0, model.asked
        else:
            model.state = {"accept": "form_review", "pass": "expert_review"}[action]
            # Whoever took it in goes on with it; 通过 is the end of what the case was held for.
            model.lease = name if action == "accept" else None

    def _return(self, id: str, model: Model, name: str, held: bool, key: str) -> None:
        deadline = (clock.now() + timedelta(days=3)).isoformat()
        opinions = [{"section": key, "text": "请补正"}]
        answer = self._act(id, name, "return", correct_by=deadline, opinions=opinions)
        allowed = model.state in {"pending_acceptance", "form_review"} and held
        assert answer.status_code == (200 if allowed else 409), (model, answer.text)
        if not allowed:
            return
        model.returned_from, model.state, model.lease = model.state, "returned", None
        model.asked, model.noted = {key} | model.noted, set()
        model.seen, model.unanswered = False, 1
        tied = {"fund_plan", "project_content"}
        model.unlocked = model.asked | (tied if model.asked & tied else set())

    # ---- what must be true whatever was done

    @invariant()
    def the_last_is_as_the_model_says(self) -> None:
        if self.last in self.models:
            self._is_as_the_model_says(self.last)
            self._nobody_else_sees(self.last)
        elif self.gone:
            self._is_gone(*self.gone[-1])

    def _is_as_the_model_says(self, id: str) -> None:
        model = self.models[id]
        if model.revisions and model.state != "draft":
            # Through the reviewer's eyes: looking must not count as the applicant's having seen a return.
            found = self._get(id)
            shown = (found["state"], found["revision"], found["number"])
            assert shown == (model.state, model.revisions, model.number)

    def _nobody_else_sees(self, id: str) -> None:
        other = self.service.applicant(1 - self.models[id].enterprise)
        assert self.service.call("GET", f"/applications/{id}", other).status_code == 404

    def _is_gone(self, id: str, enterprise: int) -> None:
        owner = self.service.applicant(enterprise)
        assert self.service.call("GET", f"/applications/{id}", owner).status_code == 404

    def teardown(self) -> None:
        for gone in self.gone:
            self._is_gone(*gone)
        for id, model in self.models.items():
            self._is_as_the_model_says(id)
            self._nobody_else_sees(id)
            who = self.service.reviewer("甲") if model.revisions and model.state != "draft" else self._mine(id)
            listed = self.service.call("GET", f"/applications/{id}/revisions", who).json()
            assert sorted(r["number"] for r in listed) == list(range(1, model.revisions + 1))


def test_applicants_and_reviewers(service: Service) -> None:
    class Game(Office):
        pass

    Game.service = service
    run_state_machine_as_test(
        Game,
        settings=settings(
            max_examples=4,
            stateful_step_count=25,
            derandomize=True,
            # A failing game is printed as it was played; making it shorter would take longer than the test.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


# Forty games together, others each time, in parts that each end well within the limit for a test; a hundred and twenty in a long run.
@pytest.mark.slow
@pytest.mark.parametrize("part", [pytest.param(n, marks=[pytest.mark.long] * (n > 3)) for n in range(12)])
def test_applicants_and_reviewers_for_long(service: Service, part: int) -> None:
    class Game(Office):
        pass

    Game.service = service
    run_state_machine_as_test(
        Game,
        settings=settings(
            max_examples=10,
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
        ),
    )
