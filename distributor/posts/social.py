"""The base of every social channel. A network's file says what its post looks like and how its API speaks."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from distributor.contract import Count, Dropped, Finding, Kit, Message, public
from distributor.fields import Line
from distributor.posts import photos
from distributor.posts.post import Card, Post, as_json, findings
from distributor.posts.sending import Sending
from distributor.release import LanguageVersion, Release
from distributor.text import hashtags, post, remarks
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import Link, without_marks


@dataclass(frozen=True, kw_only=True)
class Social(Sending):
    """One post per language."""

    OWN_CARD: ClassVar[bool] = False  #: the card travels with the post
    UPLOADS_CARD: ClassVar[bool] = False  #: with its picture; else the picture is named by its address
    TAGS: ClassVar[hashtags.Rule | None] = None  #: None: `#` means something else there
    EFFECT: ClassVar[str]  #: what the network makes of a word that only looks live
    FINDS: ClassVar[bool] = True  #: the server finds links and hashtags by itself

    media: Literal["card", "photos", "none"] = "card"  #: what stands under the text
    display_name: Line | None = None  #: the account's name, for the preview; default: the issuer's

    # ── what a network's file says ────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:
        """How much of each limit the text uses, by the network's own rule."""

    @abstractmethod
    def body(self, post: Post) -> Mapping[str, Any]:
        """The request's JSON; a photo's id is its `mark` until it is uploaded. Pure."""

    def found(self, text: str) -> list[Found]:  # noqa: ARG002  a network that makes nothing live
        """What the network makes live in a text, or a reader takes for live."""
        return []

    def link(self, url: str) -> Link:
        """How the address is shown."""
        return Link(url, url)

    def tag_rule(self, limits: Mapping[str, Any]) -> hashtags.Rule | None:  # noqa: ARG002  the default is fixed
        """What the network takes as a hashtag."""
        return self.TAGS

    def tag_form(self, limits: Mapping[str, Any]) -> str:  # noqa: ARG002  the default is everybody's
        """How a hashtag is written."""
        return "#{}"

    def facts(self, post: Post) -> Mapping[str, str]:  # noqa: ARG002  the default has none
        """The channel's own facts for `meta`."""
        return {}

    def more(self, message: Message) -> Iterable[remarks.Remark]:  # noqa: ARG002  the default has none
        """What else a person should know."""
        return ()

    def encode(self, body: Mapping[str, Any]) -> tuple[bytes, str]:
        """The body's bytes and their media type."""
        return as_json(body), "application/json"

    def sizes(self, content: bytes, limits: Mapping[str, Any]) -> tuple[Count, ...]:  # noqa: ARG002  the default has none
        """How much of a limit on the whole request it uses."""
        return ()

    # ── the contract ──────────────────────────────────────────────────────────────────────────────────────────────

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """The posts; raises ConfigError when the template fails."""
        release = without_marks(release)
        return [self._message(release, text, kit) for text in self.texts(release)]

    def _message(self, release: Release, text: LanguageVersion, kit: Kit) -> Message:
        limits = kit.networks[self.TYPE]
        made, source, left = self._post(release, text, kit)
        content, kind = self.encode(self.body(made))
        card = made.card.image
        files = tuple(one.file for one in made.photos) if self.media == "photos" else ((card,) if card else ())
        title = next((line for line in made.words.split("\n") if line.strip()), made.words)
        return Message(
            channel=self.name,
            type=self.TYPE,
            lang=text.lang,
            content=content,
            content_type=kind,
            filename=f"post.{'json' if kind.endswith('json') else 'txt'}",
            title=title,
            text=made.words,
            entities=made.entities,
            counts=(*self.counts(made.segments, limits, photos=bool(made.photos)), *self.sizes(content, limits)),
            dropped=left,
            media=files,
            recipients=public(text),
            meta={
                **self._shown(made),
                "source": source,
                "cut": "headline" if made.fitted.cut else "",
                **self.facts(made),
            },
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
            template=post.Template(
                name=f"{self.TYPE}/post.txt",
                render=kit.templates.render,
                values=values,
                tag_form=self.tag_form(limits),
            ),
            fits=self._fits(limits, photos=bool(pictures)),
        )
        image, image_url = None, ""
        if self.OWN_CARD and self.media == "card":
            image, image_url = photos.card_image(text, kit, max_bytes=int(limits.get("card_image_bytes", 1_000_000)))
        made = Post(
            release=release,
            text=text,
            url=url,
            fitted=fitted,
            tags=tags.tags,
            photos=pictures,
            card=Card(
                url=url,
                title=text.headline,
                description=text.summary or text.subheadline or "",
                image=image if self.UPLOADS_CARD else None,
                image_url=image_url,
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
        shown_as |= {"name": self.display_name or made.release.issuer.name, "media": self.media}
        if not self.destination.live:
            shown_as["once_live"] = self.once_live
        if fold := limits.get("fold"):
            shown_as["fold"] = " ".join(map(str, fold))
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
