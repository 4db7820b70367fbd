"""Getting channels ready for an instant, while a person can still do something about one that is not."""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

from distributor.clock import Clock
from distributor.contract import Channel, DeliveryError
from distributor.errors import StoreError
from distributor.outbox.inflight import InFlight

#: Messages are read this long before their instant, and connections looked at once more.
AHEAD = timedelta(seconds=3)
#: Connections are opened, and a server that takes none is told.
READY = timedelta(seconds=30)


@dataclass(kw_only=True)
class Readiness:
    """Which channels have been made ready, and when."""

    channels: Mapping[str, Channel]
    clock: Clock
    trouble: Callable[[Exception], None]
    in_flight: InFlight | None = None
    _spared: set[str] = field(default_factory=set, init=False)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _when: dict[str, float] = field(default_factory=dict, init=False)

    def spare(self, names: Iterable[str]) -> None:
        """Make these ready no more: a process ended while it did."""
        for name in set(names) - self._spared:
            self._spared.add(name)
            self.trouble(StoreError(f"the process ended while {name} was made ready; that is left out from now on"))

    def look(self, names: Iterable[str], before: timedelta) -> None:
        """Prepare each channel, but not again within `before`."""
        now = self.clock.monotonic()
        for name in set(names) & self.channels.keys() - self._tasks.keys() - self._spared:
            if now - self._when.get(name, -math.inf) >= before.total_seconds():
                self._when[name] = now
                self._tasks[name] = asyncio.create_task(self._prepare(name))
                self._tasks[name].add_done_callback(lambda _done, name=name: self._tasks.pop(name, None))  # type: ignore[misc]

    async def _prepare(self, name: str) -> None:
        noted = self.in_flight.preparing(name) if self.in_flight else nullcontext()
        try:
            with noted:
                await self.channels[name].prepare()
        except Exception as error:
            words = error.reason if isinstance(error, DeliveryError) else f"{type(error).__name__}: {error}"
            self.trouble(StoreError(f"{name} is not ready for the next instant: {words}"))

    def close(self) -> None:
        """Let go of what is not done."""
        for task in self._tasks.values():
            task.cancel()
