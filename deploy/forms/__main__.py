"""`python -m deploy.forms lint|preview|diff|publish|check|schema`. A form is a file, or `fund_type/version` for one of the catalogue.

`lint` and `check` end with 1 when there is a fault of severity error; wrong arguments end with 2.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy.forms.arguments import Parser
from deploy.forms.rounds import BadRounds, facts_for
from services.applications.forms.authoring import json_schema, publishing
from services.applications.forms.authoring.lint import lint_file
from services.applications.forms.authoring.source import read_file
from services.applications.forms.authoring.version_diff import changes
from services.applications.forms.catalogue import FOLDER, PARAMETERS
from services.applications.forms.checklist import ENDING
from services.applications.forms.definition import Form
from services.applications.rounds import seed
from shared.errors import DomainError


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        return int(given.work(given))
    except (publishing.NotPublished, _Unreadable, BadRounds) as error:
        print(error, file=sys.stderr)
    except DomainError as error:
        print(error.detail, file=sys.stderr)
    except OSError as error:
        print(f"无法读写 {error.filename or '文件或端口'}（{error.errno}）", file=sys.stderr)
    return 1


def _parser() -> Parser:
    parser = Parser(
        prog="python -m deploy.forms",
        description="编写申报表单的工具。写法见 services/applications/forms/GUIDE.md。",
    )
    commands = parser.add_subparsers(required=True, metavar="命令", title="命令")
    form: dict[str, Any] = {"type": _file, "metavar": "表单", "help": "文件，或已发布的表单，如 craft_fair/1"}

    lint = commands.add_parser("lint", help="查出表单的全部错误，注明文件和行；有错误时以 1 结束")
    lint.add_argument("files", nargs="+", **{**form, "help": "文件、文件夹，或已发布的表单，如 craft_fair/1"})
    lint.add_argument(
        "--rounds", type=_there, metavar="文件", help="批次，写法同 demo_rounds.yaml：查出各批次不做哪些核对"
    )
    lint.add_argument("--quiet", action="store_true", help="只列错误和警告，不列提示")
    lint.set_defaults(work=_lint)

    preview = commands.add_parser("preview", help="按申报单位看到的样子打开表单，可以试填，可以看空表 PDF")
    preview.add_argument("file", **form)
    preview.add_argument("--rounds", type=_there, metavar="文件", default=seed.FILE, help="从哪些批次取选项和限额")
    preview.add_argument("--port", type=int, metavar="端口", default=8090, help="网页的端口，默认 8090")
    preview.add_argument("--write", type=Path, metavar="文件夹", help="不打开网页，把各页和 PDF 存到这里")
    preview.set_defaults(work=_preview)

    diff = commands.add_parser("diff", help="列出新表单对申报单位改变了什么；“!”表示需要留意")
    diff.add_argument("old", **{**form, "metavar": "旧表单"})
    diff.add_argument("new", **{**form, "metavar": "新表单"})
    diff.set_defaults(work=_diff)

    publish = commands.add_parser("publish", help="发布表单；发布后永不改变")
    publish.add_argument("file", **form)
    publish.add_argument("--catalogue", type=Path, metavar="文件夹", default=FOLDER, help="发布目录")
    publish.add_argument(
        "--office",
        metavar="姓名",
        help="不放进文件夹，而发布到本单位的系统里（用 GM_ 设置中的数据库），写明是谁发布",
    )
    publish.set_defaults(work=_publish)

    check = commands.add_parser("check", help="已发布的表单是否都没有错误，是否都与发布时一样")
    check.add_argument("--catalogue", type=Path, metavar="文件夹", default=FOLDER, help="发布目录")
    check.set_defaults(work=_check)

    commands.add_parser("schema", help="表单文件的 JSON Schema，供编辑器使用").set_defaults(work=_schema)
    return parser


COMMANDS = ("lint", "preview", "diff", "publish", "check", "schema")


class _Unreadable(Exception):
    """A form with faults where a sound one is needed."""


def _file(text: str) -> Path:
    """Return a path, or a form of the catalogue by its name."""
    given, known = Path(text), FOLDER / f"{text}.yaml"
    if not given.exists() and known.exists():
        return known
    if not given.exists():
        raise argparse.ArgumentTypeError(f"没有这个文件，也没有这份已发布的表单：{text}")
    return given


def _there(text: str) -> Path:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"没有这个文件：{text}")
    return Path(text)


def _form(file: Path) -> Form:
    form, faults, _ = read_file(file)
    if form is None or any(f.severity == "error" for f in faults):
        raise _Unreadable("\n".join(publishing.said(file, fault) for fault in faults))
    return form


def _lint(given: argparse.Namespace) -> int:
    files = [f for path in given.files for f in (sorted(path.rglob("*.yaml")) if path.is_dir() else [path])]
    files = [file for file in files if not file.name.endswith((ENDING, PARAMETERS))]
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
    print(f"{len(listed)} 份表单：{counts['error']} 处错误，{counts['warning']} 处警告，{counts['note']} 处提示")
    return 1 if counts["error"] else 0


def _preview(given: argparse.Namespace) -> int:
    from deploy.forms import serving

    if not given.write:
        serving.serve(given.file, given.rounds, given.port)
        return 0
    found = serving.load(given.file, given.rounds)
    if isinstance(found, str):
        raise _Unreadable(found)
    serving.write(found, given.write)
    print(given.write / "index.html")
    return 0


def _diff(given: argparse.Namespace) -> int:
    found = changes(_form(given.old), _form(given.new))
    for change in found:
        print(f"{'!' if change.attention else ' '} {change}")
    waiting = sum(change.attention for change in found)
    print(f"{len(found)} 处改变，其中 {waiting} 处需要申报单位留意" if found else "对申报单位没有改变")
    return 0


def _publish(given: argparse.Namespace) -> int:
    if given.office:
        from deploy.forms import office
        from services.applications.settings import ApplicationsSettings
        from shared.settings import load

        print(office.publish(load(ApplicationsSettings), given.file, _form(given.file), given.office))
        return 0
    print(publishing.publish(given.file, _form(given.file), given.catalogue))
    return 0


def _check(given: argparse.Namespace) -> int:
    changed = publishing.broken(given.catalogue)
    for line in changed:
        print(line)
    faults = _print_faults(sorted(given.catalogue.glob("*/*.yaml")), None, notes=False)
    return 1 if changed or faults else 0


def _schema(_: argparse.Namespace) -> int:
    sys.stdout.write(json_schema.text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
