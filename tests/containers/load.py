"""People at work while containers come and go: what each was told is remembered, and so is every request that failed."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from deploy.demo.client import Person
from tests.system.running import create, fill, version

GIVE_UP_SECONDS = 90.0


@dataclass
class Told:
    """What one person was told, and what it was not."""

    # Method, path, what went wrong.
    failed: list[str] = field(default_factory=list)
    answered: int = 0
    slowest: float = 0.0
    # From the first try of a request to its answer.
    waited: float = 0.0
    # When something was last confirmed as kept.
    confirmed_at: float = 0.0
    # Application to receipt, and the last text that was confirmed as kept.
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    kept: str = ""


class AtWork(threading.Thread):
    """Opens pages, types into a draft and submits what is ready, about twice a second; whatever fails is tried
    again, as a browser would, until it is answered."""

    def __init__(self, person: Person, ready: int, *, every: float = 6.0) -> None:
        super().__init__(daemon=True)
        self.person = person
        self.told = Told()
        self.draft = create(person)
        made = [create(person) for _ in range(ready)]
        for id in made:
            fill(person, id, name=f"容器{person.username}")
        self._ready = [(id, version(person, id)) for id in made]
        self._every = every
        self.over = threading.Event()

    def run(self) -> None:
        turn, submitted = 0, time.monotonic()
        with self.person.another() as http:
            while not self.over.wait(0.5):
                turn += 1
                self._ask(http, "GET", ("/welcome", "/projects", "/notifications")[turn % 3])
                self._type(http, f"第 {turn} 次")
                if self._ready and time.monotonic() > submitted + self._every:
                    submitted = time.monotonic()
                    self._submit(http, *self._ready.pop())
            while self._ready:
                self._submit(http, *self._ready.pop())

    def _type(self, http: httpx.Client, text: str) -> None:
        path = f"/api/v1/applications/{self.draft}/sections/social_benefit"
        opened = self._ask(http, "GET", path)
        etag = str(opened.json()["etag"])
        # When the first answer was lost, what it kept is what the second would.
        self._ask(http, "PUT", f"{path}/draft", {"values": {"social_benefit": text}}, etag, done=(200, 412))
        self.told.kept, self.told.confirmed_at = text, time.time()

    def _submit(self, http: httpx.Client, id: str, etag: str) -> None:
        answer = self._ask(http, "POST", f"/api/v1/applications/{id}/submit", {}, etag, key=uuid4().hex)
        self.told.receipts[id], self.told.confirmed_at = answer.json()["receipt"], time.time()

    def _ask(
        self, http: httpx.Client, method: str, path: str, body: object = None, etag: str = "", key: str = "",
        done: tuple[int, ...] = (200,),
    ) -> httpx.Response:  # fmt: skip
        headers = {"X-CSRF-Token": self.person.csrf_token}
        headers |= {"If-Match": f'"{etag}"'} if etag else {}
        headers |= {"Idempotency-Key": key} if key else {}
        asked = time.monotonic()
        until = asked + GIVE_UP_SECONDS
        while True:
            began = time.monotonic()
            try:
                answer = http.request(method, path, json=body, headers=headers)
                if answer.status_code in done:
                    self.told.answered += 1
                    self.told.slowest = max(self.told.slowest, time.monotonic() - began)
                    self.told.waited = max(self.told.waited, time.monotonic() - asked)
                    return answer
                fault = f"{answer.status_code} {answer.text[:200]}"
            except httpx.TransportError as error:
                fault = repr(error)
            self.told.failed.append(f"{time.strftime('%X')} {method} {path}: {fault}")
            assert time.monotonic() < until, self.told.failed[-1]
            time.sleep(0.5)


class Crowd:
    """People at work as long as it lasts."""

    def __init__(self, people: list[Person], ready: int) -> None:
        self.people = [AtWork(person, ready) for person in people]

    def __enter__(self) -> "Crowd":
        for one in self.people:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.people:
            one.over.set()
        for one in self.people:
            one.join(120)

    @property
    def failed(self) -> list[str]:
        return [fault for one in self.people for fault in one.told.failed]

    @property
    def answered(self) -> int:
        return sum(one.told.answered for one in self.people)

    @property
    def slowest(self) -> float:
        return max(one.told.slowest for one in self.people)

    @property
    def waited(self) -> float:
        """The longest that anybody waited for an answer, with every try."""
        return max(one.told.waited for one in self.people)

    def numbers(self) -> list[str]:
        """What was promised is there; the numbers of all submissions."""
        found = []
        for one in self.people:
            assert not one.is_alive()
            assert not one._ready
            for id, receipt in one.told.receipts.items():
                listed = one.person.call("GET", f"/applications/{id}/revisions").json()
                assert [r["number"] for r in listed] == [1]
                found.append(str(receipt["number"]))
            section = one.person.call("GET", f"/applications/{one.draft}/sections/social_benefit").json()
            assert section["draft"]["social_benefit"] == one.told.kept
        assert len(set(found)) == len(found)
        return found
