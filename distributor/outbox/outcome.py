"""Where a delivery goes after an attempt: a pure function of what happened and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from distributor.contract import Outcome
from distributor.lifecycle import State
from distributor.store import Delivery

_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=15)
_LONGEST_LOOK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a delivery, for the live line, the log and the metrics."""

    at: datetime
    delivery: Delivery
    state: State
    outcome: Outcome | None = None
    lateness: timedelta | None = None  #: from the planned instant to the write
    detail: str = ""


def next_state(
    outcome: Outcome,
    *,
    attempts: int,
    idempotency: str,
    in_doubt: str,
    now: datetime,
    until: datetime | None,
    planned_for: datetime,
    stale_after: timedelta,
    jitter: float,
    doubtful: bool = False,
    looking: bool = False,
) -> tuple[State, datetime]:
    """Where a delivery goes after an attempt, and when it is due again.

    `jitter` (0…1) spreads retries: exponential from 5 s to 15 min, never before `until`, and given up once the next
    try would be later than `stale_after` from the planned instant. `attempts` are those that asked the network: a crash
    tells nothing about the other side. `doubtful`: an earlier attempt may have been written.
    `looking`: it waits for its page, which costs a look and no more: every few seconds.
    """
    if outcome is Outcome.delivered:
        return State.delivered, planned_for
    if outcome in (Outcome.refused, Outcome.unsupported):
        return State.refused, planned_for
    if outcome is Outcome.auth:
        return State.failed, planned_for
    blind = idempotency == "D" and in_doubt != "resend"
    if outcome is Outcome.in_doubt and blind:
        return State.in_doubt, planned_for
    pause = min(_FIRST_RETRY * 2 ** min(max(attempts - 1, 0), 10), _LONGEST_RETRY) * (0.5 + jitter / 2)
    if looking:
        pause = min(timedelta(seconds=max(attempts, 1)), _LONGEST_LOOK)
    again = max(now + pause, until or now, planned_for)  # also when the clock was stepped back meanwhile
    if again > planned_for + stale_after:
        unknown = outcome is Outcome.in_doubt or doubtful
        return State.in_doubt if unknown and in_doubt != "resend" else State.failed, planned_for
    return State.retrying, again
