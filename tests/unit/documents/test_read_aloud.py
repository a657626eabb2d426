"""A checker of the field reads every kind of document aloud (PDF/UA-1, WCAG 2.2, 63 rules): `outloud` finds nothing.

It comes from PyPI with `deploy/bootstrap.sh test-all`, into an environment of its own.
"""

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.system import ROOT
from services.applications.documents import document_model, letters
from services.applications.forms.catalogue import forms, newest
from services.documents import markup, rendering
from shared.document import AnyDocument, Column, Table
from tests.unit.applications import test_forms_book
from tests.unit.documents import models, references
from tests.unit.documents.test_letters_fit import LISTS, LONG, SHORT, letter
from tests.unit.documents.test_wide_tables import tables

OUTLOUD = ROOT / ".tools" / "outloud" / "bin" / "outloud"
ENTERPRISE = {"uscc": "91110105MA00TE5T2T", "name": "北京燕京景泰蓝工艺品有限公司"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not OUTLOUD.is_file(), reason="outloud is not here: documents are not read aloud"),
]


def many_rows() -> Table:
    """Ninety rows in words: the same words with other figures at the foot of each page would pass for a running foot."""
    return Table(
        columns=[Column(label="序号", width=6), Column(label="工序", width=30)],
        rows=[[str(n), f"第{markup.numeral(n)}道"] for n in range(1, 91)],
    )


def documents() -> dict[str, Callable[[], AnyDocument]]:
    found: dict[str, Callable[[], AnyDocument]] = {
        **references.documents(),
        "preview": lambda: models.model(watermark=models.DRAFT),
        "many-rows": lambda: models.model(more=(many_rows(),)),
        "across": lambda: models.model(more=tuple(t.model_copy(update={"landscape": True}) for t in tables(20))),
        "book": test_forms_book.model,
        "long-letter": lambda: models.letter(paragraphs=12),
    }
    for fund in sorted({fund for fund, _ in forms()}):
        said: dict[str, Any] = {"enterprise": ENTERPRISE, "at": models.AT}
        found[f"empty-{fund}"] = partial(document_model.of_snapshot, newest(fund), {}, {}, **said)
        found[f"sworn-{fund}"] = partial(document_model.of_commitment, newest(fund), {}, **said)
    for kind in letters.kinds():
        found[f"letter-{kind}"] = partial(letter, kind, SHORT, 3)
        found[f"letter-{kind}-long"] = partial(letter, kind, LONG, 40 if kind in LISTS else 20)
    return found


def test_nothing_is_found_in_any_document(tmp_path: Path) -> None:
    press = rendering.press()
    made = documents()
    for name, make in made.items():
        (tmp_path / f"{name}.pdf").write_bytes(rendering.render(make(), press).content)
    report = tmp_path / "report.json"
    subprocess.run(
        [str(OUTLOUD), "--quiet", "--json", str(report), "--fail-on", "never", *map(str, tmp_path.glob("*.pdf"))],
        check=True,
        capture_output=True,
    )
    results = json.loads(report.read_text(encoding="utf-8"))["results"]
    assert len(results) == len(made)
    found = [
        f"{Path(result['path']).stem}, page {finding['page']}: {finding['rule']}: {finding['message']}"
        for result in results
        for finding in result["findings"]
    ]
    assert found == [], "\n".join(found)
