"""The description of the API is made from the routes: no two models share a name."""

import json
import re
from decimal import Decimal

import pytest
from aiohttp import web
from pydantic import BaseModel, create_model

from services.applications.routes import ROUTES as APPLICATIONS
from services.notify.routes import ROUTES as NOTIFY
from shared.http.app import Route
from shared.http.openapi import document, fragment


async def handler(request: web.Request) -> web.Response:
    """Return nothing."""
    return web.Response()


def route(path: str, answer: type[BaseModel]) -> Route:
    return Route("GET", f"/api/v1/{path}", handler, answer=answer)


def test_two_models_of_one_name_are_refused() -> None:
    one, other = create_model("Line", text=(str, ...)), create_model("Line", number=(int, ...))
    assert set(fragment([route("a", one), route("b", one)])["components"]["schemas"]) == {"Line"}
    with pytest.raises(ValueError, match="named Line"):
        fragment([route("a", one), route("b", other)])
    holder = create_model("Holder", line=(other, ...))
    with pytest.raises(ValueError, match="named Line"):
        fragment([route("a", one), route("b", holder)])


class Inner(BaseModel):
    """Something inside: taken as text or number, given as text."""

    amount: Decimal


class Both(BaseModel):
    """Taken and given; what is inside is taken in more ways."""

    inner: Inner


class Same(BaseModel):
    """Taken and given alike."""

    text: str


class ExtensionInput(BaseModel):
    """Only taken."""

    both: Both
    text: str = ""


def test_one_name_a_model_and_two_where_taking_and_giving_differ() -> None:
    routes = [
        Route("PUT", "/api/v1/both", handler, body=Both, answer=Both),
        Route("PUT", "/api/v1/same", handler, body=Same, answer=list[Same]),
        Route("PUT", "/api/v1/taken", handler, body=ExtensionInput, answer=Same),
    ]
    found = fragment(routes)
    schemas = found["components"]["schemas"]
    assert set(schemas) == {"Inner", "InnerInput", "Both", "BothInput", "Same", "ExtensionInput"}
    assert {name: schema["title"] for name, schema in schemas.items()} == {name: name for name in schemas}
    assert schemas["BothInput"]["properties"]["inner"]["$ref"].endswith("/InnerInput")
    assert schemas["ExtensionInput"]["properties"]["both"]["$ref"].endswith("/BothInput")
    assert schemas["Both"]["properties"]["inner"]["$ref"].endswith("/Inner")
    body = found["paths"]["/api/v1/both"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["$ref"].endswith("/BothInput")


def test_operations_stand_under_their_rooms() -> None:
    found = fragment([route("a", Same)])
    assert [tag["name"] for tag in found["tags"]] == ["shared"]
    assert found["paths"]["/api/v1/a"]["get"]["tags"] == ["shared"]


def test_of_the_whole_api_every_title_is_its_models_name_and_every_operation_says_what_it_is() -> None:
    """Generators name classes by titles and drop the second of a name; checkers ask for tags, descriptions, contact and server."""
    found = document([fragment(APPLICATIONS), fragment(NOTIFY)], "工美资金管理系统 API", "1")
    schemas = {name: s for name, s in found["components"]["schemas"].items() if "title" in s}
    assert [name for name, schema in schemas.items() if schema["title"] != name] == []
    assert not any(name.endswith("InputInput") for name in schemas)
    assert {"SheetValues", "ExtensionInput", "MySheet"} <= schemas.keys()
    assert found["info"]["description"]
    assert found["info"]["contact"]
    assert found["servers"]
    tags = {tag["name"]: tag["description"] for tag in found["tags"]}
    operations = [op for path in found["paths"].values() for op in path.values()]
    assert len(operations) > 100
    for operation in operations:
        assert operation["tags"][0] in tags
        assert operation["summary"]
        assert operation["description"]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(found)))
    assert named == found["components"]["schemas"].keys()
