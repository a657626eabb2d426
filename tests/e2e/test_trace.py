"""One trace from the click on 提交申请 to the mail and the PDF, gathered from every process of a real system."""

import re
import time

import httpx

from tests.system.running import RunningSystem, create, fill
from tests.system.trace_collector import Seen, TraceCollector


def test_one_trace_from_click_to_mail_and_document(system: RunningSystem, collector: TraceCollector) -> None:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id)
    # Whoever sends a traceparent from outside does not choose the trace.
    foreign = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    with httpx.Client(
        base_url=system.url,
        cookies=person.cookies,
        headers={"Accept": "text/html", "traceparent": foreign},
        trust_env=False,
        timeout=30,
    ) as browser:
        page = browser.get(f"/applications/{id}/submit").text
        form = {
            name: re.findall(rf'name="{name}" value="([^"]+)"', page)[-1] for name in ("csrf_token", "etag", "key")
        }
        assert browser.post(f"/applications/{id}/submit", data=form).status_code == 303

    def click() -> Seen | None:
        posts = [s for s in collector.spans if s.name == "POST /api/v1/applications/{id}/submit"]
        ours = {s.trace for s in posts if s.attributes.get("application") == id}
        return next((s for s in collector.spans if s.trace in ours and not s.parent), None)

    def of_the_click() -> dict[tuple[str, str], Seen]:
        first = click()
        return {(s.service, s.name): s for s in collector.spans if first and s.trace == first.trace}

    wanted = [
        ("gateway", "POST /applications/{id}/submit"),
        ("applications", "POST /api/v1/applications/{id}/submit"),
        ("relay", "publish notify"),
        ("notify-worker", "accept notification"),
        ("notify-worker", "mail"),
        ("relay", "publish render_document"),
        ("documents", "render document"),
        ("documents", "press"),
        ("applications", "POST /internal/jobs/{id}/finish"),
    ]
    until = time.monotonic() + 60
    while not set(wanted) <= set(of_the_click()) and time.monotonic() < until:
        time.sleep(0.2)
    found = of_the_click()
    assert set(wanted) <= set(found), sorted(found)
    first = found[wanted[0]]
    assert first.parent == ""
    assert first.trace != "a" * 32
    # An unbroken chain: each span's parents lead to the click.
    by_id = {s.id: s for s in collector.spans if s.trace == first.trace}
    for step in wanted[1:]:
        at = found[step]
        while at.parent:
            at = by_id[at.parent]
        assert at == first, step
    assert found[("notify-worker", "mail")].attributes["mail.outcome"] == "sent"
    assert found[wanted[1]].attributes["application"] == id
    # Nothing that a person typed or is called.
    said = repr([(s.name, s.attributes) for s in collector.spans])
    for private in ("qiye1", person.csrf_token, "@", "工艺"):
        assert private not in said
