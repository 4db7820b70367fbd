"""Matrix: one message per language in a room (spec.matrix.org, client-server API, "Sending events to a room")."""

import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from distributor.contract import (
    Capabilities,
    Count,
    Idempotency,
    InDoubt,
    MediaFile,
    Message,
    Receipt,
    Recipient,
    Unauthorized,
    Unavailable,
)
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.http import Answer, Request
from distributor.posts import Known, Post, Social
from distributor.settings import Secret
from distributor.text import count, entities
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import Break, Link, Mention, shown

from . import room as rooms

_JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, kw_only=True)
class Matrix(Social):
    """The transaction id is our key: a repeat by the same device is the same event (class A)."""

    TYPE: ClassVar[str] = "matrix"
    NETWORK: ClassVar[str] = "Matrix"
    CLASS: ClassVar[Idempotency] = Idempotency.A
    EDIT: ClassVar[bool] = True
    DELETE: ClassVar[bool] = True
    EFFECT: ClassVar[str] = "nobody is called; some apps make it live"
    FINDS: ClassVar[bool] = False
    ADDRESS: ClassVar[str] = "homeserver"
    DESTINATION: ClassVar[Mapping[str, str]] = {"homeserver": "server", "room": "room"}
    CREDENTIALS: ClassVar[tuple[str, ...]] = ("token",)
    KNOWN: ClassVar[tuple[Known, ...]] = (
        Known(
            says="m_forbidden", outcome=Unauthorized, advice="invite the account to the room, and let it write there"
        ),
        Known(says="m_unknown_token", outcome=Unauthorized, advice="log the account in again"),
        Known(says="m_too_large", advice="shorten it"),
    )

    homeserver: Url = "https://matrix.example"
    room: str  #: `!opaque:server`
    token: Secret | None = None  #: an access token of the account that writes
    message_type: Literal["m.text", "m.notice"] = "m.text"  #: a notice calls for no answer by a bot

    def __post_init__(self) -> None:
        """Raises ConfigError for a room that is an alias."""
        super().__post_init__()
        if not self.room.startswith("!"):
            raise ConfigError(
                f"[channels.{self.name}] room: '{self.room}' is not a room id; it begins with '!' "
                "(room settings, Advanced)"
            )

    @property
    def able(self) -> Capabilities:
        """Servers keep transaction ids for a while only; the specification says not how long."""
        return replace(super().able, key_lifetime=timedelta(minutes=25), looks=True)

    @property
    def account_name(self) -> str:
        """The room."""
        return self.room

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """Bytes of the two forms, and of the event around them."""
        used = count.utf8(shown(segments)) + count.utf8(_html(segments)) + 5000
        return (Count(used=used, limit=int(limits["max_bytes"]), unit="bytes at most"),)

    def sizes(self, content: bytes, limits: Mapping[str, Any]) -> tuple[Count, ...]:
        """The whole event."""
        return (Count(used=len(content), limit=int(limits["max_bytes"]), unit="bytes of the event"),)

    def found(self, text: str) -> list[Found]:
        """What looks like a mention."""
        return entities.chat(text)

    def body(self, post: Post) -> Mapping[str, Any]:
        """The event's content, in plain text and in HTML; it calls nobody but whom it mentions."""
        called = list(dict.fromkeys(part.target for part in post.segments if isinstance(part, Mention)))
        pictures = "".join(
            f'<br><img src="{photo.mark}" alt="{html.escape(photo.alt)}" width="480">' for photo in post.photos
        )
        return {
            "msgtype": self.message_type,
            "body": post.words,
            "format": "org.matrix.custom.html",
            "formatted_body": _html(post.segments) + pictures,
            "m.mentions": {"user_ids": called} if called else {},
        }

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """PUT …/send/m.room.message/{our key}."""
        return self._put("send/m.room.message", key, content)

    def _put(self, what: str, key: str, body: bytes) -> Request:
        return Request(method="PUT", url=f"{self._room}/{what}/{quote(key, safe='')}", headers=(_JSON,), body=body)

    @property
    def _room(self) -> str:
        return f"{self.homeserver.rstrip('/')}/_matrix/client/v3/rooms/{quote(self.room, safe='')}"

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """The event's id."""
        event = answer.json().get("event_id")
        if not isinstance(event, str) or not event.startswith("$"):
            raise InDoubt(f"{self.homeserver} answered {answer.status} without the event's id")
        return self._receipt(event)

    def _receipt(self, event: str) -> Receipt:
        return Receipt(id=event, url=f"https://matrix.to/#/{quote(self.room, safe='!:')}/{quote(event, safe='$:')}")

    async def upload(self, file: MediaFile, message: Message, credential: str) -> str:  # noqa: ARG002
        """POST /_matrix/media/v3/upload; the answer is an mxc:// address."""
        url = f"{self.homeserver.rstrip('/')}/_matrix/media/v3/upload?filename={quote(file.name)}"
        request = Request(method="POST", url=url, headers=(("Content-Type", file.content_type),), body=file.data)
        address = (await self.send(request, credential)).json().get("content_uri")
        if not isinstance(address, str) or not address.startswith("mxc://") or '"' in address:
            raise Unavailable(f"{self.homeserver} did not say where it keeps {file.name}")
        return address

    async def withdraw(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:
        """Redact every edit and the event itself: an edit keeps its own text. The edits are those of the receipt and those
        that the server names, since earlier versions of this program kept no edit in their receipts.
        """
        if not self.token or not receipt.id:
            return await super().withdraw(message, recipient, key, receipt)
        credential = await self.credential()
        ours = [name for name in receipt.made if name.startswith("$")]

        async def ask(request: Request) -> Answer:
            answer = await self._ask(request, credential)
            if answer.status in (401, 429) or answer.status >= 500:
                self._judge(answer, credential)
            return answer

        others = [one for one in await rooms.edits(ask, self._room, receipt.id) if one not in ours]
        for event in (*ours, *others, receipt.id):
            answer = await ask(self._redaction(event))
            if not self.is_gone(answer) and not (event in others and answer.status == 403):  # a stranger's is no edit
                self._judge(answer, credential)
        files = sum(name.startswith("mxc:") for name in receipt.made)
        stays = f", {files} pictures stay in the server's store until its administrator removes them" if files else ""
        return Receipt(id=receipt.id, detail=f"withdrawn{stays}")

    def _redaction(self, event: str) -> Request:
        """PUT …/redact/{event}/{key}. The key comes from the event: asked again, it is the same redaction."""
        body = json.dumps({"reason": "withdrawn"}).encode()
        key = f"redact-{hashlib.sha256(event.encode()).hexdigest()[:32]}"
        return self._put(f"redact/{quote(event, safe='')}", key, body)

    async def reconcile(self, message: Message, recipient: Recipient, key: str, since: datetime) -> Receipt | None:
        """Whether the room holds what our transaction wrote. Raises DeliveryError."""
        credential = await self.credential()

        async def ask(request: Request) -> Answer:
            return await self.look(request, credential)

        event = await rooms.written(ask, self._room, key, self.compose(message, recipient), since)
        return self._receipt(event) if event else None

    def revised(self, answer: Answer) -> Sequence[str]:
        """The event that replaces the first."""
        event = answer.json().get("event_id")
        if not isinstance(event, str):
            raise InDoubt(f"{self.homeserver} answered {answer.status} without the event's id")
        return (event,)

    def revision(self, content: bytes, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """An event that replaces the first (m.replace)."""
        new = json.loads(content)
        made = {**new, "body": f"* {new['body']}", "formatted_body": f"* {new['formatted_body']}", "m.new_content": new}
        made["m.relates_to"] = {"rel_type": "m.replace", "event_id": receipt.id}
        return self._put("send/m.room.message", key, json.dumps(made, ensure_ascii=False).encode())

    def sentence(self, answer: Answer) -> str:
        """`{errcode, error}`."""
        value = answer.json()
        return " ".join(str(value[name]) for name in ("errcode", "error") if value.get(name))

    def wait(self, answer: Answer) -> float | None:
        """`retry_after_ms` of M_LIMIT_EXCEEDED."""
        found = answer.json().get("retry_after_ms")
        return found / 1000 if isinstance(found, int | float) else None


def _html(segments: Segments) -> str:
    """As the specification's HTML subset."""
    out = []
    for part in segments:
        words = html.escape(part.shown)
        if isinstance(part, Link):
            words = f'<a href="{html.escape(part.url)}">{words}</a>'
        elif isinstance(part, Mention):
            words = f'<a href="https://matrix.to/#/{html.escape(quote(part.target, safe="@:"))}">{words}</a>'
        out.append("<br>" if isinstance(part, Break) else words)
    return "".join(out)


CHANNEL = Matrix
