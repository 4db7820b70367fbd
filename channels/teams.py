"""Microsoft Teams: one card per language, by a workflow that waits for a web request (learn.microsoft.com, Workflows)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from distributor.contract import Count, Idempotency, Message, Rate, Receipt
from distributor.http import Answer, Request
from distributor.posts import Post, Social
from distributor.settings import Secret
from distributor.text import count, entities, links, remarks
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import Break, Link, shown

_JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, kw_only=True)
class Teams(Social):
    """The workflow says that it took the card, not what became of it: nothing can be looked up or taken back (class D)."""

    TYPE: ClassVar[str] = "teams"
    NETWORK: ClassVar[str] = "Microsoft Teams"
    CREDENTIALS: ClassVar[tuple[str, ...]] = ("webhook",)
    CLASS: ClassVar[Idempotency] = Idempotency.D
    RETURNS_ID: ClassVar[bool] = False
    OWN_CARD: ClassVar[bool] = True
    BY_ADDRESS: ClassVar[bool] = True
    EFFECT: ClassVar[str] = "Teams shows it as text"
    FINDS: ClassVar[bool] = False
    SECRET: ClassVar[str] = "webhook"  # noqa: S105  the name of a field

    webhook: Secret | None = None  #: the workflow's address; its signature makes it a secret

    @property
    def remains(self) -> str:
        """A workflow cannot delete."""
        return "delete the card in Teams by hand: a workflow cannot" if self.webhook else super().remains

    @property
    def limit(self) -> Rate:
        """Four requests a second (learn.microsoft.com, Incoming webhooks, rate limiting)."""
        return self.rate or Rate(4, timedelta(seconds=1), 1)

    @property
    def live_place(self) -> str:
        """A workflow's address is not shown."""
        return "Microsoft Teams, by a workflow"

    @property
    def account_name(self) -> str:
        """The workflow's name is set in Teams."""
        return "workflow"

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """Bytes of the text, with room for the card around it."""
        used = 2 * count.utf8(shown(segments)) + 4000
        return (Count(used=used, limit=int(limits["max_bytes"]), unit="bytes at most"),)

    def sizes(self, content: bytes, limits: Mapping[str, Any]) -> tuple[Count, ...]:
        """The whole request."""
        return (Count(used=len(content), limit=int(limits["max_bytes"]), unit="bytes of the request"),)

    def found(self, text: str) -> list[Found]:
        """What looks like a mention."""
        return entities.chat(text)

    def linkless(self, message: Message) -> Iterable[remarks.Remark]:  # noqa: ARG002
        """The button leads to the release."""
        return ()

    def card(self, post: Post) -> Mapping[str, str]:
        """Return the button that leads to the release: the words stand above it already."""
        return {"title": links.short(post.url), "description": "", "host": ""}

    def body(self, post: Post) -> Mapping[str, Any]:
        """An Adaptive Card of rich text, in which no character is markup, and a button."""
        pictures: list[tuple[str, str]] = [(photo.url, photo.alt) for photo in post.photos]
        if self.media == "card" and post.card.image_url:
            pictures = [(post.card.image_url, post.card.image_alt)]
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "lang": post.text.lang,
            "body": [*({"type": "Image", "url": url, "altText": alt} for url, alt in pictures), *_lines(post.segments)],
            **({"actions": [_button(post.url)]} if post.url else {}),
            "msteams": {"width": "Full"},
        }
        kind = "application/vnd.microsoft.card.adaptive"
        return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST to the workflow."""
        return Request(method="POST", url=credential, headers=(_JSON,), body=content)

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """202 and nothing else."""
        return Receipt(id="", detail=f"taken ({answer.status})")


def _button(url: str) -> dict[str, str]:
    return {"type": "Action.OpenUrl", "title": links.short(url), "url": url}


def _lines(segments: Segments) -> list[dict[str, Any]]:
    """A block a line: Teams draws no line break inside one."""
    blocks: list[list[dict[str, Any]]] = [[]]
    for part in segments:
        if isinstance(part, Break):
            blocks.append([])
        elif isinstance(part, Link):
            act = {"type": "Action.OpenUrl", "url": part.url}
            blocks[-1].append({"type": "TextRun", "text": part.shown, "selectAction": act})
        else:
            blocks[-1].append({"type": "TextRun", "text": part.shown})
    size = {"size": "Medium", "weight": "Bolder"}
    if blocks[0]:
        blocks[0] = [{**run, **size} for run in blocks[0]]
    return [{"type": "RichTextBlock", "inlines": runs} for runs in blocks if runs]


CHANNEL = Teams
