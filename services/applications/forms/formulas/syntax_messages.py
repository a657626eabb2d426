"""Say in Chinese why a formula cannot be parsed, from Python's SyntaxError and the text that was typed."""

import keyword
import re
import unicodedata

# Signs that people type for those of formulas, besides full-width ones.
_SIGNS = {"≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "÷": "/", "、": ",", "。": "."}  # fmt: skip
# And those that other languages have.
_OTHER_SIGNS = {
    "=>": "“不小于”写成“>=”",
    "=": "判断相等要写两个等号“==”",
    "<>": "“不等于”写成“!=”",
    "&": "“并且”写成 and",
    "|": "“或者”写成 or",
    "!": "“并非”写成 not",
    "?": "请写成“a if 条件 else b”",
}
_SYNTAX: tuple[tuple[str, str], ...] = (
    (r"'(.)' was never closed", "括号“{0}”没有配对"),
    (r"unmatched '(.)'", "多了一个“{0}”"),
    (r"closing parenthesis '(.)' does not match", "括号“{0}”与前面的括号不配对"),
    (r"unterminated|EOL while", "引号没有成对"),
    (r"instead of '='|cannot assign|assignment", _OTHER_SIGNS["="]),
    (r"expected 'else'", "“if”后面要有“else”，如“a if b else c”"),
    (r"zeros|literal|imaginary", "数的写法不对，如 1000、0.5；名称不能以数字开头"),
    (r"non-printable", "有看不见的字符，请删去重写"),
    (r"invalid character '(.)'", "不能用“{0}”"),
)
# Words that formulas have of their own.
_WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", "for"})


def of_syntax(error: SyntaxError, text: str) -> str:
    """Return what is wrong with a formula that cannot be read; `text` is what was to be read."""
    problem, at = error.msg or "", error.offset or 0
    if wide := _wide_sign(text):
        return wide
    for pattern, words in _SYNTAX:
        if match := re.search(pattern, problem):
            return words.format(*match.groups())
    if not 0 < at <= len(text):
        return "没有写完"
    rest = text[at - 1 :]
    for sign, words in _OTHER_SIGNS.items():
        if rest.startswith(sign):
            return words
    word = re.match(r"\w*", rest)
    if word and keyword.iskeyword(word[0]) and word[0] not in _WORDS:
        return f'“{word[0]}”另有用处；如果它是 key，请写成 form["材料"]["{word[0]}"]'
    return f"第 {at} 个字符附近写得不对"


def _wide_sign(text: str) -> str | None:
    """Return the first sign outside texts that should be typed otherwise."""
    for sign in re.sub(r"'[^']*'|\"[^\"]*\"", "", text):
        if sign in "“”‘’":
            return "引号要用半角的 \" 或 '"
        plain = _SIGNS.get(sign) or unicodedata.normalize("NFKC", sign)
        if plain != sign and plain.isascii() and not plain.isalnum():
            return f"不能用“{sign}”，请改用半角的“{plain}”"
    return None
