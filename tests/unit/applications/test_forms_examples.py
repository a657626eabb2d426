"""Every example of every kind: what is taken shows and exports back, what is refused has a code and a reason in Chinese."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter
from stdnum import exceptions
from stdnum.cn import ric, uscc

from services.applications.forms.kinds import FieldDefinition, Kind, Wrong

EXAMPLES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("examples.yaml").read_text("utf-8"))
CODES = {"money": {"not_positive", "too_precise", "not_money"}}
VALID = [
    (kind, text) for kind, found in EXAMPLES.items() for text in (*found["valid"], *found.get("also_valid", ()))
]
INVALID = [(kind, str(text), why) for kind, found in EXAMPLES.items() for text, why in found["invalid"].items()]


def kind(name: str) -> Kind:
    found: Kind = TypeAdapter(FieldDefinition).validate_python({"key": "value", "kind": name, "label": "值"})
    return found


@pytest.mark.parametrize(("name", "text"), VALID)
def test_taken(name: str, text: str) -> None:
    field = kind(name)
    value = field.parse(text, {})
    assert field.show(value, {})
    assert field.parse(field.export(value), {}) == value
    assert field.parse(f"　{text} ", {}) == value


@pytest.mark.parametrize(("name", "text", "why"), INVALID)
def test_refused(name: str, text: str, why: str) -> None:
    with pytest.raises(Wrong) as refused:
        kind(name).parse(text, {})
    assert refused.value.code in CODES.get(name, {f"not_{name}"}), why
    assert any("一" <= c <= "鿿" for c in refused.value.message)


@pytest.mark.parametrize(("name", "other"), [("uscc", uscc), ("id_card", ric)])
def test_a_common_library_agrees_where_it_is_right(name: str, other: Any) -> None:
    assert all(other.is_valid(text) for text in EXAMPLES[name]["valid"])
    for text in EXAMPLES[name]["also_valid"]:
        with pytest.raises(exceptions.ValidationError):
            other.validate(text)
    refused_by_both = [text for text in EXAMPLES[name]["invalid"] if not other.is_valid(text)]
    assert len(refused_by_both) >= 2
