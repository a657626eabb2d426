"""File names arrive as people see them, whatever the header that carries them."""

import unicodedata

import pytest
from aiohttp import BodyPartReader
from aiohttp.hdrs import CONTENT_DISPOSITION
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from shared.text.file_names import LONGEST, disposition, field_name, file_name, plain


def part(header: str) -> BodyPartReader:
    headers = CIMultiDictProxy(CIMultiDict({CONTENT_DISPOSITION: header}))
    return BodyPartReader(b"--x", headers, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ('filename="营业执照.pdf"', "营业执照.pdf"),
        # Browsers: only the quotation mark and line ends are encoded.
        ('filename="a;b.pdf"', "a;b.pdf"),
        ('filename="a; filename=b.pdf"', "a; filename=b.pdf"),
        ('filename="设计\\稿.pdf"', "设计\\稿.pdf"),
        ('filename="稿\\"', "稿\\"),
        ('filename="%22京绣%22终稿.pdf"', '"京绣"终稿.pdf'),
        ('filename="第一行%0D%0A第二行.pdf"', "第一行  第二行.pdf"),
        ('filename="折扣50%25.pdf"', "折扣50%25.pdf"),
        ('filename="50%20off.pdf"', "50%20off.pdf"),
        # Decomposed accents and syllables, as macOS keeps them.
        ('filename="' + unicodedata.normalize("NFD", "café가.pdf") + '"', "café가.pdf"),
        # Programs: escaped by backslashes, every letter encoded, by RFC 5987, without quotes, in GBK.
        ('filename="a\\"b\\\\c.pdf"', 'a"b\\c.pdf'),
        ('filename="%E6%A0%B7%E6%9C%AC.pdf"', "样本.pdf"),
        ("filename=\"x.pdf\"; filename*=UTF-8''%E6%A0%B7%E6%9C%AC.pdf", "样本.pdf"),
        ("filename=plain.pdf", "plain.pdf"),
        ('filename="' + "样本.pdf".encode("gb18030").decode("utf-8", "surrogateescape") + '"', "样本.pdf"),
        # Folders, controls, marks that turn a name round, hard and ideographic blanks.
        ('filename="C:\\Users\\me\\样本.pdf"', "样本.pdf"),
        ('filename="/home/me/样本.pdf"', "样本.pdf"),
        ('filename="a\x01b\u202efdp.exe.pdf"', "abfdp.exe.pdf"),
        ('filename="报告\u3000终\u00a0稿.pdf"', "报告 终 稿.pdf"),
        ('filename="\u200b"', "附件"),
        ('filename=""', ""),
    ],
)
def test_a_name_as_people_see_it(sent: str, seen: str) -> None:
    read = part(f'form-data; name="file"; {sent}')
    assert (field_name(read), file_name(read)) == ("file", seen)


@pytest.mark.parametrize("header", ["", "form-data", 'form-data; name="f.name"', "form-data; ;;=; name=f.name"])
def test_no_file(header: str) -> None:
    assert file_name(part(header)) is None


@given(st.text(max_size=60))
def test_what_was_written_is_read(name: str) -> None:
    shown = plain(name)
    read = part(disposition("file", shown))
    assert field_name(read) == "file"
    # A name that looks encoded is decoded; nothing else changes.
    assert file_name(read) == shown or "%" in shown or '\\"' in shown


@given(st.text(max_size=400))
def test_any_name_is_one_line_that_can_be_stored(name: str) -> None:
    shown = plain(name)
    assert 0 < len(shown) <= LONGEST
    assert shown.isprintable()
    assert "/" not in shown
    assert plain(shown) == shown


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_header_is_read(header: str) -> None:
    file_name(part(header))
    field_name(part(f"form-data; {header}"))
