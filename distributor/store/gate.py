"""What one turn of the loop does to the rows: settle what has landed, begin what is due, take back what is orphaned.

Functions on an open transaction. Every change of a row is a compare-and-set on its worker and attempt.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

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
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from distributor.lifecycle import LEASE, Late, State
from distributor.store import accounts, due, traces
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.dialect import moment
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


def off_the_wire(unsettled: ColumnElement[bool]) -> Any:
    """The state of a row that comes back to be tried again: what a person wanted meanwhile goes first, but nothing that
    may be out (`unsettled`) is ever called canceled.
    """
    wanted = s.delivery.c.wanted
    return case(
        (and_(wanted == State.canceled, unsettled), State.in_doubt), else_=func.coalesce(wanted, State.retrying)
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
    }


# ── beginning ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def begin(connection: Connection, worker: str, now: datetime, rooms: Collection[Room], verdict: Verdict) -> Turn:
    """Write the attempts of what is due, as far as there is room; what `verdict` calls missed becomes `missed`."""
    judge = _Judge(connection, verdict)
    again: list[datetime] = []
    for room, lanes in due.work(connection, now, rooms):
        allowed = accounts.allowed(connection, room, now)
        found = list(due.rows(connection, room.channel, lanes, now, allowed.free)) if allowed.free > 0 else []
        taken = judge.sort(found)
        accounts.spend(connection, room, allowed, now, taken)
        if allowed.again and len(found) == max(allowed.free, 0):
            again.append(allowed.again)
    if judge.missed:
        connection.execute(
            update(s.delivery)
            .where(s.delivery.c.id.in_([row.id for row in judge.missed]))
            .values(state=State.missed, settled_at=micros(now), reason="the instant was missed by too much")
        )
    chosen = sorted(judge.chosen, key=lambda one: (one.priority, one.delivery.due, one.delivery.id))
    _write_attempts(connection, worker, now, chosen)
    return Turn(begun=chosen, missed=judge.missed, again=min(again, default=None))


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


# ── taking back ───────────────────────────────────────────────────────────────────────────────────────────────────────


def take_back_unsent(connection: Connection, worker: str, now: datetime, flying: Collection[int]) -> None:
    """After a commit whose answer was lost: what stands as ours on the wire and is not, was certainly not sent."""
    c = s.delivery.c
    unsent = and_(c.worker == worker, c.state == State.sending, c.id.not_in(list(flying)))
    ids = connection.execute(select(c.id).where(unsent).order_by(c.id).with_for_update()).scalars().all()
    if ids:
        words = "the ledger was lost before the write: nothing was sent"
        _end_open_attempts(connection, ids, now, "unavailable", words)
        back = update(s.delivery).where(c.id.in_(ids))
        connection.execute(back.values(state=off_the_wire(_DOUBTED), reason=words))


def reap(connection: Connection, now: datetime, *, myself: str, alone: bool) -> list[Delivery]:
    """Take back what dead workers left on the wire: tried again where a repeat is the same post or can be looked up,
    else in doubt. `alone`: nobody else can be alive (one SQLite file, one process).
    """
    c, w = s.delivery.c, s.worker.c
    alive = w.name == myself
    if not alone:
        alive = or_(alive, w.beat_at >= moment(now) - LEASE // timedelta(microseconds=1))
    orphaned = and_(c.state == State.sending, c.worker.not_in(select(w.name).where(alive)))
    query = select(c.id).where(orphaned).order_by(c.id).with_for_update(skip_locked=True)
    ids = connection.execute(query).scalars().all()
    if not ids:
        return []
    words = "the process ended before the answer"
    _end_open_attempts(connection, ids, now, State.in_doubt, words)
    began = select(func.max(s.attempt.c.began_at)).where(s.attempt.c.delivery_id == c.id).scalar_subquery()
    again = or_(c.idempotency != "D", c.in_doubt == "resend")
    connection.execute(
        update(s.delivery)
        .where(c.id.in_(ids))
        .values(
            state=case((again, off_the_wire(true())), else_=State.in_doubt),
            reason=words,
            doubt_since=func.coalesce(c.doubt_since, began),
        )
    )
    return q.deliveries(connection, c.id.in_(ids))


def forget_workers(connection: Connection, before: datetime) -> None:
    """Rows of workers that have been gone since `before`."""
    connection.execute(delete(s.worker).where(s.worker.c.beat_at < micros(before)))


def _end_open_attempts(connection: Connection, ids: Collection[int], now: datetime, outcome: str, words: str) -> None:
    connection.execute(
        update(s.attempt)
        .where(s.attempt.c.delivery_id.in_(ids), s.attempt.c.outcome.is_(None))
        .values(ended_at=micros(now), outcome=outcome, reason=words)
    )
