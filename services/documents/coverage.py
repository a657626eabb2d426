"""`python -m services.documents.coverage`: write `shared/text/printable.txt` from the installed fonts."""

from collections.abc import Iterable

from services.documents import fonts
from shared.text import printable


def ranges(codes: Iterable[int]) -> list[tuple[int, int]]:
    """Return code points as ranges, first and last, in ascending order."""
    found: list[tuple[int, int]] = []
    for code in sorted(codes):
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return found


def table() -> str:
    """Return the text of `shared/text/printable.txt`."""
    return "".join(f"{first:X}-{last:X}\n" for first, last in ranges(fonts.covered()))


if __name__ == "__main__":
    printable.TABLE.write_text(table(), encoding="ascii")
