"""The ledger: who gets what, when, and what became of it. The only room that knows SQL."""

from distributor.store.ledger import Ledger
from distributor.store.open import open_ledger
from distributor.store.rows import Attempt, Delivery, Due, NewDelivery, Release, SealedMessage, Settlement, Worker

__all__ = [
    "Attempt",
    "Delivery",
    "Due",
    "Ledger",
    "NewDelivery",
    "Release",
    "SealedMessage",
    "Settlement",
    "Worker",
    "open_ledger",
]
