"""Discord: one message per language, by a channel's webhook (discord.com/developers/docs/resources/webhook)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from distributor.contract import Count, Dropped, Idempotency, InDoubt, Kit, Message, Rate, Receipt, Unauthorized
from distributor.http import Answer, Request, extended, multipart
from distributor.posts import Known, Post, Social
from distributor.release import LanguageVersion, Release
from distributor.settings import Secret
from distributor.text import count, entities, escapes
from distributor.text.cutting import cut
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import Link, Mention

_JSON = ("Content-Type", "application/json")
#: Characters that an embed's title and description, and all embeds together, may have.
_TITLE, _DESCRIPTION, _EMBEDS = 256, 4096, 6000


def markdown(segments: Segments, *, bare: bool) -> str:
    """The text in Discord's Markdown, every other character escaped; a `bare` link is not drawn as a card of its own."""
    made = []
    for part in segments:
        if isinstance(part, Link):
            made.append(f"<{part.url}>" if bare else part.url)
        else:
            made.append(f"<@{part.target}>" if isinstance(part, Mention) else escapes.discord(part.shown))
    return "".join(made)


def called(segments: Segments) -> dict[str, list[str]]:
    """Whom the message may call: nobody but those that are mentioned (docs/resources/message, "Allowed Mentions")."""
    targets = [part.target for part in segments if isinstance(part, Mention)]
    people = list(dict.fromkeys(one for one in targets if not one.startswith("&")))
    roles = list(dict.fromkeys(one[1:] for one in targets if one.startswith("&")))
    return {"parse": [], **({"users": people} if people else {}), **({"roles": roles} if roles else {})}


@dataclass(frozen=True, kw_only=True)
class Discord(Social):
    """With `wait=true` the answer holds the message; without an answer nobody can look (class D)."""

    TYPE: ClassVar[str] = "discord"
    NETWORK: ClassVar[str] = "Discord"
    CREDENTIALS: ClassVar[tuple[str, ...]] = ("webhook",)
    CLASS: ClassVar[Idempotency] = Idempotency.D
    EDIT: ClassVar[bool] = True
    DELETE: ClassVar[bool] = True
    OWN_CARD: ClassVar[bool] = True
    EFFECT: ClassVar[str] = "it is escaped; nobody is called"
    FINDS: ClassVar[bool] = False
    SECRET: ClassVar[str] = "webhook"  # noqa: S105  the name of a field
    KNOWN: ClassVar[tuple[Known, ...]] = (
        Known(says="unknown webhook", outcome=Unauthorized, status=404, advice="make a new webhook, then resume"),
        Known(says="invalid webhook token", outcome=Unauthorized, advice="make a new webhook, then resume"),
    )

    webhook: Secret | None = None  #: its address, which is a secret

    @property
    def limit(self) -> Rate:
        """Five requests in two seconds for one webhook (its X-RateLimit headers)."""
        return self.rate or Rate(30, timedelta(minutes=1), 5)

    @property
    def live_place(self) -> str:
        """A webhook's address is not shown."""
        return "Discord, by a webhook"

    @property
    def account_name(self) -> str:
        """A webhook's name is set in Discord."""
        return "webhook"

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """Characters as sent, escapes and all."""
        used = count.characters(markdown(segments, bare=self.media == "card"))
        return (Count(used=used, limit=int(limits["max_characters"]), unit="characters as escaped"),)

    def found(self, text: str) -> list[Found]:
        """What looks like a mention or a channel."""
        return entities.chat(text)

    def _post(self, release: Release, text: LanguageVersion, kit: Kit) -> tuple[Post, str, tuple[Dropped, ...]]:
        """With the card's words cut to what an embed takes, escapes counted (docs/resources/message, "Embed Limits")."""
        made, source, left = super()._post(release, text, kit)
        if self.media != "card":
            return made, source, left
        whole = made.card
        card = replace(whole, title=_within(whole.title, _TITLE), description=_within(whole.description, _DESCRIPTION))
        cuts = [
            Dropped(
                text=before, why=f"{what} has room for {most:,} characters, escapes counted; it is sent as: {after}"
            )
            for what, most, before, after in (
                ("the card's title", _TITLE, whole.title, card.title),
                ("the card's text", _DESCRIPTION, whole.description, card.description),
            )
            if after != before
        ]
        return replace(made, card=card), source, (*left, *cuts)

    def sizes(self, content: bytes, limits: Mapping[str, Any]) -> tuple[Count, ...]:  # noqa: ARG002
        """All that is written in embeds."""
        embeds = json.loads(content).get("embeds", [])
        used = sum(len(embed.get(name, "")) for embed in embeds for name in ("title", "description"))
        return (Count(used=used, limit=_EMBEDS, unit="characters of the card"),) if embeds else ()

    def body(self, post: Post) -> Mapping[str, Any]:
        """The message; it calls nobody but whom it mentions."""
        made: dict[str, Any] = {
            "content": markdown(post.segments, bare=self.media == "card"),
            "allowed_mentions": called(post.segments),
        }
        if self.media == "card":
            embed: dict[str, Any] = {"title": escapes.discord(post.card.title)}
            if post.url:
                embed["url"] = post.url
            embed["description"] = escapes.discord(post.card.description)
            if post.card.image_url:
                embed["image"] = {"url": post.card.image_url}
            made["embeds"] = [embed]
        if post.photos:
            made["attachments"] = [
                {"id": number, "filename": photo.file.name, "description": photo.alt}
                for number, photo in enumerate(post.photos)
            ]
        if self.media == "none":
            made["flags"] = 1 << 2  # SUPPRESS_EMBEDS
        return made

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST to the webhook with wait=true: without it a message that is not saved gives no error."""
        url = extended(credential, wait="true")
        if self.media == "photos" and message.media and not credential.startswith("<"):
            files = {f"files[{number}]": file for number, file in enumerate(message.media)}
            return multipart(url, {"payload_json": content.decode()}, files)
        return Request(method="POST", url=url, headers=(_JSON,), body=content)

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """The message's id."""
        name = answer.json().get("id")
        if not isinstance(name, str) or not name.isdigit():
            raise InDoubt(f"Discord answered {answer.status} without the message's id")
        return Receipt(id=name)

    def removal(self, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """DELETE …/messages/{id}."""
        return Request(method="DELETE", url=extended(credential, f"/messages/{receipt.id}"))

    def is_gone(self, answer: Answer) -> bool:
        """`Unknown Message`, 10008."""
        return answer.status == 404 and answer.json().get("code") == 10008

    def revision(self, content: bytes, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """PATCH …/messages/{id}; the files stay."""
        made = {name: value for name, value in json.loads(content).items() if name not in ("attachments", "flags")}
        url = extended(credential, f"/messages/{receipt.id}")
        return Request(method="PATCH", url=url, headers=(_JSON,), body=json.dumps(made, ensure_ascii=False).encode())

    def wait(self, answer: Answer) -> float | None:
        """`retry_after`, in seconds and parts of one (docs/topics/rate-limits)."""
        found = answer.json().get("retry_after")
        return float(found) if isinstance(found, int | float) else None


def _within(text: str, most: int) -> str:
    """The text, cut where it is too long once it is escaped."""

    def fits(words: str) -> bool:
        return len(escapes.discord(words)) <= most

    return text if fits(text) else cut(text, fits) or "…"


CHANNEL = Discord
