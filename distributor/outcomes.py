"""What a delivery can end in. Nothing else leaves a channel's `deliver`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """How one attempt ended, in the words of the ledger."""

    delivered = "delivered"
    refused = "refused"  #: the content must change
    auth = "auth"  #: the credential must change
    throttled = "throttled"  #: not written; try again after `until`
    unavailable = "unavailable"  #: certainly not written; try again
    in_doubt = "in_doubt"  #: perhaps written
    unsupported = "unsupported"  #: the channel cannot do this at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the other side answered."""

    id: str  #: the remote id, or the path of a file
    url: str | None = None  #: where a person can look at it
    detail: str = ""  #: one line for the log
    made: tuple[str, ...] = ()  #: remote ids of what else this attempt made: edit events, uploads


class DeliveryError(Exception):
    """An attempt that did not end in `delivered`."""

    outcome: Outcome
    made: tuple[str, ...] = ()  #: remote ids of what the attempt made before it failed

    def __init__(self, reason: str, *, until: datetime | None = None) -> None:
        """`reason` is one sentence for a person, free of secrets; `until` (aware) is when to try again."""
        super().__init__(reason)
        self.reason = reason
        self.until = until


class Refused(DeliveryError):
    """The other side will never take this content."""

    outcome = Outcome.refused


class AlreadyThere(Refused):
    """Refused because the other side has it already (class B). After our own attempt in doubt this means delivered."""

    def __init__(self, reason: str, *, receipt: Receipt | None = None) -> None:
        """`receipt` names what is there, where the answer says it."""
        super().__init__(reason)
        self.receipt = receipt


class Unauthorized(DeliveryError):
    """The other side does not accept the credential."""

    outcome = Outcome.auth


class Throttled(DeliveryError):
    """The other side asks us to wait; nothing was written."""

    outcome = Outcome.throttled


class Unavailable(DeliveryError):
    """Certainly nothing was written: no connection, a full disk, a 503 before the body was taken."""

    outcome = Outcome.unavailable


class InDoubt(DeliveryError):
    """The bytes may have been written: the answer was lost."""

    outcome = Outcome.in_doubt


class ByHand(InDoubt):
    """Everything is laid out; a person posts it, and says so with `settle`."""

    def __init__(self, reason: str, *, receipt: Receipt) -> None:
        """`receipt` names what was laid out."""
        super().__init__(reason)
        self.receipt = receipt


class Unsupported(DeliveryError):
    """The channel cannot do this."""

    outcome = Outcome.unsupported
