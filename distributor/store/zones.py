"""Snapshots of what still waits, for who compares their times with today's rules."""

from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from distributor.lifecycle import STOPPED, WAITING
from distributor.store import schema as s

if TYPE_CHECKING:
    from distributor.store.reader import Reader


def waiting(ledger: "Reader") -> list[tuple[str, str]]:
    """Id and snapshot of every version of which something waits or is stopped."""
    c, r = s.delivery.c, s.release.c
    open_ = exists().where(c.release_id == r.id, c.version == r.version, c.state.in_([*WAITING, *STOPPED]))
    with ledger.reading() as connection:
        return [
            (one, snapshot)
            for one, snapshot in connection.execute(select(r.id, r.snapshot).where(open_).order_by(r.id))
        ]
