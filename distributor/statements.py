"""What a preview says of a channel besides the words: from the sealed message and the facts that the outbox goes by.

HTML page, terminal and JSON draw from here alone, so that none of them can say what the adapter does not do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from distributor.contract import Channel, MediaFile, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What readers see around the words, and what can be done with it once it is out."""

    photos: tuple[MediaFile, ...]  #: sent with the words, in this order
    alt_text: bool  #: what they show goes with them
    card: Mapping[str, str]  #: of the link, as readers see it: `title`, `description`, `host`
    edit: bool  #: a correction changes what is there
    delete: bool  #: a kill takes it back
    lost_answer: str  #: idempotency class: A, B, C or D
    waits_for: tuple[str, ...]  #: addresses that have to answer first
    once_live: bool  #: it describes the network; for now the channel writes a file


def of(channel: Channel, message: Message) -> Statements:
    """Return what is true of a message on its channel, once the channel has its credential."""
    able, meta = channel.able, message.meta
    card = {name: meta.get(f"card_{name}", "") for name in ("title", "description", "host")}
    return Statements(
        photos=message.media if meta.get("media") == "photos" else (),
        alt_text=able.alt_text,
        card=card if card["title"] else {},
        edit=able.edit,
        delete=able.delete,
        lost_answer=str(able.idempotency),
        waits_for=(*((message.page,) if message.page else ()), *message.awaits),
        once_live=bool(meta.get("once_live")),
    )
