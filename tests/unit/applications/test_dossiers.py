"""Names of files that every system unpacks, and a ZIP that goes out piece by piece and proves itself."""

import asyncio
import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.applications.dossiers import archive as archives
from services.applications.dossiers.archive import Archive
from services.applications.dossiers.names import BYTES, Names, part

CHECK = Path(archives.__file__).with_name("check.py")


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ('a<b>c:d"e/f\\g|h?i*j.pdf', "a_b_c_d_e_f_g_h_i_j.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("com1", "_com1"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("  报告 . ", "报告"),
        ("..", "未命名"),
        (".pdf", "pdf"),
        ("", "未命名"),
        ("设计\u202e稿\u200b.png", "设计稿.png"),
        ("a\nb\tc.txt", "a b c.txt"),
        ("👩‍🎨作品.jpg", "👩🎨作品.jpg"),
        ("长" * 300 + ".pdf", "长" * 58 + ".pdf"),
        ("e\u0301te\u0301.doc", "\u00e9t\u00e9.doc"),
    ],
)
def test_names_are_taken_by_every_system(name: str, becomes: str) -> None:
    assert part(name) == becomes


@given(st.lists(st.text(max_size=300), max_size=12))
def test_no_two_files_have_one_path(names: list[str]) -> None:
    given_ = Names()
    paths = [given_.path("卷", name) for name in [*names, "A.pdf", "a.PDF", "a.pdf"]]
    assert len({path.casefold() for path in paths}) == len(paths)
    for path in paths:
        name = path.removeprefix("卷/")
        assert name.strip(" .") == name
        assert not set(name) & set('<>:"/\\|?*')
        assert len(name.encode()) <= BYTES + 8  # the number of an equal one comes after


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def whole(folder: Path, *, about: dict[str, str]) -> tuple[Path, Archive]:
    out = io.BytesIO()

    async def write(piece: bytes) -> None:
        out.write(piece)

    made = Archive(write)
    await made.add("甲/1 申报书/第1版 申报书.pdf", pieces(b"%PDF", b"x" * 100_000), 100_004)
    await made.text("甲/3 退回意见.csv", "意见".encode() * 1000)
    made.lacks("甲/2 附件/没有.pdf", "存储中没有这份文件")
    await made.close(about)
    path = folder / "卷宗.zip"
    path.write_bytes(out.getvalue())
    assert (made.size, made.sha256) == (len(out.getvalue()), hashlib.sha256(out.getvalue()).hexdigest())
    return path, made


def checked(*arguments: str, script: Path = CHECK) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", str(script), *arguments], capture_output=True, check=False,
        env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return done.returncode, done.stdout.decode()


async def test_the_script_inside_finds_whatever_was_changed(tmp_path: Path) -> None:
    path, _ = await whole(tmp_path, about={"about": "某批次"})
    code, said = await asyncio.to_thread(checked, str(path))
    assert (code, "全部文件与清单一致" in said) == (0, True), said
    folder = tmp_path / "解压"
    with zipfile.ZipFile(path) as opened:
        opened.extractall(folder)
        assert opened.testzip() is None
        assert opened.getinfo("甲/1 申报书/第1版 申报书.pdf").compress_type == zipfile.ZIP_STORED
    # In the folder the script is its own.
    assert (await asyncio.to_thread(checked, script=folder / "check.py"))[0] == 0
    (folder / "甲/3 退回意见.csv").write_text("别的意见", encoding="utf-8")
    (folder / "甲/1 申报书/第1版 申报书.pdf").unlink()
    (folder / "多出来的.txt").write_text("x", encoding="utf-8")
    code, said = await asyncio.to_thread(checked, str(folder))
    assert code == 1
    for line in ("文件已被改动：甲/3 退回意见.csv", "缺少文件：甲/1", "清单以外的文件：多出来的.txt"):
        assert line in said
    # Cut off anywhere it is no ZIP.
    cut = tmp_path / "cut.zip"
    cut.write_bytes(path.read_bytes()[:-100])
    assert (await asyncio.to_thread(checked, str(cut)))[0] == 1


async def test_sizes_beyond_32_bits_have_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files with the headers of large ones, and more entries than a directory of 16 bits counts."""
    monkeypatch.setattr(archives, "LARGE", 10)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    path, made = await whole(tmp_path, about={})
    assert b"PK\x06\x06" in path.read_bytes()  # the end of a directory of 64 bits
    assert (await asyncio.to_thread(checked, str(path)))[0] == 0
    with zipfile.ZipFile(path) as opened:
        assert len(opened.namelist()) == len(made.entries)
