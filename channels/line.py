"""LINE: one broadcast per language to the friends of an official account (developers.line.biz, Messaging API)."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from distributor.contract import Capabilities, Count, Idempotency, InDoubt, Message, Rate, Receipt, Unauthorized
from distributor.fields import Url
from distributor.http import Answer, Request
from distributor.posts import Known, Post, Social
from distributor.settings import Secret
from distributor.text import count, entities, remarks
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import shown

_JSON = ("Content-Type", "application/json")
_IDENTITY = uuid.UUID("8f1f3a44-0b52-5a1c-9f3b-0f2f6f4b6f01")


@dataclass(frozen=True, kw_only=True)
class Line(Social):
    """X-Line-Retry-Key is our key: a repeat is refused with 409 and names the first (class A for a day)."""

    TYPE: ClassVar[str] = "line"
    NETWORK: ClassVar[str] = "LINE"
    DESTINATION: ClassVar[Mapping[str, str]] = {"api": "server"}
    CREDENTIALS: ClassVar[tuple[str, ...]] = ("token",)
    CLASS: ClassVar[Idempotency] = Idempotency.A
    ALT: ClassVar[bool] = False
    BY_ADDRESS: ClassVar[bool] = True
    EFFECT: ClassVar[str] = "LINE will make it live"
    CALLS: ClassVar[str] = "LINE shows it as text"
    KNOWN: ClassVar[tuple[Known, ...]] = (
        Known(
            says="monthly limit",
            outcome=Unauthorized,
            advice="the month's messages are used up: buy more in the LINE Official Account Manager, then resume",
        ),
    )

    api: Url = "https://api.line.me"
    token: Secret | None = None  #: the channel access token

    @property
    def able(self) -> Capabilities:
        """A retry key is known for 24 hours."""
        return replace(super().able, key_lifetime=timedelta(hours=23))

    @property
    def remains(self) -> str:
        """A broadcast cannot be taken back."""
        return "it stays with every friend of the account: send them a word on it" if self.token else super().remains

    @property
    def limit(self) -> Rate:
        """60 broadcasts an hour (developers.line.biz, rate limits)."""
        return self.rate or Rate(60, timedelta(hours=1), 5)

    @property
    def live_place(self) -> str:
        """Everybody who follows the account."""
        return "LINE, to every friend of the account"

    @property
    def account_name(self) -> str:
        """Its name is set at LINE."""
        return "official account"

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """UTF-16 units."""
        return (Count(used=count.utf16(shown(segments)), limit=int(limits["max_characters"]), unit="characters"),)

    def found(self, text: str) -> list[Found]:
        """Links."""
        return entities.links(text)

    def body(self, post: Post) -> Mapping[str, Any]:
        """At most five messages: the text and up to four photos, by their address."""
        photos = [
            {"type": "image", "originalContentUrl": photo.url, "previewImageUrl": photo.small_url}
            for photo in post.photos
        ]
        return {"messages": [{"type": "text", "text": post.words}, *photos]}

    def more(self, message: Message) -> Iterable[remarks.Remark]:  # noqa: ARG002
        """It cannot be taken back."""
        text = "a broadcast cannot be edited or taken back, and each one counts against the month's messages"
        yield remarks.Remark(severity="note", code="no-way-back", text=text)

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST /v2/bot/message/broadcast."""
        headers = (_JSON, ("X-Line-Retry-Key", str(uuid.uuid5(_IDENTITY, key))))
        url = f"{self.api.rstrip('/')}/v2/bot/message/broadcast"
        return Request(method="POST", url=url, headers=headers, body=content)

    def _judge(self, answer: Answer, credential: str) -> None:
        if answer.status != 409 or not answer.headers.get("x-line-accepted-request-id"):  # it was executed before
            super()._judge(answer, credential)

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """The number of the request that was executed."""
        name = answer.headers.get("x-line-accepted-request-id") or answer.headers.get("x-line-request-id")
        if not name:
            raise InDoubt(f"LINE answered {answer.status} without the request's number")
        return Receipt(id=name)


CHANNEL = Line
