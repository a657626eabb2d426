"""Write OpenAPI 3.1 from the route tables themselves, so that the document cannot promise what no handler keeps."""

import re
import sys
from collections.abc import Iterable
from functools import cache
from operator import itemgetter
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from shared.contract.recorded import EVERYWHERE, Operation, known
from shared.http.app import ROUTES, Route
from shared.text.json_text import dumps

_REF = "#/components/schemas/{model}"
_PROBLEM = {"$ref": "#/components/responses/Problem"}
UUIDS = frozenset({"id", "attachment", "opinion"})
NUMBERS = frozenset({"n", "version"})
# What every call may meet: malformed, not signed in, not allowed, not there, too many, not now.
ALWAYS = (400, 401, 403, 404, 429, 503)
# What a call that changes something, or asks for what is still to be made, may meet besides.
CHANGING = (408, 409, 413, 415, 422)
MATCHING = (412, 428)


def fragment(routes: Iterable[Route], prefix: str = "/api/v1") -> dict[str, Any]:
    """`paths`, `tags` and `components.schemas` of one service's public routes."""
    public = [route for route in routes if route.path.startswith(prefix)]
    schemas = _Schemas(public)
    recorded = known()
    paths: dict[str, Any] = {}
    tags: dict[str, str] = {}
    for route in public:
        path = plain(route.path)
        seen = recorded.get(f"{route.method} {path}", Operation())
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, schemas, seen)
        tags[_room(route)] = _said_of_room(route)
    return {
        "paths": paths,
        "tags": [{"name": name, "description": said} for name, said in sorted(tags.items())],
        "components": {"schemas": schemas.named},
    }


def plain(path: str) -> str:
    """Return a route's path without the patterns of its parameters."""
    return re.sub(r"\{(\w+):[^}]*\}+", r"{\1}", path)


def _room(route: Route) -> str:
    """Return the room that a route belongs to: the package of its handler."""
    return route.handler.__module__.split(".")[-2]


def _said_of_room(route: Route) -> str:
    """Return what the room's docstring says it is for, in its first sentence."""
    package = sys.modules[route.handler.__module__.rpartition(".")[0]]
    return " ".join((package.__doc__ or _room(route)).split()).partition(". ")[0].rstrip(".") + "."


@cache
def _described(routes: tuple[Route, ...]) -> bytes:
    return dumps(fragment(routes))


async def describe(request: web.Request) -> web.Response:
    """OpenAPI of this service's public routes."""
    routes = request.app[ROUTES]
    return web.Response(body=_described(tuple(routes)), content_type="application/json")


class _Schemas:
    """The schemas of the models that routes name. A model that is both taken and given has one schema where both are alike; where
    more is taken than given (an amount as a number, too), what is taken is named `…Input`."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.named: dict[str, Any] = {}
        taken: dict[str, Any] = {}
        for route in routes:
            for kind in (route.answer, route.waits):
                if kind is not None:
                    _collect(kind, "serialization", self.named)
            if route.body is not None:
                _collect(route.body, "validation", taken)
        # Unlike are those that differ themselves, or name one that does.
        self._apart = {name for name, found in taken.items() if self.named.get(name, found) != found}
        while (
            more := {n for n, found in taken.items() if n in self.named and _names(found) & self._apart}
            - self._apart
        ):
            self._apart |= more
        for name, found in taken.items():
            self.named[self._name(name)] = {**self._renamed(found), "title": self._name(name)}

    def _name(self, taken: str) -> str:
        return f"{taken}Input" if taken in self._apart else taken

    def _renamed(self, schema: Any) -> Any:
        if isinstance(schema, dict):
            return {k: self._ref(v) if k == "$ref" else self._renamed(v) for k, v in schema.items()}
        return [self._renamed(item) for item in schema] if isinstance(schema, list) else schema

    def _ref(self, ref: str) -> str:
        return _REF.format(model=self._name(ref.rpartition("/")[2]))

    def given(self, kind: Any) -> dict[str, Any]:
        """Return the schema of an answer."""
        return _collect(kind, "serialization", {})

    def taken(self, kind: Any) -> dict[str, Any]:
        """Return the schema of a body."""
        renamed: dict[str, Any] = self._renamed(_collect(kind, "validation", {}))
        return renamed


def _collect(kind: Any, mode: Literal["serialization", "validation"], into: dict[str, Any]) -> dict[str, Any]:
    """Enter the schemas of a type's models by their names; return the type's own, a reference where it is a model."""
    schema: dict[str, Any] = _with_items(TypeAdapter(kind).json_schema(ref_template=_REF, mode=mode))
    for name, found in schema.pop("$defs", {}).items():
        _add(into, name, {**found, "title": name})
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        _add(into, kind.__name__, {**schema, "title": kind.__name__})
        return {"$ref": _REF.format(model=kind.__name__)}
    return schema


def _with_items(schema: Any) -> Any:
    """Return a schema whose arrays of so many given members say that they may have `items`, as checkers of OpenAPI ask."""
    if isinstance(schema, dict):
        more: dict[str, Any] = {"items": {}} if "prefixItems" in schema and "items" not in schema else {}
        return {name: _with_items(part) for name, part in schema.items()} | more
    return [_with_items(part) for part in schema] if isinstance(schema, list) else schema


def _names(schema: Any) -> set[str]:
    """Return the models that a schema names."""
    if isinstance(schema, dict):
        own = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set[str]()
        return own.union(*map(_names, schema.values()))
    return set[str]().union(*map(_names, schema)) if isinstance(schema, list) else set()


def _add(schemas: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    """Enter a schema; `ValueError` when its name means something different already."""
    if schemas.setdefault(name, schema) != schema:
        raise ValueError(f"two schemas of the API are named {name}")


def _path_schema(name: str) -> dict[str, Any]:
    if name in UUIDS:
        return {"type": "string", "format": "uuid"}
    if name in NUMBERS:
        return {"type": "integer", "minimum": 1}
    return {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": description,
    }


def _operation(route: Route, path: str, schemas: _Schemas, seen: Operation) -> dict[str, Any]:
    text = " ".join((route.handler.__doc__ or "").split())
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(name)}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    parameters += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in route.query]
    if route.if_match:
        parameters.append(_header("If-Match", "the ETag of what is being changed"))
    if route.idempotent:
        parameters.append(_header("Idempotency-Key", "8 to 128 characters, new for each intent"))
    success: dict[str, Any] = {"description": "Done"}
    shown = seen.examples.get(str(route.status), {})
    if route.answer is not None:
        success["content"] = {
            route.media_type: {"schema": schemas.given(route.answer)} | _example(shown, "answer")
        }
    elif route.media_type != "application/json":
        success["content"] = {route.media_type: {"schema": _BINARY}}
    operation: dict[str, Any] = {
        "summary": text.partition(". ")[0].rstrip("."),
        "description": text,
        "operationId": f"{route.method.lower()}_{re.sub(r'[^a-z0-9]+', '_', path.lower()).strip('_')}",
        "tags": [_room(route)],
        "parameters": parameters,
        "responses": {str(route.status): success, **_others(route, schemas, seen)},
        "x-roles": sorted(route.roles),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas.taken(route.body)} | _example(shown, "body")},
        }
    elif route.takes_file:
        file = {"type": "object", "required": ["file"], "properties": {"file": _BINARY}}
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": file}}}
    return operation


def _example(shown: dict[str, Any], part: str) -> dict[str, Any]:
    return {"example": shown[part]} if part in shown else {}


def _others(route: Route, schemas: _Schemas, seen: Operation) -> dict[str, Any]:
    """Return every other answer there is: still in the making, or a problem by its status, with the codes it was seen to carry."""
    found: dict[str, Any] = {}
    if route.waits is not None:
        found["202"] = {
            "description": "Still being made: its place in line",
            "headers": {"Retry-After": {"required": True, "schema": {"type": "string"}}},
            "content": {
                "application/json": {"schema": schemas.given(route.waits)}
                | _example(seen.examples.get("202", {}), "answer")
            },
        }
    statuses = [*ALWAYS]
    if route.method != "GET" or route.waits is not None:
        statuses += CHANGING
    if route.if_match:
        statuses += MATCHING
    codes: dict[str, list[str]] = {str(status): [] for status in statuses} | seen.refusals
    return {**found, **{status: _problem(each) for status, each in sorted(codes.items())}}


def _problem(codes: list[str]) -> dict[str, Any]:
    """Return a refusal that carries one of these codes, or what any operation may refuse with."""
    if not codes:
        return _PROBLEM
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": "`type` is "
        + ", ".join(f"`{code}`" for code in codes)
        + ", or one that any operation may answer",
        "content": {"application/problem+json": {"schema": schema}},
    }


def _anywhere() -> str:
    """Return which codes any operation may be refused with, before a service is asked."""
    seen = known().get(EVERYWHERE, Operation()).refusals
    return "".join(
        f"\n\n{status}: " + ", ".join(f"`{c}`" for c in codes) for status, codes in sorted(seen.items())
    )


_BINARY = {"type": "string", "format": "binary"}


def document(fragments: Iterable[dict[str, Any]], title: str, version: str) -> dict[str, Any]:
    """Return the whole document from the fragments of several services; `ValueError` when two mean different things by one
    name."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Problem": _PROBLEM_SCHEMA}
    tags: list[dict[str, str]] = []
    for part in fragments:
        paths.update(part["paths"])
        tags += part["tags"]
        for name, schema in part["components"]["schemas"].items():
            _add(schemas, name, schema)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _INTRODUCTION, "contact": _CONTACT},
        "servers": [{"url": "/", "description": "The host that this document came from"}],
        "tags": sorted(tags, key=itemgetter("name")),
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": f"What went wrong. Any operation may answer:{_anywhere()}",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
            },
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "gm_session"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
        },
        "security": [{"session": [], "csrf": []}],
    }


_INTRODUCTION = (
    "Apply for the fund, review and decide. Instants are ISO 8601 with an offset, amounts are decimals in 万元 as text. What went"
    " wrong is told as problem+json: `type` is a stable code, `detail` a sentence in Chinese, `errors` the places it concerns. A call"
    " that changes something carries `X-CSRF-Token`, the `csrf_token` of `GET /api/v1/me`."
)
# 技术咨询 of the manual.
_CONTACT = {"name": "技术咨询 010-55521190", "email": "yztyunwei@bjca.org.cn"}

_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    name: {"type": ["string", "null"]}
                    for name in ("section", "field", "row", "column", "code", "message")
                },
            },
        },
    },
}
