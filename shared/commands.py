"""Begin a command of a service: `python -m services.<service> <command> [options]`."""

import logging
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any, NoReturn


def preflight(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs instead of for people")


def retention(parser: ArgumentParser) -> None:
    parser.add_argument("--carry-out", action="store_true", help="delete what it shows")


def audit_verify(parser: ArgumentParser) -> None:
    parser.add_argument("--head", action="append", default=[], help="a head noted before: position:hash")
    parser.add_argument("--accept", metavar="REASON", help="a chain that a restore made shorter counts")


def read(service: str, *plain: str, **with_options: Callable[[ArgumentParser], Any]) -> Namespace:
    """Read the command line: `command`, and the options that its function declares (`audit_verify` for `audit-verify`).
    Ends the process with code 2 at a command or an option that there is not."""
    parser = ArgumentParser(prog=f"python -m services.{service}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in plain:
        commands.add_parser(name)
    for name, options in with_options.items():
        options(commands.add_parser(name.replace("_", "-")))
    return parser.parse_args()


def end(code: int | None = 0) -> NoReturn:
    """End a command that used the store, with this exit code, and without Python's own taking down: the store's threads hand
    results over a moment longer than anybody waits for, and abort a process that is being taken down meanwhile."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)
