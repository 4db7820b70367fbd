"""X: one post per language (docs.x.com/x-api/posts/create-post)."""

import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from distributor.contract import (
    AlreadyThere,
    Count,
    Idempotency,
    InDoubt,
    MediaFile,
    Message,
    Rate,
    Receipt,
    Recipient,
    Throttled,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from distributor.fields import Url
from distributor.http import Answer, Request, multipart
from distributor.posts import Connected, Known, OAuth, Post, same_words
from distributor.text import hashtags, remarks, x
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import Link, shown

_JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, kw_only=True)
class X(Connected):
    """X has no key for a repeat: after a lost answer the account's own posts are read (class C), and a refusal as duplicate
    proves the first (`AlreadyThere`).
    """

    TYPE: ClassVar[str] = "x"
    NETWORK: ClassVar[str] = "X"
    DESTINATION: ClassVar[Mapping[str, str]] = {"handle": "account", "api": "server"}
    CLASS: ClassVar[Idempotency] = Idempotency.C
    DELETE: ClassVar[bool] = True
    TAGS: ClassVar[hashtags.Rule | None] = hashtags.X
    EFFECT: ClassVar[str] = "X will make it live"
    OAUTH: ClassVar[OAuth] = OAuth(
        authorize="https://x.com/i/oauth2/authorize",
        token="https://api.x.com/2/oauth2/token",  # noqa: S106  an address
        scopes=("tweet.read", "tweet.write", "users.read", "media.write", "offline.access"),
    )
    KNOWN: ClassVar[tuple[Known, ...]] = (
        Known(says="duplicate content", outcome=AlreadyThere, status=403),
        Known(
            says="usage-capped", outcome=Unauthorized, advice="the account has no credit left: add some, then resume"
        ),
        Known(says="usage cap", outcome=Unauthorized, advice="the account has no credit left: add some, then resume"),
        Known(says="cashtag", advice="X takes one cashtag in a post that a program writes"),
    )

    api: Url = "https://api.x.com"
    handle: str | None = None  #: without '@'; for the preview
    link_in_post: bool = True  #: False: the post costs less and leads nowhere
    max_characters: int | None = None  #: where the account is allowed more than config/networks.toml says

    @property
    def limit(self) -> Rate:
        """100 posts in 15 minutes for one account (docs.x.com/x-api/fundamentals/rate-limits)."""
        return self.rate or Rate(100, timedelta(minutes=15), 10)

    @property
    def account_name(self) -> str:
        """The handle."""
        return f"@{self.handle}" if self.handle else "X"

    def link(self, url: str) -> Link:
        """The whole address: X itself shortens it."""
        return Link(url, url) if self.link_in_post else Link("", url)

    def linkless(self, message: Message) -> Iterable[remarks.Remark]:
        """Wanted where the config says so."""
        return super().linkless(message) if self.link_in_post else ()

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """X's weighted length."""
        used = x.weight(shown(segments), per_url=int(limits["characters_per_url"]))
        return (
            Count(used=used, limit=self.max_characters or int(limits["max_characters"]), unit="weighted characters"),
        )

    def found(self, text: str) -> list[Found]:
        """Links (also without https://), mentions, hashtags and cashtags as X finds them."""
        return x.live(text)

    def has_card(self, post: Post) -> bool:
        """Return whether X draws the page's card: of any link, where no photo stands."""
        return self.link_in_post and not post.photos

    def body(self, post: Post) -> Mapping[str, Any]:
        """The request of create-post, which takes no other fields."""
        media = {"media": {"media_ids": [photo.mark for photo in post.photos]}} if post.photos else {}
        return {"text": post.words, **media}

    def facts(self, post: Post) -> Mapping[str, str]:
        """What the post costs by the price list in config/networks.toml."""
        limits = post.limits
        price = float(limits["price_with_url"] if x.urls(post.words) else limits["price"])
        price += len(post.photos) * float(limits["price_alt"])
        return {"cost": f"${price:.3f}, prices of {limits['verified']}"}

    def more(self, message: Message) -> Iterable[remarks.Remark]:
        """More than one cashtag is refused (X changelog, 23 February 2026)."""
        tags = x.cashtags(message.text)
        if len(tags) > 1:
            names = " ".join(found.text for found in tags)
            text = (
                f"X takes one cashtag in a post, here are {len(tags)}: {names}; write a text of its own under social.x"
            )
            yield remarks.Remark(severity="error", code="too-many-cashtags", text=text, field=message.meta["source"])

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST /2/tweets."""
        return Request(method="POST", url=self._url("/2/tweets"), headers=(_JSON,), body=content)

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """The post's id."""
        data = answer.json().get("data")
        name = data.get("id") if isinstance(data, dict) else None
        if not isinstance(name, str):
            raise InDoubt(f"X answered {answer.status} without the post's id")
        return self._receipt(name)

    def _receipt(self, name: str) -> Receipt:
        return Receipt(id=name, url=f"https://x.com/{self.handle or 'i/web'}/status/{name}")

    async def upload(self, file: MediaFile, message: Message, credential: str) -> str:  # noqa: ARG002
        """POST /2/media/upload, then the alt text (docs.x.com/x-api/media)."""
        fields = {"media_category": "tweet_image", "media_type": file.content_type}
        answer = await self.send(multipart(self._url("/2/media/upload"), fields, {"media": file}), credential)
        data = answer.json().get("data")
        name = data.get("id") if isinstance(data, dict) else None
        if not isinstance(name, str):
            raise Unavailable(f"X answered {answer.status} without the file's id")
        if file.alt:
            words = {"id": name, "metadata": {"alt_text": {"text": file.alt}}}
            url = self._url("/2/media/metadata")
            request = Request(method="POST", url=url, headers=(_JSON,), body=json.dumps(words).encode())
            await self.send(request, credential)
        return name

    async def reconcile(self, message: Message, recipient: Recipient, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002
        """Whether the account's newest posts hold this text (GET /2/users/:id/tweets). Raises DeliveryError."""
        credential = await self.credential()
        me = (await self.look(Request(method="GET", url=self._url("/2/users/me")), credential)).json().get("data")
        if not isinstance(me, dict) or not str(me.get("id", "")).isdigit():
            raise Unsupported("X does not say whose account it is")
        query = "max_results=20&tweet.fields=created_at,entities&exclude=retweets"
        url = self._url(f"/2/users/{me['id']}/tweets?{query}")
        posts = (await self.look(Request(method="GET", url=url), credential)).json().get("data") or []
        for post in posts:
            if (
                isinstance(post, dict)
                and same_words(message.text, _read(post))
                and _time(post) >= since - timedelta(minutes=1)
            ):
                return self._receipt(str(post["id"]))
        return None

    def removal(self, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """DELETE /2/tweets/:id."""
        return Request(method="DELETE", url=self._url(f"/2/tweets/{receipt.id}"))

    def sentence(self, answer: Answer) -> str:
        """Its errors are `{title, detail, type}` (RFC 9457)."""
        value = answer.json()
        kind = str(value.get("type", "")).rpartition("/")[2]
        return " ".join(str(value[name]) for name in ("title", "detail") if value.get(name)) + (
            f" ({kind})" if kind else ""
        )

    def _url(self, path: str) -> str:
        return self.api.rstrip("/") + path


def _read(post: Mapping[str, Any]) -> str:
    """A post's text as it was written: t.co links put back, entities decoded."""
    text = str(post.get("text", ""))
    for link in (post.get("entities") or {}).get("urls", []):
        text = text.replace(str(link.get("url")), str(link.get("unwound_url") or link.get("expanded_url")))
    return html.unescape(text)


def _time(post: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(post.get("created_at")))
    except ValueError:
        raise Throttled("X says no time of its posts", until=None) from None


CHANNEL = X
