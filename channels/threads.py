"""Threads: one post per language (developers.facebook.com/docs/threads): a container, which is then published."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from distributor.contract import (
    Count,
    Dropped,
    Idempotency,
    InDoubt,
    Kit,
    Message,
    Rate,
    Receipt,
    Recipient,
    Refused,
    Throttled,
    Unauthorized,
    Unavailable,
)
from distributor.fields import Url
from distributor.http import Answer, Http, Request
from distributor.posts import Connected, Known, OAuth, Post, Tokens, read_tokens, same_words
from distributor.release import LanguageVersion, Release
from distributor.text import count, entities, hashtags, remarks
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import shown

_FORM = ("Content-Type", "application/x-www-form-urlencoded")
_PUBLISH = b"creation_id="


@dataclass(frozen=True, kw_only=True)
class Threads(Connected):
    """Only publishing a container shows it; after a lost answer the account's own posts are read (class C)."""

    TYPE: ClassVar[str] = "threads"
    NETWORK: ClassVar[str] = "Threads"
    DESTINATION: ClassVar[Mapping[str, str]] = {"user": "account", "api": "server"}
    CLASS: ClassVar[Idempotency] = Idempotency.C
    DELETE: ClassVar[bool] = True
    BY_ADDRESS: ClassVar[bool] = True
    TAGS: ClassVar[hashtags.Rule | None] = hashtags.THREADS
    EFFECT: ClassVar[str] = "Threads may make it live"
    TYPED_TAGS: ClassVar[bool] = False  #: a post has one topic, which is a field of its own
    FINDS: ClassVar[bool] = False
    OAUTH: ClassVar[OAuth] = OAuth(
        authorize="https://threads.net/oauth/authorize",
        token="https://graph.threads.net/oauth/access_token",  # noqa: S106  an address
        scopes=("threads_basic", "threads_content_publish", "threads_delete"),
        pkce=False,
        secret_in_body=True,
    )
    KNOWN: ClassVar[tuple[Known, ...]] = (
        Known(says="code 190)", outcome=Unauthorized, advice="connect the account again, then resume"),
        Known(says="link_limit_exceeded", advice="a post has at most five different links"),
        Known(says="code 4)", outcome=Throttled),
        Known(says="code 613)", outcome=Throttled),
        Known(says="code 2207051)", outcome=Throttled, advice="Threads holds the account back for now"),
    )

    user: str  #: the account's number
    api: Url = "https://graph.threads.net"
    handle: str | None = None  #: without '@'; for the preview

    async def consented(self, tokens: Tokens, http: Http) -> Tokens:
        """A token of sixty days for one of an hour (docs/threads/get-started/long-lived-tokens)."""
        secret = self.client_secret.reveal() if self.client_secret else ""
        query = urlencode({"grant_type": "th_exchange_token", "client_secret": secret, "access_token": tokens.access})
        request = Request(method="GET", url=f"{self.api.rstrip('/')}/access_token?{query}")
        return await read_tokens(request, http, datetime.now(UTC), hide=(secret, tokens.access))

    def renewal(self, tokens: Tokens) -> Request | None:
        """Another sixty days."""
        query = urlencode({"grant_type": "th_refresh_token", "access_token": tokens.access})
        return Request(method="GET", url=f"{self.api.rstrip('/')}/refresh_access_token?{query}")

    @property
    def limit(self) -> Rate:
        """250 posts in 24 hours (docs/threads/overview#rate-limits)."""
        return self.rate or Rate(250, timedelta(days=1), 10)

    @property
    def account_name(self) -> str:
        """The handle."""
        return f"@{self.handle}" if self.handle else f"account {self.user}"

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """Characters, an emoji by its bytes."""
        return (Count(used=count.threads(shown(segments)), limit=int(limits["max_characters"]), unit="characters"),)

    def found(self, text: str) -> list[Found]:
        """Links, hashtags and mentions."""
        return entities.threads(text)

    def _post(self, release: Release, text: LanguageVersion, kit: Kit) -> tuple[Post, str, tuple[Dropped, ...]]:
        made, source, left = super()._post(release, text, kit)
        others = tuple(Dropped(text=f"#{tag}", why="a post on Threads has one topic") for tag in made.tags[1:])
        return made, source, (*left, *others)

    def body(self, post: Post) -> Mapping[str, Any]:
        """The container."""
        made: dict[str, Any] = {"media_type": "TEXT", "text": post.words}
        if post.tags:
            made["topic_tag"] = post.tags[0]
        if post.photos:
            made |= {"media_type": "IMAGE", "image_url": post.photos[0].url, "alt_text": post.photos[0].alt}
        elif self.media == "card" and post.url:
            made["link_attachment"] = post.url
        return made

    def encode(self, body: Mapping[str, Any]) -> tuple[bytes, str]:
        """A form, as its documentation has it."""
        return urlencode(body).encode(), _FORM[1]

    def facts(self, post: Post) -> Mapping[str, str]:
        """The API version, and the topic."""
        return {"version": str(post.limits["version"]), "topic": post.tags[0] if post.tags else ""}

    def more(self, message: Message) -> Iterable[remarks.Remark]:
        """The five links, and an unclear rule on what counts."""
        links = {found.text for found in self.found(message.text) if found.kind == "link"}
        if len(links) > 5:
            text = f"Threads takes five different links, here are {len(links)}"
            yield remarks.Remark(severity="error", code="too-many-links", text=text, field=message.meta["source"])
        used = count.utf8(message.text)
        if used > 500 and not message.counts[0].over:
            text = f"the text has {used} bytes; Threads may count bytes, not characters, and then refuses it"
            yield remarks.Remark(severity="warning", code="bytes", text=text, field=message.meta["source"])

    def linkless(self, message: Message) -> Iterable[remarks.Remark]:
        """The card leads to the release, too."""
        return () if message.meta.get("card_title") else super().linkless(message)

    def _url(self, message: Message, path: str) -> str:
        return f"{self.api.rstrip('/')}/{message.meta['version']}/{path}"

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST /{user}/threads makes the container, /{user}/threads_publish shows it."""
        path = "threads_publish" if content.startswith(_PUBLISH) else "threads"
        return Request(method="POST", url=self._url(message, f"{self.user}/{path}"), headers=(_FORM,), body=content)

    async def _filled(self, content: bytes, message: Message, credential: str, made: list[str]) -> bytes:  # noqa: ARG002
        """Make the container, and wait until it is ready: nobody sees it yet."""
        answer = await self.look(self.request(content, message, "", credential), credential)
        name = answer.json().get("id")
        if not isinstance(name, str) or not name.isdigit():
            raise Unavailable(f"Threads answered {answer.status} without the container's id")
        for _ in range(30):
            url = self._url(message, f"{name}?fields=status,error_message")
            state = (await self.look(Request(method="GET", url=url), credential)).json()
            if state.get("status") == "FINISHED":
                return _PUBLISH + name.encode()
            if state.get("status") in ("ERROR", "EXPIRED"):
                raise Refused(f"Threads cannot use it: {str(state.get('error_message') or state['status'])[:200]}")
            await self.pause(1.0)
        raise Unavailable("Threads is still preparing the post")

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """The post's id."""
        name = answer.json().get("id")
        if not isinstance(name, str) or not name.isdigit():
            raise InDoubt(f"Threads answered {answer.status} without the post's id")
        return Receipt(id=name)

    async def reconcile(self, message: Message, recipient: Recipient, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002
        """Whether the account's newest posts hold this text. Raises DeliveryError."""
        begin = int((since - timedelta(minutes=1)).timestamp())
        url = self._url(message, f"{self.user}/threads?fields=id,text,permalink,timestamp&limit=25&since={begin}")
        answer = await self.look(Request(method="GET", url=url), await self.credential())
        for post in answer.json().get("data") or []:
            if isinstance(post, dict) and same_words(message.text, post.get("text", "")):
                link = post.get("permalink")
                web = isinstance(link, str) and link.startswith("https://")
                return Receipt(id=str(post["id"]), url=link if web else None)
        return None

    def removal(self, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """DELETE /{post}."""
        return Request(method="DELETE", url=self._url(message, receipt.id))

    def sentence(self, answer: Answer) -> str:
        """The error's message with its number."""
        error = answer.json().get("error")
        if not isinstance(error, dict):
            return ""
        return f"{error.get('error_user_msg') or error.get('message') or ''} (code {error.get('code')})"


CHANNEL = Threads
