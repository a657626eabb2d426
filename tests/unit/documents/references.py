"""Reference renderings: what each kind and each form looked like when somebody last looked at it.

`python -m tests.unit.documents.references` renders them anew; look at the pictures before committing them. A picture is one
row of pages, grey, 24 dots to the inch: enough to see a table that moved or a line that is cut off, and coarse
enough that the outlines of another release of the same font (Debian's, Ubuntu's) make no difference. What is said
where is compared letter by letter from the text beside it.
"""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pypdfium2
from PIL import Image

from services.applications.documents import document_model
from services.applications.forms.catalogue import forms, newest
from services.applications.forms.definition import Form, Section
from services.documents import rendering
from services.documents.checking import plain
from shared.document import AnyDocument, Proof
from tests.unit.documents import models

FOLDER = Path(__file__).parent / "references"
DOTS = 24
SAMPLES: dict[str, Any] = {
    "text": "景泰蓝国礼 Cloisonné", "textarea": "掐丝、点蓝、烧蓝、磨光、镀金。\n全部手工完成。" * 8, "integer": 86, "money": "22.00", "date": "2025-12-31",
    "year": 2025, "multiselect": ["景泰蓝", "玉雕"], "checkbox": True, "phone": "010-58511090", "mobile": "13800138000",
    "email": "lixiang@example.com", "postcode": "100027", "uscc": "91110105MA00TE5T2T", "bank_account": "0200001009000000001",
    "decimal": "260.50", "percent": "30.00", "computed": "70.00", "id_card": "11010519491231002X", "passport": "E12345678",
}  # fmt: skip


def sample(form: Form) -> AnyDocument:
    """A submitted revision of a form with every field, three rows in every table, a file in every slot."""
    files: dict[str, Any] = {}
    sections = {section.key: _values(section, files) for section in form.sections}
    content = {
        "number": "GM2026000007",
        "revision": 2,
        "enterprise": {"uscc": "91110105MA00TE5T2T", "name": "北京燕京景泰蓝工艺品有限公司"},
        "received_at": datetime(2026, 11, 23, 9, 30, tzinfo=UTC).isoformat(),
        "sections": sections,
        "attachments": files,
    }
    proof = Proof(url=models.PROOF.url, sha256="ab" * 32, sm3="cd" * 32)
    return document_model.of_revision(form, content, proof=proof, canonical="{}")


def _values(section: Section, files: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {field.key: SAMPLES.get(field.kind, "样张") for field in section.fields}
    for table in section.tables:
        cells = {column.key: SAMPLES.get(column.kind, "样张") for column in table.columns}
        keys = [row.key for row in table.fixed_rows] or [None] * 3
        values[table.key] = [{**cells, **({"row": key} if key else {"id": str(n)})} for n, key in enumerate(keys)]
    for slot in section.slots:
        id = str(uuid5(NAMESPACE_URL, f"{section.key}/{slot.key}"))
        files[id] = {
            "name": f"{slot.key}.pdf",
            "size": 1_048_576,
            "media_type": "application/pdf",
            "sha256": "0123456789abcdef" * 4,
        }
        values[slot.key] = [id]
    return values


def documents() -> dict[str, Callable[[], AnyDocument]]:
    """Every reference there is, by name: `kind`, or `form-fund-version` of a fund's newest form."""
    found: dict[str, Callable[[], AnyDocument]] = dict(models.KINDS)
    for fund in sorted({fund for fund, _ in forms()}):
        form = newest(fund)
        found[f"form-{fund}-{form.version}"] = lambda form=form: sample(form)
    return found


def text_of(content: bytes) -> list[str]:
    """What each page says, without what is the layout's business."""
    document = pypdfium2.PdfDocument(content)
    found = [plain(page.get_textpage().get_text_bounded()) for page in document]
    document.close()
    return found


def lines_of(content: bytes) -> list[str]:
    """Every line of text as it is printed."""
    document = pypdfium2.PdfDocument(content)
    found = [line for page in document for line in page.get_textpage().get_text_bounded().splitlines()]
    document.close()
    return found


def picture_of(content: bytes) -> Image.Image:
    """All pages in a row."""
    document = pypdfium2.PdfDocument(content)
    pages = [page.render(scale=DOTS / 72, grayscale=True).to_pil().convert("L") for page in document]
    document.close()
    row = Image.new("L", (sum(page.width for page in pages), pages[0].height), 255)
    at = 0
    for page in pages:
        row.paste(page, (at, 0))
        at += page.width
    return row


def write() -> None:
    press = rendering.press()
    FOLDER.mkdir(exist_ok=True)
    for name, make in documents().items():
        content = rendering.render(make(), press).content
        (FOLDER / f"{name}.txt").write_text("\n".join(text_of(content)) + "\n", encoding="utf-8")
        out = io.BytesIO()
        # Sixteen greys are enough to compare, and half the bytes.
        picture_of(content).quantize(16).save(out, "PNG", optimize=True)
        (FOLDER / f"{name}.png").write_bytes(out.getvalue())


if __name__ == "__main__":
    write()
