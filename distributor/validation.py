"""pydantic's errors as problems: file, line, field, and the nearest right name."""

from collections.abc import Iterable, Mapping
from typing import get_args

from pydantic import BaseModel, ValidationError

from distributor.errors import Problem, nearest

Path = tuple[str | int, ...]


def dotted(path: Iterable[str | int]) -> str:
    """`("media", 0, "alt")` → `media[0].alt`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def problems(
    error: ValidationError,
    *,
    model: type[BaseModel] | None = None,
    file: str | None = None,
    lines: Mapping[Path, int] | None = None,
    prefix: str = "",
) -> list[Problem]:
    """One problem per mistake, in the order of the file.

    `lines` gives the line of each path; a path that has none takes its nearest parent's.
    """
    lines = lines or {}
    found = []
    for detail in error.errors(include_url=False):
        path = tuple(step for step in detail["loc"] if not _is_machinery(step))
        line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), None)
        field = ".".join(part for part in (prefix, dotted(path)) if part)
        found.append(
            Problem(text=_sentence(detail["type"], detail["msg"], path, model), file=file, line=line, field=field)
        )
    return sorted(found, key=lambda problem: problem.line or 0)


def _is_machinery(step: str | int) -> bool:
    """Steps that pydantic adds for unions and validators, which no person wrote."""
    return isinstance(step, str) and ("[" in step or "(" in step or step in ("str", "int", "bool", "float"))


def _sentence(kind: str, message: str, path: Path, model: type[BaseModel] | None) -> str:
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _fields_at(model, path[:-1])
        return f"there is no field of this name{nearest(str(path[-1]), known)}"
    if kind in ("missing", "missing_argument"):
        return "is missing"
    if kind == "string_pattern_mismatch" and path and path[-1] == "id":
        return "write small letters, digits and hyphens, as in harbour-line-opening"
    return message.removeprefix("Value error, ").removeprefix("Input ")


def _fields_at(model: type[BaseModel] | None, path: Path) -> list[str]:
    """The names that are right at this place."""
    here: type[BaseModel] | None = model
    for step in path:
        if here is None or isinstance(step, int):
            continue
        field = here.model_fields.get(step)
        here = _model_in(field.annotation) if field else None
    return [field.alias or name for name, field in here.model_fields.items()] if here else []


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
