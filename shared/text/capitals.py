"""Write sums of money in words (大写), as GB/T 15835 and the Ministry of Finance's rules for vouchers do."""

from decimal import ROUND_HALF_UP, Decimal

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")
# One more group of four digits would need a word nobody uses.
LIMIT = Decimal(10) ** 16


def in_words(wan: Decimal) -> str:
    """Return an amount of 万元 in words: ``22.05`` is ``人民币贰拾贰万零伍佰元整``; fractions of a fen are rounded.

    `ValueError` from ten quadrillion yuan on.
    """
    fen = int((abs(wan) * 1_000_000).quantize(Decimal(1), ROUND_HALF_UP))
    yuan, rest = divmod(fen, 100)
    if yuan >= LIMIT:
        raise ValueError(f"{wan} 万元 is more than can be said")
    sign = "负" if wan < 0 and fen else ""
    jiao, last = divmod(rest, 10)
    if not rest:
        tail = "整"
    else:
        # 零 stands for a missing 角 between 元 and 分.
        tail = f"{_DIGITS[jiao]}角" if jiao else ("零" if yuan else "")
        tail += f"{_DIGITS[last]}分" if last else "整"
    whole = f"{_integer(yuan)}元" if yuan or not rest else ""
    return f"人民币{sign}{whole}{tail}"


def _integer(number: int) -> str:
    if number == 0:
        return _DIGITS[0]
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text, gap = "", False
    for place in reversed(range(len(groups))):
        group = groups[place]
        if not group:
            gap = bool(text)
            continue
        # A group that does not fill its four places is joined by one 零.
        if text and (gap or group < 1000):
            text += _DIGITS[0]
        # 万亿 before 亿 says its 亿 only once.
        said = "万" if place == 3 and groups[2] else _GROUPS[place]
        text += _group(group) + said
        gap = False
    return text


def _group(number: int) -> str:
    text, gap = "", False
    for place in reversed(range(4)):
        digit = number // 10**place % 10
        if digit:
            text += (_DIGITS[0] if gap and text else "") + _DIGITS[digit] + _UNITS[place]
            gap = False
        else:
            gap = True
    return text
