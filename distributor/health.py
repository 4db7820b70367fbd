"""Whether deliveries go out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from distributor.clock import STEP
from distributor.lifecycle import WAITING, State
from distributor.store import Worker

if TYPE_CHECKING:
    from distributor.store import Ledger

#: A service that has not ticked for this long is not running.
SILENT_AFTER = timedelta(seconds=5)
#: A delivery that should have gone this long ago and still waits is overdue.
OVERDUE_AFTER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether deliveries go out: `ok` decides the exit code of `distributor status`."""

    now: datetime
    workers: tuple[Worker, ...]  #: alive ones
    last_beat: datetime | None
    oldest_waiting: datetime | None
    counts: dict[State, int]

    @property
    def running(self) -> bool:
        """Whether a service ticks."""
        return bool(self.workers)

    @property
    def overdue(self) -> timedelta:
        """How long the oldest waiting delivery is overdue."""
        late = self.now - self.oldest_waiting if self.oldest_waiting else timedelta()
        return late if late > OVERDUE_AFTER else timedelta()

    def troubles(self) -> list[str]:
        """What is wrong, in sentences."""
        found = []
        waiting = sum(self.counts.get(state, 0) for state in WAITING)
        if waiting and not self.running:
            found.append(f"{waiting} deliveries wait and no 'distributor run' is running on this site")
        if self.overdue:
            found.append(f"the oldest waiting delivery is overdue by {round(self.overdue.total_seconds())} s")
        found += [
            f"the clock of {worker.host} is {worker.ahead.total_seconds():+.1f} s off the ledger's: synchronise it"
            for worker in self.workers
            if abs(worker.ahead) > STEP
        ]
        stuck = {state: self.counts.get(state, 0) for state in (State.in_doubt, State.missed, State.failed)}
        return found + [
            f"{number} {state.replace('_', ' ')}: a person has to decide" for state, number in stuck.items() if number
        ]


def look(ledger: "Ledger", now: datetime) -> Health:
    """Ask the ledger."""
    return judge(now, ledger.workers(), ledger.oldest_waiting(), ledger.counts())


def judge(
    now: datetime, workers: Sequence[Worker], oldest_waiting: datetime | None, counts: dict[State, int]
) -> Health:
    """`workers` are all that have not said goodbye, the liveliest first."""
    return Health(
        now=now,
        workers=tuple(worker for worker in workers if now - worker.beat_at <= SILENT_AFTER),
        last_beat=workers[0].beat_at if workers else None,
        oldest_waiting=oldest_waiting,
        counts=counts,
    )
