"""Telegram: one message per language in a channel, by a bot (core.telegram.org/bots/api)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from distributor.contract import Count, InDoubt, Message, Rate, Receipt, Refused, Unauthorized
from distributor.fields import Url
from distributor.http import Answer, Request
from distributor.posts import Known, Post, Social
from distributor.settings import Secret
from distributor.text import count, entities, hashtags
from distributor.text.entities import Found
from distributor.text.escapes import telegram
from distributor.text.fit import Segments
from distributor.text.segments import shown

_JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, kw_only=True)
class Telegram(Social):
    """A bot cannot read its channel, so that a lost answer is for a person to settle (class D)."""

    TYPE: ClassVar[str] = "telegram"
    NETWORK: ClassVar[str] = "Telegram"
    DESTINATION: ClassVar[Mapping[str, str]] = {"chat": "channel", "api": "server"}
    CREDENTIALS: ClassVar[tuple[str, ...]] = ("token",)
    EDIT: ClassVar[bool] = True
    DELETE: ClassVar[bool] = True
    ALT: ClassVar[bool] = False
    BY_ADDRESS: ClassVar[bool] = True
    TAGS: ClassVar[hashtags.Rule | None] = hashtags.TELEGRAM
    EFFECT: ClassVar[str] = "Telegram will make it live"
    KNOWN: ClassVar[tuple[Known, ...]] = (
        Known(says="bot was kicked", outcome=Unauthorized, advice="make the bot an administrator of the channel again"),
        Known(says="not enough rights", outcome=Unauthorized, advice="let the bot post messages in the channel"),
        Known(says="need administrator rights", outcome=Unauthorized, advice="make the bot an administrator"),
        Known(says="chat not found", outcome=Unauthorized, advice="write the channel's @name, and add the bot to it"),
        Known(says="caption is too long", advice="shorten it, or set media to 'card'"),
    )

    chat: str  #: `@channelname`, or the channel's number
    api: Url = "https://api.telegram.org"
    token: Secret | None = None  #: the bot's token; it stands in every address, which no log shows

    @property
    def limit(self) -> Rate:
        """20 messages a minute in one chat (core.telegram.org/bots/faq)."""
        return self.rate or Rate(20, timedelta(minutes=1), 5)

    @property
    def live_place(self) -> str:
        """The channel."""
        return f"Telegram {self.chat}"

    @property
    def account_name(self) -> str:
        """The channel."""
        return self.chat

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:
        """UTF-16 units after the entities are parsed; under a photo there is less room."""
        used = count.utf16(shown(segments))
        caption = int(limits["max_caption"])
        most = caption if photos and used <= caption else int(limits["max_characters"])
        return (Count(used=used, limit=most, unit="characters"),)

    def found(self, text: str) -> list[Found]:
        """Links, also without https://, mentions, hashtags and cashtags as the apps find them."""
        return entities.telegram(text)

    def body(self, post: Post) -> Mapping[str, Any]:
        """sendMessage, or sendPhoto and sendMediaGroup where the text is short enough for a caption."""
        text = telegram(post.words)
        if not post.photos:
            drawn = {"url": post.url, "prefer_large_media": True}
            preview = drawn if self.has_card(post) and post.url else {"is_disabled": True}
            return {"chat_id": self.chat, "text": text, "parse_mode": "HTML", "link_preview_options": preview}
        if len(post.photos) == 1:
            return {"chat_id": self.chat, "photo": post.photos[0].url, "caption": text, "parse_mode": "HTML"}
        group: list[dict[str, str]] = [{"type": "photo", "media": photo.url} for photo in post.photos]
        group[0] |= {"caption": text, "parse_mode": "HTML"}
        return {"chat_id": self.chat, "media": group}

    def has_room(self, segments: Segments, limits: Mapping[str, Any]) -> bool:
        """Return whether the text is short enough for a caption."""
        return count.utf16(shown(segments)) <= int(limits["max_caption"])

    def has_card(self, post: Post) -> bool:
        """Return whether the page's preview stands below: where no photo does."""
        return self.media != "none" and not post.photos

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST /bot<token>/<method>."""
        body = json.loads(content)
        method = "sendMessage" if "text" in body else "sendPhoto" if "photo" in body else "sendMediaGroup"
        return self._call(method, content, credential)

    def _call(self, method: str, body: bytes, credential: str) -> Request:
        url = f"{self.api.rstrip('/')}/bot{credential}/{method}"
        return Request(method="POST", url=url, headers=(_JSON,), body=body)

    async def _ask(self, request: Request, credential: str, *, bearer: bool = True) -> Answer:  # noqa: ARG002
        return await super()._ask(request, credential, bearer=False)

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """The messages' numbers and the first one's address."""
        result = answer.json().get("result")
        messages = [one for one in (result if isinstance(result, list) else [result]) if isinstance(one, dict)]
        names = [str(one["message_id"]) for one in messages if isinstance(one.get("message_id"), int)]
        if not names:
            raise InDoubt(f"Telegram answered {answer.status} without the message's number")
        name = messages[0].get("chat", {}).get("username")
        return Receipt(id=",".join(names), url=f"https://t.me/{name}/{names[0]}" if name else None)

    def removal(self, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """DeleteMessages."""
        body = {"chat_id": self.chat, "message_ids": _numbers(receipt)}
        return self._call("deleteMessages", json.dumps(body).encode(), credential)

    def is_gone(self, answer: Answer) -> bool:
        """`message to delete not found`."""
        return answer.status == 400 and "not found" in self.sentence(answer) and "chat" not in self.sentence(answer)

    def revision(self, content: bytes, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """editMessageText, or editMessageCaption of the first photo."""
        body = json.loads(content)
        made = {"chat_id": self.chat, "message_id": _numbers(receipt)[0], "parse_mode": "HTML"}
        if "text" in body:
            made |= {"text": body["text"], "link_preview_options": body["link_preview_options"]}
            return self._call("editMessageText", json.dumps(made, ensure_ascii=False).encode(), credential)
        made["caption"] = body["caption"] if "caption" in body else body["media"][0]["caption"]
        return self._call("editMessageCaption", json.dumps(made, ensure_ascii=False).encode(), credential)

    def _judge(self, answer: Answer, credential: str) -> None:
        if "message is not modified" not in self.sentence(answer):  # an edit that was made already
            super()._judge(answer, credential)

    def wait(self, answer: Answer) -> float | None:
        """`parameters.retry_after` (core.telegram.org/bots/api#responseparameters)."""
        found = (answer.json().get("parameters") or {}).get("retry_after")
        return float(found) if isinstance(found, int | float) else None


def _numbers(receipt: Receipt) -> list[int]:
    if not all(name.isdigit() for name in receipt.id.split(",")):
        raise Refused("it is not known which message it is: look, and change it by hand")
    return [int(name) for name in receipt.id.split(",")]


CHANNEL = Telegram
