"""Deliveries that need a person, by release.

One query for both readers of the ledger: the store, and `status`, which reads SQLite without
SQLAlchemy. So only the standard library is imported here.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from distributor.lifecycle import NEEDS_PERSON, PubStatus, State
from distributor.store.rows import micros

#: How long after its planned instant a delivery may be retried before a person is told.
RETRIED_TOO_LONG = timedelta(minutes=5)


class Need(StrEnum):
    """Why somebody has to look at a delivery. The first four are its state."""

    in_doubt = "in_doubt"
    refused = "refused"
    failed = "failed"
    missed = "missed"
    stopped = "stopped"  #: held by the service itself, on one channel
    overdue_hold = "overdue_hold"  #: on hold by a person, and its planned instant has passed
    retried_long = "retried_long"  #: retried for longer than `RETRIED_TOO_LONG`


#: How many deliveries of each release need a person, by the reason.
Needs = Mapping[str, Mapping[Need, int]]

QUERY = f"""
SELECT d.release_id, d.state, r.pub_status, count(*)
FROM delivery AS d
JOIN release AS r ON r.id = d.release_id AND r.version = d.version
WHERE d.state IN ({", ".join(f"'{state}'" for state in NEEDS_PERSON)})
   OR (d.state = 'held' AND (r.pub_status = 'usable' OR d.planned_for <= :now))
   OR (d.state = 'retrying' AND d.planned_for <= :since)
GROUP BY d.release_id, d.state, r.pub_status
ORDER BY d.release_id
"""  # noqa: S608  the states are our own words


def arguments(now: datetime) -> dict[str, int]:
    """Return the values that `QUERY` is run with."""
    return {"now": micros(now), "since": micros(now - RETRIED_TOO_LONG)}


def counted(rows: Iterable[tuple[str, str, str, int]]) -> Needs:
    """Return what the rows of `QUERY` say, by release and reason."""
    found: dict[str, dict[Need, int]] = {}
    for release_id, state, status, number in rows:
        if state == State.held:
            need = Need.stopped if status == PubStatus.usable else Need.overdue_hold
        else:
            need = Need.retried_long if state == State.retrying else Need(state)
        counts = found.setdefault(release_id, {})
        counts[need] = counts.get(need, 0) + number
    return found
