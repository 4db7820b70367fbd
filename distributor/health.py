"""Whether deliveries go out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from distributor import destinations, zonerules
from distributor.clock import STEP
from distributor.lifecycle import WAITING, State
from distributor.plain import counted
from distributor.store import STOPPED_WORKER, Agreed, Waiting, Worker
from distributor.store.attention import RETRIED_TOO_LONG, Need, Needs

if TYPE_CHECKING:
    from distributor.store import Ledger
    from distributor.store.restored import Restored

#: A service that has not ticked for this long is not running.
SILENT_AFTER = timedelta(seconds=5)
#: A delivery that should have gone this long ago and still waits is overdue.
OVERDUE_AFTER = timedelta(seconds=10)
#: So many channels that are gone are named one by one: a site whose config is wrong may have thousands.
_NAMED = 20

_CLOSE = "or close it with 'distributor settle ID --not-sent'"
_READ = "Read the reason in 'distributor status'"
#: What each need is called, and what a person does about it.
_SENTENCES = {
    Need.in_doubt: "in doubt: look whether it arrived, then say 'distributor settle ID --there', --again or --not-sent",
    Need.refused: f"refused: issue a corrected version, or try again with 'distributor retry ID', {_CLOSE}",
    Need.failed: f"failed: mend the cause and say 'distributor retry ID', {_CLOSE}",
    Need.missed: f"missed: send it now with 'distributor retry ID', {_CLOSE}",
    Need.stopped: f"held by the service itself. {_READ}, then say 'distributor resume ID' or 'distributor cancel ID'",
    Need.overdue_hold: "on hold after the planned time: say 'distributor resume ID' or 'distributor cancel ID'",
    Need.retried_long: f"retried for more than {RETRIED_TOO_LONG // timedelta(minutes=1)} minutes. {_READ}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether deliveries go out: `ok` decides the exit code of `distributor status`."""

    now: datetime
    workers: tuple[Worker, ...]  #: alive ones
    last_beat: datetime | None  #: of a service that did not stop by itself
    stopped_at: datetime | None = None  #: when the last one stopped as it was told to
    oldest_waiting: datetime | None
    counts: dict[State, int]
    needs: Needs  #: deliveries that need a person, by release and reason
    moved: tuple[Agreed, ...] = ()  #: channels that lead elsewhere than agreed, while something waits for them
    missing: tuple[Waiting, ...] = ()  #: what waits for channels that are not in the config
    outdated: tuple[str, ...] = ()  #: a sentence for each scheduled version that is older than its file
    shifted: tuple[str, ...] = ()  #: what is to be told of sealed times whose zone has other rules now
    config: str = ""  #: why the config cannot be read
    restored: "Restored | None" = None  #: the ledger was put back from a backup, and nobody said yet what is out

    @property
    def running(self) -> bool:
        """Whether a service ticks."""
        return bool(self.workers)

    @property
    def unattended(self) -> int:
        """How many deliveries wait while no service runs."""
        return 0 if self.running else sum(self.counts.get(state, 0) for state in WAITING)

    @property
    def reasons(self) -> list[Need]:
        """Why deliveries of this site need a person, the most pressing first."""
        return [need for need in Need if self.needed(need)]

    @property
    def overdue(self) -> timedelta:
        """How long the oldest waiting delivery is overdue."""
        late = self.now - self.oldest_waiting if self.oldest_waiting else timedelta()
        return late if late > OVERDUE_AFTER else timedelta()

    def troubles(self, *, named: bool = False) -> list[str]:
        """Return what is wrong and what to do about it, one sentence each, without names or ids unless `named`.

        Monitors read them without signing in, so nothing in them tells what is under embargo.
        """
        found = [restored_words(self.restored)] if self.restored else []
        if waiting := self.unattended:
            what = f"{counted(waiting, 'delivery', 'deliveries')} {'waits' if waiting == 1 else 'wait'}"
            found.append(f"{what} and no 'distributor run' is running on this site")
        if self.overdue:
            found.append(f"the oldest waiting delivery is overdue by {round(self.overdue.total_seconds())} s")
        found += [
            f"the clock of {worker.host} is {worker.ahead.total_seconds():+.1f} s off the ledger's: synchronise it"
            for worker in self.workers
            if abs(worker.ahead) > STEP
        ]
        found += self._of_the_config(named=named)
        return found + [
            f"{number} {sentence}" for need, sentence in _SENTENCES.items() if (number := self.needed(need))
        ]

    def _of_the_config(self, *, named: bool) -> list[str]:
        """Return what the config says of itself and of what waits."""
        refused = [why for why in dict.fromkeys(one.trouble for one in self.workers) if why and why not in self.config]
        if named:
            found = [f"the config cannot be read: {self.config}"] if self.config else []
            found += [
                f"the running service does not follow the config, it keeps the last good one: {w}" for w in refused
            ]
            return [
                *found,
                *map(destinations.moved, self.moved),
                *map(destinations.missing, self.missing),
                *self.outdated,
                *self.shifted,
            ]
        return [
            sentence
            for wrong, sentence in (
                (
                    self.shifted,
                    "sealed times whose zone has other rules need a decision: 'distributor status' names them",
                ),
                (self.outdated, "a scheduled version is older than its file: 'distributor status' names it"),
                (
                    self.config or refused,
                    "the config cannot be used, the last good one stays in force: 'distributor status'",
                ),
                (self.moved, "channels lead elsewhere than agreed and are stopped: 'distributor status' names them"),
                (
                    self.missing,
                    "deliveries wait for channels that are not in the config: 'distributor status' names them",
                ),
            )
            if wrong
        ]

    def needed(self, need: Need) -> int:
        """Return how many deliveries of the site need a person for this reason."""
        return sum(counts.get(need, 0) for counts in self.needs.values())


def look(ledger: "Ledger", now: datetime, names: Collection[str] | None = None, config: str = "") -> Health:
    """Ask the ledger. `names` are the channels of the config, where somebody knows them; `config`: why it does not read."""
    from distributor.store import destinations as places  # SQLAlchemy: `status` does without
    from distributor.store import zones

    found = judge(now, ledger.workers(), ledger.oldest_waiting(), ledger.counts(), ledger.needs(now))
    missing = places.waiting(ledger, besides=names, most=_NAMED) if names is not None else []
    moved = tuple(places.stopped(ledger))
    found = replace(found, shifted=zonerules.shifts(zones.waiting(ledger)))
    return replace(found, moved=moved, missing=tuple(missing), config=config, restored=ledger.restored())


def restored_words(found: "Restored") -> str:
    """Return what a person has to do about a restored ledger."""
    return (
        f"the ledger was restored from a backup, or the site was copied: what was due since is held, {found.held} deliveries so far. Look what is "
        "out, then say 'distributor restored --there' or '--again'"
    )


def judge(
    now: datetime,
    workers: Sequence[Worker],
    oldest_waiting: datetime | None,
    counts: dict[State, int],
    needs: Needs,
) -> Health:
    """`workers` are all that the ledger knows, the liveliest first, and among them the last that stopped."""
    ended = max((worker.beat_at for worker in workers if worker.name == STOPPED_WORKER), default=None)
    others = [worker for worker in workers if worker.name != STOPPED_WORKER]
    return Health(
        now=now,
        workers=tuple(worker for worker in others if now - worker.beat_at <= SILENT_AFTER),
        last_beat=others[0].beat_at if others else None,
        stopped_at=ended,
        oldest_waiting=oldest_waiting,
        counts=counts,
        needs=needs,
    )
