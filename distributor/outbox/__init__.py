"""The loop: begin → deliver → settle. One piece of code, on one machine or many.

An attempt is in the ledger before the network is touched, its receipt right after. The sender never renders: it sends
the sealed bytes, or refuses.
"""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from distributor import lifecycle
from distributor.clock import Clock
from distributor.contract import Channel
from distributor.errors import ActionError, StoreError
from distributor.lifecycle import LEASE, Late
from distributor.outbox.breaker import Breaker
from distributor.outbox.careful import Careful
from distributor.outbox.channels import Comparing, Find, InForce
from distributor.outbox.courier import Courier
from distributor.outbox.floors import Floors
from distributor.outbox.inflight import InFlight, Left, left_behind
from distributor.outbox.outcome import Event, next_state
from distributor.outbox.ready import AHEAD, READY, Readiness
from distributor.outbox.sealed import Sealed
from distributor.settings import Policy
from distributor.store import Due, Ledger, Room, Settlement, Turn, Worker
from distributor.witness import Seen, Witness

__all__ = ["Event", "InFlight", "Outbox", "left_behind", "next_state"]

_TOGETHER = 0.003
_AT_LEAST_EVERY = 0.5


@dataclass
class Outbox(Comparing):
    """Delivers what is due. One per process."""

    ledger: Ledger
    channels: dict[str, Channel]
    clock: Clock
    worker: str
    policy: Policy
    report: Callable[[Sequence[Event]], None]
    trouble: Callable[[Exception], None] = lambda _error: None
    jitter: Callable[[], float] = random.random
    on_room: Callable[[], None] = lambda: None
    redact: Callable[[str], str] = str
    #: What to do with a channel that came into the config, or left it, since the start; None: others answer for it.
    find: Find | None = lambda _name: None
    seen: Seen | None = None  #: what the state folder knows of the ledger; None: a restored one is not noticed
    witness: Witness | None = None
    in_flight: InFlight | None = None  #: None: after a crash all that was in flight is in doubt
    _landed: list[tuple[Settlement, Event]] = field(default_factory=list, init=False)
    _news: list[Event] = field(default_factory=list, init=False)
    _told: float = field(default=-math.inf, init=False)
    _sealed: Sealed = field(default_factory=Sealed, init=False)
    _on_wire: Counter[str] = field(default_factory=Counter, init=False)
    _flying: dict[int, asyncio.Task[None]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """The ledger gets a thread of its own, so that a slow disk never holds up the network."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._turning = asyncio.Lock()
        self._in_force = InForce(channels=self.channels, find=self.find)
        self._floors = Floors(self.ledger)
        self._courier = Courier(
            floor=self._floors.of,
            clock=self.clock,
            policy=self.policy,
            sealed=self._sealed,
            redact=self.redact,
            jitter=self.jitter,
            earlier=self._earlier,
            behind=self._behind,
            standing=self._standing,
            in_flight=self.in_flight,
        )
        self._careful = Careful(self.clock)
        self._breaker = Breaker()
        self._ready = Readiness(
            channels=self.channels, clock=self.clock, trouble=self.trouble, in_flight=self.in_flight
        )
        self._stops = []
        self._commit_lost = self.stopping = False

    async def adopt(self, channels: Mapping[str, Channel], policy: Policy, find: Find | None) -> None:
        """Use the channels and the policy of a config that changed, from the next claim on."""
        async with self._turning:
            self._in_force.find = find
            self._in_force.adopt(channels, list(self._flying.values()))
            self.policy = self._courier.policy = policy

    # ── the loop ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def drain(self) -> int:
        """Settle what has landed and begin what is due, as far as each channel has room, without waiting for any answer:
        a slow server holds up nobody else. Returns how many attempts were begun; whoever lands calls `on_room`.

        Raises StoreError when the ledger cannot be written: then nothing was sent without it, and no receipt is lost.
        """
        made = 0
        async with self._turning:
            while True:
                turn = await self._turn()
                made += len(turn.begun)
                self._tell()
                if not turn.begun and not turn.missed and not turn.stopped and not self._landed:
                    return made
                await asyncio.sleep(0)  # what was begun goes out before more is begun

    async def finish(self) -> int:
        """Drain until nothing due is left and everything has landed; returns how many attempts were made."""
        made = await self.drain()
        while self._flying or self._landed:
            if self._flying:
                await asyncio.wait(self._flying.values(), return_when=asyncio.FIRST_COMPLETED)
            made += await self.drain()
        return made

    async def _turn(self) -> Turn:
        if self._landed and len(self._landed) < len(self._flying):
            await asyncio.sleep(_TOGETHER)  # a commit costs the same for thirty receipts as for one
        landed, self._landed = self._landed, []
        flying = list(self._flying) if self._commit_lost else None
        rooms = [] if self.stopping or not self._alive() else self._in_force.free(self._on_wire)
        write = partial(self._write, [settlement for settlement, _ in landed], rooms, flying)
        try:
            turn = await self._in_thread(write)
        except BaseException:
            self._landed[:0] = landed
            self._commit_lost = True
            raise
        self._commit_lost = False
        ended = [settlement.delivery_id for settlement, _ in landed]
        self._careful.landed(ended)
        if self.in_flight:
            self.in_flight.settled(ended)
        late = [Event(at=self.clock.now(), delivery=row, state=row.state) for row in turn.missed]
        self._news += [*(event for _, event in landed), *late]
        for due in turn.begun:
            self._fly(due)
        if turn.again:
            pause = max(0.0, (turn.again - self.clock.now()).total_seconds())
            asyncio.get_running_loop().call_later(pause + 0.001, self.on_room)
        return turn

    def _tell(self) -> None:
        """Report what happened, but not while everything is on the wire: printing can wait a moment."""
        if self._news and (not self._flying or self.clock.monotonic() - self._told > _AT_LEAST_EVERY):
            news, self._news = self._news, []
            self._told = self.clock.monotonic()
            self.report(news)

    def _write(self, settlements: list[Settlement], rooms: list[Room], flying: list[int] | None) -> Turn:
        """In the ledger's thread: one commit, and the messages that what was begun needs."""
        verdict, now = self._verdict, self.clock.now()
        self._hold_stopped(now)
        turn = self.ledger.turn(
            self.worker,
            now,
            settlements=settlements,
            rooms=rooms,
            verdict=verdict,
            flying=flying,
            pace=self._careful.pace,
            objection=self._in_force.objection,
            mark=self._mark,
        )
        self._raise(turn.batch)
        for stop in turn.stopped:
            self.trouble(
                ActionError(f"{stop.channel} of '{stop.release_id}' is stopped, {stop.number} wait: {stop.why}")
            )
        self._read_ahead({due.delivery.message_id for due in turn.begun})
        self._floors.read(turn.begun)
        return turn

    def _verdict(self, due: Due) -> Late:
        return lifecycle.lateness(
            self.clock.now(),
            due.delivery.due,
            catch_up_within=due.catch_up_within,
            send_however_late=due.late_ok,
            partly_out=due.partly_out,
            retry=due.delivery.attempts > 0,
        )

    # ── one delivery ──────────────────────────────────────────────────────────────────────────────────────────────

    def _fly(self, due: Due) -> None:
        name = due.delivery.channel
        self._on_wire[name] += 1
        self._careful.took_off(due.delivery.id)
        channel = self.channels.get(name)  # the very one that was compared: another may take its place meanwhile
        task = asyncio.create_task(self._attempt(due, channel))
        self._flying[due.delivery.id] = task
        task.add_done_callback(partial(self._lands, due))

    def _lands(self, due: Due, done: asyncio.Task[None]) -> None:
        del self._flying[due.delivery.id]
        self._on_wire[due.delivery.channel] -= 1
        if not done.cancelled() and (error := done.exception()):
            self.trouble(error if isinstance(error, Exception) else RuntimeError(str(error)))
        self.on_room()

    async def _attempt(self, due: Due, channel: Channel | None) -> None:
        result = await self._courier.carry(due, channel)  # the list may be another one after the wait
        self._landed.append(result)
        if why := self._breaker.saw(result[1]):
            self._stops.append((due.delivery, why))

    # ── liveness ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _alive(self) -> bool:
        """Whether nobody can have taken us for dead yet."""
        return self.clock.monotonic() < self._courier.lease_until

    async def beat(self, worker: Worker) -> None:
        """Say in the ledger that this process is alive; from then its lease counts."""
        before = self.clock.monotonic()
        await self._in_thread(partial(self.ledger.beat, worker))
        if self.ledger.shared:  # with a SQLite ledger nobody can take over, however long this process was stopped
            self._courier.lease_until = before + LEASE.total_seconds()

    async def reap(self, *, alone: bool = False, left: Left | None = None) -> None:
        """Take back what dead processes left in flight; `alone`: everybody else is dead. `left` is what they noted here."""
        now, remains = self.clock.now(), left.remains if left else {}
        take_back = partial(self.ledger.reap, now, myself=self.worker, alone=alone, remains=remains)
        orphans = await self._in_thread(take_back)
        if left:
            self._ready.spare(left.preparing)
            left.forget()
        if orphans and (alone or left) and not (left and left.remains and not left.crashed):
            self._careful.crashed()
        if orphans:
            self.report([Event(at=now, delivery=row, state=row.state, detail=row.reason or "") for row in orphans])
            self.on_room()

    async def look_around(self) -> None:
        """Once a tick: find what is due on channels that are no longer configured, and get ready for what comes next."""
        now = self.clock.now()
        if find := self._in_force.find:
            for name in await self._in_thread(partial(self.ledger.strays, now, list(self._in_force.rooms))):
                self._in_force.know(name, find(name))
        soon = await self._in_thread(partial(self.ledger.coming, now, now + AHEAD))
        await self._in_thread(partial(self._read_ahead, {number for _, number in soon}))
        later = await self._in_thread(partial(self.ledger.coming, now, now + READY))
        self._ready.look((name for name, _ in soon), AHEAD)
        self._ready.look((name for name, _ in later), READY)

    def _read_ahead(self, numbers: set[int]) -> None:
        """In the ledger's thread, as all that fills `_sealed`."""
        self._sealed.take(self.ledger.messages(self._sealed.missing(numbers)))
        self._sealed.trim(numbers)

    async def idle(self) -> bool:
        """Whether nothing waits and nothing is on the wire."""
        return not self._landed and await self._in_thread(self.ledger.idle)

    async def close(self, patience: float = 20.0, *, gone: bool = False) -> None:
        """Stop taking work, let what is on the wire finish, write down its receipts, and leave; not into a ledger that is
        `gone`.
        """
        self.stopping = True
        if self._flying:
            await asyncio.wait(self._flying.values(), timeout=patience)
        for _ in range(0 if gone else 5):
            try:
                await self.drain()
                await self._in_thread(partial(self.ledger.leave, self.worker, self.clock.now()))
                break
            except StoreError as error:
                self.trouble(error)
                await asyncio.sleep(0.5)
        if news := [*self._news, *(event for _, event in self._landed)]:
            self.report(news)
        for task in self._flying.values():
            task.cancel()
        self._ready.close()
        if self.in_flight:
            self.in_flight.close(unsettled=bool(self._flying or self._landed))
        await self._courier.pages.close()
        await self._in_force.close()
        self._thread.shutdown()
