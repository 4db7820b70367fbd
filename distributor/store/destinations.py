"""Where each channel of a version goes: recorded when it is sealed, compared before it is claimed, confirmed by a person.

Functions on an open transaction, but for those that take a ledger. Facts are JSON in the table and mappings outside.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Update, and_, case, delete, func, insert, select, tuple_, update

from distributor.lifecycle import WAITING, PubStatus, State
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.base import Store
from distributor.store.rows import Agreed, Delivery, Stop, Waiting, micros

Facts = Mapping[str, str | None]
Key = tuple[str, int, str]  #: release, version, channel
#: Why the deliveries of a channel may not be claimed, and what its destination is now; None: they may.
Objection = Callable[[str, Facts | None], tuple[str, Facts | None] | None]
#: How the reason of a delivery begins that was stopped here: `confirm` lets these go, and no others.
STOPPED_HERE = "stopped before it left: "
_D = s.destination.c
_OPEN = (*WAITING, State.held)


def no_objection(_channel: str, _facts: Facts | None) -> None:
    """Let every channel send."""


def dumped(facts: Facts | None) -> str | None:
    """Return facts as the table holds them."""
    return None if facts is None else json.dumps(dict(facts), sort_keys=True, ensure_ascii=False)


def loaded(row: Row[Any] | Mapping[str, Any]) -> Agreed:
    """Return one row of the table."""
    get = row._mapping.__getitem__ if isinstance(row, Row) else row.__getitem__  # noqa: SLF001  its public name
    read = {name: json.loads(get(name)) if get(name) else None for name in ("facts", "found", "asked_facts")}
    return Agreed(
        release_id=get("release_id"),
        version=get("version"),
        channel=get("channel"),
        facts=read["facts"] or {},
        deletes=bool(get("deletes")),
        found=read["found"],
        asked_who=get("asked_who"),
        asked_facts=read["asked_facts"],
    )


def add(connection: Connection, agreed: Iterable[Agreed], *, who: str, at: datetime) -> None:
    """Record the destinations of a version that is being sealed."""
    rows = [
        {
            "release_id": one.release_id,
            "version": one.version,
            "channel": one.channel,
            "facts": dumped(one.facts),
            "deletes": int(one.deletes),
            "who": who,
            "at": micros(at),
        }
        for one in agreed
    ]
    if rows:
        connection.execute(insert(s.destination), rows)


def remove(connection: Connection, release_id: str, version: int) -> None:
    """Forget those of a version that is planned anew."""
    connection.execute(delete(s.destination).where(_D.release_id == release_id, _D.version == version))


def of(connection: Connection, keys: Collection[Key]) -> dict[Key, Agreed]:
    """Return what is recorded for these channels of versions."""
    if not keys:
        return {}
    query = select(s.destination).where(tuple_(_D.release_id, _D.version, _D.channel).in_(list(keys)))
    return {(row.release_id, row.version, row.channel): loaded(row) for row in connection.execute(query)}


def _of(key: Key) -> Update:
    return update(s.destination).where(_D.release_id == key[0], _D.version == key[1], _D.channel == key[2])


class Guard:
    """Holds what is due and may not be claimed: its channel is gone, or leads elsewhere than agreed."""

    def __init__(self, connection: Connection, objection: Objection, now: datetime) -> None:
        """`objection` is asked once for each channel of a version."""
        self._connection, self._objection, self._now = connection, objection, now
        self._known: dict[Key, bool] = {}
        self.stops: list[Stop] = []

    def passes(self, rows: Collection[Delivery]) -> set[int]:
        """Return the numbers of the deliveries that may be claimed. The others are held, with all that waits beside them."""
        keys = {(row.release_id, row.version, row.channel) for row in rows}
        if new := keys - self._known.keys():
            found = of(self._connection, new)
            for key in sorted(new):
                agreed = found.get(key)
                against = self._objection(key[2], agreed.facts if agreed else None)
                self._known[key] = against is None
                if against:
                    self._stop(key, *against)
        return {row.id for row in rows if self._known[row.release_id, row.version, row.channel]}

    def _stop(self, key: Key, why: str, now: Facts | None) -> None:
        if now is not None:
            self._connection.execute(_of(key).values(found=dumped(now)))
        c = s.delivery.c
        waits = and_(q.of(*key[:2]), c.channel == key[2], s.WAITS)
        values = {"state": State.held, "reason": f"{STOPPED_HERE}{why}", "settled_at": micros(self._now)}
        number = self._connection.execute(update(s.delivery).where(waits).values(values)).rowcount
        stop = Stop(release_id=key[0], version=key[1], channel=key[2], why=why, number=number)
        self.stops.append(stop)
        facts = {"release_id": key[0], "version": key[1], "detail": f"{key[2]}: {why}"}
        q.log(self._connection, self._now, who="service", action="stop", **facts)


# ── with a ledger ─────────────────────────────────────────────────────────────────────────────────────────────────────


def waiting(
    ledger: Store, release_id: str | None = None, *, besides: Collection[str] = (), most: int | None = None
) -> list[Waiting]:
    """Return every channel of a version for which something waits or is on hold.

    Leave out the channels of `besides`, and stop after `most` where that is given.
    """
    c = s.delivery.c
    here = func.sum(case((and_(c.state == State.held, c.reason.startswith(STOPPED_HERE)), 1), else_=0))
    keys = (c.release_id, c.version, c.channel)
    open_ = select(*keys, func.count().label("number"), here.label("stopped")).where(c.state.in_(_OPEN))
    if release_id is not None:
        open_ = open_.where(c.release_id == release_id)
    if besides:
        open_ = open_.where(c.channel.not_in(list(besides)))
    found = open_.group_by(*keys).order_by(*keys).limit(most).subquery("waits")
    w = found.c
    same = and_(_D.release_id == w.release_id, _D.version == w.version, _D.channel == w.channel)
    query = select(found, *(one.label(f"agreed_{one.name}") for one in _D)).outerjoin(s.destination, same)
    with ledger.reading() as connection:
        rows = connection.execute(query.order_by(w.release_id, w.version, w.channel)).mappings().all()
    return [_waiting(row) for row in rows]


def _waiting(row: Mapping[Any, Any]) -> Waiting:
    """Return one row of `waiting`, whose destination may be none."""
    agreed = {one.name: row[f"agreed_{one.name}"] for one in _D}
    return Waiting(
        release_id=row["release_id"],
        version=row["version"],
        channel=row["channel"],
        number=row["number"],
        stopped=int(row["stopped"]),
        agreed=loaded(agreed) if agreed["release_id"] is not None else None,
    )


def recorded(ledger: Store, release_id: str, version: int) -> dict[str, Agreed]:
    """Return the destinations of a version by channel; empty for one that was sealed before they were recorded."""
    query = select(s.destination).where(_D.release_id == release_id, _D.version == version)
    with ledger.reading() as connection:
        return {row.channel: loaded(row) for row in connection.execute(query)}


def note(ledger: Store, found: Mapping[Key, Facts | None], mended: Collection[Key], *, now: datetime) -> None:
    """Record what destinations are now (`found`), None where they are the agreed ones again; let go what was stopped on
    channels that are as agreed again (`mended`).
    """
    with ledger.writing() as connection:
        for key, facts in sorted(found.items()):
            connection.execute(_of(key).values(found=dumped(facts)))
        for key in sorted(mended):
            _let_go(connection, key)
            detail = f"{key[2]}: its destination is the agreed one again"
            where = {"release_id": key[0], "version": key[1]}
            q.log(connection, now, who="service", action="resume", detail=detail, **where)


def _let_go(connection: Connection, key: Key, **more: object) -> int:
    """Plan again what was stopped here; on a release that a person holds it stays on hold."""
    c, r = s.delivery.c, s.release.c
    here = (q.of(*key[:2]), c.channel == key[2], c.state == State.held, c.reason.startswith(STOPPED_HERE))
    withheld = select(r.id).where(r.id == key[0], r.version == key[1], r.pub_status == PubStatus.withheld)
    state = case((withheld.exists(), State.held), else_=State.planned)
    values = {"state": state, "reason": None, "settled_at": None, **more}
    return int(connection.execute(update(s.delivery).where(*here).values(values)).rowcount)


def ask(ledger: Store, key: Key, facts: Facts, *, who: str, now: datetime) -> None:
    """Record that one person said yes to a new destination, where two have to."""
    with ledger.writing() as connection:
        connection.execute(_of(key).values(asked_who=who, asked_facts=dumped(facts)))
        detail = f"{key[2]}: {dumped(facts)}"
        q.log(connection, now, who=who, action="approve", release_id=key[0], version=key[1], detail=detail)


def confirm(ledger: Store, key: Key, facts: Facts, *, detail: str, who: str, now: datetime) -> int:
    """Agree to a new destination. What was stopped for the old one is planned again; returns how many deliveries."""
    new: dict[str, object] = {"facts": dumped(facts), "found": None, "who": who, "at": micros(now)}
    with ledger.writing() as connection:
        connection.execute(_of(key).values(**new, asked_who=None, asked_facts=None))
        number = _let_go(connection, key, late_ok=1)
        q.log(connection, now, who=who, action="confirm", release_id=key[0], version=key[1], detail=detail)
    return number


def stopped(ledger: Store) -> list[Agreed]:
    """Return the destinations that are no longer the agreed ones, while something waits for them."""
    c = s.delivery.c
    open_ = select(c.id).where(
        c.release_id == _D.release_id, c.version == _D.version, c.channel == _D.channel, c.state.in_(_OPEN)
    )
    query = select(s.destination).where(_D.found.is_not(None), open_.exists())
    order = (_D.release_id, _D.version, _D.channel)
    with ledger.reading() as connection:
        return [loaded(row) for row in connection.execute(query.order_by(*order))]
