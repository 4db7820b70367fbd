"""Taking back what a process left in flight, and setting aside what ends processes. Functions on an open transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, delete, func, or_, select, true, update

from distributor.lifecycle import KILL, LEASE, WAITING, PubStatus, State
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.dialect import moment
from distributor.store.pace import Remains
from distributor.store.rows import STOPPED_WORKER, Delivery, micros
from distributor.store.wanted import Change, move

#: What was in flight when so many processes in a row ended is set aside.
MOST_CRASHES = 3
#: So many deliveries of one list set aside, and none delivered: it is the channel, and the rest of the list is held.
_HOPELESS = 3
_C = s.delivery.c
_DOUBTED = _C.doubt_since.is_not(None)


def off_the_wire(unsettled: ColumnElement[bool]) -> Any:
    """The state of a row that comes back to be tried again: what a person wanted meanwhile goes first, but nothing that
    may be out (`unsettled`) is ever called canceled.
    """
    return case(
        (and_(_C.wanted == State.canceled, unsettled), State.in_doubt), else_=func.coalesce(_C.wanted, State.retrying)
    )


def take_back_unsent(connection: Connection, worker: str, now: datetime, flying: Collection[int]) -> None:
    """After a commit whose answer was lost: what stands as ours in flight and is not, was certainly not sent."""
    unsent = and_(_C.worker == worker, _C.state == State.sending, _C.id.not_in(list(flying)))
    ids = connection.execute(select(_C.id).where(unsent).order_by(_C.id).with_for_update()).scalars().all()
    _unwritten(connection, ids, now, "the ledger was lost before the write: nothing was sent")


def reap(
    connection: Connection, now: datetime, *, myself: str, alone: bool, remains: Mapping[str, Remains]
) -> list[Delivery]:
    """Take back what dead workers left in flight.

    What was certainly not written is tried again. The rest is tried again where a repeat is the same post or can be
    looked up, else it is in doubt. What was in flight in MOST_CRASHES crashes in a row is set aside as failed.
    `alone`: nobody else can be alive (one SQLite file, one process). `remains`: what is known of dead processes.
    """
    rows = _orphans(connection, now, myself=myself, alone=alone, dead=list(remains))
    if not rows:
        return []
    written = [row.id for row in rows if _may_be_out(row, remains.get(row.worker))]
    unwritten = sorted({row.id for row in rows} - set(written))
    _unwritten(connection, unwritten, now, "the process ended before anything was written")
    _perhaps_written(connection, written, now, "the process ended before the answer")
    _count(connection, _to_blame(rows, remains), now)
    return q.deliveries(connection, _C.id.in_([row.id for row in rows]))


def _orphans(
    connection: Connection, now: datetime, *, myself: str, alone: bool, dead: list[str]
) -> list[Row[tuple[int, int, str | None]]]:
    w = s.worker.c
    alive = w.name == myself
    if not alone:
        alive = or_(alive, w.beat_at >= moment(now) - LEASE // timedelta(microseconds=1))
    orphaned = or_(_C.worker.not_in(select(w.name).where(alive)), _C.worker.in_(dead))
    query = select(_C.id, _C.attempts, _C.worker).where(_C.state == State.sending, orphaned).order_by(_C.id)
    return list(connection.execute(query.with_for_update(skip_locked=True)))


def _may_be_out(row: Row[Any], known: Remains | None) -> bool:
    return known is None or known.written is None or (row.id, row.attempts) in known.written


def _to_blame(rows: list[Row[Any]], remains: Mapping[str, Remains]) -> list[int]:
    """What may have ended its process: the attempts that had started, or all of them where none is known to have."""
    blamed: list[int] = []
    for worker in {row.worker for row in rows}:
        mine = [row for row in rows if row.worker == worker]
        known = remains.get(worker)
        if known is not None and not known.crashed:
            continue
        started = [row.id for row in mine if known and (row.id, row.attempts) in known.started]
        blamed += started or [row.id for row in mine]
    return blamed


def _unwritten(connection: Connection, ids: Collection[int], now: datetime, words: str) -> None:
    """Tried again: nothing of these attempts left."""
    if ids:
        _end_open_attempts(connection, ids, now, "unavailable", words)
        back = update(s.delivery).where(_C.id.in_(ids))
        connection.execute(back.values(state=off_the_wire(_DOUBTED), reason=words))


def _perhaps_written(connection: Connection, ids: Collection[int], now: datetime, words: str) -> None:
    if not ids:
        return
    _end_open_attempts(connection, ids, now, State.in_doubt, words)
    began = select(func.max(s.attempt.c.began_at)).where(s.attempt.c.delivery_id == _C.id).scalar_subquery()
    again = or_(_C.idempotency != "D", _C.in_doubt == "resend")
    connection.execute(
        update(s.delivery)
        .where(_C.id.in_(ids))
        .values(
            state=case((again, off_the_wire(true())), else_=State.in_doubt),
            reason=words,
            doubt_since=func.coalesce(_C.doubt_since, began),
        )
    )


def _count(connection: Connection, blamed: Collection[int], now: datetime) -> None:
    """One crash more for these; set aside what was in flight too often."""
    if not blamed:
        return
    connection.execute(update(s.delivery).where(_C.id.in_(blamed)).values(crashes=_C.crashes + 1))
    too_often = (_C.id.in_(blamed), _C.crashes >= MOST_CRASHES, _C.state == State.retrying)
    rows = q.deliveries(connection, and_(*too_often))
    words = (
        f"set aside: {MOST_CRASHES} processes in a row ended while it was in flight; look into the log of the service, "
        "then 'distributor retry'"
    )
    connection.execute(
        update(s.delivery).where(*too_often).values(state=State.failed, reason=words, settled_at=micros(now))
    )
    for row in {(row.release_id, row.version, row.channel): row for row in rows}.values():
        _hold_a_hopeless_list(connection, row, now)


def _hold_a_hopeless_list(connection: Connection, row: Delivery, now: datetime) -> None:
    here = (q.of(row.release_id, row.version), _C.channel == row.channel, _C.kind != KILL)
    aside = case((and_(_C.state == State.failed, _C.crashes >= MOST_CRASHES), 1), else_=0)
    good = case((_C.state == State.delivered, 1), else_=0)
    found = connection.execute(select(func.sum(aside), func.sum(good)).where(*here)).one()
    if found[0] < _HOPELESS or found[1]:
        return
    why = f"{row.channel} ended the process with each of {found[0]} deliveries: look into the log of the service"
    hold = Change(
        action="hold", from_states=WAITING, to=State.held, pub_status=PubStatus.usable, why=f"{why}, then resume"
    )
    if move(connection, row.release_id, row.version, hold, now=now, who="breaker", channel=row.channel):
        facts = {"release_id": row.release_id, "version": row.version, "detail": f"{row.channel}: {why}"}
        q.log(connection, now, who="breaker", action="stop", **facts)


def forget_workers(connection: Connection, before: datetime) -> None:
    """Forget workers that have been gone since `before`, but not when the last one stopped."""
    w = s.worker.c
    connection.execute(delete(s.worker).where(w.beat_at < micros(before), w.name != STOPPED_WORKER))


def _end_open_attempts(connection: Connection, ids: Collection[int], now: datetime, outcome: str, words: str) -> None:
    connection.execute(
        update(s.attempt)
        .where(s.attempt.c.delivery_id.in_(ids), s.attempt.c.outcome.is_(None))
        .values(ended_at=micros(now), outcome=outcome, reason=words)
    )
