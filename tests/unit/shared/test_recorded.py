"""What was recorded of the API is what its models say: who renames or drops a field, or forgets an operation, changes the contract."""

import pytest

from services.applications.routes import ROUTES as APPLICATIONS
from services.notify.routes import ROUTES as NOTIFY
from shared import codes
from shared.contract.recorded import EVERYWHERE, Operation, known
from shared.http.app import Route
from shared.http.openapi import document, fragment
from tests.recorded import OPERATIONS, fits

RECORDED = known()
CODES = {value for name, value in vars(codes).items() if name.isupper()}


def test_every_operation_is_recorded_and_no_other() -> None:
    assert RECORDED.keys() - {EVERYWHERE} - OPERATIONS.keys() == set()
    silent = [
        name
        for name, route in OPERATIONS.items()
        if route.answer is not None
        and route.media_type == "application/json"
        and str(route.status) not in RECORDED.get(name, Operation()).examples
    ]
    assert silent == []


def test_every_code_is_one_of_ours() -> None:
    for name, operation in RECORDED.items():
        for found in operation.refusals.values():
            assert set(found) <= CODES, name


@pytest.mark.parametrize("name", sorted(RECORDED.keys() - {EVERYWHERE}))
def test_what_was_sent_and_answered_is_what_the_models_say(name: str) -> None:
    wrong = [
        status
        for status, example in RECORDED[name].examples.items()
        if not fits(OPERATIONS[name], status, example)
    ]
    assert wrong == []


def test_the_description_shows_examples_and_says_which_codes_to_expect() -> None:
    found = document([fragment(APPLICATIONS), fragment(NOTIFY)], "API", "1")
    operations = [op for path in found["paths"].values() for op in path.values()]
    assert all(
        "example" in content
        for op in operations
        for status, answer in op["responses"].items()
        if status.startswith("2")
        for kind, content in answer.get("content", {}).items()
        if kind == "application/json"
    )
    submit = found["paths"]["/api/v1/applications/{id}/submit"]["post"]["responses"]
    assert "`round_closed`" in submit["409"]["description"]
    assert "`unsaved_draft`" in submit["422"]["description"]
    assert "`csrf`" in found["components"]["responses"]["Problem"]["description"]


def test_an_operation_that_nobody_recorded_says_the_usual() -> None:
    async def handler(request: object) -> None:
        """Return nothing."""

    found = fragment([Route("GET", "/api/v1/unheard", handler)])["paths"]["/api/v1/unheard"]["get"]["responses"]  # type: ignore[arg-type]
    assert found["404"] == {"$ref": "#/components/responses/Problem"}
