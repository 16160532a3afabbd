"""The OpenAPI document: FastAPI's, with the key and the one error body on every operation."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from search_api.auth import Need, Scope
from search_api.problems import MEDIA_TYPE
from search_api.schemas.service import ProblemOut

SECURITY_NAME = "key"
SECURITY_SCHEME = {"type": "http", "scheme": "bearer", "description": "garb key create"}
SECURITY: list[dict[str, list[str]]] = [{SECURITY_NAME: []}]
REFERENCE = "#/components/schemas/{model}"
BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


def problem_responses(
    need: Need, *, path: str, methods: Collection[str]
) -> dict[int | str, dict[str, Any]]:
    """What may go wrong at an address, as FastAPI's ``responses`` take it."""
    statuses = {500, 503}
    if need.scope is not Scope.PUBLIC:
        statuses |= {401, 403, 422, 429}
    if "{" in path:
        statuses |= {404}
    if BODY_METHODS & set(methods):
        statuses |= {400, 408, 413, 415, 507}
    return {status: _problem(status) for status in sorted(statuses)}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        components = document.setdefault("components", {})
        components["securitySchemes"] = {SECURITY_NAME: SECURITY_SCHEME}
        schemas = components.setdefault("schemas", {})
        problem = ProblemOut.model_json_schema(ref_template=REFERENCE)
        schemas |= problem.pop("$defs", {})
        schemas[ProblemOut.__name__] = problem
    assert app.openapi_schema is not None
    return app.openapi_schema


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model=ProblemOut.__name__)}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
