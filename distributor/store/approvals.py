"""Who approved which bytes. Nothing is ever overwritten: an approval is taken back by a line of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.ledger import Ledger
from distributor.store.rows import instant, maybe_instant, micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Somebody looked at a preview and said yes."""

    release_id: str
    version: int
    seal: str  #: the digest over every byte of that preview
    digests: Mapping[str, str]  #: `channel/lang` → digest, so that it can be said what changed
    words: Mapping[str, str]  #: `channel/lang` → when, to how many and what a person reads, so that it can be shown
    who: str
    at: datetime
    revoked_at: datetime | None


def add(ledger: Ledger, approval: Approval) -> None:
    """Write one down."""
    values = {
        "release_id": approval.release_id,
        "version": approval.version,
        "seal": approval.seal,
        "digests": json.dumps(dict(approval.digests), sort_keys=True),
        "words": json.dumps(dict(approval.words), sort_keys=True, ensure_ascii=False),
        "who": approval.who,
        "at": micros(approval.at),
    }
    facts = {"release_id": approval.release_id, "version": approval.version, "detail": approval.seal}
    with ledger.writing() as connection:
        connection.execute(insert(s.approval).values(**values))
        q.log(connection, approval.at, who=approval.who, action="approve", **facts)


def of(ledger: Ledger, release_id: str, version: int) -> list[Approval]:
    """Every approval of a version, the newest first."""
    c = s.approval.c
    query = select(s.approval).where(c.release_id == release_id, c.version == version).order_by(c.id.desc())
    with ledger.reading() as connection:
        return [
            Approval(
                release_id=row.release_id,
                version=row.version,
                seal=row.seal,
                digests=json.loads(row.digests),
                words=json.loads(row.words or "{}"),
                who=row.who,
                at=instant(row.at),
                revoked_at=maybe_instant(row.revoked_at),
            )
            for row in connection.execute(query)
        ]


def revoke(ledger: Ledger, release_id: str, version: int, *, who: str, now: datetime) -> int:
    """Take back what one person approved of a version; returns how many approvals."""
    c = s.approval.c
    mine = (c.release_id == release_id, c.version == version, c.who == who, c.revoked_at.is_(None))
    with ledger.writing() as connection:
        found = connection.execute(update(s.approval).where(*mine).values(revoked_at=micros(now))).rowcount
        if found:
            facts = {"release_id": release_id, "version": version, "detail": ""}
            q.log(connection, now, who=who, action="revoke", **facts)
    return int(found)


def was_moved(ledger: Ledger, release_id: str, version: int) -> bool:
    """Whether a version was moved to another time than its file names, since it was sealed first."""
    e = s.event.c
    query = select(e.id).where(e.release_id == release_id, e.version == version, e.action == "reschedule")
    with ledger.reading() as connection:
        return connection.execute(query.limit(1)).first() is not None
