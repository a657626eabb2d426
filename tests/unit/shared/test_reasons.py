"""A start that fails says in one line why, and where its log is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded.errors import reason
from deploy.embedded.system import ROOT
from deploy.local import unforeseen

LOG = Path("var/log/prepare.log")
DRIVER = """(psycopg.errors.UndefinedTable) relation "letters" does not exist
LINE 1: ALTER TABLE letters
[SQL: ALTER TABLE letters ADD COLUMN x text]
[parameters: {}]
(Background on this error at: https://sqlalche.me/e/20/f405)
"""


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (DRIVER, '(psycopg.errors.UndefinedTable) relation "letters" does not exist'),
        (
            f'Traceback (most recent call last):\n  File "x.py", line 1\nsqlalchemy.exc.ProgrammingError: {DRIVER}',
            'sqlalchemy.exc.ProgrammingError: (psycopg.errors.UndefinedTable) relation "letters" does not exist',
        ),
        (
            "starting\nOSError: [Errno 98] address already in use\n-- supervisor: mail ended with 1\n",
            "OSError: [Errno 98] address already in use",
        ),
        ("ValueError: one\n\nDuring handling\nRuntimeError: another\n", "RuntimeError: another"),
        (
            "2026-11-30 03:00:00 UTC [7] FATAL:  could not create lock file\n2026-11-30 03:00:00 UTC [7] LOG:  database system is shut down\n",
            "2026-11-30 03:00:00 UTC [7] FATAL:  could not create lock file",
        ),
        ("*** FATAL CONFIG FILE ERROR ***\nReading 'x'\n", "*** FATAL CONFIG FILE ERROR ***"),
        ("first\nGM_X must be set\n\n", "GM_X must be set"),
        ("", "no output"),
        ("x" * 900, "x" * 500),
    ],
)
def test_the_reason_is_the_error_not_what_stands_below_it(output: str, said: str) -> None:
    assert reason(output, LOG) == f"{said} (log: var/log/prepare.log)"


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        (
            "sync|pip",
            "installing the project's libraries failed: error: no such package (log: var/log/bootstrap.log)",
        ),
        ("export", "reading uv.lock failed: error: no such package (log: var/log/bootstrap.log)"),
        (
            "nothing",
            "cutting compact fonts failed: ModuleNotFoundError: No module named 'services' (log: var/log/bootstrap.log)",
        ),
    ],
)
def test_bootstrap_says_which_step_failed_and_why(tmp_path: Path, fails: str, said: str) -> None:
    """With an installer that refuses: in a folder that holds what the script reads."""
    for name in ("deploy/bootstrap.sh", "deploy/Dockerfile", "uv.lock", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("fonts", "subsetter", "characters"):
        file = tmp_path / "services" / "documents" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "services" / "documents" / "fonts.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'services'\")"
    )
    tools = tmp_path / "tools"
    tools.mkdir()
    uv = tools / "uv"
    uv.write_text(
        f"#!/bin/sh\ncase $1 in {fails}) echo 'error: no such package' >&2; echo '  hint: another' >&2; exit 2;; esac\n"
        f"mkdir -p .venv/bin .venv/lib/python3/site-packages; ln -sf {sys.executable} .venv/bin/python\n"
    )
    uv.chmod(0o755)
    done = subprocess.run(
        ["sh", "deploy/bootstrap.sh", "run"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "cache"), "PIP_INDEX_URL": "http://127.0.0.1:1/"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    if fails == "export" and "reading uv.lock" not in done.stderr:
        pytest.skip("this machine has no index of its own: there is no export")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"bootstrap: {said}"
    assert "another" in (tmp_path / "var/log/bootstrap.log").read_text() or fails == "nothing"


def test_what_nobody_foresaw_is_one_line_and_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="one") as raised:
        int("one\ntwo")
    (tmp_path / "log").mkdir()
    log = tmp_path / "log" / "run.log"
    assert unforeseen(raised.value, tmp_path).endswith(f"'one\\ntwo' (log: {log})")
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert unforeseen(raised.value, tmp_path / "nowhere").endswith("'one\\ntwo'")
    assert "Traceback" in capsys.readouterr().err
