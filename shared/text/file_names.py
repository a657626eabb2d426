"""Read and write the names in a multipart part's header, by RFC 7578 and by what browsers really send.

Browsers write a name as it is, in UTF-8, with only the quotation mark and line ends percent-encoded: a semicolon or a
backslash in it means nothing. Some other programs escape a quotation mark by a backslash, or encode every letter. aiohttp's
own reader takes semicolons and backslashes for marks of the header and so loses parts of a name.
"""

import re
import unicodedata
from contextlib import suppress
from urllib.parse import unquote

from aiohttp import BodyPartReader, hdrs

# A quoted text ends at the quotation mark that another parameter or the end follows.
_PARAMETER = re.compile(
    r""";\s*([A-Za-z*]+)\s*=\s*(?:"(.*?)"(?=\s*(?:;\s*[A-Za-z*]+\s*=|;?\s*$))|([^;"\s]*))""", re.DOTALL
)
_BY_BROWSERS = {"%22": '"', "%0A": "\n", "%0D": "\r"}
_FALLBACK = "附件"
LONGEST = 120


def field_name(part: BodyPartReader) -> str | None:
    """Return the name of the field that a part belongs to; None when it has none."""
    return _parameters(part).get("name")


def file_name(part: BodyPartReader) -> str | None:
    """Return the name of a part's file as people see it; None for a part that is no file, empty when none was chosen."""
    found = _parameters(part)
    if "filename*" in found and (extended := _extended(found["filename*"])) is not None:
        return plain(extended)
    return plain(found["filename"]) if found.get("filename") else found.get("filename")


def plain(name: str) -> str:
    """Return a file's own name: one line, no folders, no invisible marks, composed accents, 120 characters at most."""
    name = re.sub(r"^([A-Za-z]:|\\\\).*\\", "", unicodedata.normalize("NFC", name))
    blanks = "".join(" " if c.isspace() else c for c in name.rsplit("/", 1)[-1])
    shown = "".join(c for c in blanks if c.isprintable()).strip() or _FALLBACK
    stem, dot, extension = shown.rpartition(".")
    if dot and len(extension) < 10:
        return f"{stem[: LONGEST - 10]}{dot}{extension}"
    return shown[:LONGEST]


def disposition(field: str, name: str) -> str:
    """Write a part's Content-Disposition as a browser does."""
    for encoded, letter in _BY_BROWSERS.items():
        name = name.replace(letter, encoded)
    return f'form-data; name="{field}"; filename="{name}"'


def _parameters(part: BodyPartReader) -> dict[str, str]:
    header = part.headers.get(hdrs.CONTENT_DISPOSITION, "")
    found: dict[str, str] = {}
    for key, quoted, token in _PARAMETER.findall(_decoded(header)):
        found.setdefault(key.lower(), _unescaped(quoted) or token)
    return found


def _decoded(header: str) -> str:
    # Bytes that are no UTF-8 come as surrogates: an old program on a Chinese system wrote them.
    raw = header.encode("utf-8", "surrogateescape")
    with suppress(UnicodeDecodeError):
        return raw.decode()
    return raw.decode("gb18030", "replace")


def _unescaped(quoted: str) -> str:
    if '\\"' in quoted:
        quoted = re.sub(r'\\(["\\])', r"\1", quoted)
    if quoted.isascii() and "%" in quoted:
        with suppress(UnicodeDecodeError):
            whole = unquote(quoted, errors="strict")
            if not whole.isascii():
                return whole
    return re.sub("%(?:22|0[AaDd])", lambda found: _BY_BROWSERS[found[0].upper()], quoted)


def _extended(value: str) -> str | None:
    charset, _, encoded = value.partition("'")
    try:
        return unquote(encoded.partition("'")[2], charset or "utf-8", "strict")
    except (LookupError, UnicodeDecodeError):
        return None
