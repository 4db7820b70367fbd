"""The base of every social channel. A network's file says what its post looks like and how its API speaks."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from distributor.contract import Count, Dropped, Finding, Kit, MediaFile, Message, public
from distributor.errors import ConfigError
from distributor.fields import Line
from distributor.posts import correcting, photos
from distributor.posts.post import Card, Post, as_json, findings
from distributor.posts.sending import Sending
from distributor.release import LanguageVersion, Release
from distributor.text import hashtags, post, remarks
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import Link, without_marks
from distributor.text.written import Ways, mentions, strangers


@dataclass(frozen=True, kw_only=True)
class Social(Sending):
    """One post per language."""

    OWN_CARD: ClassVar[bool] = False  #: the card travels with the post
    UPLOADS_CARD: ClassVar[bool] = False  #: with its picture; else the picture is named by its address
    TAGS: ClassVar[hashtags.Rule | None] = None  #: None: `#` means something else there
    EFFECT: ClassVar[str]  #: what the network makes of a word that only looks live
    CALLS: ClassVar[str] = (
        ""  #: what it makes of `@name` in a person's own text, where that is another thing than EFFECT
    )
    TYPED_TAGS: ClassVar[bool] = True  #: a hashtag that a person writes into the text is live
    FINDS: ClassVar[bool] = True  #: the server finds links and hashtags by itself
    BY_ADDRESS: ClassVar[bool] = False  #: the network fetches photos from the public address that the post names

    media: Literal["card", "photos", "none"] = "card"  #: what stands under the text
    display_name: Line | None = None  #: the account's name, for the preview; default: the issuer's

    #: What becomes of a correction that is no edit: a post that says so, one in the place of the old, or nothing.
    on_correction: correcting.OnCorrection = "post"

    def __post_init__(self) -> None:
        """Raises ConfigError for a way to correct that the network does not have."""
        super().__post_init__()
        if self.on_correction == "repost" and not self.able.delete:
            raise ConfigError(
                f"[channels.{self.name}] on_correction: {self.NETWORK} deletes nothing, so that 'repost' cannot be; write "
                "'post' or 'nothing'"
            )

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

    def has_room(self, segments: Segments, limits: Mapping[str, Any]) -> bool:  # noqa: ARG002  most have
        """Return whether photos can go with this text; where they cannot, the text goes alone."""
        return True

    def has_card(self, post: Post) -> bool:  # noqa: ARG002  the default goes by the config alone
        """Return whether readers see a card of the link: the request asks for it, or the network draws it by itself."""
        return self.media == "card"

    def card(self, post: Post) -> Mapping[str, str]:
        """Return what readers see of the link's card (`title`, `description`, `host`); empty where there is none."""
        host = post.url.partition("://")[2].partition("/")[0]
        return {"title": post.card.title, "description": post.card.description, "host": host}

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
        """The post; of a correction what becomes of it, given what an earlier version has up."""
        plain = self._plain(release, text, kit)
        earlier = kit.earlier.get((self.name, text.lang))
        if release.version == 1 or earlier is None:
            return plain
        known = correcting.facts(earlier, plain, edits=self.able.edit, how=self.on_correction)
        if known["correction"] == "post":
            opening = correcting.opening(text.lang, release.issuer.name, kit.templates.folders)
            plain = self._plain(release, text, replace(kit, opening=opening))
        return replace(plain, meta={**plain.meta, **known})

    def _plain(self, release: Release, text: LanguageVersion, kit: Kit) -> Message:
        limits = kit.networks[self.TYPE]
        made, source, left = self._post(release, text, kit)
        content, kind = self.encode(self.body(made))
        travels = (*(one.file for one in made.photos), *((made.card.image,) if made.card.image else ()))
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
            media=travels,
            hosted=self._hosted(made),
            recipients=public(text),
            meta={
                **self._shown(made),
                "source": source,
                "cut": "headline" if made.fitted.cut else "",
                "behind": ", ".join(made.behind),
                "unfit": "\n".join(f"{one.text}: {one.why}" for one in made.unfit),
                **self.facts(made),
            },
        )

    def _post(self, release: Release, text: LanguageVersion, kit: Kit) -> tuple[Post, str, tuple[Dropped, ...]]:
        """The post, the release field that its words come from, and what it leaves out."""
        limits, url, rule = kit.networks[self.TYPE], kit.page_url(release, text), self.tag_rule(kit.networks[self.TYPE])
        tags = hashtags.accepted(text.hashtags, rule) if rule else hashtags.Accepted(tags=(), omitted=())
        chosen = photos.chosen(text, kit, limits, alt=self.ALT) if self.media == "photos" else photos.Chosen()
        values = kit.values(release, text)
        fitted, source = post.choose(
            text,
            (self.name, self.TYPE),
            link=self.link(url) if url else Link("", ""),
            tags=tags.tags,
            template=post.Template(
                name=f"{self.TYPE}/post.txt",
                render=kit.templates.render,
                values=values,
                tag_form=self.tag_form(limits),
                mentions=mentions(kit.handles, self.TYPE),
                opening=kit.opening,
            ),
            ways=Ways(
                network=self.TYPE, name=self.NETWORK, rule=rule if self.TYPED_TAGS else None, handles=kit.handles
            ),
            fits=self._fits(limits, photos=bool(chosen.photos)),
        )
        room = self.has_room(fitted.segments, limits)
        made = Post(
            release=release,
            text=text,
            url=url,
            fitted=fitted,
            tags=tags.tags,
            photos=chosen.photos if room else (),
            card=self._card(text, kit, url, limits),
            limits=limits,
            instant=kit.lift,
            unfit=chosen.unfit,
            behind=() if room else tuple(one.file.name for one in chosen.photos),
        )
        omitted = (Dropped(text=one.text, why=one.why) for one in (*tags.omitted, *fitted.omitted))
        return made, source, (*omitted, *chosen.over)

    def _card(self, text: LanguageVersion, kit: Kit, url: str, limits: Mapping[str, Any]) -> Card:
        """Return the link's card, with its picture where the post brings or names one."""
        image = photos.CardImage()
        if url and self.OWN_CARD and self.media == "card":
            image = photos.card_image(text, kit, max_bytes=int(limits.get("card_image_bytes", 1_000_000)))
        return Card(
            url=url,
            title=text.headline,
            description=text.summary or text.subheadline or "",
            image=image.file if self.UPLOADS_CARD else None,
            hosted=None if self.UPLOADS_CARD else image.hosted,
            image_url=image.url,
            image_alt=image.alt,
        )

    def _hosted(self, made: Post) -> tuple[MediaFile, ...]:
        """Return the files that the network fetches from the address that the post names."""
        named = [one for photo in made.photos for one in (photo.file, photo.small) if one] if self.BY_ADDRESS else []
        return (*named, *((made.card.hosted,) if made.card.hosted else ()))

    def _fits(self, limits: Mapping[str, Any], *, photos: bool) -> Callable[[Segments], bool]:
        return lambda segments: not any(c.over for c in self.counts(segments, limits, photos=photos))

    def _shown(self, made: Post) -> dict[str, str]:
        """What the preview draws around the words."""
        limits = made.limits
        shown_as = {"account": self.account_name, "network": self.NETWORK}
        shown_as |= {"name": self.display_name or made.release.issuer.name, "media": self.media}
        if not self.destination.live and self.able != self.capabilities:
            shown_as["once_live"] = "yes"
        if fold := limits.get("fold"):
            shown_as["fold"] = " ".join(map(str, fold))
        if not made.url:
            shown_as["no_page"] = "yes"
        elif self.has_card(made) and limits.get("card", True):
            shown_as |= {f"card_{name}": words for name, words in self.card(made).items()}
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
        yield from correcting.remarks(message.meta, network=self.NETWORK, deletes=self.able.delete)
        if not message.meta.get("no_page"):  # which the release's own findings say
            yield from self.linkless(message)
        if self.FINDS:
            # A mention that is shown by a name is the request's, not the finder's.
            finds = [
                part for part in message.entities if message.text.startswith("@", part.start) or part.kind != "mention"
            ]
            yield from remarks.dead(message.text, live, [(part.start, part.end) for part in finds])
        unknown = strangers(message.text, own) if message.meta["source"].startswith("social") else {}
        yield from remarks.strangers(unknown.values(), source=message.meta["source"], effect=self.CALLS or self.EFFECT)
        yield from remarks.accidents([one for one in live if one.start not in unknown], own, effect=self.EFFECT)
        if self.ALT and self.media == "photos":
            for file in message.media:
                yield from remarks.altless(file.name, file.alt)
        if behind := message.meta["behind"]:
            text = f"{behind} stays behind: the text is too long to stand under a photo"
            yield remarks.Remark(severity="warning", code="photos-left-out", text=text, field="media")
        for line in filter(None, message.meta["unfit"].split("\n")):
            text = f"{line}; crop it, save it anew, or take it out of the release"
            yield remarks.Remark(severity="error", code="photo-unfit", text=text, field="media")
        yield from self.more(message)

    def linkless(self, message: Message) -> Iterable[remarks.Remark]:
        """A remark where the post leads nowhere."""
        return remarks.linkless(entity.kind for entity in message.entities)
