"""Submissions that all come at once are as many papers, each the paper of its own revision."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pypdfium2
import pytest

from services.documents.checking import plain
from tests.load import deadline
from tests.system.running import RunningSystem


def told(value: object) -> Iterator[str]:
    """What a person typed, as any paper must show it: texts, addresses, sums. (Dates and choices have words of their own
    there; keys and ids have none.)"""
    if isinstance(value, dict):
        for each in value.values():
            yield from told(each)
    elif isinstance(value, list):
        for each in value:
            yield from told(each)
    elif isinstance(value, str) and re.fullmatch(r"-?\d+\.\d\d", value):
        yield f"{Decimal(value):,.2f}"
    elif isinstance(value, str) and re.search("[\u4e00-\u9fff@]", value):
        yield plain(value)


def check(submission: deadline.Submission) -> str:
    """Open a paper and hold it against its revision; its digest."""
    content = submission.person.call("GET", submission.path).content
    receipt = submission.receipt
    with pypdfium2.PdfDocument(io.BytesIO(content)) as pdf:
        text = plain("".join(page.get_textpage().get_text_bounded() for page in pdf))
        embedded = bytes(pdf.get_attachment(0).get_data())
    # The revision itself is inside, and it is the one that the receipt is about.
    assert hashlib.sha256(embedded).hexdigest() == receipt["sha256"]
    revision = json.loads(embedded)
    assert revision["number"] == receipt["number"]
    typed = list(told(revision["sections"]))
    assert submission.name in typed
    assert len(typed) > 20
    missing = [value for value in typed if value not in text]
    assert missing == []
    for said in (receipt["number"], receipt["sha256"], receipt["sm3"], submission.name):
        assert said in text
    return hashlib.sha256(content).hexdigest()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", [120, pytest.param(500, marks=pytest.mark.long)])
def test_submissions_at_once_are_as_many_papers(tmp_path: Path, count: int) -> None:
    system = RunningSystem(tmp_path / "var", "documents=0")
    system.start()
    try:
        submissions = deadline.prepared(system, count)
        deadline.submit_all(submissions)
        assert len({submission.receipt["number"] for submission in submissions}) == count
        with system.worker(GM_DOCUMENTS_CONCURRENCY="2"), deadline.asking(submissions) as people:
            deadline.wait_until_done(system, count, 1800)
        digests = {check(submission) for submission in submissions}
        assert len(digests) == count
        files = {file.stem for file in (system.var / "store" / "pdf").rglob("*.pdf")}
        assert files == digests
        # People who waited were told seconds. How far off those are is a matter of speed, which the bench of the
        # deadline judges.
        assert len(people.errors(deadline.done(system))) > count / 5
        report = system.reconcile()
        assert report["clean"], report
        assert report["counts"]["accepted"] == report["counts"]["pdfs"] == count
    finally:
        system.stop()
