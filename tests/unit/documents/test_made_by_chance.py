"""Documents that nobody here wrote come whole: whatever stands in them, and whatever their tags turn out to be."""

import logging
from io import BytesIO
from random import Random

import pikepdf
import pytest

from services.documents import rendering, tagging
from services.documents.checking import check
from shared.document import ApplicationForm, Block, Column, Material, Seal, Table, Text, Value, Values
from tests.unit.documents import models

TEXTS = [
    "", "—", " ", "\u3000", "a", "1,234.50", "👩‍👩‍👧‍👦🎨", "\u202eabc\u202c", "\u200b\u200d\ufeff", "مرحبا بالعالم", "שלום", "e\u0301\u0301", models.RARE,
    "\n", "\n\n\n", "甲\n乙\n\n丙", "长" * 300, "A" * 200, "字 " * 150, "http://example.com/" + "x" * 200, "someone@example.com", "<b>&amp;</b>",
    "\t\t", "一\r\n二", "https://example.org/a",
]  # fmt: skip
LABELS = ["标签", "", "很长的标签" * 12, "\u200b", "单位名称（盖章）", "👩", "甲\n乙"]


def table(chance: Random) -> Table:
    n, many = chance.choice([1, 1, 2, 3, 5, 8, 12, 20]), chance.random() < 0.03
    rows = 200 if many else chance.choice([0, 0, 1, 1, 2, 7, 7, 40])
    n = min(n, 3) if many else n
    columns = [
        Column(label=chance.choice(LABELS), over=chance.choice([None, None, "第一年", "第二年"]),
               width=chance.choice([4, 6, 10, 14, 40]), numeric=chance.random() < 0.3)
        for _ in range(n)
    ]  # fmt: skip
    merged = min(chance.choice([0, 0, 1, 2, n]), n)
    said = [
        [chance.choice(["甲", "乙", ""]) if at < merged else chance.choice(TEXTS)[: 20 if rows > 20 else 999] for at in range(n)]
        for _ in range(rows)
    ]  # fmt: skip
    return Table(
        caption=chance.choice([None, "表", *LABELS]),
        columns=columns,
        rows=said,
        totals=[chance.choice(TEXTS)[:30] for _ in columns] if chance.random() < 0.4 else None,
        note=chance.choice([None, "合计（大写）", chance.choice(TEXTS)]),
        merged=merged,
        strong=[chance.randrange(max(rows, 1))] if chance.random() < 0.3 else [],
        landscape=chance.random() < 0.35,
        code=chance.random() < 0.1,
    )


def block(chance: Random) -> Block:
    def values(*counts: int) -> list[Value]:
        listed = range(chance.choice(counts))
        return [
            Value(label=chance.choice(LABELS), text=chance.choice(TEXTS), wide=chance.random() < 0.3)
            for _ in listed
        ]

    match chance.randrange(20):
        case 0 | 1 | 2 | 3 | 4 | 5 | 6:
            return Values(caption=chance.choice([None, *LABELS]), values=values(0, 1, 2, 3, 9, 30))
        case 7 | 8:
            return Text(caption=chance.choice([None, *LABELS]), text=chance.choice(TEXTS) * chance.choice([1, 5]))
        case 9:
            return Seal(lines=values(0, 1, 3))
    return table(chance)


def document(seed: int) -> ApplicationForm:
    chance = Random(seed)
    materials = [
        Material(
            title=chance.choice(["材料", "", "很长" * 60]),
            blocks=[block(chance) for _ in range(chance.choice([0, 1, 2, 4]))],
            new_page=chance.random() < 0.2,
        )
        for _ in range(chance.choice([0, 1, 2, 3]))
    ]
    changes = {
        "materials": materials,
        "appendices": [Material(title="附件清单", blocks=[table(chance)])] if chance.random() < 0.4 else [],
        "cover": [
            Value(label=chance.choice(LABELS), text=chance.choice(TEXTS)) for _ in range(chance.choice([0, 1, 4]))
        ],
        "watermark": chance.choice([None, models.DRAFT, ""]),
        "title": chance.choice(["申报书", ""]),
        "running_header": chance.choice(["", "头", "头" * 200]),
        "proof": chance.choice([None, models.PROOF, models.PROOF.model_copy(update={"url": None})]),
        "expected": [],
    }
    return models.model().model_copy(update=changes)


@pytest.fixture(scope="module")
def press() -> rendering.Press:
    return rendering.press()


def declares_ua(content: bytes) -> bool:
    with pikepdf.open(BytesIO(content)) as pdf:
        return b"pdfuaid:part" in pdf.Root.Metadata.read_bytes()


def marks(seed: int) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow] * (seed > 3) + [pytest.mark.long] * (seed > 12)


@pytest.mark.parametrize("seed", [pytest.param(n, marks=marks(n)) for n in range(1, 40)])
def test_a_document_made_by_chance_comes_with_its_tags(
    press: rendering.Press, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    made = document(seed)
    content = rendering.render(made, press).content
    assert check(content, made) > 0
    assert declares_ua(content)
    assert caplog.messages == []


def test_a_head_as_high_as_a_page_is_not_printed_again(press: rendering.Press) -> None:
    """And the rows below it, which hold a link, are still rows of its table."""
    columns = [Column(label="很长的标签" * 12, width=4) for _ in range(20)]
    rows = [["someone@example.com" if at == 3 else "字 " * 60 for at in range(20)]]
    made = models.model(more=(Table(columns=columns, rows=rows),))
    content = rendering.render(made, press).content
    assert check(content, made) > 3
    assert declares_ua(content)
    with pikepdf.open(BytesIO(content)) as pdf:
        kinds = [
            str(part.S)
            for part in pdf.objects
            if isinstance(part, pikepdf.Dictionary) and part.get("/Type") == "/StructElem"
        ]
    assert kinds.count("/TOC") == 1
    assert kinds.count("/TOCI") == len(made.materials) + len(made.appendices)


def test_a_document_comes_whatever_is_wrong_with_its_tags(
    press: rendering.Press, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half mended, it is written once more as it was tagged: an archive's file that declares less, the same each time."""

    def fail(*_: object) -> None:
        raise ValueError("not enough values to unpack")

    usual = rendering.render(models.model(), press).content
    monkeypatch.setattr(tagging, "_mark_artifacts", fail)
    found = rendering.render(models.model(), press)
    assert check(found.content, models.model()) > 0
    assert declares_ua(usual)
    assert not declares_ua(found.content)
    assert found.sha256 == rendering.render(models.model(), press).sha256
    assert caplog.messages == ["the tags of a document are left as they are"] * 2
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    monkeypatch.undo()
    assert rendering.render(models.model(), press).content == usual
