"""A start that fails says in one line why, and where its log is."""

from pathlib import Path

import pytest

from deploy.embedded.errors import reason

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
        ("first\nGM_X must be set\n\n", "GM_X must be set"),
        ("", "no output"),
        ("x" * 900, "x" * 500),
    ],
)
def test_the_reason_is_the_error_not_what_stands_below_it(output: str, said: str) -> None:
    assert reason(output, LOG) == f"{said} (log: var/log/prepare.log)"
