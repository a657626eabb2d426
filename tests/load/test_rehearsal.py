"""The rehearsal itself: a short night ends with equal counts, and unequal ones are seen."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.system import ROOT
from shared.text.identifiers import uscc
from tests.load.rehearsal import lateness, measure, report
from tests.load.rehearsal.count import compare
from tests.load.rehearsal.plan import Options, enterprises
from tests.load.rehearsal.promises import promises


# A night cannot be shortened further: 40 s of it are people who come one after another, before and after the closing.
@pytest.mark.slow
def test_short_night_is_borne(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "tests.load.rehearsal", "--reports", str(tmp_path), "--enterprises", "8",
        "--minutes", "0.5", "--before", "0.3", "--returned", "0.13", "--largest-mb", "3", "--autosaves", "1",
        # Whoever tests on a busy machine is not to be told that the round closed.
        "--last-seconds", "26",
        # One of two gateways is killed while nobody submits, and the round is extended afterwards.
        "--gateways", "2", "--kill-gateway", "20", "--extend", "5",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "rehearsal.json").read_text())
    assert found["green"]
    # One comes too late and is refused; the others are all accepted, and each has its PDF and its mail.
    assert found["late"] == {"asked": 1, "refused": 1}
    counted = {check["what"]: check["found"] for check in found["counts"]}
    assert counted["回执对应的版本"] == counted["版本对应的 PDF"] == 7
    # At most one of the mails was superseded by a return.
    assert counted["移交通知服务的事件"] == 8
    assert counted["邮件（每封一次）"] in {7, 8}
    assert {step["step"] for step in found["steps"]} == set(report.NAMES)
    assert set(found["loop_lateness_p99_ms"]) == {"applications"}
    assert all(late > 0 for late in found["loop_lateness_p99_ms"].values())
    assert found["killed"] == {"name": "gateway-1", "before": 20.0, "restarts": 1}
    extended = found["extended"]
    assert (extended["enterprises"], extended["asked"], extended["taken"]) == (1, 1, 1)
    assert extended["confirmed_by_another"]
    assert extended["seen_after"] < 5
    assert set(found["memory"]) >= {"gateway-1", "applications", "documents", "postgres"}
    page = (tmp_path / "rehearsal.html").read_text()
    assert page.count("<svg") == 11
    assert sum(minute["done"].get("submit", 0) for minute in found["minutes"]) == 7
    assert f"<td>{found['loop_lateness_p99_ms']['applications']}</td>" in page
    assert "通过：受理的每一份申报都完整" in page


def test_lateness_is_that_of_the_night_alone() -> None:
    before = {0.01: 100.0, 0.02: 100.0, 0.05: 100.0, float("inf"): 100.0}
    after = {0.01: 150.0, 0.02: 190.0, 0.05: 200.0, float("inf"): 200.0}
    assert lateness.between(before, after, 0.5) == pytest.approx(0.01)
    assert lateness.between(before, after, 0.7) == pytest.approx(0.015)
    assert lateness.between(before, after, 0.99) == pytest.approx(0.047)
    assert lateness.between(before, before, 0.99) == 0
    # Beyond the last edge nothing is known but that.
    assert lateness.between({}, {0.05: 1.0, float("inf"): 100.0}, 0.99) == 0.05


@pytest.mark.parametrize("before", [0.0, 2.0])
def test_everybody_is_somebody_and_comes_in_order(before: float) -> None:
    crowd = enterprises(Options(enterprises=300, minutes=10, before=before))
    assert crowd == enterprises(Options(enterprises=300, minutes=10, before=before))
    first, closing = before * 600, before * 600 + 600
    assert len({uscc(enterprise.uscc) for enterprise in crowd}) == 300
    submits = sorted(e.steps[-4][2] for e in crowd if e.steps[-4][0] == "submit")
    assert len(submits) == 297
    assert all(first <= at < closing for at in submits)
    # The last tenth of the time brings 1 - 0.9³ = 27 % of all.
    assert 0.25 < sum(at > closing - 60 for at in submits) / len(submits) < 0.30
    for enterprise in crowd:
        times = [at for _, _, at in enterprise.steps]
        assert times == sorted(times)
        assert times[0] >= 0


@pytest.mark.parametrize(
    ("expected", "found"), [(["a", "b"], ["a"]), (["a"], ["a", "a"]), (["a"], ["b"]), ([], ["a"])]
)
def test_difference_is_seen(expected: list[str], found: list[str]) -> None:
    check = compare("anything", expected, found)
    assert not check.equal
    assert check.missing or check.extra


def test_waiting_counts_from_when_it_was_due_and_hidden_faults_show() -> None:
    steps = [
        {"step": "submit", "due": 1.0, "began": 3.0, "ended": 3.5, "fault": "", "answers": [[503, True], [200, False]]},
        {"step": "submit", "due": 2.0, "began": 2.0, "ended": 2.5, "fault": "", "answers": [[500, False], [200, False]]},
    ]  # fmt: skip
    [row] = measure.by_step(steps)
    assert row["max"] == 2.5
    assert row["repeated"] == 1
    assert measure.answers(steps) == {"200": 2, "500（不应出现）": 1, "503": 1}
    assert not compare("", ["x"], []).equal


def test_capacity_grows_with_the_crowd() -> None:
    cost, plan = measure.capacity(
        {"gateway": 60.0, "documents-1": 50.0, "documents-2": 50.0}, 100, sizes=(100, 6000)
    )
    assert cost["gateway"] == 0.6
    assert cost["documents"] == 1.0
    small, large = plan
    assert small["gateway"] == 2
    # 0.6 s × 6000 × 3 / 3600 s = 3 cores at the peak, at 60 % each.
    assert large["gateway"] == 5
    # 1 s × 6000 / 5400 s = 1.1 cores.
    assert large["documents"] == 2


def test_useful_work_counts_what_each_section_costs() -> None:
    steps = [
        {"step": "attach", "of": "company", "ended": 30.0, "fault": ""},
        {"step": "attach", "of": "contact", "ended": 30.0, "fault": ""},
        {"step": "submit", "of": "", "ended": 70.0, "fault": ""},
        {"step": "submit", "of": "", "ended": 70.0, "fault": "busy"},
        {"step": "return", "of": "", "ended": 70.0, "fault": ""},
    ]
    weights = {"attach company": 0.05, "attach contact": 0.0, "submit": 0.07}
    first, last, _ = measure.minutes(steps, [], 120.0, weights)
    assert (first["useful"], last["useful"]) == (0.05, 0.07)
    # A night that measured no weights of its own has those of the simulation, the same for every section.
    first, last, _ = measure.minutes(steps, [], 120.0)
    assert first["useful"] == round(2 * measure.COST["attach"], 2)
    rows = {
        row["step"]: row["quiet_ms"]
        for row in measure.by_step([{**s, "due": 0.0, "answers": []} for s in steps], weights)
    }
    assert rows == {"attach": 25.0, "submit": 70.0, "return": 0.0}


def test_report_says_when_the_system_was_itself_again() -> None:
    def works(begin: int, end: int, each_second: int) -> list[dict[str, object]]:
        return [
            {"step": "save", "of": "", "fault": "", "ended": at + 0.5} for at in range(begin, end)
        ] * each_second

    # Ten a second, then four while half of the cores are away, and ten again twelve seconds after they are back.
    steps = works(0, 100, 10) + works(100, 172, 4) + works(172, 220, 10)
    weights = {"save": 0.1}
    assert measure.back_after(steps, weights, 100.0, 160.0, 60.0) == 11.0
    assert measure.back_after(works(0, 100, 10) + works(100, 220, 5), weights, 100.0, 160.0, 60.0) is None
    assert Options(minutes=5, away=180).away_between == (660.0, 840.0)


def test_whoever_is_told_that_a_pdf_comes_later_has_lost_nothing_if_it_comes() -> None:
    sample = {"at": 0.0, "processes": {}, "owed": {}}

    def green(step: str, answers: list[list[Any]], pdfs: list[str]) -> bool:
        done = {"who": 1, "due": 1.0, "began": 1.0, "ended": 2.0, "told": None}
        steps = [
            {**done, "step": "submit", "fault": "", "answers": [[200, False]]},
            {**done, "step": step, "fault": "Refused: busy", "answers": answers},
        ]
        found = report.build(
            Options(enterprises=1, minutes=0.1), steps, [sample], [compare("版本对应的 PDF", ["a"], pdfs)], {"clean": True},
            drain_seconds=1.0, lateness={}, begun="", machine={}, weights={},
        )  # fmt: skip
        assert found["told_later"] == (not found["faults"])
        return bool(found["green"])

    later = [[202, True], [503, True]]
    assert green("pdf", later, ["a"])
    # Told later, and it was not made; told nothing; anything else that people want.
    assert not green("pdf", later, [])
    assert not green("pdf", [[202, True], [0, False]], ["a"])
    assert not green("pdf", [[503, True], [404, False]], ["a"])
    assert not green("receipt", later, ["a"])


def test_report_says_what_was_promised_and_what_was_kept() -> None:
    night: dict[str, Any] = {
        "in_time": 990, "missed": 0, "counts": [{"what": "回执", "equal": True}], "reconcile": {"clean": True},
        "late": {"asked": 10, "refused": 10}, "answers": {"200": 5, "503": 3}, "peak": {"p99": 0.9}, "crowded": False,
        "loop_lateness_p99_ms": {"gateway": 3.0}, "useful_share": 0.7, "useful_share_at_pace": 0.7, "away": {},
        "killed": {"name": "gateway-1", "before": 30.0, "restarts": 1},
        "extended": {"enterprises": 12, "seen_after": 0.2, "confirmed_by_another": True, "asked": 3, "taken": 3},
    }  # fmt: skip
    assert all(promise.kept for promise in promises(night))
    broken = {
        "missed": 1, "counts": [{"what": "回执", "equal": False}], "late": {"asked": 10, "refused": 9}, "answers": {"500（不应出现）": 1},
        "peak": {"p99": 2.0}, "loop_lateness_p99_ms": {"gateway": 20.1}, "crowded": True, "away": {"back_after": None},
        "killed": {"name": "gateway-1", "before": 30.0, "restarts": 0},
        "extended": {"enterprises": 12, "seen_after": 0.2, "confirmed_by_another": True, "asked": 3, "taken": 2},
    }  # fmt: skip
    for name, value in broken.items():
        kept = [promise for promise in promises(night | {name: value}) if not promise.kept]
        assert len(kept) == 1, name
    assert not [p for p in promises(night | {"away": {"back_after": 30.0}}) if not p.kept]
