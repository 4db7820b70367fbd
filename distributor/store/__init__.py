"""The ledger: who gets what, when, and what became of it. The only room that knows SQL."""

from typing import TYPE_CHECKING, Any

from distributor.store.pace import Mark, Pace, Remains
from distributor.store.rows import (
    STOPPED_WORKER,
    Agreed,
    Attempt,
    Delivery,
    Due,
    NewDelivery,
    Published,
    Release,
    Room,
    SealedMessage,
    Settlement,
    Standing,
    Stop,
    Trace,
    Turn,
    Waiting,
    Worker,
)

if TYPE_CHECKING:
    from distributor.store.ledger import Ledger
    from distributor.store.open import open_ledger
    from distributor.store.wanted import Change

__all__ = [
    "STOPPED_WORKER",
    "Agreed",
    "Attempt",
    "Change",
    "Delivery",
    "Due",
    "Ledger",
    "Mark",
    "NewDelivery",
    "Pace",
    "Published",
    "Release",
    "Remains",
    "Room",
    "SealedMessage",
    "Settlement",
    "Standing",
    "Stop",
    "Trace",
    "Turn",
    "Waiting",
    "Worker",
    "open_ledger",
]


def __getattr__(name: str) -> Any:
    """What needs SQLAlchemy is imported by whoever asks for it: `status` does not."""
    if name == "Change":
        from distributor.store.wanted import Change

        return Change
    if name == "Ledger":
        from distributor.store.ledger import Ledger

        return Ledger
    if name == "open_ledger":
        from distributor.store.open import open_ledger

        return open_ledger
    raise AttributeError(name)
