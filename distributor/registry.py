"""Finds channel types by path and builds channels from config blocks. Ours and a user's come through the same door."""

import importlib.util
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from distributor import validation
from distributor.contract import Channel
from distributor.errors import ConfigError, Problem, nearest
from distributor.settings import Places, Settings, located
from distributor.site import Site

_PREFIX = "distributor.channels"
_LOADING = threading.RLock()  #: a service reads its config again beside what it delivers


def types(site: Site) -> dict[str, Path]:
    """Channel types by name; a user's file shadows a built-in one of the same name."""
    found: dict[str, Path] = {}
    for folder in reversed(site.layers("channels")):
        for path in sorted(folder.glob("*.py")):
            if path.stem != "__init__":
                found[path.stem] = path
        for path in sorted(folder.glob("*/__init__.py")):
            found[path.parent.name] = path
    return found


def load_type(name: str, path: Path) -> type[Channel]:
    """Import one channel file as `distributor.channels.<name>`; its folder never enters `sys.path` (a file called
    `email.py` there would shadow the standard library's).

    Raises ConfigError when it fails to import or has no CHANNEL.
    """
    with _LOADING:
        return _load_type(name, path)


def _stamp(path: Path) -> list[tuple[str, int, int]]:
    """Return what tells a changed channel file, or a changed file of its folder, from the one that was imported."""
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return [(str(file), (one := file.stat()).st_mtime_ns, one.st_size) for file in files]


def _load_type(name: str, path: Path) -> type[Channel]:
    module_name = f"{_PREFIX}.{name}"
    loaded = sys.modules.get(module_name)
    stamp = _stamp(path) if path.is_file() else []
    if loaded is None or loaded.__file__ != str(path) or getattr(loaded, "__stamp__", stamp) != stamp:
        search = [str(path.parent)] if path.name == "__init__.py" else None
        for stale in [known for known in sys.modules if known.startswith(f"{module_name}.")]:
            del sys.modules[stale]  # rooms of another site's channel of the same name
        spec = importlib.util.spec_from_file_location(module_name, path, submodule_search_locations=search)
        if spec is None or spec.loader is None:
            raise ConfigError(Problem(text="cannot be loaded as a channel", file=str(path)))
        if loaded is not None:  # Python tells a changed source from its bytecode by whole seconds only
            for file, _, _ in stamp:
                Path(importlib.util.cache_from_source(file)).unlink(missing_ok=True)
        loaded = importlib.util.module_from_spec(spec)
        vars(loaded)["__stamp__"] = stamp
        sys.modules[module_name] = loaded
        try:
            spec.loader.exec_module(loaded)
        except Exception as error:
            del sys.modules[module_name]
            raise ConfigError(
                Problem(text=f"fails to load: {type(error).__name__}: {error}", file=str(path))
            ) from error
    channel = getattr(loaded, "CHANNEL", None)
    if not (isinstance(channel, type) and issubclass(channel, Channel)):
        raise ConfigError(Problem(text="ends without CHANNEL = <the channel class>", file=str(path)))
    return channel


def build(site: Site, settings: Settings, places: Places, only: Iterable[str] = ()) -> dict[str, Channel]:
    """The enabled channels in the order of the config, or those called `only`.

    Raises ConfigError for an unknown channel, type or key, naming file, block, key and the nearest right one.
    """
    wanted = list(only)
    for name in wanted:
        if name not in settings.channels:
            raise ConfigError(f"there is no channel '{name}'{nearest(name, settings.channels)}")
    available = types(site)
    built: dict[str, Channel] = {}
    for name in wanted or settings.channels:
        try:
            channel = _build(name, settings.channels[name], available, site, places)
        except ConfigError as error:
            raise ConfigError(*(_located(problem, name, site) for problem in error.problems)) from None
        if channel.enabled or name in wanted:
            built[name] = channel
    _refuse_shared(built.values(), site)
    return built


def _located(problem: Problem, name: str, site: Site) -> Problem:
    """Return a problem of the config with its file and line. A channel says what is wrong with its own keys in words."""
    if problem.file is None and (said := re.match(r"\[channels\.([^\]]+)\] ([\w, ]+): ", problem.text)):
        field = f"[channels.{said[1]}] {said[2].partition(',')[0]}"
        text = problem.text[said.end() :]
        problem = replace(problem, file=str(site.config_file), field=f"[channels.{said[1]}] {said[2]}", text=text)
        return replace(_line_of(replace(problem, field=field), site), field=problem.field)
    if problem.file is None:
        problem = replace(problem, file=str(site.config_file), field=f"[channels.{name}]")
    return _line_of(problem, site) if problem.file == str(site.config_file) and problem.line is None else problem


def _line_of(problem: Problem, site: Site) -> Problem:
    try:
        return located(problem, site.config_file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return problem


def _refuse_shared(channels: Iterable[Channel], site: Site) -> None:
    """Two channels that write one file would undo each other."""
    owners: dict[str, str] = {}
    for channel in channels:
        for file in channel.owns:
            if other := owners.setdefault(file, channel.name) != channel.name and owners[file]:
                text = f"writes {file}, which [channels.{other}] writes too; give one of them another path"
                raise ConfigError(Problem(text=text, file=str(site.config_file), field=f"[channels.{channel.name}]"))


@cache
def _adapter(cls: type[Channel]) -> TypeAdapter[Channel]:
    """Making one takes longer than all that it reads."""
    return TypeAdapter(cls)


def _build(name: str, block: Mapping[str, Any], available: Mapping[str, Path], site: Site, places: Places) -> Channel:
    file, where = str(site.config_file), f"[channels.{name}]"
    kind = block.get("type", name)
    if kind not in available:
        text = f"there is no channel type '{kind}'{nearest(str(kind), available)}"
        raise ConfigError(Problem(text=text, file=file, field=f"{where} type"))
    cls = load_type(str(kind), available[str(kind)])
    known = {field.name for field in fields(cls) if field.init} - {"name", "places"}
    values = {key: value for key, value in block.items() if key != "type"}
    wrong = [
        Problem(text=f"there is no key of this name{nearest(key, known | {'type'})}", file=file, field=f"{where} {key}")
        for key in values
        if key not in known
    ]
    if wrong:
        raise ConfigError(*wrong)
    try:
        return _adapter(cls).validate_python({**values, "name": name, "places": places})
    except ValidationError as error:
        found = validation.problems(error, file=file)
        raise ConfigError(
            *(Problem(text=p.text, file=file, field=f"{where} {p.field or ''}".strip()) for p in found)
        ) from None
