"""The document contract, written down once more: a change here is a change of contract."""

import json
from typing import get_args

import pytest
from pydantic import ValidationError

from shared.document import AnyDocument, DocumentModel

EVERY = {"title", "author", "created_at", "watermark", "embedded", "expected", "kind"}
FIELDS = {
    "application_form": EVERY
    | {"subtitle", "office", "cover", "running_header", "materials", "appendices", "proof"},
    "commitment": EVERY | {"subtitle", "facts", "text", "seal"},
    "letter": EVERY
    | {"office", "reference", "addressee", "paragraphs", "tables", "attachments", "signed_by", "signed_on", "contact", "proof"},
    "sheet": EVERY | {"subtitle", "office", "blocks", "proof"},
}  # fmt: skip
COMMITMENT = {
    "kind": "commitment",
    "title": "诚信承诺",
    "author": "某企业",
    "created_at": "2026-11-23T09:30:00Z",
    "subtitle": "",
    "facts": [{"label": "项目名称", "text": "景泰蓝国礼"}],
    "text": "郑重承诺",
    "seal": {"lines": []},
    "expected": ["郑重承诺"],
}


def test_kinds_and_their_fields() -> None:
    kinds = get_args(get_args(AnyDocument)[0])
    assert {kind.model_fields["kind"].default: set(kind.model_fields) for kind in kinds} == FIELDS


def test_the_kind_decides_and_it_comes_back_as_it_went() -> None:
    model = DocumentModel.model_validate_json(json.dumps(COMMITMENT))
    assert model.root.kind == "commitment"
    assert DocumentModel.model_validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize(
    "spoilt",
    [
        {**COMMITMENT, "kind": "novel"},
        {**COMMITMENT, "colour": "red"},
        {**COMMITMENT, "created_at": "2026-11-23T09:30:00"},
        {key: value for key, value in COMMITMENT.items() if key != "expected"},
    ],
    ids=["an unknown kind", "an unknown field", "a naive time", "a missing field"],
)
def test_a_drift_is_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DocumentModel.model_validate(spoilt)
