"""The alarm: the only room that knows APScheduler. It holds no state of ours; losing it loses nothing.

One date job per distinct instant within a day, rebuilt from the ledger, wakes the outbox. A tick every second plans
again, so that another process can reschedule while we run, and a clock that was stepped or a host that slept is healed
within a second (a date job alone sleeps on the monotonic clock, and knows nothing of a clock shared by machines). A watchdog outside APScheduler starts it again when the
tick falls silent.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler import events
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from distributor.clock import Clock
from distributor.errors import DistributorError

_HORIZON = timedelta(hours=24)
_NEAR = timedelta(seconds=10)
#: APScheduler's interval goes by the wall clock: stepped back an hour, the next tick would come in an hour.
_SILENCE = 2.0
_SLOW_AGAIN = 60.0  #: seconds until a slow ledger is spoken of again
#: Never dropped for being late, never piled up, never twice at once.
_JOB_DEFAULTS = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
#: APScheduler's own lines are for who knows APScheduler. What they mean is said through `trouble`.
_LOGGER = "apscheduler"


class SlowTick(DistributorError):
    """A tick that is not through when the next is due."""


class Alarm:
    """Wakes `drain` at every instant that `instants` names, and once a second."""

    def __init__(
        self,
        *,
        instants: Callable[[datetime, datetime], Awaitable[list[datetime]]],
        drain: Callable[[], Awaitable[object]],
        tick: Callable[[], Awaitable[object]],
        clock: Clock,
        trouble: Callable[[Exception], None],
    ) -> None:
        """`instants(now, until)` reads the ledger, `drain()` sends what is due, `tick()` is the heartbeat.

        What any of them raises goes to `trouble` and is tried again with the next tick.
        """
        self._instants, self._drain, self._tick, self._clock = instants, drain, tick, clock
        self._wake = asyncio.Event()
        self._scheduler: AsyncIOScheduler | None = None
        self._last_tick = clock.monotonic()
        self._trouble = trouble
        self._ticking = False
        self._told_slow = -math.inf

    def wake(self) -> None:
        """Look again now. Only from the loop's own thread."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Ring until `stop` is set."""
        self._start()
        await self._on_tick()  # what is due within the first second needs its slot now
        tasks = [asyncio.create_task(work) for work in (self._work(), self._watch())]
        self._wake.set()
        try:
            await stop.wait()
        finally:
            self._halt()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> None:
        logging.getLogger(_LOGGER).setLevel(logging.CRITICAL + 1)
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=_JOB_DEFAULTS)
        self._scheduler.add_listener(self._on_event, events.EVENT_JOB_MAX_INSTANCES | events.EVENT_JOB_ERROR)
        self._scheduler.add_job(self._on_tick, IntervalTrigger(seconds=1, timezone=UTC), id="tick")
        self._scheduler.start()
        self._last_tick = self._clock.monotonic()

    def _halt(self) -> None:
        if self._scheduler is not None and self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _on_tick(self) -> None:
        self._last_tick = self._clock.monotonic()
        if self._ticking:  # the ledger is slow: one tick waits for it, not a queue of them
            return
        self._ticking = True
        try:
            await self._tick()
            now = self._clock.now()
            self._plan(await self._instants(now, now + _HORIZON), now)
        except asyncio.CancelledError:
            return  # we are being stopped; APScheduler would print it as a failure
        except Exception as error:  # a locked or full database must not stop the ticking
            self._trouble(error)
        finally:
            self._ticking = False
        self._wake.set()  # whatever was overlooked: receipts to write, rows that another machine left

    def _on_event(self, event: events.JobEvent) -> None:
        """Say in our words what APScheduler would log."""
        now = self._clock.monotonic()
        if event.code == events.EVENT_JOB_MAX_INSTANCES and now - self._told_slow > _SLOW_AGAIN:
            self._told_slow = now
            self._trouble(SlowTick("the ledger has not answered for more than a second"))
        elif error := getattr(event, "exception", None):
            self._trouble(error)

    async def _ring(self, moment: datetime) -> None:
        """A coroutine, so that it runs in the loop and not in APScheduler's threads."""
        while (left := (moment - self._clock.now()).total_seconds()) > 0:  # a shared clock is read to a millisecond
            if left > 1:
                return  # the clock was stepped back: the tick plans again
            await asyncio.sleep(left)
        self._wake.set()

    def _plan(self, instants: list[datetime], now: datetime) -> None:
        """Bring the slots in line with the ledger, and the near ones with a clock that drifts."""
        if self._scheduler is None:
            return
        wanted = {f"slot:{moment.isoformat()}": moment for moment in instants if moment > now}
        planned = {job.id for job in self._scheduler.get_jobs() if job.id.startswith("slot:")}
        for name in planned - wanted.keys():
            self._scheduler.remove_job(name)
        for name, moment in wanted.items():
            if name not in planned or moment - now < _NEAR:
                at = datetime.now(UTC) + (moment - self._clock.now())  # APScheduler goes by the host's clock
                trigger = DateTrigger(at, timezone=UTC)
                self._scheduler.add_job(self._ring, trigger, args=[moment], id=name, replace_existing=True)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._drain()
            except Exception as error:  # the ledger could not be written: nothing was sent without it
                self._trouble(error)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(1)
            if self._clock.monotonic() - self._last_tick > _SILENCE:
                self._halt()
                self._start()
                await self._on_tick()  # the slots went with the old scheduler
