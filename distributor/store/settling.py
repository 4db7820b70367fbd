"""Writing down attempts and how they ended."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, Update, bindparam, case, func, or_, update

from distributor.lifecycle import State
from distributor.store import schema as s
from distributor.store.rows import Due, Settlement, micros


def attempt_values(due: Due, worker: str, now: datetime) -> dict[str, Any]:
    """A new attempt as columns."""
    return {
        "delivery_id": due.delivery.id,
        "number": due.delivery.attempts + 1,
        "worker": worker,
        "digest": due.delivery.digest,
        "began_at": micros(now),
    }


def settlement_values(one: Settlement) -> dict[str, Any]:
    """A settlement as the parameters of `END_ATTEMPT` and `settle_delivery`."""
    return {
        "this_attempt": one.attempt_id,
        "this_delivery": one.delivery_id,
        "new_state": one.state,
        "new_outcome": one.outcome,
        "new_due": micros(one.due),
        "began": micros(one.began_at),
        "ended": micros(one.ended_at),
        "why": one.reason,
        "new_id": one.remote_id,
        "new_url": one.remote_url,
    }


END_ATTEMPT = (
    update(s.attempt)
    .where(s.attempt.c.id == bindparam("this_attempt"))
    .values(ended_at=bindparam("ended"), outcome=bindparam("new_outcome"), reason=bindparam("why"))
)


def settle_delivery(worker: str, *, delivered: bool) -> Update:
    """Compare-and-set: the row is still ours and on the wire, or a late receipt resolves it."""
    # Not `in_`: a list of unknown length cannot be repeated over many rows.
    ours = s.delivery.c.state == State.sending
    if delivered:
        ours = or_(ours, s.delivery.c.state == State.in_doubt)
    state: Any = bindparam("new_state", type_=String)
    if not delivered:
        state = case((state == State.retrying, func.coalesce(s.delivery.c.wanted, state)), else_=state)
    return (
        update(s.delivery)
        .where(
            s.delivery.c.id == bindparam("this_delivery"),
            s.delivery.c.worker == worker,
            ours,
        )
        .values(
            state=state,
            due=bindparam("new_due"),
            reason=bindparam("why"),
            remote_id=bindparam("new_id"),
            remote_url=bindparam("new_url"),
            sent_at=bindparam("began") if delivered else None,
            settled_at=bindparam("ended"),
            doubt_since=case(
                (
                    bindparam("new_outcome", type_=String) == "in_doubt",
                    func.coalesce(s.delivery.c.doubt_since, bindparam("began")),
                ),
                else_=s.delivery.c.doubt_since,
            ),
        )
    )
