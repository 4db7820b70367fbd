"""Bluesky: one post record per language, written under a key of our own (docs.bsky.app, com.atproto.repo.putRecord)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from distributor import posts
from distributor.contract import (
    Capabilities,
    Channel,
    Count,
    Destination,
    Dropped,
    Finding,
    Idempotency,
    Kit,
    Message,
    Rate,
    Receipt,
    Recipient,
    Refused,
    public,
)
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.http import Request, is_secure, read_local, write_local
from distributor.release import LanguageVersion, Release
from distributor.settings import Secret
from distributor.text import count, entities, hashtags, links, post, remarks
from distributor.text.fit import Segments
from distributor.text.segments import Link, Omission, shown, without_marks

from .record import COLLECTION, key, record
from .session import Account, Session


@dataclass(frozen=True, kw_only=True)
class Bluesky(Channel):
    """Writes the record with putRecord under a record key made from the instant and the release, so that a repeat is
    the same post however late it comes (class A). Without a password every request is written to a folder instead.
    """

    TYPE: ClassVar[str] = "bluesky"

    handle: str
    pds: Url = "https://bsky.social"
    password: Secret | None = None  #: an app password, never the account's own
    _session: Session = field(init=False, repr=False, compare=False, default_factory=Session)

    def __post_init__(self) -> None:
        """Raises ConfigError for an address that a password must not travel to, or a handle that is none."""
        super().__post_init__()
        if not is_secure(self.pds):
            raise ConfigError(f"[channels.{self.name}] pds: '{self.pds}' must begin with https://")
        labels = self.handle.split(".")
        if len(labels) < 2 or not all(label.replace("-", "a").isalnum() and label.isascii() for label in labels):
            raise ConfigError(
                f"[channels.{self.name}] handle: '{self.handle}' is no handle; write it without '@', as in "
                "tidewater.bsky.social"
            )

    @property
    def capabilities(self) -> Capabilities:
        """Class A; the link's card travels with the post, so the page may come later."""
        live = self.password is not None
        return Capabilities(idempotency=Idempotency.A, returns_id=live, delete=live)

    @property
    def limit(self) -> Rate:
        """5,000 points an hour for one account, three for a record (docs.bsky.app/docs/advanced-guides/rate-limits)."""
        return self.rate or Rate(1666, timedelta(hours=1), 100)

    @property
    def destination(self) -> Destination:
        """The account's server, or the folder of the requests."""
        if self.password is None:
            return Destination(live=False, place=str(self._folder))
        missing = self.password.missing()
        return Destination(live=True, place=f"{self.pds} as {self.handle}", missing=(missing,) if missing else ())

    @property
    def _folder(self) -> Path:
        return self.places.outbox / self.name

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """The records as putRecord bodies; raises ConfigError when the template fails."""
        release = without_marks(release)
        return [self._message(release, text, kit) for text in self.texts(release)]

    def _message(self, release: Release, text: LanguageVersion, kit: Kit) -> Message:
        limits = kit.networks[self.TYPE]
        tags = hashtags.accepted(text.hashtags, _tag_rule(limits))
        url = kit.page_url(release, text)
        template = post.Template(
            name=f"{self.TYPE}/post.txt", render=kit.templates.render, values=kit.values(release, text)
        )
        fitted, source = post.choose(
            text,
            (self.name, self.TYPE),
            link=Link(links.short(url), url),
            tags=tags.tags,
            template=template,
            fits=lambda segments: not any(c.over for c in _counts(segments, limits)),
        )
        hidden = [tag for tag in tags.tags if tag not in fitted.hashtags][: int(limits["max_hidden_tags"])]
        rkey = key(kit.lift, f"{release.id}/{release.version}/{self.name}/{text.lang}")
        made = record(text, url, fitted.segments, hidden=hidden, instant=kit.lift)
        body = {"repo": self.handle, "collection": COLLECTION, "rkey": rkey, "record": made}
        words = shown(fitted.segments)
        return Message(
            channel=self.name,
            type=self.TYPE,
            lang=text.lang,
            content=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
            content_type="application/json",
            filename="post.json",
            title=words.partition("\n")[0],
            text=words,
            entities=posts.entities(fitted),
            counts=_counts(fitted.segments, limits),
            dropped=_dropped((*tags.omitted, *fitted.omitted), hidden),
            recipients=public(text),
            meta={
                "source": source,
                "cut": "headline" if fitted.cut else "",
                "rkey": rkey,
                "hidden_tags": " ".join(hidden),
                "account": f"@{self.handle}",
                "card_title": text.headline,
                "card_description": text.summary or text.subheadline or "",
                "card_host": links.short(url).partition("/")[0],
            },
        )

    def check(self, message: Message) -> Iterable[Finding]:
        """Length, what was left out, and what looks live in the text but is not."""
        return posts.findings(self._remarks(message), self.name)

    def _remarks(self, message: Message) -> Iterator[remarks.Remark]:
        own = [(entity.start, entity.end) for entity in message.entities]
        over = [f"{c.used} of {c.limit} {c.unit}" for c in message.counts if c.over]
        yield from remarks.length(over, source=message.meta["source"])
        yield from remarks.leftovers(((d.text, d.why) for d in message.dropped), cut=bool(message.meta["cut"]))
        yield from remarks.tags(entity.target for entity in message.entities if entity.kind == "hashtag")
        yield from remarks.linkless(entity.kind for entity in message.entities)
        yield from remarks.accidents(entities.bluesky(message.text), own, effect="on Bluesky it stays plain text")

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        """Write the record, or the request to the outbox; `key` only names the file, the record has its own."""
        request = Request(
            method="POST",
            url=f"{self.pds.rstrip('/')}/xrpc/com.atproto.repo.putRecord",
            headers=(("Content-Type", "application/json"),),
            body=self.compose(message, recipient),
        )
        if self.password is None:
            return Receipt(id=str(write_local(self._folder, key, request)))
        uri = await self._session.write(self._account(self.password), request)
        return Receipt(id=uri, url=f"https://bsky.app/profile/{self.handle}/post/{message.meta['rkey']}")

    async def withdraw(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """Delete the record; one that is gone already is no error (docs.bsky.app, com.atproto.repo.deleteRecord)."""
        if self.password is None:
            raise Refused("nothing was sent: there is no password")
        body = {"repo": self.handle, "collection": "app.bsky.feed.post", "rkey": message.meta["rkey"]}
        request = Request(
            method="POST",
            url=f"{self.pds.rstrip('/')}/xrpc/com.atproto.repo.deleteRecord",
            headers=(("Content-Type", "application/json"),),
            body=json.dumps(body).encode(),
        )
        await self._session.send(self._account(self.password), request)
        return Receipt(id=receipt.id, detail="withdrawn")

    def _account(self, password: Secret) -> Account:
        return Account(channel=self.name, pds=self.pds.rstrip("/"), handle=self.handle, password=password)

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The body in the written request; None when it went to the server."""
        return None if self.destination.live else read_local(Path(receipt.id))

    async def close(self) -> None:
        """Close the connection; the login stays for the next one."""
        await self._session.close()


def _tag_rule(limits: Mapping[str, Any]) -> hashtags.Rule:
    return replace(
        hashtags.BLUESKY, max_graphemes=int(limits["max_tag_graphemes"]), max_bytes=int(limits["max_tag_bytes"])
    )


def _counts(segments: Segments, limits: Mapping[str, Any]) -> tuple[Count, Count]:
    text = shown(segments)
    return (
        Count(used=count.graphemes(text), limit=int(limits["max_graphemes"]), unit="graphemes"),
        Count(used=count.utf8(text), limit=int(limits["max_bytes"]), unit="bytes"),
    )


def _dropped(omitted: Iterable[Omission], hidden: Sequence[str]) -> tuple[Dropped, ...]:
    found = {f"#{tag}": "; search still finds the post by it" for tag in hidden}
    return tuple(Dropped(text=o.text, why=o.why + found.get(o.text, "")) for o in omitted)


CHANNEL: type[Channel] = Bluesky
