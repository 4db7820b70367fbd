"""The shelf as it will be: rows that are not released yet laid over the released ones, in memory alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from distributor.shelf import Row, Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen(Shelf):
    """A shelf with more rows than lie in its folder. Nothing is written."""

    over: Mapping[str, Row] = field(default_factory=dict)  #: by place
    hidden: frozenset[str] = frozenset()  #: places whose rows are replaced

    # Zero-argument super() does not work in a dataclass with slots before Python 3.14.

    def get(self, guid: str) -> Row | None:
        """Return the row as it will be; see `Shelf.get`."""
        found = next((row for row in self.over.values() if row.guid == guid), None)
        return found or super(Foreseen, self).get(guid)

    def months(self, name: str = "") -> list[str]:
        """Return the months as they will be, the newest first."""
        touched = {place.partition("/")[0] for place in (*self.over, *self.hidden)}
        found = touched.union(super(Foreseen, self).months(name))
        kept = (month for month in found if month not in touched or self._names(month, name))
        return sorted(kept, reverse=True)

    def count(self, month: str) -> int:
        """Return how many rows a month will have."""
        return len(self._names(month, ""))

    def _names(self, month: str, name: str) -> list[str]:
        kept = {one for one in super(Foreseen, self)._names(month, name) if f"{month}/{one}" not in self.hidden}
        more = (row.name for row in self.over.values() if row.month == month and (not name or name in row.lists))
        return sorted(kept.union(more), reverse=True)

    def _read(self, place: str) -> Row | None:
        if found := self.over.get(place):
            return found
        return None if place in self.hidden else super(Foreseen, self)._read(place)


def with_rows(shelf: Shelf, rows: Iterable[Row]) -> Foreseen:
    """Return the shelf as it will be once `rows` are placed, in any order.

    As in `Shelf.placed`, a newer version replaces an older one, and a withdrawn version
    does not come back.
    """
    newest: dict[str, Row] = {}
    for row in rows:
        if row.guid not in newest or newest[row.guid].version < row.version:
            newest[row.guid] = row
    over: dict[str, Row] = {}
    hidden: set[str] = set()
    for guid, row in newest.items():
        there, gone = shelf.get(guid), shelf.gone(guid)
        if (there and there.version > row.version) or (gone and gone.version >= row.version):
            continue
        over[row.place] = row
        if there:
            hidden.add(there.place)
    return Foreseen(folder=shelf.folder, sound=shelf.sound, over=over, hidden=frozenset(hidden))
