"""`make faults` ends with a table: every fault of the matrix, what had to hold, and whether it did.

A test says which row it plays with `@pytest.mark.fault("the row")`. Rows that no test of a run played are named too.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

# The matrix. A test that names another row is refused, a row without a test is shown as not played.
ROWS = {
    "PDF child killed": "its one PDF within seconds",
    "worker group killed": "its one PDF within the lease",
    "worker killed in a phase": "its one PDF, whole, whichever phase it was",
    "worker hung": "its one PDF, or parked and named",
    "any one process killed": "restarted alone, the others serve on",
    "a service away": "what is not its own works on; the screen says what waits",
    "relay killed around publishing": "every submission, PDF and mail; nothing lost",
    "broker stopped": "submissions go on; PDFs and mails follow",
    "broker's queue lost": "everything owed is done all the same",
    "broker frozen": "submissions unaffected, PDFs follow",
    "broker full": "submissions go on; PDFs follow",
    "database killed under load": "answered 2xx exists; nothing half done",
    "database hangs": "every service says within two seconds that it is not ready",
    "database connections cut": "503 or done; never half done",
    "COMMIT's answer lost": "retry with the same key: one revision, the first answer",
    "client gone": "nothing, or fully committed",
    "killed between saving and submitting": "saved; submitted once or not at all, and once by the next press",
    "double submit": "one revision, one answer",
    "messages duplicated and reordered": "one PDF, one mail, legal moves only",
    "poison message": "parked and named; others flow",
    "SMTP refuses for now": "one mail, later",
    "SMTP silent": "one mail, later; nobody waits",
    "SMTP cut after DATA": "the mail, again with the same Message-ID",
    "SMTP server away": "each mail once, sent as soon as it is back; the desk says what waits",
    "every relay away over a due time": "each due event once, with two relays as well",
    "store away": "nothing parked; PDFs follow",
    "applications away for a minute": "no PDF lost, none twice",
    "disk full while writing a PDF": "no truncated PDF is ever visible",
    "clock wrong": "a gateway says that it is not ready",
    "line without Redis": "who was in is in, who stood in line keeps the first arrival",
    "gateway killed in line": "the same, at another gateway",
    "clock jump": "nobody is sent away, nobody overtakes",
    "extension confirmed during failover": "confirmed once or not, and whoever confirmed is told which",
    "database fails over": "the standby takes over with all that was confirmed",
    "synthetic applicant fails": "named with its step, counted for the alert, well again by itself",
    "rolling restart under load": "no accepted write fails, nothing owed is lost",
}


@dataclass
class Row:
    """One row's outcome: every test that played it."""

    fault: str
    holds: str
    outcome: str = "not played"
    seconds: float = 0.0
    tests: list[str] = field(default_factory=list)


class Report:
    """Collects outcomes while pytest runs."""

    def __init__(self) -> None:
        self.rows = {fault: Row(fault, holds) for fault, holds in ROWS.items()}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a test's outcome: a fixture that fails before the test is a failure; a test's own call is what passes."""
        if not report.skipped and (report.when == "call" or report.failed):
            for name, fault in report.user_properties:
                if name == "fault":
                    self.add(str(fault), report.nodeid, passed=report.passed, seconds=report.duration)

    def add(self, fault: str, test: str, *, passed: bool, seconds: float) -> None:
        row = self.rows[fault]
        row.tests.append(test)
        row.seconds = round(row.seconds + seconds, 1)
        if not passed:
            row.outcome = "FAILED"
        elif row.outcome == "not played":
            row.outcome = "held"

    @property
    def played(self) -> bool:
        return any(row.tests for row in self.rows.values())

    def lines(self) -> list[str]:
        """The table, for a terminal and for Markdown alike."""
        head = ["| fault | what must hold | outcome | s |", "|---|---|---|---|"]
        body = [f"| {r.fault} | {r.holds} | {r.outcome} | {r.seconds} |" for r in self.rows.values()]
        return head + body

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "faults.md").write_text("\n".join(self.lines()) + "\n", encoding="utf-8")
        found = [asdict(row) for row in self.rows.values()]
        (folder / "faults.json").write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")


REPORT = pytest.StashKey[Report]()
FOLDER = Path(__file__).resolve().parents[2] / "var" / "reports"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORT] = Report()
    config.pluginmanager.register(config.stash[REPORT])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("fault"):
            if mark.args[0] not in ROWS:
                raise pytest.UsageError(f"{item.nodeid}: the fault matrix has no row {mark.args[0]!r}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # type: ignore[no-untyped-def]
    """Name the rows in the test's report, which travels from a worker to the process that prints the table."""
    found: pytest.TestReport = yield
    found.user_properties += [("fault", mark.args[0]) for mark in item.iter_markers("fault")]
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report = config.stash[REPORT]
    if not report.played:
        return
    report.write(FOLDER)
    terminalreporter.section("fault matrix")
    for line in report.lines():
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"written to {FOLDER}/faults.md and faults.json")
