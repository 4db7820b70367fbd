"""The ledger asked from a thread of its own, so that a slow disk never holds up the network."""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from distributor import health, standing
from distributor.clock import Clock
from distributor.contract import Receipt
from distributor.errors import ActionError, StoreError
from distributor.store import Delivery, Ledger, Mark, Trace
from distributor.store.restored import Restored
from distributor.witness import Seen, Witness

_T = TypeVar("_T")


class InThread:
    """Questions to the ledger for who runs in the loop."""

    ledger: Ledger
    clock: Clock
    trouble: Callable[[Exception], None]
    seen: Seen | None
    witness: Witness | None
    _stops: list[tuple[Delivery, str]]
    _thread: ThreadPoolExecutor

    async def instants(self, now: datetime, until: datetime) -> list[datetime]:
        """When something waits to be sent, up to `until`."""
        return await self._in_thread(partial(self.ledger.instants, now, until))

    async def length(self, release_id: str, version: int, channel: str, since: datetime) -> int:
        """How many deliveries a version has on a channel that had not ended at `since`."""
        return await self._in_thread(partial(self.ledger.length, release_id, version, channel, since))

    async def time(self) -> tuple[datetime, float] | None:
        """The ledger's clock, where it has one."""
        return await self._in_thread(partial(self.ledger.time, self.clock.monotonic))

    def _hold_stopped(self, now: datetime) -> None:
        """In the ledger's thread: hold what is left of the lists that the breaker stopped."""
        while self._stops:
            row, why = self._stops[0]
            if held := self.ledger.hold_back(row, now=now, why=why):
                words = (
                    f"{row.channel} is stopped, {held} wait: {why}. Mend it, then 'distributor resume {row.release_id}'"
                )
                self.trouble(ActionError(words))
            del self._stops[0]

    @property
    def _mark(self) -> Mark | None:
        return Mark(folder=self.seen.folder, batches=self.seen.batches) if self.seen else None

    def _raise(self, batches: int) -> None:
        """In the ledger's thread: note outside the ledger that a batch is under way, before its first byte leaves."""
        if self.seen is None or batches <= self.seen.batches:
            return
        self.seen = replace(self.seen, batches=batches)
        if self.witness:
            try:
                self.witness.raise_to(self.seen)
            except OSError as error:
                words = f"cannot write {self.witness.file}: {error.strerror}; a restored ledger would not be noticed"
                self.trouble(StoreError(words))

    async def watch(self) -> Restored | None:
        """Once a tick: return what is held where the ledger is older than what was sent with it."""
        return await self._in_thread(partial(self.ledger.watch, self._mark, self.clock.now())) if self._mark else None

    async def _standing(self, delivery: Delivery) -> standing.Up | None:
        return await self._in_thread(partial(standing.up, self.ledger, delivery))

    async def _earlier(self, delivery: Delivery) -> Receipt | None:
        found = await self._in_thread(partial(self.ledger.brought, delivery))
        return Receipt(id=found[0], url=found[1]) if found else None

    async def _behind(self, kill: Delivery) -> Trace | None:
        return await self._in_thread(partial(self.ledger.behind, kill))

    async def health(self, names: Collection[str] | None = None) -> health.Health:
        """How the site is; `names` are the channels of its config."""
        return await self._in_thread(partial(health.look, self.ledger, self.clock.now(), names))

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
