"""What an attempt makes at a network, kept whether it succeeds or fails."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from distributor.contract import DeliveryError, Receipt


@contextlib.contextmanager
def keeping() -> Iterator[list[str]]:
    """Give a list for the remote ids of what an attempt makes. Where the attempt fails, its error carries them."""
    made: list[str] = []
    try:
        yield made
    except DeliveryError as error:
        error.made = (*error.made, *made)
        raise


def with_made(receipt: Receipt, made: Sequence[str]) -> Receipt:
    """Return the receipt with more remote ids."""
    return replace(receipt, made=(*receipt.made, *made))
