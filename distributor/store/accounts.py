"""Whose turn it is: token buckets and waits of the accounts that are written to. Functions on an open transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from distributor.store import schema as s
from distributor.store.dialect import upsert
from distributor.store.rows import Room, maybe_instant, micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """How many may go now, and when to look again for more."""

    free: int
    again: datetime | None = None
    full_at: datetime | None = None


def allowed(connection: Connection, room: Room, now: datetime) -> Allowed:
    """What room and account leave. On PostgreSQL the account's row stays locked until the turn is written, so that two
    processes never spend the same token.
    """
    if not room.account:
        return Allowed(free=room.free)
    c = s.account.c
    if room.rate:
        connection.execute(upsert(connection, s.account).values(name=room.account).on_conflict_do_nothing())
    query = select(c.full_at, c.blocked_until).where(c.name == room.account)
    row = connection.execute(query.with_for_update() if room.rate else query).first()
    if row is None:
        return Allowed(free=room.free)
    blocked = maybe_instant(row.blocked_until)
    if blocked and blocked > now:
        return Allowed(free=0, again=blocked)
    if room.rate is None:
        return Allowed(free=room.free)
    full = maybe_instant(row.full_at)
    free, after = room.rate.grant(full, now, room.free)
    return Allowed(free=free, again=room.rate.next_at(after) if free < room.free else None, full_at=full)


def spend(connection: Connection, room: Room, allowed: Allowed, now: datetime, taken: int) -> None:
    """Write down that `taken` tokens are gone."""
    if room.rate and taken:
        _, full = room.rate.grant(allowed.full_at, now, taken)
        connection.execute(update(s.account).where(s.account.c.name == room.account).values(full_at=micros(full)))


def block(connection: Connection, name: str, until: datetime) -> None:
    """The other side asked the whole account to wait. Never shortens an earlier wait."""
    new = upsert(connection, s.account).values(name=name, blocked_until=micros(until))
    longer = func.coalesce(s.account.c.blocked_until, 0) < new.excluded.blocked_until
    connection.execute(
        new.on_conflict_do_update(
            index_elements=["name"], set_={"blocked_until": new.excluded.blocked_until}, where=longer
        )
    )
