"""One attempt: the last checks, the write, and what it leads to."""

import asyncio
import hashlib
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from distributor import seal
from distributor.clock import Clock
from distributor.contract import (
    AlreadyThere,
    ByHand,
    Channel,
    DeliveryError,
    Idempotency,
    InDoubt,
    Message,
    Outcome,
    Receipt,
    Recipient,
    Refused,
    Throttled,
    Unavailable,
    Unsupported,
)
from distributor.embargo import spell
from distributor.handover import telling
from distributor.lifecycle import CORRECTION, KILL
from distributor.outbox import correcting
from distributor.outbox.inflight import InFlight
from distributor.outbox.outcome import Event, next_state
from distributor.outbox.page import NoPage, Pages
from distributor.outbox.sealed import Sealed
from distributor.plain import one_line
from distributor.settings import Policy
from distributor.standing import Up
from distributor.store import Delivery, Due, Settlement, Trace


class Unknowable(InDoubt):
    """In doubt, and nobody can look: a person decides, whatever the class."""


async def nothing(_delivery: Delivery) -> None:
    """Nothing was brought earlier, nothing was left behind."""


def _is_for_us(error: BaseException) -> bool:
    """Whether this process is asked to stop; a cancellation that comes out of the channel itself asks nobody."""
    task = asyncio.current_task()
    ours = isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > 0)
    return ours or isinstance(error, KeyboardInterrupt | GeneratorExit)


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """What one attempt did so far."""

    due: Due
    channel: Channel | None  #: as it was when the delivery was claimed: another may take its place meanwhile
    in_flight: InFlight | None
    asked: bool = False  #: the network was asked
    wrote: bool = False  #: bytes may have left
    blind: bool = False  #: it cannot be seen whether it arrived, whatever the class
    looking: bool = False  #: it waits for its page

    def start(self) -> None:
        """From here on it may be what ends the process."""
        if self.in_flight:
            self.in_flight.started(self.due.delivery.id, self.due.number)

    def write(self) -> None:
        """Bytes leave next."""
        if self.in_flight and not self.wrote:
            self.in_flight.written(self.due.delivery.id, self.due.number)
        self.wrote = True


@dataclass(kw_only=True)
class Courier:
    """Carries what was begun to its channel."""

    clock: Clock
    policy: Policy
    sealed: Sealed
    redact: Callable[[str], str] = str
    jitter: Callable[[], float] = random.random
    pages: Pages = field(default_factory=Pages)
    floor: Callable[[Delivery], datetime | None] = lambda _row: None  #: the sealed embargo
    earlier: Callable[[Delivery], Awaitable[Receipt | None]] = nothing  #: what an earlier version brought
    behind: Callable[[Delivery], Awaitable[Trace | None]] = nothing  #: what a kill has to take back
    standing: Callable[[Delivery], Awaitable[Up | None]] = nothing  #: what a correction finds up
    in_flight: InFlight | None = None  #: where attempts are noted so that it outlives the process
    #: Monotonic. Without a shared ledger nobody else can take over: there is no lease to lose.
    lease_until: float = field(default=math.inf, init=False)

    async def carry(self, due: Due, channel: Channel | None) -> tuple[Settlement, Event]:
        """Deliver, whatever happens; returns what goes into the ledger and what a person sees."""
        began = self.clock.now()
        receipt: Receipt | None = None
        until: datetime | None = None
        attempt = _Attempt(due=due, channel=channel, in_flight=self.in_flight)
        attempt.start()
        made: tuple[str, ...] = ()
        try:
            receipt = await self._deliver(due, attempt)
            outcome, reason, made = Outcome.delivered, receipt.detail, receipt.made
        except DeliveryError as error:
            outcome, reason, until, made = error.outcome, error.reason, error.until, error.made
            attempt.blind, attempt.looking = isinstance(error, Unknowable | ByHand), isinstance(error, NoPage)
            receipt = error.receipt if isinstance(error, ByHand) else None
            if isinstance(error, AlreadyThere) and due.doubt_since:
                receipt = error.receipt or Receipt(id="")
                outcome, reason = Outcome.delivered, f"an earlier attempt had arrived: {error.reason}"
        except BaseException as error:  # a plug-in may raise anything, and may have written before it did
            if _is_for_us(error):
                raise
            outcome = Outcome.in_doubt if attempt.wrote else Outcome.unavailable
            reason = f"the channel failed: {type(error).__name__}: {error}"
            reason += "" if attempt.wrote else "; nothing was written"
        # What a server says is kept as one line that steers no terminal.
        said = one_line(self.redact(reason))
        settled, event = self._settled(due, outcome, said, receipt, until, began, attempt)
        return replace(settled, made=made), event

    def _settled(
        self,
        due: Due,
        outcome: Outcome,
        reason: str,
        receipt: Receipt | None,
        until: datetime | None,
        began: datetime,
        attempt: "_Attempt",
    ) -> tuple[Settlement, Event]:
        delivery, ended = due.delivery, self.clock.now()
        state, again = next_state(
            outcome,
            attempts=due.asked + attempt.asked,
            idempotency="D" if attempt.blind else delivery.idempotency,
            in_doubt=due.in_doubt,
            now=ended,
            until=until,
            planned_for=delivery.planned_for,
            stale_after=self.policy.stale_after,
            jitter=self.jitter(),
            doubtful=due.doubt_since is not None,
            looking=attempt.looking,
        )
        throttled = outcome is Outcome.throttled and until is not None
        account = attempt.channel.account if throttled and attempt.channel else ""
        settlement = Settlement(
            delivery_id=delivery.id,
            number=due.number,
            state=state,
            outcome=outcome,
            began_at=began,
            ended_at=ended,
            due=again,
            reason=reason or None,
            remote_id=receipt.id if receipt else None,
            remote_url=receipt.url if receipt else None,
            account=account,
            blocked_until=until if account else None,
            asked=attempt.asked,
        )
        shown = (receipt.url or receipt.id) if receipt and delivery.kind != KILL else reason
        event = Event(at=ended, delivery=delivery, state=state, outcome=outcome, detail=shown)
        return settlement, replace(event, lateness=began - delivery.planned_for)

    async def _deliver(self, due: Due, attempt: "_Attempt") -> Receipt:
        """The last checks, then the write."""
        delivery, channel = due.delivery, attempt.channel
        if channel is None:
            raise Refused(f"the channel '{delivery.channel}' is no longer in the config")
        message = self.sealed.get(delivery.message_id)
        if isinstance(message, str):
            raise Refused(message)
        recipient = seal.addressee(delivery)
        if hashlib.sha256(channel.compose(message, recipient)).hexdigest() != delivery.digest:
            raise Refused("the bytes differ from the sealed ones: schedule the release again")
        kill = delivery.kind == KILL
        attempt.asked = True
        if (
            due.doubt_since
            and not kill
            and (found := await self._look(channel, message, recipient, due, due.doubt_since))
        ):
            return found
        up = await self.standing(delivery) if "correction" in message.meta and not kill else None
        if stays := correcting.left_alone(message, up):
            return stays
        unanswered = "" if kill else await self._public(message, delivery)
        attempt.asked = attempt.wrote
        if self.clock.now() < delivery.due:
            raise Unavailable("the clock went back behind the instant", until=delivery.due)
        if not kill and (floor := self.floor(delivery)) and self.clock.now() < floor:
            until = spell(floor, "UTC")
            raise Refused(
                f"its times in the ledger are earlier than its sealed embargo of {until}: somebody changed them"
            )
        if self.clock.monotonic() > self.lease_until:
            raise Unavailable("this process was stopped for longer than its lease; nothing was sent")
        editing = delivery.kind == CORRECTION and channel.capabilities.edit
        earlier = await self.earlier(delivery) if editing else None
        attempt.asked = True
        with telling(attempt.write):
            if not channel.TELLS_WRITES:
                attempt.write()
            if kill:
                return await self._take_back(channel, message, recipient, delivery)
            await correcting.make_room(channel, message, recipient, up)
            if earlier:
                return await channel.amend(message, recipient, delivery.key, earlier)
            receipt = await channel.deliver(message, recipient, delivery.key)
        return replace(receipt, detail="; ".join(part for part in (receipt.detail, unanswered) if part))

    async def _take_back(self, channel: Channel, message: Message, recipient: Recipient, kill: Delivery) -> Receipt:
        """Withdraw everything that a delivery made. Where its answer was lost, look first for what it wrote."""
        left = await self.behind(kill)
        receipt = Receipt(id=kill.remote_id or "")
        doubtful = not receipt.id
        if left:
            receipt = Receipt(id=left.remote_id or receipt.id, url=left.remote_url, made=left.made)
            doubtful = left.is_doubtful and not receipt.id
        if doubtful and left and left.since and channel.capabilities.can_look:
            try:
                found = await channel.reconcile(message, recipient, left.key, left.since)
            except (Refused, Unsupported):  # it cannot be asked: a person looks
                found = None
            else:
                doubtful = False
                if found is None and not receipt.made:
                    return Receipt(id="", detail="it had not arrived")
            receipt = replace(found, made=receipt.made) if found else receipt
        done = await channel.withdraw(message, recipient, kill.key, receipt)
        if doubtful and receipt.made:
            raise Refused("its uploads are gone, but it is not known which post it is: delete it by hand")
        return done

    async def _public(self, message: Message, delivery: Delivery) -> str:
        """Return once the page and the photos that the message names are public.

        The answer says where a page of somebody else did not answer in time: then it goes all the
        same. Raises NoPage where they are not public yet.
        """
        for url in message.awaits:
            await self.pages.wait(url, file=True)
        if not message.page:
            return ""
        try:
            await self.pages.wait(message.page)
        except NoPage as error:
            patience = timedelta(seconds=message.page_within)
            if not patience or self.clock.now() < delivery.planned_for + patience:
                raise
            words = error.reason.removeprefix("waits for its page: ").removesuffix("; nothing was sent")
            return f"sent all the same: its page {words}"
        return ""

    async def _look(
        self, channel: Channel, message: Message, recipient: Recipient, due: Due, since: datetime
    ) -> Receipt | None:
        """Whether an earlier attempt arrived: asked where the network can be asked, unknowable where our key is forgotten."""
        await channel.learn()
        can = channel.capabilities
        forgotten = can.key_lifetime and self.clock.now() - since > can.key_lifetime
        if forgotten and not can.can_look:
            raise Unknowable("the server no longer remembers our key: look whether it is there")
        if not forgotten and can.idempotency is not Idempotency.C:
            return None
        try:
            return await channel.reconcile(message, recipient, due.delivery.key, since)
        except (Unavailable, Throttled):
            raise
        except Exception as error:
            raise Unknowable(f"it cannot be seen whether it arrived: {error}") from None
