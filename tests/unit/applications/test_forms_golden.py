"""One complete application per fund type, to the last value: a change of a form or of its evaluation shows as a difference."""

import pytest

from services.applications.forms.catalogue import forms
from tests.unit.applications import golden

TYPES = ["reward", "subsidy", "master_studio", "innovation_cluster"]


@pytest.mark.parametrize("fund_type", TYPES)
def test_golden(fund_type: str) -> None:
    known = (golden.FOLDER / f"{fund_type}.json").read_text("utf-8")
    assert golden.text(fund_type) == known


def test_every_type_has_one() -> None:
    assert (
        {form.fund_type for form in forms().values()}
        == set(TYPES)
        == {f.stem for f in golden.FOLDER.glob("*.json")}
    )
