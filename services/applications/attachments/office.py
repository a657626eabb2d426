"""Look into Word and Excel files: whether they are what they say, and carry nothing that runs. Nothing of them is unpacked but small lists."""

import zipfile

from services.applications.attachments.fault import Fault
from shared import codes

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# The part without which a file of this type is none.
MAIN = {DOCX: "word/document.xml", XLSX: "xl/workbook.xml"}
# Unpacked, and how many times its own size that may be where it is much: what is more is made to fill a memory.
MOST_BYTES, MOST_TIMES, LITTLE = 500 * 1024 * 1024, 200, 20 * 1024 * 1024
MOST_PARTS = 10_000
# A list of parts, or of what a document refers to.
_LIST_BYTES = 1024 * 1024
_TYPES, _SETTINGS = "[Content_Types].xml", "word/_rels/settings.xml.rels"

BROKEN = Fault(codes.FILE_BROKEN, "Word 或 Excel 文件无法打开，文件不完整或已损坏，请重新保存后上传。")
ENCRYPTED = Fault(codes.FILE_ENCRYPTED, "文件已加密，打开时需要密码，请去除密码后重新上传。")
MACROS = Fault(
    codes.FILE_MACROS, "文件含有宏、控件或外部模板，不能上传。请另存为不含宏的 .docx、.xlsx，或“输出为PDF”后上传。"
)
BOMB = Fault(codes.FILE_TOO_COMPLEX, "文件解开后过大，不能上传，请拆分或“输出为PDF”后上传。")


def office_fault(path: str, media_type: str) -> Fault | None:
    """Return what is wrong with a Word or Excel file, or None."""
    try:
        with zipfile.ZipFile(path) as packed:
            return _fault(packed, MAIN[media_type])
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, RuntimeError, EOFError):
        return BROKEN


def _fault(packed: zipfile.ZipFile, main: str) -> Fault | None:
    parts = packed.infolist()
    if any(part.flag_bits & 1 for part in parts):
        return ENCRYPTED
    unpacked, packed_size = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_BYTES or unpacked > max(LITTLE, MOST_TIMES * packed_size):
        return BOMB
    names = {part.filename.lower(): part for part in parts}
    if len(names) != len(parts) or not {_TYPES.lower(), main} <= names.keys():
        return BROKEN
    return MACROS if _runs(packed, names) else None


def _runs(packed: zipfile.ZipFile, names: dict[str, zipfile.ZipInfo]) -> bool:
    """Tell whether a file carries macros or controls, or draws a template from elsewhere."""
    marks = ("vbaproject.bin", "vbadata.xml", "/activex/", "/macrosheets/")
    if any(mark in name for name in names for mark in marks):
        return True
    types = _read(packed, names[_TYPES.lower()]).lower()
    settings = _read(packed, names[_SETTINGS]).lower() if _SETTINGS in names else b""
    return b"macroenabled" in types or b"vbaproject" in types or b"attachedtemplate" in settings


def _read(packed: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """Return a list that stands in the file; `ValueError` where it is no list any more."""
    with packed.open(part) as file:
        found = file.read(_LIST_BYTES + 1)
    if len(found) > _LIST_BYTES:
        raise ValueError
    return found
