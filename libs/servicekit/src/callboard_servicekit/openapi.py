"""How the problems of an endpoint are declared in OpenAPI."""

from http import HTTPStatus
from typing import Any

from callboard_contracts.problems import PROBLEM_MEDIA_TYPE, Problem


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema without references: FastAPI registers models for application/json only."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(item, definitions) for name, item in schema.items() if name != "$defs"}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses=`` of an endpoint that may answer these statuses with a problem."""
    schema = Problem.model_json_schema()
    content = {PROBLEM_MEDIA_TYPE: {"schema": _inlined(schema, schema.get("$defs", {}))}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}
