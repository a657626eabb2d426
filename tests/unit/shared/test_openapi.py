"""The description of the API is made from the routes: no two models share a name."""

import pytest
from aiohttp import web
from pydantic import BaseModel, create_model

from shared.http.app import Route
from shared.http.openapi import fragment


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
