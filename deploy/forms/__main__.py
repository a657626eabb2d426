"""`python -m deploy.forms lint|diff|publish|check|schema`. A form is a file, or `fund_type/version` for one of the catalogue.

`lint` and `check` end with 1 when there is a fault of severity error; wrong arguments end with 2.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from deploy.forms.rounds import facts_for
from services.applications.forms.catalogue import FOLDER
from services.applications.forms.definition import Form
from services.applications.forms.source import read_file
from services.applications.forms.tools import publishing, schema
from services.applications.forms.tools.changes import changes
from services.applications.forms.tools.lint import lint_file


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        return int(given.work(given))
    except (publishing.NotPublished, _Unreadable) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.forms", description="Tools for the people who write forms."
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    lint = commands.add_parser(
        "lint", help="every fault of these forms, with file and line; ends with 1 if there is an error"
    )
    lint.add_argument(
        "files", nargs="+", type=_file, metavar="form", help="a file, a folder, or fund_type/version"
    )
    lint.add_argument(
        "--rounds", type=Path, help="rounds as in demo_rounds.yaml: which checks does each leave out?"
    )
    lint.add_argument("--quiet", action="store_true", help="errors and warnings only, no notes")
    lint.set_defaults(work=_lint)

    diff = commands.add_parser(
        "diff", help="what changes for an applicant from one form to another; ! asks for attention"
    )
    diff.add_argument("old", type=_file)
    diff.add_argument("new", type=_file)
    diff.set_defaults(work=_diff)

    publish = commands.add_parser("publish", help="put a form into the catalogue; it never changes again")
    publish.add_argument("file", type=_file, metavar="form")
    publish.add_argument("--catalogue", type=Path, default=FOLDER)
    publish.set_defaults(work=_publish)

    check = commands.add_parser(
        "check", help="is every form of the catalogue free of errors, and as it was published?"
    )
    check.add_argument("--catalogue", type=Path, default=FOLDER)
    check.set_defaults(work=_check)

    commands.add_parser("schema", help="JSON Schema of a form's file").set_defaults(work=_schema)
    return parser


COMMANDS = ("lint", "diff", "publish", "check", "schema")


class _Unreadable(Exception):
    """A form with faults where a sound one is needed."""


def _file(text: str) -> Path:
    """A path, or a form of the catalogue by its name."""
    given, known = Path(text), FOLDER / f"{text}.yaml"
    if not given.exists() and known.exists():
        return known
    if not given.exists():
        raise argparse.ArgumentTypeError(f"there is no {text}")
    return given


def _form(file: Path) -> Form:
    form, faults, _ = read_file(file)
    if form is None or any(f.severity == "error" for f in faults):
        raise _Unreadable("\n".join(publishing.said(file, fault) for fault in faults))
    return form


def _lint(given: argparse.Namespace) -> int:
    files = [f for path in given.files for f in (sorted(path.rglob("*.yaml")) if path.is_dir() else [path])]
    return _print_faults(files, given.rounds, notes=not given.quiet)


def _print_faults(files: Iterable[Path], rounds: Path | None, *, notes: bool) -> int:
    counts = {"error": 0, "warning": 0, "note": 0}
    listed = list(files)
    for file in listed:
        for facts in facts_for(file, rounds):
            for fault in lint_file(file, facts):
                counts[fault.severity] += 1
                if notes or fault.severity != "note":
                    print(publishing.said(file, fault))
    print(f"{len(listed)} forms: {counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes")
    return 1 if counts["error"] else 0


def _diff(given: argparse.Namespace) -> int:
    found = changes(_form(given.old), _form(given.new))
    for change in found:
        print(f"{'!' if change.attention else ' '} {change}")
    waiting = sum(change.attention for change in found)
    print(f"{len(found)} 处改变，其中 {waiting} 处需要申报单位留意" if found else "对申报单位没有改变")
    return 0


def _publish(given: argparse.Namespace) -> int:
    print(publishing.publish(given.file, _form(given.file), given.catalogue))
    return 0


def _check(given: argparse.Namespace) -> int:
    changed = publishing.broken(given.catalogue)
    for line in changed:
        print(line)
    faults = _print_faults(sorted(given.catalogue.glob("*/*.yaml")), None, notes=False)
    return 1 if changed or faults else 0


def _schema(_: argparse.Namespace) -> int:
    sys.stdout.write(schema.text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
