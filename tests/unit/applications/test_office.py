"""Word and Excel files: what they must be, and what of them is refused."""

import zipfile
from pathlib import Path

import pytest

from services.applications.attachments.inspection import look_into
from services.applications.attachments.office import DOCX, XLSX
from shared import codes

TYPES = "[Content_Types].xml"


def packed(path: Path, **parts: str) -> str:
    """A container with these parts, named with `__` for `/` and `_dot_` for the dot."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return str(path)


def document(path: Path, types: str = "<Types/>", **more: str) -> str:
    return packed(path, **{TYPES: types}, word__document_dot_xml="<w:document/>", **more)


def test_a_document_and_a_workbook_are_taken(tmp_path: Path) -> None:
    assert look_into(document(tmp_path / "a.docx"), DOCX) is None
    book = packed(tmp_path / "a.xlsx", **{TYPES: "<Types/>"}, xl__workbook_dot_xml="<workbook/>")
    assert look_into(book, XLSX) is None
    # One under the name of the other.
    fault = look_into(book, DOCX)
    assert fault is not None
    assert fault.code == codes.FILE_BROKEN


@pytest.mark.parametrize(
    "more",
    [
        {"word__vbaProject_dot_bin": "x"},
        {"types": '<Override ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/>'},
        {"word__activeX__activeX1_dot_xml": "x"},
        {
            "word___rels__settings_dot_xml_dot_rels": 'Type=".../attachedTemplate" Target="https://a.example/t.dotm"'
        },
    ],
)
def test_what_runs_is_refused(tmp_path: Path, more: dict[str, str]) -> None:
    fault = look_into(document(tmp_path / "a.docx", **more), DOCX)
    assert fault is not None
    assert fault.code == codes.FILE_MACROS


def test_what_is_made_to_fill_a_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    document(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        made.writestr("word/media/zero.bin", bytes(40 * 1024 * 1024))
    fault = look_into(str(path), DOCX)
    assert fault is not None
    assert fault.code == codes.FILE_TOO_COMPLEX


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"x" * 500, b"", b"PK\x05\x06" + bytes(18)])
def test_what_is_broken_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(content)
    fault = look_into(str(path), DOCX)
    assert fault is not None
    assert fault.code == codes.FILE_BROKEN
