"""What documents show of texts that were saved before anything was refused."""

from shared.text import printable


def test_an_old_text_turns_nothing_around_it_and_lacks_nothing() -> None:
    assert (
        printable.marked("关于“旧\v名\u202e反\u2067\x07\U0001f9ff\u2069”的通知")
        == "关于“旧 名反〔U+0007〕〔U+1F9FF〕”的通知"
    )
    joined = "क्\u200dष"
    assert printable.marked(joined) == joined
