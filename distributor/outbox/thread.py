"""The ledger asked from a thread of its own, so that a slow disk never holds up the network."""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar

from distributor import health
from distributor.clock import Clock
from distributor.store import Ledger

_T = TypeVar("_T")


class InThread:
    """Questions to the ledger for who runs in the loop."""

    ledger: Ledger
    clock: Clock
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

    async def health(self, names: Collection[str] | None = None) -> health.Health:
        """How the site is; `names` are the channels of its config."""
        return await self._in_thread(partial(health.look, self.ledger, self.clock.now(), names))

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
