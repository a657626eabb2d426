"""Whom a note names: by @ and the name, the longer of two that begin alike, everybody who bears it, nobody unknown."""

import pytest

from services.applications.colleagues.people import chosen, named
from shared import codes
from shared.errors import Invalid
from shared.messages import StaffMember

WANG, WANGMING, LI, OTHER_LI = (
    StaffMember(account=account, name=name)
    for account, name in (("1", "王小"), ("2", "王小明"), ("3", "李四"), ("4", "李四"))
)
ALL = [WANG, WANGMING, LI, OTHER_LI]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("请@王小明核对", [WANGMING]),
        ("请@王小核对，@王小明也看一下", [WANG, WANGMING]),
        ("＠李四：附件看不清", [LI, OTHER_LI]),
        ("@王小@王小@王小", [WANG]),
        ("王小明已看过；邮箱 a@b.cn；@不认识的人 @", []),
        ("", []),
    ],
)
def test_named(text: str, found: list[StaffMember]) -> None:
    assert named(text, ALL) == found
    assert named(text, []) == []


def test_chosen() -> None:
    assert chosen(["3", "1", "3"], ALL, "mentions") == [LI, WANG]
    with pytest.raises(Invalid) as refused:
        chosen(["1", "5"], ALL, "colleagues")
    assert [(e.field, e.code) for e in refused.value.errors] == [("colleagues", codes.UNKNOWN_COLLEAGUE)]
