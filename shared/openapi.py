"""OpenAPI 3.1 from the route tables themselves, so that the document cannot promise what no handler keeps."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter

from shared.web import Route

_REF = "#/components/schemas/{model}"


def fragment(routes: Iterable[Route], prefix: str = "/api/v1") -> dict[str, Any]:
    """`paths` and `components.schemas` of one service's public routes."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for route in routes:
        if route.path.startswith(prefix):
            path = re.sub(r"\{(\w+):[^}]*\}+", r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, schemas)
    return {"paths": paths, "components": {"schemas": schemas}}


def _schema(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(ref_template=_REF, mode="serialization")
    schemas.update(schema.pop("$defs", {}))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        schemas[kind.__name__] = schema
        return {"$ref": _REF.format(model=kind.__name__)}
    return schema


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
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    parameters += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in route.query]
    if route.if_match:
        parameters.append(_header("If-Match", "the ETag of what is being changed"))
    if route.idempotent:
        parameters.append(_header("Idempotency-Key", "8 to 128 characters, new for each intent"))
    success: dict[str, Any] = {"description": "Done"}
    if route.answer is not None:
        success["content"] = {route.media_type: {"schema": _schema(route.answer, schemas)}}
    elif route.media_type != "application/json":
        success["content"] = {route.media_type: {"schema": {"type": "string", "format": "binary"}}}
    operation: dict[str, Any] = {
        "summary": text.partition(". ")[0].rstrip("."),
        "description": text,
        "operationId": f"{route.method.lower()}_{re.sub(r'[^a-z0-9]+', '_', path.lower()).strip('_')}",
        "parameters": parameters,
        "responses": {str(route.status): success, "default": {"$ref": "#/components/responses/Problem"}},
        "x-roles": sorted(route.roles),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _schema(route.body, schemas)}},
        }
    return operation


def document(fragments: Iterable[dict[str, Any]], title: str, version: str) -> dict[str, Any]:
    """The whole document from the fragments of several services."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Problem": _PROBLEM_SCHEMA}
    for part in fragments:
        paths.update(part["paths"])
        schemas.update(part["components"]["schemas"])
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
