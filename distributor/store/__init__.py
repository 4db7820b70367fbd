"""The ledger: who gets what, when, and what became of it. The only room that knows SQL."""

from distributor.store.ledger import Change, Ledger
from distributor.store.open import open_ledger
from distributor.store.rows import (
    Attempt,
    Delivery,
    Due,
    NewDelivery,
    Release,
    Room,
    SealedMessage,
    Settlement,
    Turn,
    Worker,
)

__all__ = [
    "Attempt",
    "Change",
    "Delivery",
    "Due",
    "Ledger",
    "NewDelivery",
    "Release",
    "Room",
    "SealedMessage",
    "Settlement",
    "Turn",
    "Worker",
    "open_ledger",
]
