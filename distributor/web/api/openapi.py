"""The OpenAPI 3.1 document of the JSON API."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from distributor import __version__
from distributor.web.api.answers import Errors


class Described(Protocol):
    """What the document needs of a line of the table."""

    @property
    def method(self) -> str: ...  # noqa: D102
    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102
    @property
    def answer(self) -> type[BaseModel]: ...  # noqa: D102
    @property
    def body(self) -> type[BaseModel] | None: ...  # noqa: D102
    @property
    def query(self) -> Mapping[str, str]: ...  # noqa: D102


_SCHEMA = "#/components/schemas/"
_WHEN = {"400": "not JSON, or a character that no text has", "401": "no token", "403": "the role is too small", "404": "no such release", "413": "too large",
         "415": "not sent as JSON", "422": "refused, in the words of the command line"}  # fmt: skip


def document(base: str, operations: Iterable[Described]) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    table = list(operations)
    takes = [(one.body, "validation") for one in table if one.body]
    gives = [(one.answer, "serialization") for one in table]
    models = list(dict.fromkeys([*takes, *gives, (Errors, "serialization")]))
    _refs, schemas = models_json_schema(models, ref_template=f"{_SCHEMA}{{model}}")  # type: ignore[arg-type]  # Literal modes
    paths: dict[str, dict[str, Any]] = {}
    for one in table:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "distributor desk",
            "version": __version__,
            "description": "The actions of the desk, for programs.",
        },
        "servers": [{"url": base}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "from the account page"}},
        },
    }


def _operation(one: Described) -> dict[str, Any]:
    known = ["400", "401", "403", "404", "422", *(["413", "415"] if one.body else [])]
    parameters = [
        {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in one.query.items()
    ]
    if "{release}" in one.path:
        text = "the release's id"
        schema = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
        parameters.append({"name": "release", "in": "path", "required": True, "description": text, "schema": schema})
    made: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"Role: {one.role} or above.",
        "parameters": parameters,
        "responses": {
            "200": {"description": "done", "content": _json(one.answer)},
            **{status: {"description": _WHEN[status], "content": _json(Errors)} for status in sorted(known)},
        },
    }
    if one.body:
        made["requestBody"] = {"required": False, "content": _json(one.body)}
    return made


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"{_SCHEMA}{model.__name__}"}}}
