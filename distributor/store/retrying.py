"""Trying again what did not arrive, because a person wants it."""

from collections import Counter
from datetime import datetime

from sqlalchemy import and_, case, or_, select, update

from distributor.lifecycle import KILL, RETRIABLE, State
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.dialect import alone
from distributor.store.ledger import Ledger
from distributor.store.order import CALLED_OFF, OVERTAKEN
from distributor.store.rows import micros


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
    fits = [c.release_id == release_id, c.state.in_(RETRIABLE)]
    fits += [c.version == version] if version is not None else []
    fits += [c.channel == channel] if channel else []
    fits += [c.recipient == recipient] if recipient else []
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
        for one, number in Counter(row.version for row in planned).items():
            who_gets = " ".join(part for part in (channel, recipient) if part)
            detail = f"{who_gets}: {number} deliveries" if who_gets else f"{number} deliveries"
            q.log(connection, now, who=who, action="retry", release_id=release_id, version=one, detail=detail)
    return len(there), Counter(row.channel for row in planned)
