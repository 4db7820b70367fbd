"""One mail on its way, how long each step may take, and what a server offers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from distributor.contract import DeliveryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds (RFC 5321 §4.5.3.2). A short one for the final dot would itself make mails that arrive twice."""

    connect: float = 60.0
    command: float = 300.0
    data: float = 120.0
    body: float = 180.0
    dot: float = 600.0


@dataclass(slots=True, eq=False)
class Job:
    """One mail on its way; `done` gets the server's answer or a DeliveryError."""

    sender: str
    recipient: str
    wire: bytes = field(repr=False)
    done: "asyncio.Future[str]"
    error: DeliveryError | None = None
    tries: int = 0
    tell: Callable[[], None] = lambda: None  #: says that its body leaves next

    def fail(self, error: DeliveryError) -> None:
        """Say what became of it, once."""
        if not self.done.done():
            self.done.set_exception(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the server said that it can do."""

    pipelining: bool
    smtputf8: bool
    size: int | None  #: None: no SIZE at all; 0: no limit
