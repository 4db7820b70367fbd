"""Copy-ready text for a network without an API of its own (Weibo, WeChat, WhatsApp …): a person pastes it, and says so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from distributor import files
from distributor.contract import (
    ByHand,
    Capabilities,
    Channel,
    Count,
    Destination,
    Idempotency,
    Message,
    Receipt,
    Recipient,
)
from distributor.errors import ConfigError, nearest
from distributor.http import Answer, Request
from distributor.posts import Post, Social
from distributor.text import count, entities, hashtags, remarks
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import shown

_UNITS = {
    "characters": count.graphemes,
    "utf16": count.utf16,
    "half-widths": count.half_widths,
}


@dataclass(frozen=True, kw_only=True)
class CopyText(Social):
    """At the instant the text and its photos lie in a folder, and the delivery is `in_doubt` until a person has posted it."""

    TYPE: ClassVar[str] = "copytext"
    NETWORK: ClassVar[str] = "copy text"
    DESTINATION: ClassVar[Mapping[str, str]] = {"for_network": "network"}
    NEEDS_PAGE: ClassVar[bool] = False
    ALT: ClassVar[bool] = False
    TAGS: ClassVar[hashtags.Rule | None] = hashtags.FACEBOOK
    EFFECT: ClassVar[str] = "the network may make it live"
    FINDS: ClassVar[bool] = False

    for_network: str = "weibo"  #: a block of [copytext.networks] in config/networks.toml: weibo, wechat, whatsapp
    media: Any = "photos"

    @property
    def capabilities(self) -> Capabilities:
        """Nothing is sent twice on its own: a person decides."""
        return Capabilities(idempotency=Idempotency.D, delete=True)

    @property
    def able(self) -> Capabilities:
        """The same: there is no network to ask."""
        return self.capabilities

    @property
    def destination(self) -> Destination:
        """A folder, for a person."""
        return Destination(live=False, place=str(self._folder))

    @property
    def destination_facts(self) -> dict[str, str | None]:
        """The folder, and the network that a person posts it on."""
        return {"folder": self.places.within(self._folder), "network": self.for_network}

    @property
    def account_name(self) -> str:
        """The network that it is written for."""
        return self.for_network

    def _rules(self, limits: Mapping[str, Any]) -> Mapping[str, Any]:
        known: Mapping[str, Any] = limits["networks"]
        if self.for_network not in known:
            text = f"[channels.{self.name}] for_network: there is no network '{self.for_network}'"
            raise ConfigError(f"{text}{nearest(self.for_network, known)}")
        found: Mapping[str, Any] = known[self.for_network]
        return found

    def tag_form(self, limits: Mapping[str, Any]) -> str:
        """`#{}#` on Weibo."""
        return str(self._rules(limits).get("hashtags", "#{}"))

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """By the network's unit."""
        rules = self._rules(limits)
        unit = str(rules.get("unit", "characters"))
        return (Count(used=_UNITS[unit](shown(segments)), limit=int(rules["max_characters"]), unit="characters"),)

    def found(self, text: str) -> list[Found]:
        """Links."""
        return entities.links(text)

    def body(self, post: Post) -> Mapping[str, Any]:
        """The words."""
        return {"text": post.words}

    def encode(self, body: Mapping[str, Any]) -> tuple[bytes, str]:
        """The words themselves."""
        return f"{body['text']}\n".encode(), "text/plain; charset=utf-8"

    def more(self, message: Message) -> Iterable[remarks.Remark]:  # noqa: ARG002
        """It waits for a person."""
        text = f"a person posts this by hand, and then says so: distributor settle … --there --channel {self.name}"
        yield remarks.Remark(severity="note", code="by-hand", text=text)

    def exhibits(self, message: Message) -> Mapping[str, bytes]:
        """The text and its photos."""
        return {message.filename: message.content, **{file.name: file.data for file in message.media}}

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:
        """None is made."""
        raise NotImplementedError

    def receipt(self, answer: Answer, message: Message) -> Receipt:
        """None comes."""
        raise NotImplementedError

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        """Lay text and photos out, and ask a person. Raises ByHand, or Unavailable for a full disk."""
        folder = self._folder / key
        for file in message.media:
            files.deliver(folder / Path(file.name).name, file.data)
        target = folder / "post.txt"
        files.deliver(target, self.compose(message, recipient))
        reason = f"to do: post {target} on {self.for_network} by hand, then 'distributor settle … --there'"
        raise ByHand(reason, receipt=Receipt(id=str(target)))

    async def withdraw(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """Take the text out of its folder, so that nobody posts it any more. Where somebody did, ask for its removal.

        Raises ByHand, or Unavailable where the folder cannot be changed.
        """
        folder = self._folder / key.removesuffix("-kill")
        for name in (*(Path(file.name).name for file in message.media), "post.txt"):
            files.remove(folder / name)
        where = f" ({receipt.url})" if receipt.url else ""
        reason = (
            f"to do: if it was posted on {self.for_network}{where}, delete it there by hand, then 'distributor settle "
            f"… --there --channel {self.name}'"
        )
        raise ByHand(reason, receipt=Receipt(id=str(folder / "post.txt")))

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The text as it was laid out."""
        path = Path(receipt.id)
        return path.read_bytes() if receipt.id and path.is_file() else None


CHANNEL: type[Channel] = CopyText
