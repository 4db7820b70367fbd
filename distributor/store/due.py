"""What is due: asked at every turn of the loop, so every statement is made once."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Integer, Row, String, and_, bindparam, exists, literal, or_, select, union_all

from distributor.lifecycle import KILL, Priority, PubStatus
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.dialect import NOW
from distributor.store.order import IN_ORDER, OF_ITS_RELEASE
from distributor.store.rows import Due, Room, maybe_instant, micros

_C = s.delivery.c
_WARY_OF = bindparam("wary_of", type_=Integer)
_READY = (
    select(s.delivery, s.release.c.catch_up_within)
    .join(s.release, OF_ITS_RELEASE)
    .where(
        s.WAITS,
        _C.due <= NOW,
        or_(and_(s.release.c.pub_status == PubStatus.usable, s.release.c.killed_at.is_(None)), _C.kind == KILL),
        IN_ORDER,
    )
    .with_for_update(of=s.delivery, skip_locked=True)
)
_ROWS = (
    _READY.where(
        _C.channel == bindparam("channel", type_=String),
        _C.priority == bindparam("priority", type_=Integer),
        _C.crashes < _WARY_OF,
    )
    .order_by(_C.due, _C.id)
    .limit(bindparam("most", type_=Integer))
)
_ANY_SUSPECT = select(exists(select(_C.id).where(s.WAITS, s.SUSPECT, _C.due <= NOW)))
_SUSPECT = (
    _READY.where(s.SUSPECT, _C.crashes >= _WARY_OF, _C.channel.in_(bindparam("channels", expanding=True)))
    .order_by(_C.priority, _C.due, _C.id)
    .limit(1)
)


@lru_cache(maxsize=64)
def _probe(channels: tuple[str, ...]) -> Any:
    """Which lanes of which channels have something due."""
    lanes = [
        select(literal(channel, String), literal(int(priority), Integer)).where(
            exists(select(_C.id).where(s.WAITS, _C.channel == channel, _C.priority == int(priority), _C.due <= NOW))
        )
        for channel in channels
        for priority in Priority
    ]
    return union_all(*lanes)


def work(connection: Connection, now: datetime, rooms: Iterable[Room]) -> list[tuple[Room, list[int]]]:
    """Those of `rooms` for which something is due, with their lanes, the most urgent first; by account, so that two processes
    lock accounts in one order.
    """
    ordered = sorted((room for room in rooms if room.free > 0), key=lambda room: (room.account, room.channel))
    if not ordered:
        return []
    lanes: dict[str, list[int]] = {}
    for channel, priority in connection.execute(_probe(tuple(room.channel for room in ordered)), {"now": micros(now)}):
        lanes.setdefault(channel, []).append(priority)
    return [(room, sorted(lanes[room.channel])) for room in ordered if room.channel in lanes]


def suspect(connection: Connection, now: datetime, rooms: Iterable[Room], wary_of: int) -> tuple[Room, Due] | None:
    """The most urgent due delivery that was in flight in at least `wary_of` crashes, and room for it alone."""
    if not connection.execute(_ANY_SUSPECT, {"now": micros(now)}).scalar():
        return None
    free = {room.channel: room for room in rooms if room.free > 0}
    values = {"channels": list(free), "wary_of": wary_of, "now": micros(now)}
    row = connection.execute(_SUSPECT, values).first()
    return (replace(free[row.channel], free=1), _due(row)) if row else None


def rows(
    connection: Connection, channel: str, lanes: Iterable[int], now: datetime, most: int, wary_of: int
) -> Iterator[Due]:
    """What is due on a channel and may go, the most urgent first, without what was in flight in `wary_of` crashes; locked on
    PostgreSQL, past what others have locked.
    """
    for priority in lanes:
        if most <= 0:
            return
        values = {"channel": channel, "priority": priority, "now": micros(now), "most": most, "wary_of": wary_of}
        found = connection.execute(_ROWS, values).all()
        yield from map(_due, found)
        most -= len(found)


def _due(row: Row[Any]) -> Due:
    return Due(
        delivery=q.delivery(row),
        late_ok=bool(row.late_ok),
        partly_out=False,
        catch_up_within=timedelta(microseconds=row.catch_up_within),
        in_doubt=row.in_doubt,
        priority=row.priority,
        doubt_since=maybe_instant(row.doubt_since),
        asked=row.asked,
    )
