"""Mastodon: one status per language, by the instance's own API (docs.joinmastodon.org/methods/statuses)."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

from distributor.contract import (
    Capabilities,
    Count,
    DeliveryError,
    Idempotency,
    InDoubt,
    MediaFile,
    Message,
    Rate,
    Receipt,
    Recipient,
    Refused,
    Unavailable,
)
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.http import Answer, Request, multipart
from distributor.posts import Connected, OAuth, Post
from distributor.text import count, entities, hashtags
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import shown

from . import server, timeline

_JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, kw_only=True)
class Mastodon(Connected):
    """Posts with an Idempotency-Key, which Mastodon's own software remembers for an hour: within that hour a repeat is the
    same status (class A). Other software ignores it (class C): the account's statuses are read before a repeat. What
    answers is asked, and remembered; until then it is class C.
    """

    TYPE: ClassVar[str] = "mastodon"
    NETWORK: ClassVar[str] = "Mastodon"
    CLASS: ClassVar[Idempotency] = Idempotency.C
    EDIT: ClassVar[bool] = True
    DELETE: ClassVar[bool] = True
    TAGS: ClassVar[hashtags.Rule | None] = hashtags.MASTODON
    EFFECT: ClassVar[str] = "Mastodon will make it live"
    ADDRESS: ClassVar[str] = "instance"
    DESTINATION: ClassVar[Mapping[str, str]] = {"instance": "instance"}

    instance: Url = "https://mastodon.example"
    visibility: Literal["public", "unlisted", "private"] = "public"
    max_characters: int | None = None  #: where the instance allows another length than config/networks.toml says

    def __post_init__(self) -> None:
        """Raises ConfigError for an address that a token must not travel to, or a length that is none."""
        super().__post_init__()
        if self.max_characters is not None and self.max_characters < 1:
            raise ConfigError(f"[channels.{self.name}] max_characters: {self.max_characters} must be above zero")

    @property
    def able(self) -> Capabilities:
        """Class A for an hour where the server keeps keys (docs.joinmastodon.org, statuses: Idempotency-Key), else C."""
        known = self._known()
        if known is None or not known.keeps_keys:
            return replace(super().able, looks=True)
        return replace(super().able, idempotency=Idempotency.A, looks=True, key_lifetime=timedelta(minutes=55))

    @property
    def _memory(self) -> Path:
        return self.places.state / "servers" / f"{self.name}.json"

    def _known(self) -> server.Server | None:
        """What was learned of the instance, by this process or another."""
        return server.recall(self._memory, self._base)

    async def learn(self) -> None:
        """Ask the instance what it is, once a day. What was learned stays where it does not answer."""
        known = self._known()
        if not self._is_live or (known and known.is_fresh(datetime.now(UTC))):
            return
        with contextlib.suppress(DeliveryError, OSError):
            server.remember(self._memory, await server.ask(self._public, self._base))

    async def _public(self, request: Request) -> Answer:
        """Ask what everybody may know, without the credential."""
        answer = await self._http.send(request)
        server.unavailable(self.instance, answer)
        return answer if answer.status < 300 else replace(answer, body=b"{}")

    async def prepare(self) -> None:
        """Renew the login, and learn what the instance is, while there is time."""
        await super().prepare()
        await self.learn()

    async def reconcile(self, message: Message, recipient: Recipient, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002
        """Whether the account's statuses hold this text. Raises DeliveryError."""
        credential = await self.credential()

        async def ask(request: Request) -> Answer:
            return await self.look(request, credential)

        status = await timeline.written(ask, self._base, message.text, since)
        return self._receipt(status) if status else None

    @property
    def limit(self) -> Rate:
        """300 requests in five minutes for one account (docs.joinmastodon.org/api/rate-limits)."""
        return self.rate or Rate(300, timedelta(minutes=5), 30)

    @property
    def oauth(self) -> OAuth:
        """The instance's own (docs.joinmastodon.org/methods/oauth)."""
        base = self.instance.rstrip("/")
        scopes = ("write:statuses", "write:media", "read:accounts", "read:statuses")
        return OAuth(
            authorize=f"{base}/oauth/authorize", token=f"{base}/oauth/token", scopes=scopes, secret_in_body=True
        )

    @property
    def account_name(self) -> str:
        """The instance."""
        return self.instance

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """Graphemes; a link counts 23."""
        used = count.mastodon(shown(segments), per_url=int(limits["characters_reserved_per_url"]))
        return (Count(used=used, limit=self.max_characters or int(limits["max_characters"]), unit="characters"),)

    def found(self, text: str) -> list[Found]:
        """Links, mentions and hashtags as the server finds them."""
        return entities.mastodon(text)

    def has_card(self, post: Post) -> bool:
        """Return whether the server draws the page's card: of any link, where no photo stands."""
        return not post.photos

    def body(self, post: Post) -> Mapping[str, Any]:
        """The status (docs.joinmastodon.org/methods/statuses/#create)."""
        status = {"status": post.words, "visibility": self.visibility, "language": post.text.lang.partition("-")[0]}
        return {**status, "media_ids": [photo.mark for photo in post.photos]} if post.photos else status

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST /api/v1/statuses."""
        headers = (_JSON, ("Idempotency-Key", key))
        return Request(method="POST", url=self._url("/api/v1/statuses"), headers=headers, body=content)

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """The status's id and address."""
        status = answer.json()
        if not isinstance(status.get("id"), str):
            raise InDoubt(f"{self.instance} answered {answer.status} without the status's id")
        return self._receipt(status)

    @staticmethod
    def _receipt(status: Mapping[str, Any]) -> Receipt:
        url = status.get("url")
        web = isinstance(url, str) and url.startswith(
            ("https://", "http://")
        )  # it becomes a link in a person's browser
        return Receipt(id=status["id"], url=url if web else None)

    async def upload(self, file: MediaFile, message: Message, credential: str) -> str:  # noqa: ARG002
        """POST /api/v2/media, then ask until it is processed (202, 206: docs.joinmastodon.org/methods/media/#v2)."""
        fields = {"description": file.alt} if file.alt else {}
        answer = await self.send(multipart(self._url("/api/v2/media"), fields, {"file": file}), credential)
        name = answer.json().get("id")
        if not isinstance(name, str):
            raise Unavailable(f"{self.instance} answered {answer.status} without the file's id")
        for _ in range(30):
            if answer.status not in (202, 206):
                return name
            await self.pause(1.0)
            answer = await self.send(Request(method="GET", url=self._url(f"/api/v1/media/{name}")), credential)
        raise Unavailable(f"{self.instance} is still processing {file.name}")

    def removal(self, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """DELETE /api/v1/statuses/:id, its media with it (docs.joinmastodon.org/methods/statuses/#delete)."""
        if not receipt.id.isalnum():
            raise Refused("it is not known which status it is: look, and delete it by hand")
        return Request(method="DELETE", url=self._url(f"/api/v1/statuses/{receipt.id}?delete_media=true"))

    def leftover(self, name: str, message: Message, credential: str) -> Request | None:  # noqa: ARG002
        """DELETE /api/v1/media/:id, of an upload that no status holds (docs.joinmastodon.org/methods/media/#delete)."""
        return Request(method="DELETE", url=self._url(f"/api/v1/media/{name}")) if name.isalnum() else None

    def revision(self, content: bytes, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """PUT /api/v1/statuses/:id, which takes no visibility."""
        body = {name: value for name, value in json.loads(content).items() if name != "visibility"}
        url = self._url(f"/api/v1/statuses/{receipt.id}")
        return Request(method="PUT", url=url, headers=(_JSON,), body=json.dumps(body, ensure_ascii=False).encode())

    def _url(self, path: str) -> str:
        return self._base + path

    @property
    def _base(self) -> str:
        return self.instance.rstrip("/")


CHANNEL = Mastodon
