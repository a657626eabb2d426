"""The rung that everything is measured against still stands, whatever becomes of our own templates."""

from tests.load.documents import SENTENCE, reference, stock_markup


def test_the_templates_of_that_day_still_say_everything() -> None:
    text, css = stock_markup(reference())
    assert text.count(SENTENCE * 18) == 4
    assert text.count("<tr") > 60
    assert "Noto Sans CJK SC" in css
