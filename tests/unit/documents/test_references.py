"""Every reference document is still what it was: the same text on the same pages, the same picture."""

import pytest
from PIL import Image, ImageChops, ImageStat

from services.documents.checking import plain
from tests.unit.documents import references
from tests.unit.documents.conftest import Printed

KNOWN = sorted(file.stem for file in references.FOLDER.glob("*.txt"))
# Of 255 greys: what other releases of fonts and PDFium may differ by, over a page and in the worst spot.
ANYWHERE, IN_A_SPOT = 2.0, 60.0
SPOT = 12


def worst_spot(difference: Image.Image) -> float:
    """The mean difference of the worst square of a quarter-inch."""
    small = difference.resize((difference.width // SPOT, difference.height // SPOT), Image.Resampling.BOX)
    return float(small.getextrema()[1])  # type: ignore[arg-type]


def compare(content: bytes, name: str) -> None:
    known = (references.FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert references.text_of(content) == known
    with Image.open(references.FOLDER / f"{name}.png") as file:
        picture = file.convert("L")
    now = references.picture_of(content)
    assert now.size == picture.size
    difference = ImageChops.difference(now, picture)
    assert ImageStat.Stat(difference).mean[0] < ANYWHERE
    assert worst_spot(difference) < IN_A_SPOT


@pytest.mark.parametrize("name", KNOWN)
def test_reference(printed: Printed, name: str) -> None:
    compare(printed(references.documents()[name]()).content, name)


def test_every_kind_and_every_form_has_its_reference() -> None:
    """`python -m tests.unit.documents.references` makes what is missing; look at it before it is committed."""
    assert set(KNOWN) == set(references.documents())


@pytest.mark.parametrize("name", [name for name in KNOWN if name.startswith("form-")])
def test_dates_codes_and_amounts_stand_on_one_line(printed: Printed, name: str) -> None:
    """A column that is too narrow for its kind is a fault of the form's `width`."""
    lines = references.lines_of(printed(references.documents()[name]()).content)
    together = plain("".join(lines))
    for whole in ("2025年12月31日", "91110105MA00TE5T2T", "0200001009000000001", "13800138000"):
        assert sum(plain(line).count(whole) for line in lines) == together.count(whole), whole


def test_lines_that_moved_are_told(printed: Printed) -> None:
    """The comparison itself can fail."""
    document = references.models.commitment()
    facts = [*document.facts[:-1], document.facts[-1].model_copy(update={"text": "91110105MA00TE5T2T\n　"})]
    moved = printed(document.model_copy(update={"facts": facts}))
    with pytest.raises(AssertionError):
        compare(moved.content, "commitment")
