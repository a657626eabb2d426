"""Read what people typed or pasted as they see it: without marks that nobody sees, with the line breaks they meant.

Sources: Unicode Standard 16, categories Cf and Cc, Default_Ignorable_Code_Point; the control characters that Word puts
on the clipboard (U+000B for Shift+Enter, U+000C for a page break, U+001E and U+001F for hyphens).
"""

import re
import unicodedata

# Drawn as nothing although Unicode does not count them among the format characters: Hangul fillers, the combining
# grapheme joiner, Khmer inherent vowels, Mongolian variation selectors, the blank Braille pattern, variation selectors.
_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef"
# All of category Cf that a person can paste.
_FORMAT = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_UNSEEN = re.compile(f"[{_BLANKS}{_FORMAT}]")
# A joiner between two letters of these scripts changes how they are written; anywhere else it is left over.
_JOINED = (
    "\u0600-\u07ff\u0840-\u085f\u08a0-\u08ff\u0900-\u0dff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1800-\u18af"
    "\ufb50-\ufdff\ufe70-\ufefc"
)
# Letters of the same scripts and the marks that they need; ideographs keep the selector of their own variant.
_NEEDED = re.compile(
    f"(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])"
    "|(?<=[\u1800-\u18af])[\u180b-\u180f]"
    "|(?<=[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]"
)
_BREAKS = re.compile("\r\n|[\r\n\v\f\u0085\u2028\u2029]")
_WORD = str.maketrans({"\x1e": "-", "\x1f": None, "\t": " "})
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d\u207b]")


class UnreadableText(ValueError):
    """The text holds a control character that means nothing; the message says where, in Chinese."""


def without_marks(text: str) -> str:
    """Remove every invisible character: for numbers, codes and addresses, which no script needs them in."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def with_hyphens(text: str) -> str:
    """Replace every dash and minus sign by the hyphen-minus that numbers are written with."""
    return text if text.isascii() else _DASHES.sub("-", text)


def cleaned(text: str) -> str:
    """Return a text as it was meant: NFC, line breaks as `\\n`, tabs as blanks, no invisible marks.

    `UnreadableText` for a control character that stands for nothing a person could have meant.
    """
    text = _BREAKS.sub("\n", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _without_needless(text))
    text = text.translate(_WORD)
    if found := _CONTROL.search(text):
        raise UnreadableText(f"第 {found.start() + 1} 个字符是无法显示的控制字符，请删除后重新输入")
    return text


def one_line(text: str) -> str:
    """Return a text that is kept as it was typed, such as a draft's name, as it can stand in a line of a page or a mail:
    direction marks in it would turn the words around it as well."""
    return " ".join(_CONTROL.sub(" ", _without_needless(_BREAKS.sub(" ", text))).split())


def _without_needless(text: str) -> str:
    if not _UNSEEN.search(text):
        return text
    needed = {found.start() for found in _NEEDED.finditer(text)}
    return _UNSEEN.sub(lambda found: found[0] if found.start() in needed else "", text)


# What two writings of one name may differ in, as a pattern that PostgreSQL reads too (`filling.queries`).
FOLDED_AWAY = rf"[\s()\[\]{{}}<>〈〉《》【】〔〕〖〗「」『』\"'“”‘’{_BLANKS}{_FORMAT}]"
DASHES = "‐‑‒–—―−"
_FOLDED_AWAY, _TO_HYPHEN = re.compile(FOLDED_AWAY), str.maketrans(dict.fromkeys(DASHES, "-"))


def folded(text: str) -> str:
    """Return a name as people compare it: NFKC, without case, blanks, invisible marks, brackets and quotation marks."""
    return _FOLDED_AWAY.sub("", unicodedata.normalize("NFKC", text).lower()).translate(_TO_HYPHEN)
