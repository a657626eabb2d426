"""The faster paths draw what WeasyPrint draws: every pixel, every letter. They know one release and no other."""

from collections.abc import Iterator
from dataclasses import replace

import pydyf
import pypdfium2
import pytest
import weasyprint
from PIL import Image, ImageChops
from weasyprint import CSS

from services.documents import faster, markup, recipe, rendering
from services.documents.faster import reading
from services.documents.fetcher import EmbeddedOnly
from shared.document import AnyDocument, Text
from tests.unit.documents import models, references
from tests.unit.documents.conftest import Printed

# 504 dots to the inch. Below that, PDFium hints letters in the one container of a font and not in the other.
SCALE = 7


@pytest.fixture(scope="module")
def usual() -> rendering.Press:
    return rendering.press(fast=False)


def pages(content: bytes) -> Iterator[Image.Image]:
    document = pypdfium2.PdfDocument(content)
    for page in document:
        yield page.render(scale=SCALE, grayscale=True).to_pil()
    document.close()


def differing(first: bytes, second: bytes) -> list[int]:
    """The pages that are not the same in every pixel."""
    pairs = zip(pages(first), pages(second), strict=True)
    return [number for number, pair in enumerate(pairs, 1) if ImageChops.difference(*pair).getbbox()]


def hard() -> AnyDocument:
    """What the faster paths leave to WeasyPrint, among what they do not: several fonts, long words, marks over
    letters, a letter that no font has, text that is not broken where one expects."""
    texts = [
        f"{models.RARE} é e\u0301 \U0010ffff 😀 ﬁ “引号”——……《》 {'A' * 200}",
        "景泰蓝Cloisonné制作技艺（ＣＬＯＩＳＯＮＮÉ）" * 20,
        "掐丝珐琅" * 300,
        "very-long-path/" * 30,
        "软\xad连\xad字\xad符 hy\xadphen" * 30,
        "空格 结尾 " * 60,
    ]
    return models.model(more=tuple(Text(text=text) for text in texts))


def mixed() -> AnyDocument:
    paragraph = "按照《北京市传统工艺美术保护办法》 and its appendix of 2026, 现将 GM2026000007 退回补正。" * 6
    return models.letter().model_copy(update={"paragraphs": [paragraph] * 3})


DOCUMENTS = {
    **references.documents(),
    "hard": hard,
    "mixed": mixed,
    "long": lambda: models.model(rows=80, watermark=models.DRAFT),
}


# Another fund's form is the same template with other words.
EVERY = [pytest.param(name, marks=[pytest.mark.slow] * name.startswith("form-")) for name in DOCUMENTS]


@pytest.mark.parametrize("name", EVERY)
def test_pages_are_the_same(name: str, usual: rendering.Press, printed: Printed) -> None:
    document = DOCUMENTS[name]()
    slow, quick = rendering.render(document, usual).content, printed(document).content
    assert references.text_of(quick) == references.text_of(slow)
    assert differing(slow, quick) == []
    # Two renderings that are one and the same would prove nothing.
    assert len(quick) < len(slow)


def test_justified_lines_are_the_same(usual: rendering.Press, press: rendering.Press) -> None:
    """No template has any; whoever writes the first gets WeasyPrint's own way."""
    sheet = CSS(string="\n".join([*markup.style_sheets("letter"), ".paragraph { text-align: justify }"]))
    document = mixed()
    left = rendering.render(document, press).content
    slow, quick = (
        rendering.render(document, replace(press, css={"letter": sheet})).content for press in (usual, press)
    )
    assert differing(slow, quick) == []
    assert differing(left, quick) != []


def test_a_moved_line_is_told(usual: rendering.Press, press: rendering.Press) -> None:
    """The comparison itself can fail."""
    document = models.commitment()
    moved = document.model_copy(update={"subtitle": document.subtitle + "。"})
    slow, quick = rendering.render(document, usual).content, rendering.render(moved, press).content
    assert differing(slow, quick) == [1]


def test_the_installed_release_is_the_one_they_know() -> None:
    """After an upgrade: read what changed in WeasyPrint, then say so in `faster/__init__.py`."""
    assert (weasyprint.__version__, pydyf.__version__) == (faster.WEASYPRINT, faster.PYDYF)


def test_with_another_release_they_stay_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weasyprint, "__version__", "71.0")
    press = rendering.press()
    assert not press.faster
    assert rendering.render(models.commitment(), press).content.startswith(b"%PDF")


def test_nothing_is_left_behind(usual: rendering.Press, press: rendering.Press) -> None:
    document = models.commitment()
    before = rendering.render(document, usual).sha256
    rendering.render(document, press)
    assert rendering.render(document, usual).sha256 == before
    with pytest.raises(RuntimeError, match="in the midst"), faster.paths():
        raise RuntimeError("in the midst")
    assert rendering.render(document, usual).sha256 == before


def test_what_xml_cannot_carry_is_read_the_usual_way() -> None:
    text = "<html><body><p>甲\x0b乙</p></body></html>"
    assert type(faster.read(text, EmbeddedOnly())) is weasyprint.HTML
    assert type(faster.read(text.replace("\x0b", ""), EmbeddedOnly())) is reading.Page


def test_a_control_character_spoils_no_document(press: rendering.Press) -> None:
    content = rendering.render(models.model(more=(Text(text="前\x0b后"),)), press).content
    assert "前" in "".join(references.text_of(content))


def test_either_way_has_its_own_recipe() -> None:
    assert recipe.base(fast=True) != recipe.base(fast=False)
