"""A look at a SQLite ledger with nothing but the standard library: `status` must answer in a quarter of a second, and
SQLAlchemy alone takes longer to import. Reads only, and gives up (None) wherever the real Reader has something to say.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from distributor.lifecycle import STOPPED, WAITING, PubStatus, State
from distributor.store import attention
from distributor.store.attention import Needs
from distributor.store.rows import Agreed, Delivery, Release, Waiting, Worker, instant, maybe_instant

#: The schema whose columns are named below; steps.VERSION, which a test compares.
VERSION = 11
_OPEN = (*WAITING, State.held)
_LEFT = (*WAITING, *STOPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What `status` shows."""

    workers: list[Worker]
    counts: dict[State, int]
    releases: list[tuple[Release, list[Delivery]]]
    needs: Needs
    moved: list[Agreed]  #: channels that lead elsewhere than agreed
    site: str | None  #: whose ledger it is

    @property
    def oldest_due(self) -> datetime | None:
        """The due instant of the delivery that has waited longest."""
        return min((row.due for _, rows in self.releases for row in rows if row.state in WAITING), default=None)

    def open(self) -> list[tuple[str, str]]:
        """Return id and snapshot of every version of which something waits or is stopped."""
        return [(one.id, one.snapshot) for one, rows in self.releases if any(row.state in _LEFT for row in rows)]

    def missing(self, names: Collection[str]) -> list[Waiting]:
        """Return what waits, or is on hold, for channels that are not among `names`."""
        count = Counter(
            (row.release_id, row.version, row.channel)
            for _, rows in self.releases
            for row in rows
            if row.state in _OPEN and row.channel not in names
        )
        return [
            Waiting(release_id=one, version=version, channel=name, number=number, stopped=0, agreed=None)
            for (one, version, name), number in sorted(count.items())
        ]


def look(path: Path, now: datetime) -> Glance | None:
    """Read the ledger at `path` as it is `now`; None when it is not there, of another schema, or cannot be read."""
    if not path.is_file():
        return None
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    except sqlite3.Error:
        return None
    connection.row_factory = sqlite3.Row
    try:
        if connection.execute("SELECT version FROM schema_version").fetchone()[0] != VERSION:
            return None
        connection.execute("BEGIN")  # one moment for all of it
        releases = _releases(connection)
        site = connection.execute("SELECT id, restored_at FROM site").fetchone()
        if site and site["restored_at"]:
            return None  # more has to be said
        return Glance(
            workers=_workers(connection),
            counts=_counts(connection),
            releases=releases,
            needs=attention.counted(map(tuple, connection.execute(attention.QUERY, attention.arguments(now)))),
            moved=_moved(connection, releases),
            site=site["id"] if site else None,
        )
    except sqlite3.Error:
        return None
    finally:
        connection.close()


def _workers(connection: sqlite3.Connection) -> list[Worker]:
    return [
        Worker(
            name=row["name"],
            pid=row["pid"],
            began_at=instant(row["began_at"]),
            beat_at=instant(row["beat_at"]),
            host=row["host"] or "",
            ahead=timedelta(microseconds=row["ahead"] or 0),
            trouble=row["trouble"] or "",
        )
        for row in connection.execute("SELECT * FROM worker ORDER BY beat_at DESC")
    ]


def _counts(connection: sqlite3.Connection) -> dict[State, int]:
    return {State(row[0]): row[1] for row in connection.execute("SELECT state, count(*) FROM delivery GROUP BY state")}


def _moved(connection: sqlite3.Connection, releases: list[tuple[Release, list[Delivery]]]) -> list[Agreed]:
    waits = {(row.release_id, row.version, row.channel) for _, rows in releases for row in rows if row.state in _OPEN}
    query = "SELECT * FROM destination WHERE found IS NOT NULL ORDER BY release_id, version, channel"
    return [
        Agreed(
            release_id=row["release_id"],
            version=row["version"],
            channel=row["channel"],
            facts=json.loads(row["facts"]),
            found=json.loads(row["found"]),
            asked_who=row["asked_who"],
        )
        for row in connection.execute(query)
        if (row["release_id"], row["version"], row["channel"]) in waits
    ]


def _releases(connection: sqlite3.Connection) -> list[tuple[Release, list[Delivery]]]:
    found = connection.execute("SELECT * FROM release ORDER BY lift DESC, id, version DESC").fetchall()
    query = "SELECT * FROM delivery WHERE release_id = ? AND version = ? ORDER BY planned_for, priority, id"
    return [
        (_release(row), [_delivery(one) for one in connection.execute(query, (row["id"], row["version"]))])
        for row in found
    ]


def _release(row: sqlite3.Row) -> Release:
    return Release(
        id=row["id"],
        version=row["version"],
        digest=row["digest"],
        snapshot=row["snapshot"],
        seal=row["seal"],
        lift=instant(row["lift"]),
        zone=row["zone"],
        headline=row["headline"],
        pub_status=PubStatus(row["pub_status"]),
        catch_up_within=timedelta(microseconds=row["catch_up_within"]),
        sealed_at=instant(row["sealed_at"]),
        killed_at=maybe_instant(row["killed_at"]),
        inputs=row["inputs"] or "",
    )


_PLAIN = (
    "id", "release_id", "version", "kind", "channel", "recipient", "recipient_name", "attempts", "key", "digest",
    "message_id", "tier", "idempotency", "remote_id", "remote_url", "reason",
)  # fmt: skip


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(
        **{name: row[name] for name in _PLAIN},
        state=State(row["state"]),
        signature=row["signature"] or b"",
        due=instant(row["due"]),
        planned_for=instant(row["planned_for"]),
        sent_at=maybe_instant(row["sent_at"]),
        settled_at=maybe_instant(row["settled_at"]),
    )
