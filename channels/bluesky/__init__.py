"""Bluesky: one post record per language, written under a key of our own (docs.bsky.app, com.atproto.repo.putRecord)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar

from distributor.contract import (
    Count,
    Dropped,
    Idempotency,
    Kit,
    MediaFile,
    Message,
    Rate,
    Receipt,
    Recipient,
)
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.http import Answer, Request
from distributor.posts import Post, Social
from distributor.release import LanguageVersion, Release
from distributor.settings import Secret
from distributor.text import count, entities, hashtags, links
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import Link, shown

from .record import COLLECTION, blob, key, record
from .session import Account, Session


@dataclass(frozen=True, kw_only=True)
class Bluesky(Social):
    """Writes the record with putRecord under a record key made from the instant and the release, so that a repeat is
    the same post however late it comes (class A). A blob's address is the hash of its bytes, so that the sealed record
    names its photos before they are uploaded.
    """

    TYPE: ClassVar[str] = "bluesky"
    NETWORK: ClassVar[str] = "Bluesky"
    CLASS: ClassVar[Idempotency] = Idempotency.A
    DELETE: ClassVar[bool] = True
    NEEDS_PAGE: ClassVar[bool] = False
    OWN_CARD: ClassVar[bool] = True
    UPLOADS_CARD: ClassVar[bool] = True
    EFFECT: ClassVar[str] = "on Bluesky it stays plain text"
    FINDS: ClassVar[bool] = False
    SECRET: ClassVar[str] = "password"  # noqa: S105  the name of a field
    ADDRESS: ClassVar[str] = "pds"
    DESTINATION: ClassVar[Mapping[str, str]] = {"pds": "server", "handle": "account"}
    CREDENTIALS: ClassVar[tuple[str, ...]] = ("password",)

    handle: str
    pds: Url = "https://bsky.social"
    password: Secret | None = None  #: an app password, never the account's own
    _session: Session = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ConfigError for an address that a password must not travel to, or a handle that is none."""
        super().__post_init__()
        object.__setattr__(self, "_session", Session(self._http))
        labels = self.handle.split(".")
        if len(labels) < 2 or not all(label.replace("-", "a").isalnum() and label.isascii() for label in labels):
            raise ConfigError(
                f"[channels.{self.name}] handle: '{self.handle}' is no handle; write it without '@', as in "
                "tidewater.bsky.social"
            )

    @property
    def limit(self) -> Rate:
        """5,000 points an hour for one account, three for a record (docs.bsky.app/docs/advanced-guides/rate-limits)."""
        return self.rate or Rate(1666, timedelta(hours=1), 100)

    @property
    def live_place(self) -> str:
        """The account's server."""
        return f"{self.pds} as {self.handle}"

    @property
    def account_name(self) -> str:
        """The handle."""
        return f"@{self.handle}"

    def tag_rule(self, limits: Mapping[str, Any]) -> hashtags.Rule:
        """Any run of letters and signs, as long as the lexicon allows."""
        graphemes, size = int(limits["max_tag_graphemes"]), int(limits["max_tag_bytes"])
        return replace(hashtags.BLUESKY, max_graphemes=graphemes, max_bytes=size)

    def link(self, url: str) -> Link:
        """Shortened in sight, whole behind it."""
        return Link(links.short(url), url)

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """Graphemes and bytes."""
        text = shown(segments)
        return (
            Count(used=count.graphemes(text), limit=int(limits["max_graphemes"]), unit="graphemes"),
            Count(used=count.utf8(text), limit=int(limits["max_bytes"]), unit="bytes"),
        )

    def found(self, text: str) -> list[Found]:
        """What readers take for live."""
        return entities.bluesky(text)

    def _post(self, release: Release, text: LanguageVersion, kit: Kit) -> tuple[Post, str, tuple[Dropped, ...]]:
        made, source, left = super()._post(release, text, kit)
        found = {f"#{tag}": "; search still finds the post by it" for tag in self._hidden(made)}
        return made, source, tuple(replace(one, why=one.why + found.get(one.text, "")) for one in left)

    def _hidden(self, post: Post) -> list[str]:
        """The hashtags without room, which search sees all the same."""
        return [tag for tag in post.tags if tag not in post.fitted.hashtags][: int(post.limits["max_hidden_tags"])]

    def body(self, post: Post) -> Mapping[str, Any]:
        """The body of putRecord."""
        made = record(post, hidden=self._hidden(post), card=self.media == "card")
        return {"repo": self.handle, "collection": COLLECTION, "rkey": self._rkey(post), "record": made}

    def _rkey(self, post: Post) -> str:
        return key(post.instant, f"{post.release.id}/{post.release.version}/{self.name}/{post.text.lang}")

    def facts(self, post: Post) -> Mapping[str, str]:
        """The record's key, and its hidden hashtags."""
        return {"rkey": self._rkey(post), "hidden_tags": " ".join(self._hidden(post))}

    def linkless(self, message: Message) -> Iterable[Any]:
        """The card leads to the release, too."""
        return () if message.meta.get("card_title") else super().linkless(message)

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST com.atproto.repo.putRecord; `key` only names the file of a local request, the record has its own."""
        return self._call("com.atproto.repo.putRecord", content)

    def _call(self, method: str, body: bytes, kind: str = "application/json") -> Request:
        url = f"{self.pds.rstrip('/')}/xrpc/{method}"
        return Request(method="POST", url=url, headers=(("Content-Type", kind),), body=body)

    def receipt(self, answer: Answer, message: Message) -> Receipt:
        """The record's address, and the post's in the app."""
        url = f"https://bsky.app/profile/{self.handle}/post/{message.meta['rkey']}"
        return Receipt(id=self._session.uri(self._account(), answer), url=url)

    async def _filled(self, content: bytes, message: Message, credential: str, made: list[str]) -> bytes:  # noqa: ARG002
        """The record names its blobs already; they have to be there before it."""
        for file in message.media:
            answer = await self._session.prepared(
                self._account(), self._call("com.atproto.repo.uploadBlob", file.data, file.content_type)
            )
            self._session.same(self._account(), answer, blob(file))
        return content

    async def send(self, request: Request, credential: str, *, bearer: bool = True) -> Answer:  # noqa: ARG002
        """Send in the account's session."""
        return await self._session.send(self._account(), request)

    async def withdraw(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:
        """Delete the record; one that is gone already is no error (docs.bsky.app, com.atproto.repo.deleteRecord)."""
        if self.password is None:
            return await super().withdraw(message, recipient, key, Receipt(id=""))
        body = {"repo": self.handle, "collection": COLLECTION, "rkey": message.meta["rkey"]}
        await self._session.send(
            self._account(), self._call("com.atproto.repo.deleteRecord", json.dumps(body).encode())
        )
        return Receipt(id=receipt.id, detail="withdrawn")

    async def prepare(self) -> None:
        """Log in while there is time."""
        if self.password is not None:
            await self._session.login(self._account())

    def _account(self) -> Account:
        return Account(
            channel=self.name, pds=self.pds.rstrip("/"), handle=self.handle, password=self.password or Secret()
        )

    async def upload(self, file: MediaFile, message: Message, credential: str) -> str:
        """Never asked for: `_filled` uploads what the record names."""
        raise NotImplementedError


CHANNEL = Bluesky
