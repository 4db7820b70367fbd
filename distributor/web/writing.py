"""What the page of a release shows while it is written: its texts, what was not saved, who is there, the preview beside."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from distributor import frontmatter
from distributor.errors import DistributorError, Problem, ReleaseError
from distributor.web import fields, kit, looks, merging
from distributor.web.drafts import MAIN, Drafts, Text
from distributor.web.kit import _
from distributor.web.merging import Presence, compare

_TABS = 2000


@dataclass(slots=True)
class Windows:
    """Who has what open, and the last thing that was heard of each window."""

    presence: Presence = field(default_factory=Presence)
    last: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def is_old(self, key: tuple[str, str, str], number: float) -> bool:
        """Whether something newer came from this window before: requests overtake each other."""
        if number < self.last.get(key, 0.0):
            return True
        if len(self.last) > _TABS:
            self.last.clear()
        self.last[key] = number
        return False


def windows(request: Request) -> Windows:
    """The open windows of this running desk."""
    found: Windows = kit.house(request).kept.setdefault("windows", Windows())
    return found


def name_of(request: Request) -> str:
    """The release file of the address; raises HTTPException 404 where there is none."""
    name: str = request.path_params["name"]
    if not looks.drafts(kit.desk(request)).exists(name):
        raise HTTPException(404)
    return name


def recovered(
    drafts: Drafts, name: str, person: str, texts: dict[str, Text]
) -> tuple[list[dict[str, Any]], dict[str, Text]]:
    """The newest autosave of every text in its place, merged with what others saved since; those that cannot be merged are
    shown beside it.
    """
    shown, found = dict(texts), []
    for one in drafts.unsaved(name, person):
        there = texts.get(one.key)
        if there is None:
            continue
        base = there.source if one.seen == there.digest else drafts.seen(one.seen)
        merged = merging.merge(base, one.source, there.source) if base is not None else None
        taken = merged is not None and shown[one.key] is there
        if taken and merged is not None:
            shown[one.key] = Text(key=one.key, path=there.path, source=merged, digest=there.digest)
        lines = compare(there.source, merged if taken and merged is not None else one.source)
        found.append(
            {"key": one.key, "at": one.at, "taken": taken, "source": one.source, "lines": lines, "window": one.window}
        )
    return found, shown


def values(request: Request, name: str, texts: Mapping[str, Text], **more: object) -> dict[str, Any]:
    """What edit.html shows."""
    desk, who, tab = kit.desk(request), kit.person(request), secrets.token_urlsafe(6)
    sources = {key: text.source for key, text in texts.items()}
    shown = fields.shown(sources, desk.settings.house.contacts)
    others = windows(request).presence.here(name, who.name, tab, desk.clock.monotonic())
    return {
        "name": name,
        "texts": list(texts.values()),
        "fields": shown,
        "was": json.dumps(shown),
        "house": desk.settings.house.contacts,
        "own": sum(1 for key in shown if key.startswith("own.") and key.endswith(".name")),
        "tab": tab,
        "others": [_("you, in another window") if other == who.name else other for other in others],
        "look": beside(request, name, sources),
        "recovered": [],
        "said": request.query_params.get("said", ""),
        **more,
    }


def beside(request: Request, name: str, sources: Mapping[str, str]) -> dict[str, Any]:
    """What stands beside the text: findings and cards, or the mistakes for which it cannot be read."""
    drafts = looks.drafts(kit.desk(request))
    unsaved = {drafts.file(name, key).name: source for key, source in sources.items()}
    try:
        found = looks.look(request, name, unsaved=unsaved)
    except DistributorError as error:
        return {
            "problems": [placed(name, problem) for problem in error.problems],
            "findings": [],
            "cards": [],
        }
    release = found.preview.release
    return {
        "problems": [],
        "findings": [(one, line_of(sources, one.field)) for one in found.preview.all_findings()],
        "cards": found.cards,
        "release": release,
    }


def line_of(sources: Mapping[str, str], name: str | None) -> int | None:
    """The line of the main text that a field stands on."""
    try:
        document = frontmatter.parse(sources[MAIN].encode("utf-8", "replace"), looks.NOWHERE)
    except (ReleaseError, KeyError):
        return None
    top = looks.top(name)
    return document.body_line if top == "body" else document.lines.get((top,))


def placed(name: str, problem: Problem) -> dict[str, Any]:
    """A mistake with the text and the line that it stands in."""
    file = (problem.file or "").rpartition("/")[2]
    key = file.removeprefix(f"{name}.").removesuffix("md").removesuffix(".") if file else ""
    return {"text": problem.text, "field": problem.field or "", "line": problem.line, "key": key or MAIN, "file": file}
