"""What a card of 新增项目 says of a round's limits."""

import pytest

from services.gateway.web.ceilings import ceilings


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.3", "30%"),
        ("0.30", "30%"),
        ("0.125", "12.5%"),
        ("1", "100%"),
        (1, "100%"),
        ("30%", "30%"),
        ("三成", "三成"),
    ],
)
def test_a_ratio_is_exact_and_breaks_no_page(value: str | int, shown: str) -> None:
    assert ceilings({"ratio": value, "unknown": "x"}) == [f"支持比例 {shown}"]
