"""What goes into the ledger and what comes out of it, free of SQL. All instants are aware UTC datetimes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from distributor.lifecycle import PubStatus, State
from distributor.rate import Rate

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC, exact; ValueError for a naive time."""
    if instant.tzinfo is None:
        raise ValueError("a naive time has no instant")
    return (instant - _EPOCH) // timedelta(microseconds=1)


def instant(micros: int) -> datetime:
    """The inverse of `micros`, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def maybe_instant(value: int | None) -> datetime | None:
    """`instant`, passing None through."""
    return None if value is None else instant(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A sealed version of a release."""

    id: str
    version: int
    digest: str  #: of the release file's content
    snapshot: str  #: the release as JSON
    seal: str  #: digest over every sealed message
    lift: datetime
    zone: str
    headline: str
    pub_status: PubStatus
    catch_up_within: timedelta
    sealed_at: datetime
    killed_at: datetime | None = None  #: withdrawn for good
    inputs: str = ""  #: what it was made from, as distributor.inputs keeps it


class Head(NamedTuple):
    """What a list shows of the newest version of a release. A tuple: a list makes ten thousand of them at once."""

    id: str
    version: int
    lift: datetime
    zone: str
    headline: str
    pub_status: PubStatus


class Published(NamedTuple):
    """When a release first went out on one channel in one language."""

    channel: str
    lang: str
    priority: int
    at: datetime  #: planned for then, in UTC
    lift: datetime  #: the release's own instant, in UTC


class Standing(NamedTuple):
    """A head, and how its deliveries stand in numbers."""

    id: str
    version: int
    lift: datetime
    zone: str
    headline: str
    pub_status: PubStatus
    counts: Mapping[State, int]  #: deliveries in each state, without those that take back
    killed: bool  #: withdrawn for good
    out: bool  #: something of it was delivered, in whatever version


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedMessage:
    """A message as JSON, and the bytes it refers to by SHA-256."""

    channel: str
    lang: str
    body: str
    content: str  #: SHA-256 of the content
    artefacts: Mapping[str, bytes]  #: SHA-256 → bytes: the content and the media


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """One row to be planned."""

    kind: str
    channel: str
    lang: str  #: which sealed message
    recipient: str
    recipient_name: str
    key: str
    digest: str  #: SHA-256 of the exact bytes for this recipient
    signature: bytes  #: what the channel endorsed for this recipient, or empty
    due: datetime
    tier: str
    idempotency: str
    in_doubt: str  #: policy: hold or resend
    priority: int
    late_ok: bool  #: goes out however late


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The destination of one channel of a version, as it was agreed to."""

    release_id: str
    version: int
    channel: str
    facts: Mapping[str, str | None]  #: word for people → value; None where it was not known at sealing
    deletes: bool = False  #: the channel could take back what it sent
    found: Mapping[str, str | None] | None = None  #: what a service found instead
    asked_who: str | None = None  #: said yes to `asked_facts`, with four eyes
    asked_facts: Mapping[str, str | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A channel of a version for which something waits or is stopped."""

    release_id: str
    version: int
    channel: str
    number: int  #: of deliveries
    stopped: int  #: of them: held because the channel was gone or led elsewhere
    agreed: Agreed | None  #: None: sealed by a version that recorded no destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What a turn held on one channel of a version, and why."""

    release_id: str
    version: int
    channel: str
    why: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of the ledger."""

    id: int
    release_id: str
    version: int
    kind: str
    channel: str
    recipient: str
    recipient_name: str
    state: State
    due: datetime
    planned_for: datetime  #: the due instant before any retry
    attempts: int
    key: str
    digest: str
    message_id: int
    tier: str
    idempotency: str
    remote_id: str | None
    remote_url: str | None
    reason: str | None
    sent_at: datetime | None  #: when the delivered attempt began
    settled_at: datetime | None
    signature: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that is due, with what decides whether it still goes out."""

    delivery: Delivery
    late_ok: bool
    partly_out: bool
    catch_up_within: timedelta
    in_doubt: str
    priority: int  #: the smaller goes first
    doubt_since: datetime | None  #: when an earlier attempt may have been written
    asked: int = 0  #: earlier attempts that asked the network; a crash is none

    @property
    def number(self) -> int:
        """Which attempt this is, from 1."""
        return self.delivery.attempts + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much a channel takes now."""

    channel: str
    free: int  #: how many more may be on the wire
    account: str = ""
    rate: Rate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one turn of the loop wrote down."""

    begun: list[Due]  #: only these may be sent
    missed: list[Delivery]  #: too late: a person decides
    again: datetime | None  #: when a token or a blocked account is free again
    stopped: list[Stop] = field(default_factory=list)  #: held: they would go elsewhere than agreed, or nowhere
    batch: int = 0  #: how many batches the state folder has sent with this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try."""

    delivery_id: int
    number: int
    worker: str
    digest: str
    began_at: datetime
    ended_at: datetime | None
    outcome: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How an attempt ended, to be written down."""

    delivery_id: int
    number: int  #: which attempt, from 1
    state: State
    outcome: str
    ended_at: datetime
    began_at: datetime
    due: datetime  #: when to try again, or unchanged
    reason: str | None = None
    remote_id: str | None = None
    remote_url: str | None = None
    account: str = ""  #: asked to wait as a whole, until `blocked_until`
    blocked_until: datetime | None = None
    made: tuple[str, ...] = ()  #: remote ids of what else the attempt made
    asked: bool = True  #: the network was asked: the back-off counts it


#: The name under which the ledger remembers the last process that stopped as it was told to; `beat_at` is when.
STOPPED_WORKER = "(stopped)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process that delivers."""

    name: str
    pid: int
    began_at: datetime
    beat_at: datetime
    host: str = ""
    ahead: timedelta = timedelta()  #: how far the host's clock is ahead of the ledger's
    trouble: str = ""  #: why it does not follow the newest config


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What one delivery left at its destination."""

    key: str  #: of the delivery, not of its kill
    remote_id: str  #: empty: it is not known, or nothing was written
    remote_url: str | None
    made: tuple[str, ...]  #: edit events, uploads
    is_doubtful: bool  #: perhaps written, and nobody knows under which id
    since: datetime | None  #: when the first attempt in doubt began
