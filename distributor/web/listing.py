"""What the list of releases shows: release files and scheduled releases as one list, read again only where they changed."""

import os
import re
import time
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from distributor import embargo, frontmatter, inputs
from distributor.desk import Desk
from distributor.desk.replacing import Outdated
from distributor.errors import DistributorError
from distributor.fields import language_tag
from distributor.lifecycle import NEEDS_PERSON, PubStatus, State
from distributor.store import Ledger, Standing, open_ledger

_LAG = 1.0  #: seconds that the counts of a running mail-out, or a file changed in place, may lag behind
_HEAD = 16_384  #: bytes of a file in which its front matter is looked for
_LINE = re.compile(r"^(id|headline|embargoed_until|version|channels):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_REMEMBERED = 500  #: differences between a file and its scheduled version
_HARD = tuple("\"'[{|>&*!%@`#")  #: YAML that is more than a plain word: left to the real parser


class Status(StrEnum):
    """Where a release stands as a whole."""

    draft = "draft"  #: a file, not scheduled
    scheduled = "scheduled"
    held = "held"
    partly = "partly"  #: something of it is out, something is not
    out = "out"
    failed = "failed"  #: nothing is out, and a person has to look
    canceled = "canceled"
    killed = "killed"


class Draft(NamedTuple):
    """The facts of one release file that the list shows."""

    name: str  #: the file's stem in releases/
    id: str
    headline: str
    lift: datetime | None
    zone: str
    channels: tuple[str, ...]
    version: int
    wrong: str = ""  #: why it cannot be read


class Row(NamedTuple):
    """One release in the list."""

    id: str
    name: str  #: of its file; empty where there is none
    headline: str
    status: Status
    lift: datetime | None
    zone: str
    channels: tuple[str, ...]
    version: int
    counts: Mapping[State, int]
    wrong: str = ""


def status_of(one: Standing) -> Status:
    """Where a release stands as a whole, by its deliveries."""
    counts, out = one.counts, one.counts.get(State.delivered, 0)
    if one.killed:
        return Status.killed
    rest = {state for state, number in counts.items() if number} - {State.delivered, State.canceled}
    if one.pub_status is PubStatus.canceled or (not out and not rest):
        return Status.out if one.out else Status.canceled
    if out:
        return Status.partly if rest else Status.out
    if rest & {State.held}:
        return Status.held
    if rest & set(NEEDS_PERSON) and not rest & {State.planned, State.retrying, State.sending}:
        return Status.failed
    return Status.scheduled


@dataclass
class Listing:
    """The list of one site, kept between requests. Safe to use from several threads."""

    _files: dict[str, tuple[int, int, Draft]] = field(default_factory=dict)
    _all: list[Draft] = field(default_factory=list)
    _looked: tuple[int, float] = (-1, 0.0)  #: the folder's change time, and when its files were looked at
    _ledger: Ledger | None = None
    _known: tuple[str, int, float] = ("", -1, 0.0)  #: mark, newest event, when it was counted
    _standings: list[Standing] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _found: tuple[object, list[Row]] | None = None
    _old: dict[tuple[str, str, object], Outdated | None] = field(default_factory=dict)

    def rows(self, desk: Desk) -> list[Row]:
        """Every release, what goes out next first, then drafts without a time, then what is over."""
        with self._lock:
            drafts, changed = self._drafts(desk.site.need_root() / "releases")
            standings = self._counted(desk)
            if changed or self._found is None or self._found[0] is not standings:
                self._found = (standings, _merged(drafts, standings))
            rows = self._found[1]
        now = desk.clock.now()
        coming = [row for row in rows if row.lift and row.lift > now]
        undated = [row for row in rows if row.lift is None]
        over = [row for row in rows if row.lift and row.lift <= now]
        return [*coming, *undated, *reversed(over)]

    def _drafts(self, folder: Path) -> tuple[list[Draft], bool]:
        """The files, and whether any of them is another than before. A file that was written whole, as the desk does it,
        changes its folder and shows at once; one that was changed in place shows within the lag.
        """
        try:
            stamp = folder.stat().st_mtime_ns
        except OSError:
            stamp = 0
        clock = time.monotonic()
        if stamp == self._looked[0] and clock - self._looked[1] < _LAG:
            return self._all, False
        self._looked = (stamp, clock)
        found: dict[str, tuple[int, int, Draft]] = {}
        changed = False
        for name, written, size in _main_files(folder):
            known = self._files.get(name)
            if known is None or known[0] != written or known[1] != size:
                known, changed = (written, size, read_draft(folder / name)), True
            found[name] = known
        if changed or len(found) != len(self._files):
            self._files, self._all = found, [one[2] for one in found.values()]
            return self._all, True
        return self._all, False

    def _counted(self, desk: Desk) -> list[Standing]:
        """The standings; what a person did shows at once, what a running mail-out did within a second."""
        ledger = self._opened(desk)
        mark = ledger.mark()
        if mark == self._known[0]:
            return self._standings
        event, clock = ledger.last_event(), time.monotonic()
        if event == self._known[1] and clock - self._known[2] < _LAG:
            return self._standings
        self._standings = ledger.standings()
        self._known = (mark, event, time.monotonic())
        return self._standings

    def _opened(self, desk: Desk) -> Ledger:
        if self._ledger is None:
            self._ledger = open_ledger(desk.store_url)
        return self._ledger

    def close(self) -> None:
        """Close the ledger, and forget what was counted: the mark of another connection differs."""
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()
            self._ledger, self._known = None, ("", -1, 0.0)

    def board_of(self, desk: Desk, name: str) -> str:
        """The id by which the ledger knows the release of a file; empty where it does not."""
        known = read_draft(desk.site.need_root() / "releases" / f"{name}.md").id
        with self._lock:
            return known if known and self._opened(desk).release(known) else ""

    def old_text(self, desk: Desk, name: str) -> Outdated | None:
        """Return how the scheduled version of a file differs from what the file makes now; None where it does not."""
        known = self.board_of(desk, name)
        if not known:
            return None
        with desk.ledger() as ledger:
            release = ledger.release(known)
            root = desk.site.need_root()
            if release is None or not inputs.changed(root, release.inputs):
                return None
            key = (
                release.seal,
                inputs.stamp(root, release.inputs),
                ledger.mark() if ledger.shared else ledger.last_event(),
            )
            if key not in self._old:
                if len(self._old) > _REMEMBERED:
                    self._old.clear()
                self._old[key] = desk.outdated(ledger, release)
            return self._old[key]

    def with_channels(self, desk: Desk, rows: list[Row]) -> list[Row]:
        """The rows of one page with the channels that they go out on."""
        if self._ledger is None:
            return rows
        with self._lock:
            sealed = self._ledger.channels({(row.id, row.version) for row in rows if row.status is not Status.draft})
        every = tuple(name for name, block in desk.settings.channels.items() if block.get("enabled", True))
        return [
            row._replace(channels=tuple(sealed.get((row.id, row.version), ())) or row.channels or every) for row in rows
        ]


def _merged(drafts: list[Draft], standings: list[Standing]) -> list[Row]:
    newest = {one.id: one.version for one in standings}
    taken: dict[tuple[str, int], Draft] = {}  # the file of a release and version: the first of those that name them
    waiting = []
    for draft in sorted(drafts, key=lambda one: one.name):
        key = (draft.id, max(draft.version, newest.get(draft.id, 0)))
        if draft.id and (first := taken.setdefault(key, draft)) is not draft:
            waiting.append(
                draft._replace(wrong=f"{first.name}.md has the id '{draft.id}' too: give one of them another")
            )
        elif key[1] != newest.get(draft.id):
            waiting.append(draft)
    rows = []
    for one in standings:
        file = taken.get((one.id, one.version))
        facts = (one.headline, status_of(one), one.lift, one.zone, (), one.version, one.counts)
        rows.append(Row(one.id, file.name if file else "", *facts))
    for draft in waiting:
        words = (draft.id, draft.name, draft.headline, Status.draft, draft.lift, draft.zone, draft.channels)
        rows.append(Row(*words, draft.version, {}, draft.wrong))
    far = float("inf")
    return sorted(rows, key=lambda row: (row.lift.timestamp() if row.lift else far, row.headline, row.id, row.name))


def _main_files(folder: Path) -> list[tuple[str, int, int]]:
    """Release files by name, with change time (ns) and size, without the language versions beside them."""
    try:
        with os.scandir(folder) as entries:
            facts = {entry.name: entry.stat() for entry in entries if entry.name.endswith(".md")}
    except OSError:
        return []
    found = []
    for name, one in facts.items():
        if name.startswith(".") or (name.count(".") > 1 and _is_translation(name, facts)):
            continue
        found.append((name, one.st_mtime_ns, one.st_size))
    return found


def _is_translation(name: str, names: Container[str]) -> bool:
    stem, _dot, tag = name.removesuffix(".md").rpartition(".")
    return f"{stem}.md" in names and _is_language(tag)


def _is_language(tag: str) -> bool:
    try:
        return bool(language_tag(tag))
    except ValueError:
        return False


def read_draft(path: Path) -> Draft:
    """The facts of one file that the list shows. Plain lines are read as they stand; the rest is left to the real parser,
    which takes a hundred times as long.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).decode("utf-8-sig", "replace").replace("\r\n", "\n")
    except OSError as error:
        return Draft(path.stem, "", path.stem, None, "UTC", (), 1, f"cannot be read: {error.strerror}")
    parts = head.split("\n---", 1)
    found = dict(_LINE.findall(parts[0])) if head.startswith("---") and len(parts) == 2 else None
    try:
        if found is None or not found.get("headline") or found.get("channels") == "" or _hard(found.values()):
            front: Mapping[str, object] = frontmatter.load(path).front
        else:
            front = {name: value.partition(" #")[0].strip() for name, value in found.items()}
    except DistributorError as error:
        return Draft(path.stem, "", path.stem, None, "UTC", (), 1, error.problems[0].text)
    return _draft(path, front)


def _hard(values: Iterable[str]) -> bool:
    """Whether YAML may read a value otherwise than it stands there."""
    return any(value.startswith(_HARD) or " #" in value or ": " in value for value in values)


def _draft(path: Path, front: Mapping[str, object]) -> Draft:
    lift, zone, wrong = None, "UTC", ""
    if said := str(front.get("embargoed_until") or ""):
        try:
            parsed = embargo.parse(said)
            lift, zone = parsed.instant, parsed.zone
        except ValueError as error:
            wrong = str(error)
    channels = front.get("channels")
    named = tuple(str(name) for name in channels) if isinstance(channels, list) else ()
    version = str(front.get("version") or 1)
    return Draft(
        path.stem,
        str(front.get("id") or ""),
        str(front.get("headline") or path.stem),
        lift,
        zone,
        named,
        int(version) if version.isascii() and version.isdecimal() else 1,
        wrong,
    )
