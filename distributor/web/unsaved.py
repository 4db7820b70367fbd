"""What people wrote and did not save: the texts and the inputs of every window, kept beside the release files."""

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from distributor.web.drafts import MAIN, Drafts, Edit, digest, unified

INPUTS = "inputs"  #: the key of what stands in inputs and could not be put into the text
Pending = dict[str, tuple[str, str]]  #: what was typed into inputs: name → (what it was, what it is)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaved:
    """What one person wrote in one window and has not saved: a text, or inputs."""

    key: str
    source: str  #: the text; empty for inputs
    pending: Pending  #: the inputs; empty for a text
    seen: str
    at: datetime  #: UTC
    mark: str  #: by which a form names exactly these words


def keep(drafts: Drafts, name: str, key: str, person: str, tab: str, edit: Edit) -> bool:
    """Keep what a person has written in one window; what is on disk already is not kept. Returns whether it is."""
    source, there = unified(edit.source), drafts.text(name, key)
    path = _path(drafts, name, there.path.stem.removeprefix(name)[1:] or MAIN, person, tab, "md")
    if source == there.source:
        path.unlink(missing_ok=True)
        return False
    seen = edit.seen[:64] if edit.seen.isalnum() else "new"
    drafts.put(path, f"seen {seen}\n{source}".encode("utf-8", "backslashreplace"))
    return True


def keep_inputs(drafts: Drafts, name: str, person: str, tab: str, pending: Pending) -> None:
    """Keep what was typed into inputs and could not be put into the text; nothing pending drops what was kept before."""
    path = _path(drafts, name, INPUTS, person, tab, "json")
    if pending:
        drafts.put(path, json.dumps(pending).encode())
    else:
        path.unlink(missing_ok=True)


def find(drafts: Drafts, name: str, person: str) -> list[Unsaved]:
    """What this person wrote and did not save, the newest first."""
    found = []
    for path, key, window in _of(drafts, name, person):
        data, at = path.read_bytes(), datetime.fromtimestamp(path.stat().st_mtime, UTC)
        mark = _mark(key, window, data)
        if key == INPUTS:
            if pending := _pending(data):
                found.append(Unsaved(key=key, source="", pending=pending, seen="", at=at, mark=mark))
            continue
        head, _, source = data.decode("utf-8", "replace").partition("\n")
        if source != drafts.text(name, key).source:
            seen = head.removeprefix("seen ").removesuffix("new")
            found.append(Unsaved(key=key, source=source, pending={}, seen=seen, at=at, mark=mark))
    return sorted(found, key=lambda one: one.at, reverse=True)


def forget(drafts: Drafts, name: str, person: str, tab: str = "", marks: Collection[str] = ()) -> None:
    """Drop what is saved or given up: what one window kept, and the very words that `marks` name. What somebody wrote in
    another window, or went on to write there, stays.
    """
    for path, key, window in _of(drafts, name, person):
        if (tab and window == _coded(tab)) or _mark(key, window, path.read_bytes()) in marks:
            path.unlink(missing_ok=True)


def everybody(drafts: Drafts, name: str) -> list[Path]:
    """Every file in which words for this release are kept, whoever wrote them."""
    return [path for path in _files(drafts) if path.name.split(".")[0] == _coded(name)]


def _of(drafts: Drafts, name: str, person: str) -> Iterator[tuple[Path, str, str]]:
    for path in _files(drafts):
        coded, key, who, window, _ = path.name.split(".")
        if (coded, who) == (_coded(name), _coded(person)):
            yield path, key, window


def _files(drafts: Drafts) -> list[Path]:
    found = [*drafts.aside.glob("*.md"), *drafts.aside.glob("*.json")]
    return sorted(path for path in found if path.name.count(".") == 4)


def _path(drafts: Drafts, name: str, key: str, person: str, tab: str, suffix: str) -> Path:
    return drafts.aside / ".".join((_coded(name), key, _coded(person), _coded(tab), suffix))


def _mark(key: str, window: str, data: bytes) -> str:
    return f"{key}.{window}.{digest(data)[:16]}"


def _pending(data: bytes) -> Pending:
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(data)
        if isinstance(found, Mapping):
            pairs = {name: pair for name, pair in found.items() if isinstance(pair, list) and len(pair) == 2}
            return {name: (str(was), str(now)) for name, (was, now) in pairs.items()}
    return {}


def _coded(word: str) -> str:
    """A word as one part of a file name: no dots, no slashes, not too long."""
    made = quote(word, safe="").replace(".", "%2E")
    return made if 0 < len(made) <= 60 else digest(word.encode())[:32]
