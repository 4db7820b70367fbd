"""The released: one file per release and language, put here by its delivery. Every public list is made from these alone.

    rows/2030-03/001898902800-<mark>.json    what was released, by month (UTC) and instant
    lists/en/2030-03/001898902800-<mark>     which list it stands in (a language, a tag): an empty file of the same name
    guids/ab/<mark>                          under which names it stands
    gone/<mark>                              what was withdrawn: it does not come back

Nothing that is embargoed lies here. Publishing reads the newest month only, so ten thousand releases cost what a hundred do.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from distributor import files
from distributor.outcomes import Refused, Unavailable
from distributor.shelf.row import Row, mark, parse, read, second, slug

__all__ = ["Row", "Shelf", "mark", "read", "slug"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One folder of released rows. An object of it is for one piece of work: it remembers what it read."""

    folder: Path
    sound: Callable[[Row], bool] = lambda _row: True  #: whether a row that was read may stand among the others
    _seen: dict[str, Row | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @contextmanager
    def placed(self, row: Row) -> Iterator[int]:
        """Put the row in, and hold the shelf while the caller writes what is made of it.

        Yields the newest version that stands there: above `row.version` when an older version comes late, and then nothing
        changes. When the caller raises Unavailable the shelf is as it was: what is not delivered does not come out with the
        next release. Raises Unavailable when the disk does not take it, Refused for what was withdrawn.
        """
        with self._locked():
            self._seen.clear()
            if (gone := self.gone(row.guid)) and gone.version >= row.version:
                raise Refused("it was withdrawn; issue a new version")
            path, pointer = self._path(row.place), self._pointer(row.guid)
            known = _lines(pointer)
            rows = [found for place in {*known, row.place} if (found := self._read(place)) and found.guid == row.guid]
            newest = max([row.version, *(found.version for found in rows)])
            if newest > row.version:
                yield newest
                return
            before = path.read_bytes() if path.exists() else None
            if before != row.as_json() or known != [row.place]:
                files.deliver(pointer, "\n".join(sorted({*known, row.place})).encode())
                files.deliver(path, row.as_json())
            corrected = [found for found in rows if found.place != row.place]
            replaced = [found for found in rows if found.place == row.place]
            self._list(row)
            self._unlist_but(replaced, row.lists)
            self._set_aside(corrected)
            try:
                yield newest
            except Unavailable:
                with contextlib.suppress(OSError):
                    path.unlink() if before is None else files.write_atomic(path, before)
                    for found in corrected:
                        files.write_atomic(self._path(found.place), found.as_json())
                        self._list(found)
                    for found in replaced:
                        self._list(found)
                        self._unlist_but([row], found.lists)
                raise
            for found in corrected:
                self._aside(found).unlink(missing_ok=True)
            if known and known != [row.place]:
                files.deliver(pointer, row.place.encode())

    @contextmanager
    def withdrawn(self, guid: str, version: int) -> Iterator[Row | None]:
        """Take a release up to this version out for good, and hold the shelf while the caller takes it out of what is made of it.

        Yields what stood there, the same at every repeat; None for what never did, or where a newer version stands. Raises
        Unavailable when the disk fails.
        """
        with self._locked():
            self._seen.clear()
            row = self.get(guid)
            if row and row.version > version:
                yield None
                return
            if row:
                files.deliver(self.folder / "gone" / mark(guid), row.as_json())
                self._unlist(row)
                _unlink(self._path(row.place))
                self._pointer(guid).unlink(missing_ok=True)
                self._seen.clear()
            yield self.gone(guid)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nobody place or withdraw a row meanwhile. Raises Unavailable when the disk fails."""
        with self._locked():
            self._seen.clear()
            yield

    def gone(self, guid: str) -> Row | None:
        """What was withdrawn under this name."""
        with contextlib.suppress(OSError):
            return parse((self.folder / "gone" / mark(guid)).read_bytes())
        return None

    def known(self, guid: str) -> Row | None:
        """Return what stands here under this name, or else what was withdrawn."""
        return self.get(guid) or self.gone(guid)

    def all_gone(self) -> list[Row]:
        """Everything that was withdrawn."""
        found = (parse((self.folder / "gone" / name).read_bytes()) for name in _entries(self.folder / "gone"))
        return [row for row in found if row]

    def _list(self, row: Row) -> None:
        for name in row.lists:
            _touch(self.folder / "lists" / name / row.place)
        self._seen.clear()

    def _set_aside(self, rows: Iterable[Row]) -> None:
        """Out of every list, and kept until what takes their place is public."""
        for row in rows:
            self._aside(row).parent.mkdir(exist_ok=True)
            self._path(row.place).replace(self._aside(row))
            self._unlist(row)
            _unlink(self._path(row.place))

    def _unlist(self, row: Row) -> None:
        for name in row.lists:
            _unlink(self.folder / "lists" / name / row.place)

    def _unlist_but(self, rows: Iterable[Row], lists: Iterable[str]) -> None:
        """Out of the lists that what takes the same place is not in."""
        for row in rows:
            for name in set(row.lists).difference(lists):
                _unlink(self.folder / "lists" / name / row.place)
        self._seen.clear()

    def _pointer(self, guid: str) -> Path:
        return self.folder / "guids" / mark(guid)[:2] / mark(guid)

    def _aside(self, row: Row) -> Path:
        return self.folder / "aside" / row.name

    def get(self, guid: str) -> Row | None:
        """The newest version of one release."""
        found = [row for place in _lines(self._pointer(guid)) if (row := self._read(place))]
        return max(found, key=lambda row: row.version, default=None)

    def newest(
        self, limit: int, name: str = "", *, until: datetime | None = None, after: datetime | None = None
    ) -> tuple[list[Row], int]:
        """The newest rows of a list, one for each guid, the newest first, and how many files could not be read.

        `until` leaves out what came later, `after` what came in an earlier second: neither is read.
        """
        first = second(after) if after else ""
        last = f"{second(until)}~" if until else "~"
        rows: dict[str, Row] = {}
        damaged = 0
        for month in self.months(name):
            for file in self._names(month, name):
                if len(rows) == limit or file < first:
                    return _sorted(rows.values()), damaged
                if file > last:
                    continue
                row = self._read(f"{month}/{file}")
                if row is None:
                    damaged += not name  # one bad file must not take the others along
                else:
                    _stand(rows, row, name)
        return _sorted(rows.values()), damaged

    def month(self, month: str, name: str = "") -> list[Row]:
        """The rows of one month of a list, the newest first."""
        rows: dict[str, Row] = {}
        for file in self._names(month, name):
            row = self._read(f"{month}/{file}")
            if row:
                _stand(rows, row, name)
        return _sorted(rows.values())

    def count(self, month: str) -> int:
        """How many rows a month has."""
        return sum(not one.startswith(".") for one in _entries(self._root("") / month))

    def pages(self, month: str, size: int, name: str = "") -> list[list[str]]:
        """A month's names in pages of `size`, the oldest first; `rows_of` reads one."""
        names = self._names(month, name)[::-1]
        return [names[start : start + size] for start in range(0, len(names), size)]

    def rows_of(self, month: str, names: Iterable[str], name: str = "") -> list[Row]:
        """The rows of some names, the newest first."""
        found = (self._read(f"{month}/{one}") for one in names)
        return _sorted(row for row in found if row and (not name or name in row.lists))

    def months(self, name: str = "") -> list[str]:
        """The months in which a list has releases, the newest first."""
        return sorted((found for found in _entries(self._root(name)) if found[:1].isdigit()), reverse=True)

    def lists(self) -> list[str]:
        """The lists at the top: the languages."""
        return sorted(_entries(self.folder / "lists"))

    def all(self) -> Iterator[Row]:
        """Every row, the oldest first."""
        for month in reversed(self.months()):
            yield from reversed(self.month(month))

    def _root(self, name: str) -> Path:
        return self.folder / "lists" / name if name else self.folder / "rows"

    def _path(self, place: str) -> Path:
        return self.folder / "rows" / place

    def _names(self, month: str, name: str) -> list[str]:
        found = _entries(self._root(name) / month)
        return sorted((one for one in found if one.endswith(".json") and not one.startswith(".")), reverse=True)

    def _read(self, place: str) -> Row | None:
        if place not in self._seen:  # seven lists show the same rows
            row = read(self._path(place))
            self._seen[place] = row if row and self.sound(row) else None
        return self._seen[place]

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


def _sorted(rows: Iterable[Row]) -> list[Row]:
    """The newest first."""
    return sorted(rows, key=lambda row: row.order, reverse=True)


def _stand(rows: dict[str, Row], row: Row, name: str) -> None:
    """Put a row among those of a list, where it belongs there and no newer version of it stands there."""
    if (not name or name in row.lists) and (row.guid not in rows or rows[row.guid].version < row.version):
        rows[row.guid] = row


def _touch(path: Path) -> None:
    try:
        path.touch()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _unlink(path: Path) -> None:
    """The file, and its month where it was the last: a month without a release is no month."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  ten times faster than iterdir
    except (FileNotFoundError, NotADirectoryError):
        return []


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return []
