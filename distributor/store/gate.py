"""What one turn of the loop does to the rows: settle what has landed, begin what is due.

Functions on an open transaction. Every change of a row is a compare-and-set on its worker and attempt.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    String,
    Text,
    Update,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from distributor.lifecycle import Late, State
from distributor.store import accounts, due, traces
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.destinations import Guard, Objection, no_objection
from distributor.store.pace import Pace
from distributor.store.reaping import off_the_wire
from distributor.store.rows import Delivery, Due, Room, Settlement, Turn, micros

Verdict = Callable[[Due], Late]

# ── settling ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_IN_DOUBT = bindparam("outcome_", type_=String) == "in_doubt"
_DOUBTED = s.delivery.c.doubt_since.is_not(None)
_END_ATTEMPT = (
    update(s.attempt)
    .where(
        s.attempt.c.delivery_id == bindparam("id_", type_=BigInteger),
        s.attempt.c.number == bindparam("number_", type_=Integer),
    )
    .values(
        ended_at=bindparam("ended_", type_=BigInteger),
        outcome=bindparam("outcome_", type_=String),
        reason=bindparam("reason_", type_=Text),
    )
)


def _settle_delivery(*, delivered: bool) -> Update:
    """The row is still ours and on the wire; or a reaper took it, and what we know for certain resolves its doubt."""
    c = s.delivery.c
    ours = and_(
        c.id == bindparam("id_", type_=BigInteger),
        c.worker == bindparam("worker_", type_=String),
        c.attempts == bindparam("number_", type_=Integer),
    )
    state: Any = bindparam("state_", type_=String)
    if delivered:
        still: ColumnElement[bool] = c.state != State.delivered
    else:
        still = or_(c.state == State.sending, and_(c.state == State.in_doubt, ~_IN_DOUBT))
        state = case((state == State.retrying, off_the_wire(or_(_IN_DOUBT, _DOUBTED))), else_=state)
    began = bindparam("began_", type_=BigInteger)
    return (
        update(s.delivery)
        .where(ours, still)
        .values(
            state=state,
            due=bindparam("due_", type_=BigInteger),
            reason=bindparam("reason_", type_=Text),
            remote_id=bindparam("remote_id_", type_=Text),
            remote_url=bindparam("remote_url_", type_=Text),
            sent_at=began if delivered else None,
            settled_at=bindparam("ended_", type_=BigInteger),
            doubt_since=case((_IN_DOUBT, func.coalesce(c.doubt_since, began)), else_=c.doubt_since),
            crashes=0,  # the process lived to tell
            asked=c.asked + bindparam("asked_", type_=Integer),
        )
    )


_SETTLE = {delivered: _settle_delivery(delivered=delivered) for delivered in (True, False)}


def settle(connection: Connection, worker: str, settlements: Iterable[Settlement]) -> None:
    """Write down how attempts ended, in the order of the rows so that two processes never wait for each other."""
    rows = sorted(settlements, key=lambda one: one.delivery_id)
    if not rows:
        return
    values = [_values(worker, one) for one in rows]
    delivered = [row for row in values if row["state_"] == State.delivered]
    others = [row for row in values if row["state_"] != State.delivered]
    if delivered and connection.execute(_SETTLE[True], delivered).rowcount == len(delivered):
        _end_attempts_of(connection, [row["id_"] for row in delivered])
        delivered = []
    if rest := [*delivered, *others]:
        connection.execute(_END_ATTEMPT, rest)
    if others:
        connection.execute(_SETTLE[False], others)
    traces.keep(connection, (one for one in rows if one.made))
    for one in rows:
        if one.account and one.blocked_until:
            accounts.block(connection, one.account, one.blocked_until)


_END_DELIVERED = (
    update(s.attempt)
    .where(
        s.attempt.c.delivery_id == s.delivery.c.id,
        s.attempt.c.number == s.delivery.c.attempts,
        s.delivery.c.id.in_(bindparam("ids", expanding=True)),
    )
    .values(ended_at=s.delivery.c.settled_at, outcome=State.delivered.value, reason=s.delivery.c.reason)
)


def _end_attempts_of(connection: Connection, ids: Collection[int]) -> None:
    """The attempts of rows that were just delivered, all in one statement."""
    connection.execute(_END_DELIVERED, {"ids": list(ids)})


def _values(worker: str, one: Settlement) -> dict[str, Any]:
    return {
        "worker_": worker,
        "id_": one.delivery_id,
        "number_": one.number,
        "state_": one.state.value,
        "outcome_": one.outcome,
        "due_": micros(one.due),
        "began_": micros(one.began_at),
        "ended_": micros(one.ended_at),
        "reason_": one.reason,
        "remote_id_": one.remote_id,
        "remote_url_": one.remote_url,
        "asked_": int(one.asked),
    }


# ── beginning ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def begin(
    connection: Connection,
    worker: str,
    now: datetime,
    rooms: Collection[Room],
    verdict: Verdict,
    pace: Pace,
    objection: Objection = no_objection,
) -> Turn:
    """Write the attempts of what is due, as far as there is room; what `verdict` calls missed becomes `missed`, and what
    `objection` names is held.
    """
    judge, guard = _Judge(connection, verdict), Guard(connection, objection, now)
    again: list[datetime] = []
    for choice in _choices(connection, now, rooms, pace):
        room = choice.room
        allowed = accounts.allowed(connection, room, now)
        found = choice.rows(allowed.free) if allowed.free > 0 else []
        passes = guard.passes([one.delivery for one in found])
        taken = judge.sort([one for one in found if one.delivery.id in passes])
        accounts.spend(connection, room, allowed, now, taken)
        if allowed.again and len(found) == max(allowed.free, 0):
            again.append(allowed.again)
        if pace.singly and taken:
            break
    if judge.missed:
        connection.execute(
            update(s.delivery)
            .where(s.delivery.c.id.in_([row.id for row in judge.missed]))
            .values(state=State.missed, settled_at=micros(now), reason="the instant was missed by too much")
        )
    chosen = sorted(judge.chosen, key=lambda one: (one.priority, one.delivery.due, one.delivery.id))
    _write_attempts(connection, worker, now, chosen)
    return Turn(begun=chosen, missed=judge.missed, again=min(again, default=None), stopped=guard.stops)


class _Choice(NamedTuple):
    """Rows that may be claimed on a channel."""

    room: Room
    rows: Callable[[int], list[Due]]  #: at most so many


def _choices(connection: Connection, now: datetime, rooms: Collection[Room], pace: Pace) -> list[_Choice]:
    """What may be claimed now: while something waits that was in flight in a crash, that alone, one by one."""
    if rooms and (suspect := due.suspect(connection, now, rooms, pace.wary_of)):
        room, one = suspect
        if accounts.allowed(connection, room, now).free > 0:
            return [] if pace.young else [_Choice(room, lambda _most: [one])]
    if pace.singly and pace.young:
        return []
    work = due.work(connection, now, rooms)
    if pace.singly:
        work = sorted(((replace(room, free=1), lanes) for room, lanes in work), key=lambda one: one[1][0])
    return [_Choice(room, partial(_lanes, connection, now, room, lanes, pace.wary_of)) for room, lanes in work]


def _lanes(connection: Connection, now: datetime, room: Room, lanes: list[int], wary_of: int, most: int) -> list[Due]:
    return list(due.rows(connection, room.channel, lanes, now, most, wary_of))


class _Judge:
    """Sorts what is due into what still goes and what is missed. Asks only for late rows whether the release is out."""

    def __init__(self, connection: Connection, verdict: Verdict) -> None:
        self._connection, self._verdict = connection, verdict
        self._out: dict[tuple[str, int], bool] = {}
        self.chosen: list[Due] = []
        self.missed: list[Delivery] = []

    def sort(self, found: Iterable[Due]) -> int:
        """Returns how many of `found` go."""
        before = len(self.chosen)
        for one in found:
            if self._goes(one):
                self.chosen.append(one)
            else:
                self.missed.append(replace(one.delivery, state=State.missed))
        return len(self.chosen) - before

    def _goes(self, one: Due) -> bool:
        if self._verdict(one) is not Late.missed:
            return True
        version = (one.delivery.release_id, one.delivery.version)
        if version not in self._out:
            self._out[version] = q.partly_out(self._connection, *version, one.catch_up_within)
        return self._out[version] and self._verdict(replace(one, partly_out=True)) is not Late.missed


def _write_attempts(connection: Connection, worker: str, now: datetime, chosen: list[Due]) -> None:
    if not chosen:
        return
    values = {"ids": [one.delivery.id for one in chosen], "worker_": worker, "began_": micros(now)}
    connection.execute(_BEGIN, values)
    connection.execute(_NOTE_ATTEMPTS, values)


_D = s.delivery.c
_CHOSEN = _D.id.in_(bindparam("ids", expanding=True))
_BEGIN = (
    update(s.delivery)
    .where(_CHOSEN)
    .values(state=State.sending.value, worker=bindparam("worker_", type_=String), wanted=None, attempts=_D.attempts + 1)
)
_NOTE_ATTEMPTS = insert(s.attempt).from_select(
    ["delivery_id", "number", "worker", "digest", "began_at"],
    select(_D.id, _D.attempts, _D.worker, _D.digest, bindparam("began_", type_=BigInteger)).where(_CHOSEN),
)
