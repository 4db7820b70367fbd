"""The released items of one feed, kept as files outside the public folder, and the feed joined from them."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from distributor import files
from distributor.contract import Message, Unavailable

from .feed import Frame, feed_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One file per released item; its name begins with the instant, so the newest are found without reading all."""

    folder: Path
    limit: int

    def publish(self, message: Message, public: Path) -> str:
        """Put the photos, the item and the joined feed in place; returns a note for the receipt.

        Done twice it changes nothing. Raises Unavailable.
        """
        for file in message.media:
            _put(public / "media" / file.sha256[:16] / file.name, file.data)
        with self._locked():
            self._keep(message)
            rows, damaged = self._newest()
            _put(public / message.meta["path"], _join(message, rows))
        return f"{len(rows)} items" + (f"; {damaged} damaged files were passed over" if damaged else "")

    def joined(self, *, with_item: Message) -> bytes:
        """The feed as it would be with one more item; nothing is written."""
        row = _row(with_item)
        others = [other for other in self._newest()[0] if other["guid"] != row["guid"]]
        rows = sorted([row, *others], key=_order, reverse=True)
        return _join(with_item, rows[: self.limit])

    def _keep(self, message: Message) -> None:
        row = _row(message)
        guid = row["guid"].rpartition(":")[2]
        stamp = datetime.fromisoformat(row["published"])
        path = self.folder / f"{int(stamp.timestamp()):012}-{guid}.json"
        _put(path, json.dumps(row, ensure_ascii=False, sort_keys=True).encode())
        for older in self.folder.glob(f"*-{guid}.json"):
            if older != path:  # the version before the correction
                older.unlink()

    def _newest(self) -> tuple[list[dict[str, Any]], int]:
        """The newest rows, and how many files could not be read."""
        rows: list[dict[str, Any]] = []
        damaged = 0
        for path in sorted(self.folder.glob("*.json"), reverse=True):
            if len(rows) == self.limit:
                break
            try:
                row = json.loads(path.read_bytes())
                rows.append({name: str(row[name]) for name in ("guid", "published", "item")})
            except (OSError, ValueError, KeyError, TypeError):
                damaged += 1  # one bad file must not take the others out of the feed
        return rows, damaged

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One at a time, over threads and processes."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise Unavailable(f"cannot write {self.folder}: {error.strerror}") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _row(message: Message) -> dict[str, str]:
    facts = {"guid": message.meta["guid"], "published": message.meta["published"]}
    return {**facts, "item": message.content.decode("utf-8")}


def _order(row: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(row["published"]), row["guid"]


def _join(message: Message, rows: list[dict[str, Any]]) -> bytes:
    meta = message.meta
    frame = Frame(
        title=meta["title"],
        description=meta["description"],
        home=meta["home"],
        address=meta["address"],
        language=message.lang,
        updated=max(datetime.fromisoformat(row["published"]) for row in rows),
        copyright=meta["copyright"] or None,
        logo=meta["logo"] or None,
        hub=meta["hub"] or None,
    )
    return feed_bytes(frame, [row["item"].encode() for row in rows])


def _put(path: Path, data: bytes) -> None:
    """Write unless the same is there already: a file that did not change keeps its time."""
    try:
        if path.read_bytes() == data:
            return
    except OSError:
        pass
    files.deliver(path, data)
