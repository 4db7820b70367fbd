"""The loop: begin → deliver → settle. One piece of code, whoever wakes it.

An attempt is in the ledger before the network is touched, its receipt right after. The sender never renders: it sends
the sealed bytes, or refuses.
"""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from distributor import lifecycle, seal
from distributor.clock import Clock
from distributor.contract import (
    Channel,
    DeliveryError,
    InDoubt,
    Message,
    Outcome,
    Receipt,
    Recipient,
    Refused,
    Throttled,
)
from distributor.errors import StoreError
from distributor.lifecycle import Late, State
from distributor.settings import Policy
from distributor.store import Delivery, Due, Ledger, Settlement, Worker

_T = TypeVar("_T")
_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, for the live line."""

    at: datetime
    delivery: Delivery
    state: State
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
) -> tuple[State, datetime]:
    """Where a delivery goes after an attempt, and when it is due again.

    `jitter` (0…1) spreads retries: exponential from 5 s to 15 min, never before `until`, and given up once the next
    try would be later than `stale_after` from the planned instant.
    """
    if outcome is Outcome.delivered:
        return State.delivered, planned_for
    if outcome in (Outcome.refused, Outcome.unsupported):
        return State.refused, planned_for
    if outcome is Outcome.auth:
        return State.failed, planned_for
    if outcome is Outcome.in_doubt and idempotency != "A" and in_doubt != "resend":
        return State.in_doubt, planned_for
    pause = min(_FIRST_RETRY * 2 ** min(attempts - 1, 10), _LONGEST_RETRY) * (0.5 + jitter / 2)
    again = max(now + pause, until or now)
    if again > planned_for + stale_after:
        return State.failed, planned_for
    return State.retrying, again


@dataclass
class Outbox:
    """Delivers what is due. One per process."""

    ledger: Ledger
    channels: Mapping[str, Channel]
    clock: Clock
    worker: str
    policy: Policy
    report: Callable[[Event], None]
    trouble: Callable[[Exception], None] = lambda _error: None
    jitter: Callable[[], float] = random.random
    on_room: Callable[[], None] = lambda: None
    _results: list[tuple[Settlement, Event]] = field(default_factory=list, init=False)
    _messages: dict[int, Message] = field(default_factory=dict, init=False)
    _on_wire: Counter[str] = field(default_factory=Counter, init=False)
    _flying: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        """The ledger gets a thread of its own, so that a slow disk never holds up the network."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._writing = asyncio.Lock()
        self._draining = asyncio.Lock()
        self.stopping = False

    async def drain(self) -> int:
        """Begin what is due, as far as each channel has room, without waiting for any answer: a slow server holds up
        nobody else. Returns how many attempts were begun; whoever lands calls `on_room`.
        """
        made = 0
        async with self._draining:
            while not self.stopping:
                begin = partial(self.ledger.begin, self.worker, self.clock.now(), self._room, self._verdict)
                block = await self._in_thread(begin)
                for due in block:
                    self._fly(due)
                made += len(block)
                if not block:
                    break
                await asyncio.sleep(0)  # what was begun goes out before more is begun
        return made

    async def finish(self) -> int:
        """Drain until nothing due is left and everything has landed; returns how many attempts were made."""
        made = 0
        while begun := await self.drain():
            made += begun
            if self._flying:
                await asyncio.wait(self._flying)
        return made

    def _room(self, name: str) -> int:
        """How many more deliveries a channel may have on the wire; what waits in a crash is not in doubt then."""
        channel = self.channels.get(name)
        return (channel.concurrency if channel else 1) - self._on_wire[name]

    async def beat(self, worker: Worker) -> None:
        """Say in the ledger that this process is alive."""
        await self._in_thread(partial(self.ledger.beat, worker))

    async def counts(self) -> dict[State, int]:
        """How many deliveries are in each state."""
        return await self._in_thread(self.ledger.counts)

    async def instants(self, until: datetime) -> list[datetime]:
        """When something waits to be sent, up to `until`."""
        return await self._in_thread(partial(self.ledger.instants, until))

    async def reap(self) -> list[Delivery]:
        """Take back what an earlier process left unfinished. Only for a process that has the site to itself."""
        now = self.clock.now()
        reap = partial(self.ledger.reap, now, dead_before=now + timedelta(days=1), myself=self.worker)
        orphans = await self._in_thread(reap)
        for row in orphans:
            self.report(Event(at=now, delivery=row, state=row.state, detail=row.reason or ""))
        return orphans

    async def close(self, patience: float = 20.0) -> None:
        """Stop taking work, let what is on the wire finish, and leave."""
        self.stopping = True
        if self._flying:
            await asyncio.wait(self._flying, timeout=patience)
        for channel in self.channels.values():
            await channel.close()
        await self._in_thread(partial(self.ledger.leave, self.worker))
        self._thread.shutdown()

    def _verdict(self, due: Due) -> Late:
        return lifecycle.lateness(
            self.clock.now(),
            due.delivery.due,
            catch_up_within=due.catch_up_within,
            send_however_late=due.late_ok,
            partly_out=due.partly_out,
            retry=due.delivery.attempts > 0,
        )

    async def _attempt(self, due: Due) -> None:
        delivery, began = due.delivery, self.clock.now()
        receipt: Receipt | None = None
        until: datetime | None = None
        try:
            receipt = await self._deliver(due)
            outcome, reason = Outcome.delivered, receipt.detail or None
        except DeliveryError as error:
            outcome, reason, until = error.outcome, error.reason, error.until
        except Exception as error:  # a plug-in may raise anything, and may have written before it did
            outcome, reason = Outcome.in_doubt, f"the channel failed: {type(error).__name__}: {error}"
        ended = self.clock.now()
        state, again = next_state(
            outcome,
            attempts=delivery.attempts + 1,
            idempotency="D" if self._forgotten(due) else delivery.idempotency,
            in_doubt=due.in_doubt,
            now=ended,
            until=until,
            planned_for=delivery.planned_for,
            stale_after=self.policy.stale_after,
            jitter=self.jitter(),
        )
        settlement = Settlement(
            delivery_id=delivery.id,
            attempt_id=due.attempt_id,
            state=state,
            outcome=outcome,
            began_at=began,
            ended_at=ended,
            due=again,
            reason=reason,
            remote_id=receipt.id if receipt else None,
            remote_url=receipt.url if receipt else None,
        )
        shown = (receipt.url or receipt.id) if receipt else reason or ""
        event = Event(at=ended, delivery=delivery, state=state, lateness=began - delivery.planned_for, detail=shown)
        await self._settle(settlement, event)

    def _forgotten(self, due: Due) -> bool:
        """Whether an earlier attempt may have been written so long ago that a repeat would be a second post."""
        channel = self.channels.get(due.delivery.channel)
        lifetime = channel.capabilities.key_lifetime if channel else None
        return bool(lifetime and due.doubt_since and self.clock.now() - due.doubt_since > lifetime)

    async def _deliver(self, due: Due) -> Receipt:
        """The last checks, then the write."""
        delivery = due.delivery
        if self._forgotten(due):
            raise InDoubt("the server no longer remembers our key: look whether it is there")
        channel = self.channels.get(delivery.channel)
        if channel is None:
            raise Refused(f"the channel '{delivery.channel}' is no longer in the config")
        message = await self._message(delivery.message_id)
        recipient = Recipient(address=delivery.recipient, name=delivery.recipient_name)
        if hashlib.sha256(channel.compose(message, recipient)).hexdigest() != delivery.digest:
            raise Refused("the bytes differ from the sealed ones: schedule the release again")
        if self.clock.now() < delivery.due:
            raise Throttled("the clock went back behind the instant", until=delivery.due)
        return await channel.deliver(message, recipient, delivery.key)

    async def _message(self, message_id: int) -> Message:
        if message_id not in self._messages:
            body, artefacts = await self._in_thread(partial(self.ledger.message, message_id))
            try:
                message = seal.load(body, artefacts)
            except ValueError as error:
                raise Refused(str(error)) from None
            if len(self._messages) > 50:
                self._messages.clear()
            self._messages[message_id] = message
        return self._messages[message_id]

    async def _settle(self, settlement: Settlement, event: Event) -> None:
        """Group commit: whoever gets the lock writes down what has piled up behind the commit before."""
        self._results.append((settlement, event))
        async with self._writing:
            batch, self._results = self._results, []
            if batch:
                await self._write([one for one, _ in batch])
                for _, happened in batch:
                    self.report(happened)

    async def _write(self, settlements: list[Settlement]) -> None:
        """A receipt is worth waiting for: a full or locked database is tried again until it takes it."""
        while True:
            try:
                return await self._in_thread(partial(self.ledger.settle, self.worker, settlements))
            except StoreError as error:
                if self.stopping:
                    raise
                self.trouble(error)
                await asyncio.sleep(1)

    def _fly(self, due: Due) -> None:
        name = due.delivery.channel
        self._on_wire[name] += 1
        task = asyncio.create_task(self._attempt(due))
        self._flying.add(task)

        def landed(done: asyncio.Task[None]) -> None:
            self._flying.discard(done)
            self._on_wire[name] -= 1
            if not done.cancelled() and (error := done.exception()):
                self.trouble(error if isinstance(error, Exception) else RuntimeError(str(error)))
            self.on_room()

        task.add_done_callback(landed)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
