"""The table of what is fit for deadline night."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from services.applications.operations.preflight import backups
from shared import clock
from shared.preflight import Finding, Level, bad, fit, good, look, machine, table, tell, warning
from shared.preflight.database import capacity
from shared.preflight.four_eyes import four_eyes


def test_only_what_is_bad_stands_against_the_night() -> None:
    assert fit([good("时钟", "好"), warning("备份", "旧", "做一次")])
    assert not fit([good("时钟", "好"), bad("磁盘", "满", "清理")])


def test_table_is_aligned_and_says_what_to_do() -> None:
    lines = table([good("时钟", "一"), bad("数据库连接", "二", "三")]).splitlines()
    assert [line.split() for line in lines] == [
        ["适合", "时钟", "一"],
        ["不适合", "数据库连接", "二"],
        ["→", "三"],
    ]
    # Chinese characters take two columns.
    assert lines[0].index("一") + 2 + 2 == lines[1].index("二") + 3 + 5


def test_what_one_person_does_alone_is_said() -> None:
    [alone] = four_eyes({"GM_ROUNDS_BY_TWO": True, "GM_EXTENSIONS_BY_TWO": False})
    assert (alone.level, alone.found) == (Level.WARNING, "单独延期、补时和延长补正期限可由一人办理")
    assert alone.advice.endswith("否则设置 GM_EXTENSIONS_BY_TWO=true")
    [both] = four_eyes({"GM_ROUNDS_BY_TWO": True, "GM_EXTENSIONS_BY_TWO": True})
    assert both.level is Level.GOOD


def test_probe_that_breaks_down_is_a_finding() -> None:
    def probe() -> list[Finding]:
        raise ConnectionRefusedError("nobody\nthere")

    [found] = look("邮件服务器", probe, "看一下")
    assert found == Finding("邮件服务器", Level.BAD, "ConnectionRefusedError：nobody there", "看一下")


def test_programs_get_json_and_an_exit_code(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert tell([good("时钟", "好")], as_json=True) == 0
    assert tell([bad("时钟", "坏", "")], as_json=True) == 1
    first, second = (json.loads(line) for line in capfdbinary.readouterr().out.splitlines())
    assert first == [{"what": "时钟", "level": "good", "found": "好", "advice": ""}]
    assert second[0]["level"] == "bad"


@pytest.mark.parametrize(("room", "level"), [(1, Level.BAD), (10, Level.WARNING), (100, Level.GOOD)])
def test_room_is_judged(room: int, level: Level, tmp_path: Path) -> None:
    found = machine.judged("存储空间", tmp_path, free=room * machine.GB, total=200 * machine.GB)
    assert found.level is level
    assert f"{room}.0 GB" in found.found


@pytest.mark.parametrize(("pool", "level"), [(10, Level.GOOD), (30, Level.WARNING), (40, Level.BAD)])
def test_pools_are_summed_up(pool: int, level: Level) -> None:
    found = capacity(100, {"gateway": pool, "applications": pool, "relay": pool})
    assert found.level is level
    assert str(3 * pool) in found.found


def _finished(folder: Path, name: str, age: timedelta) -> None:
    (folder / name).mkdir()
    (folder / name / "manifest.json").write_text(
        json.dumps({"finished_at": (clock.now() - age).isoformat()}), encoding="utf-8"
    )


def test_newest_backup_counts(tmp_path: Path) -> None:
    def level() -> Level:
        [found] = backups(str(tmp_path))
        return found.level

    assert level() is Level.BAD
    # One that never finished has no manifest.
    (tmp_path / "20261124T000000Z").mkdir()
    assert level() is Level.BAD
    _finished(tmp_path, "a", timedelta(days=4))
    assert level() is Level.BAD
    _finished(tmp_path, "b", timedelta(days=2))
    assert level() is Level.WARNING
    _finished(tmp_path, "c", timedelta(hours=2))
    assert level() is Level.GOOD
    [unset] = backups("")
    assert unset.level is Level.WARNING
