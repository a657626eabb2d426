"""Many hands on one application: one submission, one revision."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from deploy.demo.client import authorities
from tests.system.running import RunningSystem, create, fill, version

MANY = 30


@pytest.mark.fault("double submit")
@pytest.mark.parametrize("same_key", [True, False])
def test_thirty_submissions_at_once_are_one(system: RunningSystem, same_key: bool) -> None:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="同时提交三十次")
    etag, key = version(person, id), uuid4().hex

    def send(_: int) -> httpx.Response:
        with httpx.Client(
            base_url=system.url, cookies=person.cookies, timeout=60, trust_env=False, verify=authorities()
        ) as http:
            headers = {
                "X-CSRF-Token": person.csrf_token,
                "If-Match": f'"{etag}"',
                "Idempotency-Key": key if same_key else uuid4().hex,
            }
            return http.post(f"/api/v1/applications/{id}/submit", json={}, headers=headers)

    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(send, range(MANY)))
    accepted = [a.json() for a in answers if a.status_code == 200]
    refused = [a for a in answers if a.status_code != 200]
    if same_key:
        assert len({a["receipt"]["signature"] for a in accepted}) == 1
        # Only those that came while the first was still running.
        assert all(a.status_code == 409 and a.headers["Retry-After"] for a in refused)
    else:
        assert len(accepted) == 1
        assert {a.status_code for a in refused} <= {409, 412, 503}
    revisions = person.call("GET", f"/applications/{id}/revisions").json()
    assert [r["number"] for r in revisions] == [1]
