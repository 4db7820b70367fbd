"""What the page of a release shows while it is written: its texts, what was not saved, who is there, the preview beside."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from distributor.errors import DistributorError, Problem
from distributor.web import fields, fronts, kit, looks, merging, unsaved
from distributor.web.drafts import MAIN, Drafts, Text
from distributor.web.kit import _
from distributor.web.merging import Presence, compare
from distributor.web.pointing import Pointer
from distributor.web.unsaved import Pending

_TABS = 2000
_OWN = re.compile(rf"own\.\d\d?\.({'|'.join(fields.CONTACT)})")
Window = tuple[str, str, str]  #: release file, person, tab


@dataclass(slots=True)
class Windows:
    """Who has what open, the newest request that came of each window, and the newest whose words are kept or saved."""

    presence: Presence = field(default_factory=Presence)
    last: dict[Window, float] = field(default_factory=dict)
    safe: dict[Window, float] = field(default_factory=dict)
    _guard: Lock = field(default_factory=Lock)

    def others(self, window: Window, number: float, now: float) -> list[str] | None:
        """Who else has the release of a window open, now that it was heard of; None for a request that was overtaken by the end of
        its window.
        """
        with self._guard:
            return None if number < self.last.get(window, 0.0) else self.presence.here(*window, now)

    def end(self, window: Window, number: float) -> None:
        """A window saved or gave up: whatever it sent before, or at the same moment, comes too late."""
        with self._guard:
            self.last[window] = max(number, self.last.get(window, 0.0)) + 0.5
            self.presence.leave(*window)

    def is_old(self, window: Window, number: float) -> bool:
        """Whether something newer came from this window before: requests overtake each other."""
        if number < self.last.get(window, 0.0):
            return True
        if len(self.last) > _TABS:
            self.last.clear()
            self.safe.clear()
        self.last[window] = number
        return False

    def safe_of(self, name: str, person: str) -> dict[str, float]:
        """Up to when a person's windows have nothing on this release that the desk has not."""
        return {tab: number for (release, who, tab), number in self.safe.items() if (release, who) == (name, person)}


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
) -> tuple[list[dict[str, Any]], dict[str, Text], Pending]:
    """What was written and not saved, the newest of every text merged with what others saved since; the texts and what was
    typed into inputs, with it taken over; what cannot be is shown alone.
    """
    shown, found, typed = dict(texts), [], Pending()
    for one in unsaved.find(drafts, name, person):
        if one.key == unsaved.INPUTS:
            taken = not typed and _still(one.pending, shown)
            typed = one.pending if taken else typed
            was, now = (_listed(one.pending, which) for which in (0, 1))
            found.append({"key": _("fields"), "one": one, "taken": taken, "source": now, "lines": compare(was, now)})
            continue
        there = texts.get(one.key)
        if there is None:
            continue
        base = there.source if one.seen == there.digest else drafts.seen(one.seen)
        merged = merging.merge(base, one.source, there.source) if base is not None else None
        taken = merged is not None and shown[one.key] is there
        if taken and merged is not None:
            shown[one.key] = Text(key=one.key, path=there.path, source=merged, digest=there.digest)
        lines = compare(there.source, merged if taken and merged is not None else one.source)
        found.append({"key": one.key, "one": one, "taken": taken, "source": one.source, "lines": lines})
    return found, shown, typed


def _still(pending: Pending, texts: Mapping[str, Text]) -> bool:
    """Whether the inputs are, in the texts that can be read, what they were when somebody typed into them."""
    now = fields.shown({key: text.source for key, text in texts.items() if fronts.readable(text.source)}, {})
    return all(now.get(name, was) == was for name, (was, _now) in pending.items())


def _listed(pending: Pending, which: int) -> str:
    return "\n".join(f"{name}: {pair[which]}" for name, pair in pending.items())


def values(
    request: Request,
    name: str,
    texts: Mapping[str, Text],
    *,
    tab: str = "",
    typed: Pending | None = None,
    found: Sequence[Mapping[str, Any]] = (),
    **more: object,
) -> dict[str, Any]:
    """What edit.html shows: the texts, what was `typed` and is not in them yet, and what was `found` again."""
    desk, who, tab = kit.desk(request), kit.person(request), tab or secrets.token_urlsafe(6)
    sources = {key: text.source for key, text in texts.items()}
    inputs = fields.shown(sources, desk.settings.house.contacts)
    pending = {name: pair for name, pair in (typed or {}).items() if name in inputs or _OWN.fullmatch(name)}
    now = {**inputs, **{name: pair[1] for name, pair in pending.items()}}
    rows = sum(1 for name in now if name.startswith("own.") and name.endswith(f".{fields.CONTACT[0]}"))
    rows = max([rows, *(int(name.split(".")[1]) + 1 for name in pending if name.startswith("own."))])
    blank = {f"own.{number}.{part}": "" for number in range(rows) for part in fields.CONTACT}
    others = windows(request).presence.here(name, who.name, tab, desk.clock.monotonic())
    return {
        "name": name,
        "texts": list(texts.values()),
        "fields": {**blank, **now},
        "was": json.dumps({**blank, **inputs, **{name: pair[0] for name, pair in pending.items()}}),
        "unread": unread(sources),
        "house": desk.settings.house.contacts,
        "own": rows,
        "tab": tab,
        "safe": json.dumps(windows(request).safe_of(name, who.name)),
        "others": [_("you, in another window") if other == who.name else other for other in others],
        "look": beside(request, name, sources),
        "recovered": found,
        "shown": [one["one"].mark for one in found if one["taken"]],
        "said": request.query_params.get("said", ""),
        **more,
    }


def unread(sources: Mapping[str, str]) -> str:
    """A sentence about an embargo that names no instant; else nothing."""
    lift = fields.unread(sources.get(MAIN, ""))
    said = _("The text says “{embargo}”. That names no instant; it stays as it is until date, time and zone are here.")
    return said.replace("{embargo}", lift) if lift else ""


def beside(request: Request, name: str, sources: Mapping[str, str]) -> dict[str, Any]:
    """What stands beside the text: findings and cards, or the mistakes for which it cannot be read."""
    drafts = looks.drafts(kit.desk(request))
    changed = {drafts.file(name, key).name: source for key, source in sources.items()}
    try:
        preview = (look := looks.look(request, name, unsaved=changed)).preview
    except DistributorError as error:
        return {
            "problems": [placed(name, problem) for problem in error.problems],
            "findings": [],
            "cards": [],
        }
    pointer = Pointer(sources)
    found = [(one, one.lang) for one in preview.findings]
    found += [(finding, one.message.lang) for one in preview.rendered for finding in one.findings]
    several = len(preview.release.languages) > 1
    return {
        "problems": [],
        "findings": [(one, lang if several else None, *pointer.place(one.field, lang)) for one, lang in found],
        "cards": look.cards,
    }


def placed(name: str, problem: Problem) -> dict[str, Any]:
    """A mistake with the text and the line that it stands in."""
    file = (problem.file or "").rpartition("/")[2]
    key = file.removeprefix(f"{name}.").removesuffix("md").removesuffix(".") if file else ""
    return {"text": problem.text, "field": problem.field or "", "line": problem.line, "key": key or MAIN, "file": file}
