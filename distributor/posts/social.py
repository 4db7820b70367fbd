"""The base of every social channel. A network's file says what its post looks like and how its API speaks."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from distributor.contract import (
    Capabilities,
    Channel,
    Count,
    Destination,
    Dropped,
    Finding,
    Idempotency,
    InDoubt,
    Kit,
    MediaFile,
    Message,
    Receipt,
    Recipient,
    Refused,
    Unavailable,
    public,
)
from distributor.errors import ConfigError
from distributor.fields import Line
from distributor.http import Answer, Http, Request, is_secure, read_local, write_local
from distributor.posts import credentials, photos
from distributor.posts.answers import Known, judge
from distributor.posts.post import Card, Post, as_json, findings
from distributor.release import LanguageVersion, Release
from distributor.text import hashtags, post, remarks
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.said import said
from distributor.text.segments import Link, without_marks


@dataclass(frozen=True, kw_only=True)
class Social(Channel):
    """One post per language. Without a credential every request is written to a folder instead."""

    NETWORK: ClassVar[str]  #: as people write it
    CLASS: ClassVar[Idempotency] = Idempotency.D  #: with a credential; a file in a folder is class A
    EDIT: ClassVar[bool] = False
    DELETE: ClassVar[bool] = False
    RETURNS_ID: ClassVar[bool] = True
    NEEDS_PAGE: ClassVar[bool] = True  #: the network draws the link's card from the page
    OWN_CARD: ClassVar[bool] = False  #: the card travels with the post
    TAGS: ClassVar[hashtags.Rule | None] = None  #: None: `#` means something else there
    EFFECT: ClassVar[str]  #: what the network makes of a word that only looks live
    FINDS: ClassVar[bool] = True  #: the server finds links and hashtags by itself
    SECRET: ClassVar[str] = "token"  #: the field that makes it live
    ADDRESS: ClassVar[str] = "api"  #: the field that says where it sends
    KNOWN: ClassVar[tuple[Known, ...]] = ()

    media: Literal["card", "photos", "none"] = "card"  #: what stands under the text
    corrections: Literal["edit", "post"] = "edit"  #: where the network can edit: change the post, or write another
    display_name: Line | None = None  #: the account's name, for the preview; default: the issuer's
    private_network: bool = False  #: True: its server may stand in this house
    _http: Http = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ConfigError for an address that a credential must not travel to."""
        super().__post_init__()
        object.__setattr__(self, "_http", Http(private=self.private_network))
        address = getattr(self, self.ADDRESS, None)
        if isinstance(address, str) and not is_secure(address):
            raise ConfigError(f"[channels.{self.name}] {self.ADDRESS}: '{address}' must begin with https://")

    # ── what a network's file says ────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:
        """How much of each limit the text uses, by the network's own rule."""

    @abstractmethod
    def body(self, post: Post) -> Mapping[str, Any]:
        """The request's JSON; a photo's id is its `mark` until it is uploaded. Pure."""

    @abstractmethod
    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:
        """The request that writes the post, without a bearer token."""

    @abstractmethod
    def receipt(self, answer: Answer, message: Message) -> Receipt:
        """What a success says; raises InDoubt where it does not say what was written."""

    def found(self, text: str) -> list[Found]:  # noqa: ARG002  a network that makes nothing live
        """What the network makes live in a text, or a reader takes for live."""
        return []

    def link(self, url: str) -> Link:
        """How the address is shown."""
        return Link(url, url)

    def tag_rule(self, limits: Mapping[str, Any]) -> hashtags.Rule | None:  # noqa: ARG002  the default is fixed
        """What the network takes as a hashtag."""
        return self.TAGS

    def facts(self, post: Post) -> Mapping[str, str]:  # noqa: ARG002  the default has none
        """The channel's own facts for `meta`."""
        return {}

    def more(self, message: Message) -> Iterable[remarks.Remark]:  # noqa: ARG002  the default has none
        """What else a person should know."""
        return ()

    async def upload(self, file: MediaFile, credential: str) -> str:
        """The id that the network gives to a file. Only called after the instant."""
        raise NotImplementedError

    def removal(self, message: Message, receipt: Receipt, key: str, credential: str) -> Request:
        """The request that deletes the post."""
        raise NotImplementedError

    def revision(self, content: bytes, message: Message, receipt: Receipt, key: str, credential: str) -> Request:
        """The request that gives a post that is there the text of this message."""
        raise NotImplementedError

    def is_gone(self, answer: Answer) -> bool:
        """Whether the answer to a removal says that there is nothing (any more)."""
        return answer.status in (404, 410)

    def sentence(self, answer: Answer) -> str:
        """What the server said, in its own words."""
        value = answer.json()
        nested = value.get("error")
        inner = nested.get("message") if isinstance(nested, dict) else nested
        for words in (inner, value.get("detail"), value.get("description"), value.get("message")):
            if isinstance(words, str) and words:
                return words
        return ""

    def wait(self, answer: Answer) -> float | None:  # noqa: ARG002  the default reads headers alone
        """How many seconds the body asks to wait."""
        return None

    # ── the contract ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def capabilities(self) -> Capabilities:
        """What the network can do with the credential; a folder can do little."""
        live = self._is_live
        return Capabilities(
            idempotency=self.CLASS if live else Idempotency.A,
            edit=live and self.EDIT and self.corrections == "edit",
            delete=live and self.DELETE,
            returns_id=live and self.RETURNS_ID,
            needs_page=live and self.NEEDS_PAGE,
        )

    @property
    def destination(self) -> Destination:
        """The network, or the folder of the requests."""
        if not self._is_live:
            return Destination(live=False, place=str(self._folder))
        missing = credentials.missing(self)
        return Destination(live=True, place=self.live_place, missing=(missing,) if missing else ())

    @property
    def live_place(self) -> str:
        """Where it sends, free of secrets."""
        return str(getattr(self, self.ADDRESS, self.NETWORK))

    @property
    def _is_live(self) -> bool:
        return getattr(self, self.SECRET, None) is not None or getattr(self, "client_id", None) is not None

    @property
    def _folder(self) -> Path:
        return self.places.outbox / self.name

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """The posts; raises ConfigError when the template fails."""
        release = without_marks(release)
        return [self._message(release, text, kit) for text in self.texts(release)]

    def _message(self, release: Release, text: LanguageVersion, kit: Kit) -> Message:
        limits = kit.networks[self.TYPE]
        made, source, left = self._post(release, text, kit)
        content = as_json(self.body(made))
        card = made.card.image
        files = tuple(one.file for one in made.photos) if self.media == "photos" else ((card,) if card else ())
        title = next((line for line in made.words.split("\n") if line.strip()), made.words)
        return Message(
            channel=self.name,
            type=self.TYPE,
            lang=text.lang,
            content=content,
            content_type="application/json",
            filename="post.json",
            title=title,
            text=made.words,
            entities=made.entities,
            counts=self.counts(made.segments, limits, photos=bool(made.photos)),
            dropped=left,
            media=files,
            recipients=public(text),
            meta={**self._shown(made), "source": source, "cut": "headline" if made.fitted.cut else "", **self.facts(made)},
        )

    def _post(self, release: Release, text: LanguageVersion, kit: Kit) -> tuple[Post, str, tuple[Dropped, ...]]:
        """The post, the release field that its words come from, and what it leaves out."""
        limits, url, rule = kit.networks[self.TYPE], kit.page_url(release, text), self.tag_rule(kit.networks[self.TYPE])
        tags = hashtags.accepted(text.hashtags, rule) if rule else hashtags.Accepted(tags=(), omitted=())
        pictures, unfit = photos.chosen(text, kit, limits) if self.media == "photos" else ((), ())
        values = kit.values(release, text)
        fitted, source = post.choose(
            text,
            (self.name, self.TYPE),
            link=self.link(url),
            tags=tags.tags,
            template=post.Template(name=f"{self.TYPE}/post.txt", render=kit.templates.render, values=values),
            fits=self._fits(limits, photos=bool(pictures)),
        )
        image = None
        if self.OWN_CARD and self.media == "card":
            image = photos.card_image(text, kit, max_bytes=int(limits.get("card_image_bytes", 1_000_000)))
        made = Post(
            release=release,
            text=text,
            url=url,
            fitted=fitted,
            tags=tags.tags,
            photos=pictures,
            card=Card(
                url=url, title=text.headline, description=text.summary or text.subheadline or "", image=image
            ),
            limits=limits,
            instant=kit.lift,
        )
        left = (*(Dropped(text=o.text, why=o.why) for o in (*tags.omitted, *fitted.omitted)), *unfit)
        return made, source, left

    def _fits(self, limits: Mapping[str, Any], *, photos: bool) -> Callable[[Segments], bool]:
        return lambda segments: not any(c.over for c in self.counts(segments, limits, photos=photos))

    def _shown(self, made: Post) -> dict[str, str]:
        """What the preview draws around the words."""
        limits = made.limits
        shown_as = {"account": self.account_name, "network": self.NETWORK}
        shown_as["name"] = self.display_name or made.release.issuer.name
        if fold := limits.get("fold"):
            shown_as["fold"] = str(fold)
        if self.media == "card" and limits.get("card", True):
            host = made.url.partition("://")[2].partition("/")[0]
            shown_as |= {"card_title": made.card.title, "card_description": made.card.description, "card_host": host}
        return shown_as

    @property
    def account_name(self) -> str:
        """The account as readers see it."""
        return self.NETWORK

    def check(self, message: Message) -> Iterable[Finding]:
        """Length, what was left out, and what the network will make live besides our own, or fail to."""
        return findings(self._remarks(message), self.name)

    def _remarks(self, message: Message) -> Iterator[remarks.Remark]:
        live = self.found(message.text)
        own = [(entity.start, entity.end) for entity in message.entities]
        over = [f"{c.used} of {c.limit} {c.unit}" for c in message.counts if c.over]
        yield from remarks.length(over, source=message.meta["source"])
        yield from remarks.leftovers(((d.text, d.why) for d in message.dropped), cut=bool(message.meta["cut"]))
        yield from remarks.tags(entity.target for entity in message.entities if entity.kind == "hashtag")
        yield from self.linkless(message)
        if self.FINDS:
            yield from remarks.dead(message.text, live, own)
        yield from remarks.accidents(live, own, effect=self.EFFECT)
        for file in message.media:
            yield from remarks.altless(file.name, file.alt)
        yield from self.more(message)

    def linkless(self, message: Message) -> Iterable[remarks.Remark]:
        """A remark where the post leads nowhere."""
        return remarks.linkless(entity.kind for entity in message.entities)

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        """Upload what belongs to the post, then write it, or write the request to the outbox."""
        content = self.compose(message, recipient)
        if not self._is_live:
            shown_secret = f"<{self.SECRET}>"
            return Receipt(id=str(write_local(self._folder, key, self.request(content, message, key, shown_secret))))
        credential = await credentials.reveal(self, self._http)
        content = await self._filled(content, message, credential)
        answer = await self.send(self.request(content, message, key, credential), credential)
        return self.receipt(answer, message)

    async def _filled(self, content: bytes, message: Message, credential: str) -> bytes:
        """The body with the ids of its uploads. Nothing is posted yet: a lost answer is Unavailable."""
        for file in message.media:
            stand_in = as_json(photos.mark(file))
            if stand_in not in content:
                continue
            try:
                name = await self.upload(file, credential)
            except InDoubt as error:
                raise Unavailable(error.reason) from None
            content = content.replace(stand_in, as_json(name))
        return content

    async def pause(self, seconds: float) -> None:
        """Wait for the other side's own work."""
        await asyncio.sleep(seconds)

    async def send(self, request: Request, credential: str, *, bearer: bool = True) -> Answer:
        """Send as the account; the answer to what succeeded. Raises DeliveryError."""
        answer = await self._ask(request, credential, bearer=bearer)
        self._judge(answer, credential)
        return answer

    async def _ask(self, request: Request, credential: str, *, bearer: bool = True) -> Answer:
        return await self._http.send(request, bearer=credential if bearer and self.SECRET == "token" else None)

    def _judge(self, answer: Answer, credential: str) -> None:
        words = said(self.sentence(answer), hide=[credential])
        judge(answer, self.NETWORK, words, known=self.KNOWN, wait=self.wait(answer), idempotency=self.CLASS)

    async def withdraw(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """Delete the post; one that is gone already is no error."""
        if not self._is_live or not receipt.id:
            raise Refused("it is not known which post it is: look, and delete it by hand")
        credential = await credentials.reveal(self, self._http)
        answer = await self._ask(self.removal(message, receipt, key, credential), credential)
        if not self.is_gone(answer):
            self._judge(answer, credential)
        return Receipt(id=receipt.id, detail="withdrawn")

    async def amend(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:
        """Give the post that is there the text of a correction; the same again changes nothing."""
        if not receipt.id:
            raise Refused("it is not known which post it is: look, and correct it by hand")
        credential = await credentials.reveal(self, self._http)
        content = await self._filled(self.compose(message, recipient), message, credential)
        await self.send(self.revision(content, message, receipt, key, credential), credential)
        return Receipt(id=receipt.id, url=receipt.url, detail="edited")

    async def prepare(self) -> None:
        """Renew a login that would end meanwhile."""
        if self._is_live:
            await credentials.reveal(self, self._http)

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The body in the written request; None when it went to the network."""
        return None if self._is_live else read_local(Path(receipt.id))

    async def close(self) -> None:
        """Close the connection."""
        await self._http.close()
