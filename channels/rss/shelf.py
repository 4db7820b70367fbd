"""The released items of one feed, kept as files outside the public folder, and the feed joined from them."""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from distributor import files
from distributor.contract import Message, Refused, Unavailable

from .feed import Frame, feed_bytes, sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One released item and what its place in the feed depends on. `published` is aware, in whole seconds."""

    guid: str
    version: int
    published: datetime
    item: bytes

    @property
    def order(self) -> tuple[datetime, str]:
        """Sorts by instant; the guid decides between equal ones, so that the same rows always give the same bytes."""
        return self.published, self.guid

    @property
    def filename(self) -> str:
        """Begins with the instant, so the newest are found without reading all, and ends with the guid's mark."""
        return f"{int(self.published.timestamp()):012}{_mark(self.guid)}"

    def as_json(self) -> bytes:
        """What `_read` reads."""
        facts = {"guid": self.guid, "version": self.version, "published": self.published.isoformat()}
        return json.dumps({**facts, "item": self.item.decode()}, ensure_ascii=False, sort_keys=True).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One file per released item. An item is put here only when it is delivered: nothing embargoed lies here."""

    folder: Path
    limit: int

    def publish(self, message: Message, public: Path) -> str:
        """Put the photos, the item and the joined feed in place; returns a note for the receipt.

        Done twice it changes nothing. An older version never takes the place of a newer one. Raises Unavailable, and
        then the feed and the shelf are as they were; Refused for a media name that is a path.
        """
        for file in message.media:
            _put(_media_path(public, file.sha256, file.name), file.data)
        with self._locked():
            return self._exchange(_row(message), message, public / message.meta["path"])

    def joined(self, *, with_item: Message) -> bytes:
        """The feed as it would be with one more item; nothing is written."""
        row = _row(with_item)
        rows, _ = self._newest(self.limit + 1)
        row = next((one for one in rows if one.guid == row.guid and one.version > row.version), row)
        others = [other for other in rows if other.guid != row.guid]
        return _join(with_item, sorted([row, *others], key=lambda one: one.order, reverse=True)[: self.limit])

    def _exchange(self, row: Row, message: Message, feed: Path) -> str:
        path = self.folder / row.filename
        earlier = [self.folder / name for name in self._names() if name.endswith(_mark(row.guid)) and name != path.name]
        versions = [found.version for one in (path, *earlier) if (found := _read(one))]
        newest = max([row.version, *versions])
        before = path.read_bytes() if path.exists() else None
        if newest == row.version:
            _put(path, row.as_json())
        rows, damaged = self._newest(self.limit)
        try:
            _put(feed, _join(message, rows))
        except Unavailable:
            with contextlib.suppress(OSError):  # not delivered, so it must not come out with the next release
                path.unlink() if before is None else files.write_atomic(path, before)
            raise
        if newest == row.version:
            for one in earlier:  # what this version corrects
                one.unlink(missing_ok=True)
        notes = [f"{len(rows)} items"]
        if newest > row.version:
            notes.append(f"version {newest} stands there already")
        if damaged:
            notes.append(f"{damaged} damaged files in {self.folder} were passed over")
        return "; ".join(notes)

    def _names(self) -> list[str]:
        """File names of the items, the newest first."""
        names = os.listdir(self.folder) if self.folder.is_dir() else []  # noqa: PTH208  ten times faster with 10,000
        return sorted((name for name in names if name.endswith(".json") and not name.startswith(".")), reverse=True)

    def _newest(self, limit: int) -> tuple[list[Row], int]:
        """The newest rows, one for each guid, and how many files could not be read as an item."""
        rows: dict[str, Row] = {}
        damaged = 0
        for name in self._names():
            if len(rows) == limit:
                break
            row = _read(self.folder / name)
            if row is None:
                damaged += 1  # one bad file must not take the others out of the feed
            elif row.guid not in rows or rows[row.guid].version < row.version:
                rows[row.guid] = row
        return sorted(rows.values(), key=lambda row: row.order, reverse=True), damaged

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One at a time, over threads and processes; a disk that fails meanwhile is Unavailable."""
        handle = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise Unavailable(f"cannot write {self.folder}: {error.strerror or error}") from error
        finally:
            if handle is not None:
                os.close(handle)


def _mark(guid: str) -> str:
    return f"-{hashlib.sha256(guid.encode()).hexdigest()[:32]}.json"


def _row(message: Message) -> Row:
    return Row(
        guid=message.meta["guid"],
        version=int(message.meta["version"]),
        published=datetime.fromisoformat(message.meta["published"]),
        item=message.content,
    )


def _read(path: Path) -> Row | None:
    """The row in a file, or None for anything that would spoil the feed: foreign, torn, or not one whole item."""
    try:
        facts = json.loads(path.read_bytes())
        row = Row(
            guid=facts["guid"],
            version=int(facts["version"]),
            published=datetime.fromisoformat(facts["published"]),
            item=facts["item"].encode(),
        )
        genuine = row.filename == path.name  # of another feed or by another hand: its name does not fit
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None
    return row if genuine and row.published.tzinfo and sound(row.item, row.guid) else None


def _join(message: Message, rows: list[Row]) -> bytes:
    meta = message.meta
    frame = Frame(
        title=meta["title"],
        description=meta["description"],
        home=meta["home"],
        address=meta["address"],
        language=message.lang,
        updated=max(row.published for row in rows),
        copyright=meta["copyright"] or None,
        logo=meta["logo"] or None,
        hub=meta["hub"] or None,
    )
    return feed_bytes(frame, [row.item for row in rows])


def _media_path(public: Path, sha256: str, name: str) -> Path:
    if name in ("", "..") or name != Path(name).name or "\x00" in name:
        raise Refused(f"the media name {name!r} is no plain file name")
    return public / "media" / sha256[:16] / name


def _put(path: Path, data: bytes) -> None:
    """Write unless the same is there already: a file that did not change keeps its time."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == data:
            return
    files.deliver(path, data)
