"""Mastodon: one status per language, by the instance's own API (docs.joinmastodon.org/methods/statuses)."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

from distributor import posts
from distributor.contract import (
    Capabilities,
    Channel,
    Count,
    Destination,
    Dropped,
    Finding,
    Idempotency,
    InDoubt,
    Kit,
    Message,
    Rate,
    Receipt,
    Recipient,
    Refused,
    Unauthorized,
    public,
)
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.http import Answer, Http, Request, is_secure, raise_for, read_local, write_local
from distributor.release import LanguageVersion, Release
from distributor.settings import Secret
from distributor.text import count, entities, hashtags, post, remarks
from distributor.text.fit import Segments
from distributor.text.said import said
from distributor.text.segments import Link, shown, without_marks

_JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, kw_only=True)
class Mastodon(Channel):
    """Posts with an Idempotency-Key, which a server remembers for an hour: within that hour a repeat is the same
    status (class A). Without a token every request is written to a folder instead.
    """

    TYPE: ClassVar[str] = "mastodon"

    instance: Url = "https://mastodon.example"
    visibility: Literal["public", "unlisted", "private"] = "public"
    token: Secret | None = None  #: an access token with the scope `write:statuses`
    max_characters: int | None = None  #: where the instance allows another length than config/networks.toml says
    _http: Http = field(init=False, repr=False, compare=False, default_factory=Http)

    def __post_init__(self) -> None:
        """Raises ConfigError for an address that a token must not travel to, or a length that is none."""
        super().__post_init__()
        if not is_secure(self.instance):
            raise ConfigError(f"[channels.{self.name}] instance: '{self.instance}' must begin with https://")
        if self.max_characters is not None and self.max_characters < 1:
            raise ConfigError(f"[channels.{self.name}] max_characters: {self.max_characters} must be above zero")

    @property
    def capabilities(self) -> Capabilities:
        """Class A for an hour (docs.joinmastodon.org, statuses: Idempotency-Key); the server draws the link's card right
        after the post, so the page must be there first.
        """
        live = self.token is not None
        lifetime = timedelta(minutes=55) if live else None
        return Capabilities(
            idempotency=Idempotency.A, key_lifetime=lifetime, returns_id=live, needs_page=live, delete=live
        )

    @property
    def limit(self) -> Rate:
        """300 requests in five minutes for one account (docs.joinmastodon.org/api/rate-limits)."""
        return self.rate or Rate(300, timedelta(minutes=5), 30)

    @property
    def destination(self) -> Destination:
        """The instance, or the folder of the requests."""
        if self.token is None:
            return Destination(live=False, place=str(self._folder))
        missing = self.token.missing()
        return Destination(live=True, place=self.instance, missing=(missing,) if missing else ())

    @property
    def _folder(self) -> Path:
        return self.places.outbox / self.name

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """The statuses as JSON bodies; raises ConfigError when the template fails."""
        release = without_marks(release)
        return [self._message(release, text, kit) for text in self.texts(release)]

    def _message(self, release: Release, text: LanguageVersion, kit: Kit) -> Message:
        limits = kit.networks[self.TYPE]
        limit = self.max_characters or int(limits["max_characters"])

        def used(segments: Segments) -> int:
            return count.mastodon(shown(segments), per_url=int(limits["characters_reserved_per_url"]))

        tags = hashtags.accepted(text.hashtags, hashtags.MASTODON)
        url = kit.page_url(release, text)
        template = post.Template(
            name=f"{self.TYPE}/post.txt", render=kit.templates.render, values=kit.values(release, text)
        )
        fitted, source = post.choose(
            text,
            (self.name, self.TYPE),
            link=Link(url, url),
            tags=tags.tags,
            template=template,
            fits=lambda segments: used(segments) <= limit,
        )
        status = shown(fitted.segments)
        body = {"status": status, "visibility": self.visibility, "language": text.lang.partition("-")[0]}
        return Message(
            channel=self.name,
            type=self.TYPE,
            lang=text.lang,
            content=_json(body),
            content_type="application/json",
            filename="post.json",
            title=status.partition("\n")[0],
            text=status,
            entities=posts.entities(fitted),
            counts=(Count(used=used(fitted.segments), limit=limit, unit="characters"),),
            dropped=tuple(Dropped(text=o.text, why=o.why) for o in (*tags.omitted, *fitted.omitted)),
            recipients=public(text),
            meta={"source": source, "cut": "headline" if fitted.cut else "", "account": self.instance},
        )

    def check(self, message: Message) -> Iterable[Finding]:
        """Length, what was left out, and what the server will make live besides our own, or fail to."""
        return posts.findings(self._remarks(message), self.name)

    def _remarks(self, message: Message) -> Iterator[remarks.Remark]:
        found = entities.mastodon(message.text)
        own = [(entity.start, entity.end) for entity in message.entities]
        over = [f"{c.used} of {c.limit} {c.unit}" for c in message.counts if c.over]
        yield from remarks.length(over, source=message.meta["source"])
        yield from remarks.leftovers(((d.text, d.why) for d in message.dropped), cut=bool(message.meta["cut"]))
        yield from remarks.tags(entity.target for entity in message.entities if entity.kind == "hashtag")
        yield from remarks.linkless(entity.kind for entity in message.entities)
        yield from remarks.dead(message.text, found, own)
        yield from remarks.accidents(found, own, effect="Mastodon will make it live")

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        """Post the status, or write the request to the outbox."""
        request = Request(
            method="POST",
            url=f"{self.instance.rstrip('/')}/api/v1/statuses",
            headers=(_JSON, ("Idempotency-Key", key)),
            body=self.compose(message, recipient),
        )
        if self.token is None:
            return Receipt(id=str(write_local(self._folder, key, request)))
        token = self._reveal(self.token)
        answer = await self._http.send(request, bearer=token)
        status = answer.json()
        raise_for(answer, self.instance, said(status.get("error"), hide=[token]))
        return _receipt(answer, self.instance)

    async def withdraw(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """Delete the status; one that is gone already is no error (docs.joinmastodon.org/methods/statuses/#delete)."""
        if self.token is None or not receipt.id.isalnum():
            raise Refused("it is not known which status it is: look, and delete it by hand")
        token = self._reveal(self.token)
        url = f"{self.instance.rstrip('/')}/api/v1/statuses/{receipt.id}"
        answer = await self._http.send(Request(method="DELETE", url=url), bearer=token)
        if answer.status != 404:
            raise_for(answer, self.instance, said(answer.json().get("error"), hide=[token]))
        return Receipt(id=receipt.id, detail="withdrawn")

    def _reveal(self, secret: Secret) -> str:
        try:
            token = secret.reveal().strip()
        except (ConfigError, OSError, UnicodeDecodeError):
            raise Unauthorized(f"[channels.{self.name}] token: {secret.missing() or 'it'} cannot be read") from None
        if not token.isascii() or not token.isprintable() or " " in token:
            raise Unauthorized(f"[channels.{self.name}] token: it holds characters that no access token has")
        return token

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The body in the written request; None when it went to the instance."""
        return None if self.destination.live else read_local(Path(receipt.id))

    async def close(self) -> None:
        """Close the connection."""
        await self._http.close()


def _receipt(answer: Answer, instance: str) -> Receipt:
    """Raises InDoubt when a success does not say what was written."""
    status = answer.json()
    if not isinstance(status.get("id"), str):
        raise InDoubt(f"{instance} answered {answer.status} without the status's id")
    url = status.get("url")
    web = isinstance(url, str) and url.startswith(("https://", "http://"))  # it becomes a link in a person's browser
    return Receipt(id=status["id"], url=url if web else None)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


CHANNEL: type[Channel] = Mastodon
