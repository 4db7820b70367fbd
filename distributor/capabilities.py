"""What a channel says of itself: what it can do, where it sends, and who may know when."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Idempotency(StrEnum):
    """What a repeat of the same delivery does (docs/channel.md)."""

    A = "A"  #: the server takes our key: a repeat is the same post
    B = "B"  #: the server refuses duplicates
    C = "C"  #: readable afterwards: look, then decide
    D = "D"  #: blind: never repeat on our own


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a configured channel can do; shown in the preview and used by the outbox."""

    idempotency: Idempotency
    edit: bool = False
    delete: bool = False  #: `withdraw` takes back what was delivered
    returns_id: bool = False
    needs_page: bool = False  #: the other side reads the public page right after the write
    makes_page: bool = False  #: its delivery makes the page that the others link to
    follows_public: bool = False  #: goes after feed and newsroom of the same release, however long they take
    key_lifetime: timedelta | None = None  #: how long the server remembers our key; None: for ever
    looks: bool = False  #: `reconcile` finds what an earlier attempt wrote, whatever the class
    alt_text: bool = False  #: what a photo shows goes with it, for who cannot see it
    hosts_media: bool = False  #: puts files of others at their public address, at its own instant
    always_publishes: bool = False  #: never `missed`: a feed is right whenever it is written

    @property
    def can_look(self) -> bool:
        """Whether an attempt in doubt can be looked up."""
        return self.looks or self.idempotency is Idempotency.C


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a channel's deliveries go."""

    live: bool  #: False: a folder on this machine
    place: str  #: URL, server or folder, free of secrets
    missing: tuple[str, ...] = ()  #: what has to be set before it can deliver


class Tier(StrEnum):
    """Who may know when."""

    prebrief = "prebrief"  #: named recipients under embargo; may be sent before the lift
    wire = "wire"
    public = "public"
