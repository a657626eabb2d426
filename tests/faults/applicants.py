"""Applicants under way while something breaks: each types and submits, tries again as a browser would, and remembers
every word it was given."""

import threading
import time
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from deploy.demo.client import Person, authorities
from tests.system.running import RunningSystem, create, fill, version

GIVE_UP_SECONDS = 60.0


@dataclass
class Promised:
    """What one application's owner was told."""

    id: str
    receipts: list[dict[str, object]] = field(default_factory=list)
    # The last text of which 暂存 was confirmed, in an application that is not submitted.
    kept: str | None = None


class Applicant(threading.Thread):
    """Submits `ready` applications, one every `pace` seconds, and types into `draft` before each and until told
    to stop."""

    def __init__(self, system: RunningSystem, person: Person, draft: str, ready: list[str], pace: float) -> None:
        super().__init__(daemon=True)
        self._url = system.url
        self.person = person
        self._ready = [(id, version(person, id)) for id in ready]
        self.draft = Promised(draft)
        self.submitted = [Promised(id) for id in ready]
        # Answers that a person must never see, and how often it had to try again.
        self.wrong: list[str] = []
        self.repeated = 0
        self.began = threading.Event()
        self.over = threading.Event()
        self._pace = pace

    def run(self) -> None:
        self.began.set()
        for promised, (id, etag) in zip(self.submitted, self._ready, strict=True):
            self._type(f"第 {id} 份之前")
            answer = self._until_answered("POST", f"/applications/{id}/submit", {}, etag, uuid4().hex)
            if answer is not None:
                promised.receipts.append(answer.json()["receipt"])
            self.over.wait(self._pace)
        turn = 0
        while not self.over.wait(0.1):
            turn += 1
            self._type(f"第 {turn} 次之后")

    def _type(self, text: str) -> None:
        path = f"/applications/{self.draft.id}/sections/social_benefit"
        opened = self._until_answered("GET", path)
        if opened is None:
            return
        body = {"values": {"social_benefit": text}}
        if self._until_answered("PUT", f"{path}/draft", body, str(opened.json()["etag"]), stale_is_done=True):
            self.draft.kept = text

    def _until_answered(
        self,
        method: str,
        path: str,
        body: object = None,
        etag: str = "",
        key: str = "",
        *,
        stale_is_done: bool = False,
    ) -> httpx.Response | None:
        headers = {"X-CSRF-Token": self.person.csrf_token}
        headers |= {"If-Match": f'"{etag}"'} if etag else {}
        headers |= {"Idempotency-Key": key} if key else {}
        until = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < until:
            # A connection each: one that is kept open may be closed just as it is used again.
            try:
                with httpx.Client(
                    base_url=self._url,
                    cookies=self.person.cookies,
                    timeout=30,
                    trust_env=False,
                    verify=authorities(),
                ) as http:
                    answer = http.request(method, f"/api/v1{path}", json=body, headers=headers)
            except httpx.TransportError:
                self.repeated += 1
                time.sleep(0.2)
                continue
            if answer.status_code == 200:
                return answer
            # The first try's answer was lost, and what it wrote is what this one would write.
            if answer.status_code == 412 and stale_is_done:
                return answer
            if answer.status_code not in {409, 503} or "Retry-After" not in answer.headers:
                self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
                return None
            self.repeated += 1
            time.sleep(0.2)
        self.wrong.append(f"{method} {path}: no answer in {GIVE_UP_SECONDS:.0f} s")
        return None


def applicants(system: RunningSystem, *, people: int, each: int, name: str, pace: float) -> list[Applicant]:
    """Prepared, not started: people of one enterprise, each signed in for itself."""
    found = []
    for n in range(people):
        person = system.person("qiye1")
        draft, *ready = [create(person) for _ in range(each + 1)]
        for id in ready:
            fill(person, id, name=f"{name}{n}")
        found.append(Applicant(system, person, draft, ready, pace))
    return found


def kept(system: RunningSystem, found: list[Applicant]) -> list[str]:
    """I1 and the promise of 暂存: what was confirmed is there. The numbers of all submissions."""
    numbers = []
    for applicant in found:
        assert applicant.wrong == []
        person = applicant.person
        for promised in applicant.submitted:
            [receipt] = promised.receipts
            listed = person.call("GET", f"/applications/{promised.id}/revisions").json()
            assert [r["number"] for r in listed] == [1]
            numbers.append(str(receipt["number"]))
        section = person.call("GET", f"/applications/{applicant.draft.id}/sections/social_benefit").json()
        assert section["draft"]["social_benefit"] == applicant.draft.kept
    assert len(set(numbers)) == len(numbers)
    return numbers
