"""The feed as it will read once a release is out. Nothing is written."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from distributor.desk.open import OpenSite
from distributor.desk.publishing import Feeding, Format, same_language
from distributor.errors import ActionError
from distributor.lifecycle import KILL, WAITING, State
from distributor.message import Message
from distributor.reading import ReleaseFile
from distributor.store import Delivery, Ledger

#: What went out, is on its way, or goes out by itself.
_GOES = (*WAITING, State.sending, State.delivered, State.in_doubt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """A feed as it will read."""

    data: bytes
    remarks: tuple[str, ...]  #: what else decides its bytes, for people


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    release_id: str
    version: int
    due: datetime
    message: Message


def feed_with(
    desk: OpenSite, release: str, channel: Feeding, kind: Format, *, lang: str | None = None, at: datetime | None = None
) -> Upcoming:
    """Return the feed as it will be published at the instant of `release`: a file, or the id of a scheduled one.

    What is scheduled to go out there before it is in it. Once the release is scheduled, its sealed
    item counts, not the file. Raises ActionError where the release has no item in that language
    there.
    """
    file = desk.read(Path(release)) if Path(release).is_file() else None
    with desk.ledger_if_any() as ledger:
        items, remarks = _sealed(desk, ledger, release, file, channel) if ledger else ([], [])
        if not items and file:
            items, remarks = _rendered(desk, file, channel, at)
        elif not items:
            raise ActionError(f"there is no file '{release}', and no release of this id is scheduled on {channel.name}")
        own = _chosen(items, lang, channel)
        before = _before(desk, ledger, channel, own) if ledger else []
    if before:
        remarks.append(f"as scheduled now: {len(before)} more will be out by then, and stand in it")
    made = channel.foreseen([*before, own.message])
    if kind not in made:
        raise ActionError(f"{channel.name} makes no {kind} feed: it makes {', '.join(made)}")
    return Upcoming(data=made[kind], remarks=tuple(remarks))


def _sealed(
    desk: OpenSite, ledger: Ledger, release: str, file: ReleaseFile | None, channel: Feeding
) -> tuple[list[_Item], list[str]]:
    """The items of the version that is scheduled; none where it is not."""
    known = ledger.release(*((file.release.id, file.release.version) if file else (release,)))
    if known is None:
        return [], []
    rows = [
        row
        for row in ledger.deliveries(known.id, known.version)
        if row.channel == channel.name and row.kind != KILL and row.state in _GOES
    ]
    remarks = []
    if rows and file and known.digest != file.digest:
        remarks.append(f"version {known.version} is scheduled and the file was changed since: this is the sealed text")
    return _items(desk, ledger, rows), remarks


def _items(desk: OpenSite, ledger: Ledger, rows: list[Delivery]) -> list[_Item]:
    messages = desk.sealed_messages(ledger, rows)
    return [
        _Item(release_id=row.release_id, version=row.version, due=row.due, message=messages[row.message_id])
        for row in rows
    ]


def _rendered(
    desk: OpenSite, file: ReleaseFile, channel: Feeding, at: datetime | None
) -> tuple[list[_Item], list[str]]:
    """The items as they would be sealed now."""
    made = desk.preview_of(file, at)
    release = made.release
    items = [
        _Item(release_id=release.id, version=release.version, due=one.due, message=one.message)
        for one in made.rendered
        if one.message.channel == channel.name
    ]
    fixed = made.lift_is_fixed
    return items, [] if fixed else ["it has no embargo: its times are those of this moment, and --at shows another"]


def _chosen(items: list[_Item], lang: str | None, channel: Feeding) -> _Item:
    there = [item.message.lang for item in items]
    chosen = same_language(lang, there) if lang else next(iter(there), None)
    if chosen is None:
        has = f"it has {', '.join(there)}" if there else "nothing of it goes there"
        wanted = f"no item in '{lang}'" if lang else "no item"
        raise ActionError(f"the release has {wanted} on {channel.name}: {has}")
    return items[there.index(chosen)]


def _before(desk: OpenSite, ledger: Ledger, channel: Feeding, own: _Item) -> list[Message]:
    """What is scheduled to be out on the channel in the same language by then, the first to go first."""
    rows = [
        row
        for row in ledger.waiting_on(channel.name, own.due)
        if (row.release_id, row.version) != (own.release_id, own.version)
    ]
    items = _items(desk, ledger, rows)
    return [item.message for item in items if item.message.lang == own.message.lang]
