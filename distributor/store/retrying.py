"""What a person decides about deliveries that did not arrive: try them again, or close them."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, or_, select, update

from distributor.lifecycle import KILL, NEEDS_PERSON, RETRIABLE, State
from distributor.plain import counted
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.dialect import alone
from distributor.store.ledger import Ledger
from distributor.store.order import CALLED_OFF, OVERTAKEN
from distributor.store.rows import Delivery, micros


def _fitting(
    release_id: str,
    states: Collection[State],
    *,
    version: int | None,
    channel: str | None,
    recipient: str | None,
) -> list[ColumnElement[bool]]:
    c = s.delivery.c
    fits = [c.release_id == release_id, c.state.in_(states)]
    fits += [c.version == version] if version is not None else []
    fits += [c.channel == channel] if channel else []
    fits += [c.recipient == recipient] if recipient else []
    return fits


def _log(
    connection: Connection,
    now: datetime,
    versions: Iterable[int],
    channel: str | None,
    recipient: str | None,
    **facts: str,
) -> None:
    whom = " ".join(part for part in (channel, recipient) if part)
    for one, number in Counter(versions).items():
        what = counted(number, "delivery", "deliveries")
        detail = f"{whom}: {what}" if whom else what
        q.log(connection, now, version=one, detail=detail, **facts)


def retry(
    ledger: Ledger,
    release_id: str,
    *,
    version: int | None,
    channel: str | None,
    recipient: str | None,
    now: datetime,
    who: str,
) -> tuple[int, Counter[str]]:
    """Plan again, due now, what may be tried again, in one version or in every one. What was withdrawn or overtaken stays where it is; to take
    back a withdrawn one is tried again, too. Returns how many fitted, and how many were planned on each channel.
    """
    c = s.delivery.c
    fits = _fitting(release_id, RETRIABLE, version=version, channel=channel, recipient=recipient)
    may = and_(*fits, ~OVERTAKEN, or_(c.kind == KILL, ~CALLED_OFF))
    sooner = and_(c.state == State.retrying, c.lift <= micros(now))  # the others are due already
    values = {
        "state": State.planned,
        "due": case((sooner, micros(now)), else_=c.due),
        "late_ok": 1,
        "settled_at": micros(now),
        "reason": f"{who} tries it again",
    }
    with ledger.writing() as connection:
        alone(connection, release_id)
        # Locked in one order, as every other writer does: then nobody waits for each other.
        there = connection.execute(select(c.id).where(*fits).order_by(c.id).with_for_update()).all()
        planned = connection.execute(select(c.version, c.channel).where(may)).all()
        connection.execute(update(s.delivery).where(may).values(values))
        facts = {"who": who, "action": "retry", "release_id": release_id}
        _log(connection, now, (row.version for row in planned), channel, recipient, **facts)
    return len(there), Counter(row.channel for row in planned)


def close(
    ledger: Ledger,
    release_id: str,
    *,
    version: int | None,
    channel: str | None,
    recipient: str | None,
    now: datetime,
    who: str,
) -> list[Delivery]:
    """Cancel, for good, what needs a person and did not arrive. Return the closed deliveries."""
    c = s.delivery.c
    fits = _fitting(release_id, NEEDS_PERSON, version=version, channel=channel, recipient=recipient)
    values = {
        "state": State.canceled,
        "doubt_since": None,
        "settled_at": micros(now),
        "reason": f"{who} closed it: not sent",
    }
    with ledger.writing() as connection:
        alone(connection, release_id)
        ids = list(connection.execute(select(c.id).where(*fits).order_by(c.id).with_for_update()).scalars())
        connection.execute(update(s.delivery).where(*fits).values(values))
        closed = q.deliveries(connection, c.id.in_(ids))
        facts = {"who": who, "action": "close", "release_id": release_id}
        _log(connection, now, (row.version for row in closed), channel, recipient, **facts)
        return closed
