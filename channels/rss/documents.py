"""The feeds as files: the newest items, each tag's, and the archive behind them (RFC 5005 §4), in three formats.

An archive document holds as many items as the feed and never changes, but for a correction. A month's items make its
documents in the order of their instants; the last one is closed when it is full or when a later month has begun, so that
the feed and its archive together always hold every item.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from distributor.contract import Message
from distributor.shelf import Row, Shelf, slug
from distributor.shelf.foreseen import with_rows

from . import jsonfeed
from .feed import atom_bytes, feed_bytes, sound
from .parts import Frame

#: When an empty feed was last changed: the year in which its items' guids got their form, never
#: now, so that the same state always gives the same bytes.
_EMPTY = datetime(2026, 1, 1, tzinfo=UTC)
SUFFIX = {"rss": ".xml", "atom": ".atom", "json": ".json"}
_JOIN: Mapping[str, Callable[[Frame, Sequence[Row]], bytes]] = {
    "rss": lambda frame, rows: feed_bytes(frame, [row.facts["rss"].encode() for row in rows]),
    "atom": lambda frame, rows: atom_bytes(frame, [row.facts["atom"].encode() for row in rows]),
    "json": lambda frame, rows: jsonfeed.feed_bytes(frame, [row.facts["json"] for row in rows]),
}


def row_of(message: Message) -> Row:
    """What lies on the shelf of a message."""
    tags = [slug(tag) for tag in message.meta["tags"].split("\n") if tag]
    return Row(
        guid=message.meta["guid"],
        version=int(message.meta["version"]),
        published=datetime.fromisoformat(message.meta["published"]),
        lists=tuple(dict.fromkeys(f"tag/{tag}" for tag in tags)),
        facts={
            "rss": message.content.decode(),
            "atom": message.meta["atom"],
            "json": message.meta["json"],
            "tags": message.meta["tags"],
            "modified": message.meta.get("modified", ""),
        },
    )


def is_sound(row: Row) -> bool:
    """Whether a row that was read can stand in a feed without breaking it."""
    return {"rss", "atom", "json", "tags"} <= set(row.facts) and sound(row.facts["rss"].encode(), row.guid)


def _changed(row: Row) -> datetime:
    modified = row.facts.get("modified")
    return datetime.fromisoformat(modified) if modified else row.published


def foreseen(messages: Sequence[Message], shelf: Shelf, limit: int) -> dict[str, bytes]:
    """Return the live feed of each format as it will be once all `messages` are out.

    The last message says what stands around the items, as it does when it is delivered last.
    Nothing is written.
    """
    then = with_rows(shelf, map(row_of, messages))
    last = messages[-1]
    feeds = Feeds(last.meta, last.lang, then, limit, tuple(SUFFIX), tags=False)
    return {kind: feeds.live(kind) for kind in SUFFIX}


@dataclass(frozen=True)
class Feeds:
    """Every feed of one language."""

    meta: Mapping[str, str]
    lang: str
    shelf: Shelf
    limit: int
    formats: Sequence[str]
    tags: bool

    def touched(self, row: Row, earlier: Row | None, public: Path) -> Iterator[tuple[str, bytes | None]]:
        """`(path under public/, bytes)` of what changes when `row` takes the place of `earlier`, or is gone; None for what ends.

        The archive comes before the feed that links to it.
        """
        path, months = self.meta["path"], self.shelf.months()
        changed = sorted({row.month, *([earlier.month] if earlier else [])})
        for month in changed:
            yield from self._archive(month, months, public, row)
        for kind in self.formats:
            yield self.named(path, kind), self.live(kind)
        if self.tags:
            for name in dict.fromkeys([*row.lists, *(earlier.lists if earlier else ())]):
                yield self._tag(name)

    def all(self) -> Iterator[tuple[str, bytes]]:
        """Every document there is, from the first month on."""
        months = self.shelf.months()
        for month in reversed(months):
            yield from self._written(month, self._parts(month, months), 0, months)
        yield from ((self.named(self.meta["path"], kind), self.live(kind)) for kind in self.formats)
        for name in sorted({name for row in self.shelf.all() for name in row.lists}) if self.tags else ():
            path, data = self._tag(name)
            if data:
                yield path, data

    def live(self, kind: str) -> bytes:
        """Return the feed that readers subscribe to. It is valid without any item, too."""
        rows, _ = self.shelf.newest(self.limit)
        return self.joined(kind, self.meta["path"], rows, before=self._last(self.shelf.months()))

    def _tag(self, name: str) -> tuple[str, bytes | None]:
        path = self.meta["path"]
        place = str(PurePosixPath(path).parent / name / PurePosixPath(path).name)
        tagged, _ = self.shelf.newest(self.limit, name)
        tag = name.partition("/")[2]
        spelt = next((t for one in tagged for t in one.facts["tags"].split("\n") if slug(t) == tag), tag)
        title = f"{self.meta['title']}: #{spelt}"
        return place, self.joined("rss", place, tagged, title=title) if tagged else None

    def joined(
        self, kind: str, path: str, rows: Sequence[Row], *, title: str = "", before: str = "", archive: bool = False
    ) -> bytes:
        """One document; `before` is the archive document that it follows."""
        site = self.meta["home"]
        links = [("prev-archive", site + quote(self.named(before, kind)))] if before else []
        links += [("current", site + quote(self.named(self.meta["path"], kind)))] if archive else []
        frame = Frame(
            title=title or self.meta["title"],
            description=self.meta["description"],
            home=site,
            address=site + quote(self.named(path, kind)),
            language=self.lang,
            updated=max(map(_changed, rows), default=_EMPTY),
            copyright=self.meta["copyright"] or None,
            logo=self.meta["logo"] or None,
            hub=None if archive else self.meta["hub"] or None,
            links=tuple(links),
            archive=archive,
        )
        return _JOIN[kind](frame, rows)

    def _archive(self, month: str, months: Sequence[str], public: Path, row: Row) -> Iterator[tuple[str, bytes | None]]:
        """The documents of `month` from the one that holds the row, and those of its neighbours that follow from them."""
        at = months.index(month) if month in months else -1
        later = [one for one in months if one > month]
        older = [one for one in months if one < month]
        parts = self._parts(month, months) if at >= 0 else []
        first = next((n for n, part in enumerate(parts) if part[-1] >= row.name), len(parts))
        if row.month != month:
            first = 0  # a correction left this month
        if not later and older:  # this month has begun: the one before is closed
            closing = self._parts(older[0], months)
            missing = closing and not (public / self._document(older[0], len(closing))).exists()
            yield from self._written(older[0], closing, len(closing) - 1 if missing else len(closing), months)
        yield from self._written(month, parts, first, months)
        for number in (len(parts) + 1, len(parts) + 2):
            for kind in self.formats:
                if (public / self.named(self._document(month, number), kind)).exists():
                    yield self.named(self._document(month, number), kind), None
        if later:  # the first document of the next month says which one it follows
            yield from self._written(later[-1], self._parts(later[-1], months)[:1], 0, months)

    def _written(
        self, month: str, parts: Sequence[Sequence[str]], first: int, months: Sequence[str]
    ) -> Iterator[tuple[str, bytes]]:
        for number in range(first, len(parts)):
            path = self._document(month, number + 1)
            older = [one for one in months if one < month]
            before = self._document(month, number) if number else self._last(older, closed=True)
            rows = self.shelf.rows_of(month, parts[number])
            for kind in self.formats if rows else ():
                yield self.named(path, kind), self.joined(kind, path, rows, before=before, archive=True)

    def _parts(self, month: str, months: Sequence[str]) -> list[list[str]]:
        """The names in each closed document of a month, the oldest first."""
        parts = self.shelf.pages(month, self.limit)
        return parts if any(one > month for one in months) else [part for part in parts if len(part) == self.limit]

    def _last(self, months: Sequence[str], *, closed: bool = False) -> str:
        """The newest closed document of the archive; empty where there is none."""
        for month in months[:2]:
            parts = self.shelf.pages(month, self.limit)
            if not closed and month == months[0]:
                parts = [part for part in parts if len(part) == self.limit]
            if parts:
                return self._document(month, len(parts))
        return ""

    def _document(self, month: str, number: int) -> str:
        stem, _, suffix = self.meta["path"].rpartition(".")
        return f"{stem}.{month}-{number}.{suffix}"

    @staticmethod
    def named(path: str, kind: str) -> str:
        """Return the path of a feed in another format."""
        return path.removesuffix(".xml") + SUFFIX[kind]
