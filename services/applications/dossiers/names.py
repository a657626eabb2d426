"""Name files of a ZIP so that every system can unpack them: Windows refuses most. Pure."""

import re
import unicodedata

# Of one part of a path: Windows takes 260 characters of a whole path, other systems 255 bytes of a part.
CHARACTERS, BYTES = 60, 180
_REFUSED = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in "0123456789¹²³")})


def part(name: str, fallback: str = "未命名") -> str:
    """Return a name as one part of a path: nothing that a system refuses, and not too long; what tells the kind of a file stays."""
    shown = "".join(
        " " if c.isspace() else c for c in unicodedata.normalize("NFC", name) if c.isprintable() or c.isspace()
    )
    stem, dot, extension = _REFUSED.sub("_", " ".join(shown.split())).rpartition(".")
    if not dot or not stem.strip(" ._") or len(extension) > 10 or not extension.isalnum():
        stem, dot, extension = _REFUSED.sub("_", " ".join(shown.split())), "", ""
    stem = _short(stem, BYTES - len(extension.encode()) - 1).strip(" .")
    if stem.split(".")[0].casefold() in _DEVICES:
        stem = f"_{stem}"
    return f"{stem or fallback}{dot}{extension}"


def _short(text: str, bytes_: int) -> str:
    text = text[:CHARACTERS]
    while len(text.encode()) > bytes_:
        text = text[:-1]
    # What is left of a letter made of several: no mark or joiner stands at the end.
    while text and (unicodedata.combining(text[-1]) or text[-1] in "\u200d\ufe0f"):
        text = text[:-1]
    return text


class Names:
    """Gives each file of a ZIP a path of its own, also where capitals do not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def path(self, folder: str, name: str) -> str:
        """Return a path in a folder; a second file of the same name is numbered."""
        wanted = part(name)
        stem, dot, extension = wanted.rpartition(".")
        if not dot:
            stem, extension = wanted, ""
        found, n = wanted, 1
        while (key := f"{folder}/{found}".casefold()) in self._taken:
            n += 1
            found = f"{stem} ({n}){dot}{extension}"
        self._taken.add(key)
        return f"{folder}/{found}" if folder else found
