"""The compact fonts: every character as the whole face draws it, in the order that is said; a rare name needs no whole face."""

from io import BytesIO

import pikepdf
import pytest
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTCollection, TTFont

from services.documents import characters, fonts, rendering
from shared.document import Value
from tests.unit.documents import models


def drawn(font: TTFont, code: int) -> object:
    name, pen = font.getBestCmap()[code], RecordingPen()
    font.getGlyphSet()[name].draw(pen)
    return font["hmtx"][name][0], pen.value


@pytest.mark.parametrize("cut", fonts.CUTS, ids=lambda cut: cut.name)
def test_characters_are_the_whole_face_s_and_in_order(cut: fonts.Cut) -> None:
    with (
        TTFont(fonts.FOLDER / cut.name) as compact,
        TTCollection(fonts.whole_faces()[cut.file], lazy=True) as faces,
    ):
        whole = next(face for face in faces if face["name"].getBestFamilyName() == cut.face)
        known = compact.getBestCmap()
        shown = [code for code in cut.characters() if code in whole.getBestCmap()]
        assert known.keys() == set(shown)
        # Characters of one glyph share the first one's place.
        places = list(dict.fromkeys(compact.getGlyphID(known[code]) for code in shown))
        assert places == list(range(1, len(places) + 1))
        for code in shown[:: len(shown) // 60]:
            assert drawn(compact, code) == drawn(whole, code), chr(code)


def test_what_is_ordinary_is_gb_2312_and_what_is_rare_is_not() -> None:
    ordinary = set(characters.ordinary())
    assert ordinary >= {ord(c) for c in "啊齄珐琅Aé①㎡　，"}
    rare = [set(characters.rare(block)) for block in range(3)]
    assert [chr(code) for code in map(ord, models.RARE) if code in ordinary] == ["王"]
    assert [sum(ord(c) in block for block in rare) for c in models.RARE] == [0, 1, 1, 1, 1]
    assert all({chr(code) for code in block & ordinary} == {" ", "\u00a0", "\u3000"} for block in rare)


def names(content: bytes) -> set[str]:
    with pikepdf.open(BytesIO(content)) as pdf:
        found = (font for page in pdf.pages for font in page.Resources.Font.values())
        return {str(font.BaseFont).partition("+")[2] for font in found}


def test_a_rare_name_needs_no_whole_face(press: rendering.Press) -> None:
    document = models.commitment()
    named = document.model_copy(update={"facts": [Value(label="申报单位", text=models.RARE)]})
    assert names(rendering.render(named, press).content) == {
        "Gongmei-Sans", "Gongmei-Sans-B", "Gongmei-Sans-C", "Gongmei-Sans-D", "Gongmei-Serif-Bold",
    }  # fmt: skip
    # What is bold stays bold: there the whole face is asked.
    bold = document.model_copy(update={"title": "犇"})
    assert "Noto-Serif-CJK-SC-Bold" in names(rendering.render(bold, press).content)
