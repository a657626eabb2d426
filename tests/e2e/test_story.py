"""The whole way, through public HTTP on real processes: the same story that `make demo` tells."""

from pathlib import Path

from deploy.demo.story import Story, Teller
from tests.system.running import RunningSystem, create, fill, submit


def test_the_whole_story(system: RunningSystem, tmp_path: Path) -> None:
    said: list[str] = []
    # Other tests of this folder leave applications of their own in the system.
    before = system.reconcile()["counts"]
    story = Story(system.url, system.mail_page, Teller(said.append, lambda _: None, tmp_path))
    story.tell()
    report = system.reconcile()
    assert report["clean"], report
    came = {name: count - before[name] for name, count in report["counts"].items()}
    assert came == {"accepted": 2, "revisions": 2, "pdfs": 2, "events": 3, "mails": 3}
    assert len(list(tmp_path.glob("*.pdf"))) == 2
    # The two mails of the first submission and the return; the third may still be on its way then.
    assert len(list(tmp_path.glob("*.eml"))) >= 2


def test_second_enterprise_finds_nothing_of_the_first(system: RunningSystem) -> None:
    first, second = system.person("qiye1"), system.person("qiye2")
    id = create(first)
    fill(first, id)
    submit(first, id)
    mine, theirs = (
        {item["id"] for item in who.call("GET", "/applications").json()["items"]} for who in (first, second)
    )
    assert id in mine
    assert not theirs & mine
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/sections/contact"),
        ("PUT", "/sections/contact"),
        ("PUT", "/sections/contact/draft"),
        ("DELETE", "/sections/contact/draft"),
        ("GET", "/checks"),
        ("POST", "/submit"),
        ("POST", "/withdraw"),
        ("GET", "/opinions"),
        ("GET", "/revisions"),
        ("GET", "/revisions/1"),
        ("GET", "/revisions/2/changes"),
        ("GET", "/revisions/1/pdf"),
        ("POST", "/revisions/1/pdf"),
        ("POST", "/preview"),
        ("GET", "/commitment.pdf"),
        ("GET", "/timeline"),
    ):
        body = {"values": {}} if method == "PUT" else {} if method == "POST" else None
        second.call(method, f"/applications/{id}{path}", expect=404, etag="1", key=True, json=body)
