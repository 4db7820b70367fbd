"""What a channel makes of a release: the bytes, and what a person needs to see of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from urllib.parse import quote


class Severity(StrEnum):
    """How much a finding weighs."""

    error = "error"  #: stops scheduling
    warning = "warning"  #: must be seen
    note = "note"  #: may be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remark on a release or a message, for the person who wrote it."""

    severity: Severity
    code: str  #: stable, in kebab case: `headline-long`
    text: str  #: one sentence: what it is and what to do
    field: str | None = None  #: the release field that causes it
    channel: str | None = None
    lang: str | None = None  #: of the language version that it is about; None: of all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who gets one copy. `address` is part of the ledger's key."""

    address: str  #: `public/en` for a channel that speaks to everybody
    name: str = ""
    signature: bytes = field(default=b"", repr=False)  #: what the channel endorsed when the message was sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How much of a limit is used, by the network's own rule."""

    used: int
    limit: int
    unit: str  #: `characters`, `graphemes`, `bytes`

    @property
    def over(self) -> bool:
        """Whether the limit is broken."""
        return self.used > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A live part of the text as the reader sees it: `text[start:end]` (str indexes)."""

    start: int
    end: int
    kind: Literal["link", "hashtag", "mention"]
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Something the message leaves out to fit, and why."""

    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A media file that travels with a message, sealed with it."""

    name: str
    content_type: str
    data: bytes = field(repr=False)
    alt: str = ""  #: what it shows, for who cannot see it

    @property
    def sha256(self) -> str:
        """Hash of the bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def address(self) -> str:
        """Its path under the newsroom's URL; it holds the hash, so it is never guessed or changed."""
        return f"media/{self.sha256[:16]}/{quote(self.name)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One release on one channel in one language: the bytes, and what a person needs to see of them."""

    channel: str
    type: str
    lang: str
    content: bytes = field(repr=False)  #: what is the same for every recipient
    content_type: str
    filename: str  #: the name a person would give the bytes: `post.json`
    title: str  #: one line: the subject, the item's title, the post's first line
    text: str  #: what the reader reads, as plain text
    entities: tuple[Entity, ...] = ()
    html: str = ""  #: what the reader sees drawn, where it is HTML
    headers: tuple[tuple[str, str], ...] = ()
    counts: tuple[Count, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    media: tuple[MediaFile, ...] = ()
    #: Not sealed here: `hosting` gives them to a public channel's message.
    hosted: tuple[MediaFile, ...] = field(
        default=(), repr=False, compare=False
    )  #: files that it names by their address: a public channel puts them there
    awaits: tuple[str, ...] = ()  #: their addresses, where they have to answer before this goes out
    recipients: tuple[Recipient, ...] = ()
    page: str = ""  #: the public page of its release, where it has to be there before this goes out
    page_within: float = 0.0  #: seconds after the instant that it waits for `page`; 0: as long as it may be late
    meta: Mapping[str, str] = field(default_factory=dict)  #: the channel's own facts, sealed with the bytes

    @property
    def words(self) -> str:
        """What a person reads of it."""
        return f"{self.title}\n\n{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What an earlier version of a release has on a channel in one language."""

    version: int
    message: Message
