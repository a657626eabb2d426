"""The definition language as JSON Schema: for editors, and for converters that others write."""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from services.applications.forms.definition import Form


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a form's file. What formulas say and where paths lead is beyond it: that is `lint`'s."""
    found = Form.model_json_schema()
    return {"$schema": GenerateJsonSchema.schema_dialect, **found, "title": "Form"}


def text() -> str:
    return json.dumps(schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
