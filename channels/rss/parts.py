"""What a feed is made of: pictures, items and the frame around them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One photo of an item, at its public address. A photo that lies elsewhere on the web has no `size`."""

    url: str
    type: str | None  #: None: its address does not say
    size: int | None  #: bytes
    caption: str = ""
    alt: str = ""
    credit: str = ""
    rights: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One release in a feed. Times are aware and in whole seconds."""

    guid: str
    title: str
    url: str  #: of its page; empty where nobody makes one
    summary: str  #: plain text
    content: str  #: HTML
    issuer: str
    language: str
    published: datetime
    modified: datetime | None = None
    categories: Sequence[tuple[str, str]] = ()  #: (term, domain)
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around the items."""

    title: str
    description: str
    home: str
    address: str  #: the feed's own URL
    language: str
    updated: datetime  #: of the newest item, never now
    copyright: str | None = None
    logo: str | None = None
    hub: str | None = None
    ttl: int = 15
    links: tuple[tuple[str, str], ...] = ()  #: (rel, URL): the archive before this document, the live feed (RFC 5005)
    archive: bool = False  #: whether this document is one of the archive's


def legal(text: str) -> str:
    """Without the characters that XML 1.0 forbids."""
    return _ILLEGAL.sub("", text)
