"""What a process tells the ledger of itself and of those before it: how carefully to claim, what was in flight."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How carefully a turn claims after a crash."""

    singly: bool = False  #: one delivery at a time, across all channels
    young: int = 0  #: deliveries in flight that may still end the process
    wary_of: int = 1  #: what was in flight in so many crashes goes alone, before all else


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a state folder knows of the ledger: `witness.Seen`, as far as a turn needs it."""

    folder: str
    batches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is known of the attempts of a process that is no more, by (delivery, attempt)."""

    crashed: bool  #: False: it was stopped, or the host went down; no attempt is to blame
    started: frozenset[tuple[int, int]] = frozenset()
    written: frozenset[tuple[int, int]] | None = None  #: bytes may have left; None: unknown, of any of them
