"""What there is to see on the list of releases: files that somebody writes, and what is scheduled. Pure, but for reading files."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from distributor.desk import Desk
from distributor.errors import DistributorError
from distributor.lifecycle import PubStatus, State
from distributor.reading import ReleaseFile
from distributor.store import overview
from distributor.store.overview import Head

_BAD = (State.failed, State.refused, State.in_doubt, State.missed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list."""

    name: str  #: the file's stem, or the id of what has no file here
    release_id: str
    version: int
    headline: str
    status: str  #: draft, broken, planned, held, going, out, trouble, canceled, killed
    lift: datetime | None
    zone: str
    has_file: bool
    scheduled: bool
    states: Mapping[State, int]
    problem: str = ""  #: why a file cannot be read

    def fits(self, words: str, status: str) -> bool:
        """Whether a search finds it."""
        text = f"{self.headline} {self.release_id} {self.name}".casefold()
        return status in ("", self.status) and all(word in text for word in words.casefold().split())


def status(release: Head, states: Mapping[State, int]) -> str:
    """In one word, from what is most urgent to a person."""
    if release.pub_status is PubStatus.canceled:
        return "killed" if states.get(State.delivered) else "canceled"
    if any(states.get(one) for one in _BAD):
        return "trouble"
    if states.get(State.held) or release.pub_status is PubStatus.withheld:
        return "held"
    waits = states.get(State.planned, 0)
    if states.get(State.sending) or states.get(State.retrying) or (waits and states.get(State.delivered)):
        return "going"
    if waits:
        return "planned"
    return "out" if states.get(State.delivered) else "canceled"


def scheduled(desk: Desk) -> list[Entry]:
    """Every release in the ledger, its newest version."""
    with desk.ledger() as ledger:
        counted, newest = overview.states(ledger), overview.heads(ledger)
    return [_known(one, counted.get((one.id, one.version), Counter())) for one in newest]


def _known(one: Head, states: Mapping[State, int]) -> Entry:
    return Entry(
        name=one.id,
        release_id=one.id,
        version=one.version,
        headline=one.headline,
        status=status(one, states),
        lift=one.lift,
        zone=one.zone,
        has_file=False,
        scheduled=True,
        states=states,
    )


def files(folder: Path) -> list[Path]:
    """The main files of releases: `tour.md`, not `tour.zh-Hant.md`."""
    found = sorted(folder.glob("*.md"))
    stems = {path.stem for path in found}
    return [path for path in found if path.stem.partition(".")[0] not in stems - {path.stem}]


class Drafts:
    """What stands in release files, read again when a file changed."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._known: dict[Path, tuple[tuple[int, int], ReleaseFile | str]] = {}

    def read(self, desk: Desk, path: Path) -> ReleaseFile | str:
        """The release, or why it cannot be read."""
        facts = path.stat()
        stamp = (facts.st_mtime_ns, facts.st_size)
        if path not in self._known or self._known[path][0] != stamp:
            try:
                found: ReleaseFile | str = desk.read(path)
            except DistributorError as error:
                found = str(error)
            self._known[path] = (stamp, found)
        return self._known[path][1]


def entries(desk: Desk, drafts: Drafts, folder: Path) -> list[Entry]:
    """Files and schedule together: drafts first, then by the embargo, the latest first."""
    known = {entry.release_id: entry for entry in scheduled(desk)}
    made = [_file(path, drafts.read(desk, path), known) for path in files(folder)]
    rest = [entry for entry in known.values() if entry.release_id not in {one.release_id for one in made}]
    return sorted([*made, *rest], key=_order, reverse=True)


def _order(entry: Entry) -> tuple[bool, float, str]:
    return not entry.scheduled, entry.lift.timestamp() if entry.lift else float("inf"), entry.name


def _file(path: Path, found: ReleaseFile | str, known: Mapping[str, Entry]) -> Entry:
    if isinstance(found, str):
        return Entry(
            name=path.stem, release_id=path.stem, version=0, headline=path.stem, status="broken", lift=None, zone="UTC",
            has_file=True, scheduled=False, states={}, problem=found,
        )  # fmt: skip
    release = found.release
    sealed = known.get(release.id)
    if sealed and sealed.version >= release.version:
        return Entry(
            name=path.stem, release_id=sealed.release_id, version=sealed.version, headline=sealed.headline,
            status=sealed.status, lift=sealed.lift, zone=sealed.zone, has_file=True, scheduled=True, states=sealed.states,
        )  # fmt: skip
    embargo = release.embargoed_until
    return Entry(
        name=path.stem, release_id=release.id, version=release.version, headline=release.main.headline, status="draft",
        lift=embargo.instant if embargo else None, zone=release.zone, has_file=True, scheduled=False, states={},
    )  # fmt: skip


def found(all_: Iterable[Entry], words: str, state: str) -> list[Entry]:
    """What a search leaves."""
    return [entry for entry in all_ if entry.fits(words, state)]
