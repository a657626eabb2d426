#!/usr/bin/env python3
"""Check a case file (卷宗) against its manifest: python check.py [folder or ZIP]. Needs nothing but Python 3.8."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Callable
from typing import IO


def opened(where: str) -> tuple[list[str], Callable[[str], IO[bytes]]]:
    """Return the names of all files, and a function that opens one."""
    if os.path.isdir(where):
        names = []
        for folder, _, files in os.walk(where):
            for name in files:
                path = os.path.relpath(os.path.join(folder, name), where)
                names.append(path.replace(os.sep, "/"))
        return names, lambda name: open(os.path.join(where, *name.split("/")), "rb")
    whole = zipfile.ZipFile(where)
    return [one.filename for one in whole.infolist() if not one.is_dir()], whole.open


def digests(file: IO[bytes]) -> tuple[int, str, str | None]:
    """Return a file's size, SHA-256 and SM3; None for the last where this Python does not know it."""
    sha256, size = hashlib.sha256(), 0
    try:
        sm3 = hashlib.new("sm3")
    except ValueError:
        sm3 = None
    for piece in iter(lambda: file.read(1024 * 1024), b""):
        size += len(piece)
        sha256.update(piece)
        if sm3 is not None:
            sm3.update(piece)
    return size, sha256.hexdigest(), sm3.hexdigest() if sm3 is not None else None


def check(where: str) -> tuple[list[str], bool]:
    """Return what is wrong, and whether SM3 was checked."""
    names, open_ = opened(where)
    if "manifest.json" not in names:
        return ["没有 manifest.json，不是完整的卷宗"], False
    with open_("manifest.json") as file:
        manifest = json.loads(file.read().decode("utf-8"))
    wrong, with_sm3 = [], True
    listed = {one["path"]: one for one in manifest["files"]}
    for path, one in listed.items():
        if path not in names:
            wrong.append("缺少文件：" + path)
            continue
        with open_(path) as file:
            size, sha256, sm3 = digests(file)
        if (size, sha256) != (one["size"], one["sha256"]) or (sm3 is not None and sm3 != one["sm3"]):
            wrong.append("文件已被改动：" + path)
        with_sm3 = with_sm3 and sm3 is not None
    wrong += ["清单以外的文件：" + path for path in sorted(set(names) - set(listed) - {"manifest.json"})]
    return wrong, with_sm3


def say(text: str) -> None:
    """Print, whatever the terminal can show."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def main() -> int:
    where = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    try:
        wrong, with_sm3 = check(where)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        wrong, with_sm3 = [f"无法读取，文件可能不完整：{error}"], False
    for line in wrong:
        say(line)
    if not wrong:
        also = "、SM3" if with_sm3 else "；本机的 Python 不支持 SM3，未核对 SM3"
        say(f"全部文件与清单一致（SHA-256{also}）")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
