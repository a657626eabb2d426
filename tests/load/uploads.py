"""What an upload costs in memory: `make bench-uploads`, and the measure that a test holds the system to.

The kernel keeps a process's highest memory; it is reset before and read after. The same is done for a file of a
tenth of the size, so that what grows with the file stands beside what does not.
"""

import tempfile
from pathlib import Path

import psutil

from deploy.demo.client import Person
from deploy.demo.files import pdf
from tests.system.running import RunningSystem, create

MB = 1024 * 1024
WATCHED = ("gateway", "applications")


def _peak(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel tells no peak")


def growth(system: RunningSystem, person: Person, id: str, size: int) -> dict[str, float]:
    """By how many MB the memory of each process grew at most while a PDF of `size` bytes went up and came back."""
    content = pdf(weight=size - 700)
    pids = {name: system.pid(name) for name in WATCHED}
    before = {}
    for name, pid in pids.items():
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        before[name] = psutil.Process(pid).memory_info().rss
    place = {"section": "company", "slot": "business_license"}
    made = person.call(
        "POST", f"/applications/{id}/attachments", params=place, files={"file": ("营业执照.pdf", content)}
    ).json()
    assert person.call("GET", f"/applications/{id}/attachments/{made['id']}").content == content
    return {name: max(0, _peak(pid) - before[name]) / MB for name, pid in pids.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        system = RunningSystem(Path(folder) / "var")
        system.start()
        try:
            person = system.person("qiye1")
            id = create(person)
            growth(system, person, id, 1 * MB)  # what is loaded once is not the file's
            for size in (2 * MB, 20 * MB, 20 * MB):
                found = growth(system, person, id, size)
                print(
                    f"{size // MB:>3} MB up and down: "
                    + ", ".join(
                        f"{name} +{grown:.1f} MB ({grown * MB / size:.0%})" for name, grown in found.items()
                    )
                )
        finally:
            system.stop()


if __name__ == "__main__":
    main()
