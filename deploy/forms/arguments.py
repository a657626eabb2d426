"""Read the command line in Chinese: argparse knows English and what gettext gives it, which is no Chinese."""

import argparse
import re
from typing import Any, NoReturn

_SAID = (
    (r"the following arguments are required: (.*)", "缺少：{0}"),
    (r"(?:argument .*: )?invalid choice: '?(.*?)'? \(choose from (.*)\)", "没有“{0}”，可用的有：{1}"),
    (r"unrecognized arguments: (.*)", "不认识：{0}"),
    (r"argument (.*): expected .*", "{0} 后面缺少内容"),
    (r"argument (.*): invalid int value: '?(.*?)'?", "{0} 应为整数，不能是“{1}”"),
    (r"argument [^:]*: (.*)", "{0}"),
)


class _Help(argparse.HelpFormatter):
    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "用法：" if prefix is None else prefix)


class Parser(argparse.ArgumentParser):
    """A parser that speaks Chinese; wrong arguments end with 2, as with argparse."""

    def __init__(self, **given: Any) -> None:
        super().__init__(formatter_class=_Help, add_help=False, allow_abbrev=False, **given)
        # argparse names its two groups itself; it has no other way to name them.
        self._positionals.title, self._optionals.title = "内容", "选项"
        self.add_argument("-h", "--help", action="help", help="显示这段说明")

    def error(self, message: str) -> NoReturn:
        found = ((words, re.fullmatch(pattern, message)) for pattern, words in _SAID)
        said = next((words.format(*match.groups()) for words, match in found if match), message)
        self.exit(2, f"{self.format_usage()}{said}\n")
