"""An index on a table that has rows is built beside people's work (`CONCURRENTLY`), and never in a migration's transaction."""

import ast
import re
from pathlib import Path

import pytest

from deploy.embedded.system import ROOT

# Until here tables were small, or new. What comes later obeys the rule.
BEFORE = {"applications": "0020", "gateway": "0006", "notify": "0006"}
LATER = [
    file
    for service, last in BEFORE.items()
    for file in sorted((ROOT / "services" / service / "migrations" / "versions").glob("[0-9]*.py"))
    if file.name[:4] > last
]
LOCKING = {"create_index": 1, "create_unique_constraint": 1}


def locked(source: str) -> set[str]:
    """Tables that a revision indexes at once although it did not make them."""
    made, indexed = set(), set()
    for call in [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        texts = [a.value if isinstance(a, ast.Constant) and isinstance(a.value, str) else "" for a in call.args]
        if name == "create_table" and texts:
            made.add(texts[0])
        elif name in LOCKING and len(texts) > LOCKING[name]:
            indexed.add(texts[LOCKING[name]] or "?")
        elif name == "execute":
            for said in texts:
                made |= set(re.findall(r"CREATE TABLE (?:\w+\.)?(\w+)", said, flags=re.I))
                pattern = r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*? ON (?:ONLY )?(?:\w+\.)?(\w+)"
                indexed |= set(re.findall(pattern, said, flags=re.I | re.S))
    return indexed - made


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("op.create_table('a'); op.create_index('ix', 'a', ['x'])", set()),
        ("op.create_index('ix', 'a', ['x'], schema='s')", {"a"}),
        ("op.create_index('ix', TABLE, ['x'])", {"?"}),
        ("op.create_unique_constraint('uq', 'a', ['x'])", {"a"}),
        ("op.execute('CREATE UNIQUE INDEX ix ON s.a (x)')", {"a"}),
        ("op.execute('CREATE TABLE s.a (x int)'); op.execute('CREATE INDEX ix ON s.a (x)')", set()),
        ("CONCURRENTLY = {'ix': 'CREATE INDEX CONCURRENTLY ix ON s.a (x)'}", set()),
    ],
)
def test_what_locks_a_table_is_seen(source: str, found: set[str]) -> None:
    assert locked(source) == found


def test_migrations_index_no_table_that_has_rows() -> None:
    assert {
        file.name: locked(file.read_text(encoding="utf-8"))
        for file in LATER
        if locked(file.read_text(encoding="utf-8"))
    } == {}


def test_what_stands_in_concurrently_is_concurrent() -> None:
    files: list[Path] = [
        f for s in BEFORE for f in (ROOT / "services" / s / "migrations" / "versions").glob("[0-9]*.py")
    ]
    for file in files:
        text = file.read_text(encoding="utf-8")
        if "\nCONCURRENTLY" in text:
            assert "CREATE INDEX CONCURRENTLY" in text, file.name
            assert "UNIQUE" not in text.partition("\nCONCURRENTLY")[2].partition("}")[0], file.name
