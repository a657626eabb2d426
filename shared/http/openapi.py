"""Write OpenAPI 3.1 from the route tables themselves, so that the document cannot promise what no handler keeps."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

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
    """`paths` and `components.schemas` of one service's public routes."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for route in routes:
        if route.path.startswith(prefix):
            path = re.sub(r"\{(\w+):[^}]*\}+", r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, schemas)
    return {"paths": paths, "components": {"schemas": schemas}}


@cache
def _described(routes: tuple[Route, ...]) -> bytes:
    return dumps(fragment(routes))


async def describe(request: web.Request) -> web.Response:
    """OpenAPI of this service's public routes."""
    routes = request.app[ROUTES]
    return web.Response(body=_described(tuple(routes)), content_type="application/json")


def _schema(kind: Any, schemas: dict[str, Any], mode: Literal["serialization", "validation"]) -> dict[str, Any]:
    # What is taken may leave out what has a default, what is given has everything: two schemas of one model.
    ref = _REF if mode == "serialization" else _REF + "Input"
    schema = TypeAdapter(kind).json_schema(ref_template=ref, mode=mode)
    suffix = "" if mode == "serialization" else "Input"
    for name, found in schema.pop("$defs", {}).items():
        _add(schemas, f"{name}{suffix}", found)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        _add(schemas, kind.__name__ + suffix, schema)
        return {"$ref": ref.format(model=kind.__name__)}
    return schema


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


def _operation(route: Route, path: str, schemas: dict[str, Any]) -> dict[str, Any]:
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
    if route.answer is not None:
        success["content"] = {route.media_type: {"schema": _schema(route.answer, schemas, "serialization")}}
    elif route.media_type != "application/json":
        success["content"] = {route.media_type: {"schema": _BINARY}}
    operation: dict[str, Any] = {
        "summary": text.partition(". ")[0].rstrip("."),
        "description": text,
        "operationId": f"{route.method.lower()}_{re.sub(r'[^a-z0-9]+', '_', path.lower()).strip('_')}",
        "parameters": parameters,
        "responses": {str(route.status): success, **_others(route, schemas)},
        "x-roles": sorted(route.roles),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _schema(route.body, schemas, "validation")}},
        }
    elif route.takes_file:
        file = {"type": "object", "required": ["file"], "properties": {"file": _BINARY}}
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": file}}}
    return operation


def _others(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return every other answer there is: still in the making, or a problem by its status."""
    found: dict[str, Any] = {}
    if route.waits is not None:
        found["202"] = {
            "description": "Still being made: its place in line",
            "headers": {"Retry-After": {"required": True, "schema": {"type": "string"}}},
            "content": {"application/json": {"schema": _schema(route.waits, schemas, "serialization")}},
        }
    statuses = [*ALWAYS]
    if route.method != "GET" or route.waits is not None:
        statuses += CHANGING
    if route.if_match:
        statuses += MATCHING
    return {**found, **{str(status): _PROBLEM for status in sorted(statuses)}}


_BINARY = {"type": "string", "format": "binary"}


def document(fragments: Iterable[dict[str, Any]], title: str, version: str) -> dict[str, Any]:
    """Return the whole document from the fragments of several services; `ValueError` when two mean different things by one
    name."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Problem": _PROBLEM_SCHEMA}
    for part in fragments:
        paths.update(part["paths"])
        for name, schema in part["components"]["schemas"].items():
            _add(schemas, name, schema)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "What went wrong",
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
