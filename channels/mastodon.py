"""Mastodon: one status per language, by the instance's own API (docs.joinmastodon.org/methods/statuses)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, Literal

from distributor.contract import (
    Capabilities,
    Count,
    Idempotency,
    InDoubt,
    MediaFile,
    Message,
    Rate,
    Receipt,
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

_JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, kw_only=True)
class Mastodon(Connected):
    """Posts with an Idempotency-Key, which a server remembers for an hour: within that hour a repeat is the same
    status (class A).
    """

    TYPE: ClassVar[str] = "mastodon"
    NETWORK: ClassVar[str] = "Mastodon"
    CLASS: ClassVar[Idempotency] = Idempotency.A
    EDIT: ClassVar[bool] = True
    DELETE: ClassVar[bool] = True
    TAGS: ClassVar[hashtags.Rule | None] = hashtags.MASTODON
    EFFECT: ClassVar[str] = "Mastodon will make it live"
    ADDRESS: ClassVar[str] = "instance"

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
        """Class A for an hour (docs.joinmastodon.org, statuses: Idempotency-Key)."""
        return replace(super().able, key_lifetime=timedelta(minutes=55))

    @property
    def limit(self) -> Rate:
        """300 requests in five minutes for one account (docs.joinmastodon.org/api/rate-limits)."""
        return self.rate or Rate(300, timedelta(minutes=5), 30)

    @property
    def oauth(self) -> OAuth:
        """The instance's own (docs.joinmastodon.org/methods/oauth)."""
        base = self.instance.rstrip("/")
        scopes = ("write:statuses", "write:media")
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
        return self.instance.rstrip("/") + path


CHANNEL = Mastodon
