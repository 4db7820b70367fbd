"""The RSS feed: what is sealed is one item; publishing puts it among the released ones and joins the feed.

Element rules: RSS 2.0 (rssboard.org/rss-specification), the RSS Advisory Board's best-practices profile, Media RSS 1.5.
"""

import asyncio
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from distributor import words
from distributor.contract import (
    Capabilities,
    Channel,
    Destination,
    Finding,
    Idempotency,
    Kit,
    MediaFile,
    Message,
    Receipt,
    Recipient,
    Severity,
    public,
)
from distributor.embargo import zone_of
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.markdown import Body
from distributor.release import LanguageVersion, Media, Release

from .feed import TYPE, Item, Picture, item_bytes, items_in, legal
from .shelf import Shelf

_BIG = 250_000
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")


@dataclass(frozen=True, kw_only=True)
class Rss(Channel):
    """One feed per language version, in the site's public folder."""

    TYPE: ClassVar[str] = "rss"
    ALL_LANGUAGES: ClassVar[bool] = True

    path: str = "feed.xml"  #: under public/; other languages get feed.<language>.xml
    items: int = 20  #: how many releases the feed holds
    hub: Url | None = None  #: WebSub hub that the feed names

    def __post_init__(self) -> None:
        """Raises ConfigError for a path that leaves the public folder or a feed of nothing."""
        super().__post_init__()
        if not re.fullmatch(r"[\w-]+(/[\w-]+)*\.xml", self.path):
            raise ConfigError(f"[channels.{self.name}] path: '{self.path}' must be a name under public/, as feed.xml")
        if not 1 <= self.items <= 1000:
            raise ConfigError(f"[channels.{self.name}] items: {self.items} must be between 1 and 1000")

    @property
    def capabilities(self) -> Capabilities:
        """Class A: the same item written again is the same item."""
        return Capabilities(idempotency=Idempotency.A, always_publishes=True)

    @property
    def destination(self) -> Destination:
        """A file of the newsroom."""
        return Destination(live=True, place=str(self.places.public / self.path))

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """One item per language version."""
        return [self._message(release, text, kit) for text in self.texts(release)]

    def _message(self, release: Release, text: LanguageVersion, kit: Kit) -> Message:
        photos = [(media, kit.read_media(media)) for media in text.media if media.file]
        summary = text.summary or next(iter(Body(text.body).paragraphs), text.headline)
        lift = kit.lift.replace(microsecond=0)  # RFC 822 dates have whole seconds
        content = self._content(release, text, kit, photos)
        item = Item(
            guid=_guid(release, text),
            title=text.headline,
            url=kit.page_url(release, text),
            summary=summary,
            content=content,
            issuer=release.issuer.name,
            language=text.lang,
            published=lift,
            modified=lift if release.version > 1 else None,
            categories=_categories(release, text, kit),
            pictures=[_picture(media, file, kit) for media, file in photos if file.content_type in _IMAGES],
        )
        path = self._path(text, kit)
        return Message(
            channel=self.name,
            type=self.TYPE,
            lang=text.lang,
            content=item_bytes(item),
            content_type=TYPE,
            filename="item.xml",
            title=text.headline,
            text=summary,
            html=legal(content),
            media=tuple(file for _, file in photos),
            recipients=public(text),
            meta={
                "guid": item.guid,
                "published": lift.isoformat(),
                "path": path,
                "title": kit.newsroom.title,
                "description": kit.newsroom.description,
                "home": f"{kit.newsroom.url.rstrip('/')}/",
                "address": f"{kit.newsroom.url.rstrip('/')}/{path}",
                "copyright": kit.newsroom.copyright or "",
                "logo": kit.newsroom.logo or "",
                "hub": self.hub or "",
                "unsaid": "" if text.summary else "summary",
            },
        )

    def _content(
        self, release: Release, text: LanguageVersion, kit: Kit, photos: Sequence[tuple[Media, MediaFile]]
    ) -> str:
        shown = [(media, kit.media_url(file)) for media, file in photos if file.content_type in _IMAGES]
        values = {
            **kit.values(release, text),
            "photos": shown,
            "words": words.of(text.lang, release.issuer.name),
            "date": words.day(_day(release, text, kit), text.lang),
        }
        return kit.templates.render("rss/item.html", values).strip()

    def _path(self, text: LanguageVersion, kit: Kit) -> str:
        """The newsroom's language has the plain name."""
        stem = self.path.removesuffix(".xml")
        return self.path if text.lang == kit.newsroom.language else f"{stem}.{text.lang.lower()}.xml"

    def check(self, message: Message) -> Iterable[Finding]:
        """What readers would show wrongly."""
        if message.meta["unsaid"]:
            text = "no summary: readers show the first paragraph"
            yield Finding(severity=Severity.note, code="summary-missing", field="summary", text=text)
        if len(message.content) > _BIG:
            text = f"the item has {len(message.content):,} bytes; a whole feed should stay under {_BIG:,}"
            yield Finding(severity=Severity.warning, code="item-big", field="body", text=text)
        if found := re.search(r"""(?:href|src)=["'](?!https?:|mailto:|tel:|data:)([^"']*)""", message.html):
            text = f"'{found[1]}' is no whole address: readers show it nowhere; write https://…"
            yield Finding(severity=Severity.error, code="link-relative", field="body", text=text)
        for file in message.media:
            if file.content_type not in _IMAGES:
                text = f"'{file.name}' is {file.content_type}: the feed does not show it"
                yield Finding(severity=Severity.note, code="media-left-out", field="media", text=text)

    def exhibits(self, message: Message) -> Mapping[str, bytes]:
        """The feed as it would be after this delivery, and the item alone."""
        return {"feed.xml": self._shelf(message).joined(with_item=message), "item.xml": message.content}

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:  # noqa: ARG002  the guid is the key
        """Photos, then the item, then the feed; readers see the old or the new feed, never a part.

        Raises Unavailable when the disk does not take it.
        """
        public_file = self.places.public / message.meta["path"]
        note = await asyncio.to_thread(self._shelf(message).publish, message, self.places.public)
        return Receipt(id=f"{public_file}#{message.meta['guid']}", url=message.meta["address"], detail=note)

    def place(self, message: Message) -> str:
        """The feed of the message's language."""
        return str(self.places.public / message.meta["path"])

    def _shelf(self, message: Message) -> Shelf:
        return Shelf(folder=self.places.state / "feeds" / self.name / message.lang, limit=self.items)

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The item as it stands in the public feed; None when newer releases have moved it out."""
        path, _, guid = receipt.id.rpartition("#")
        try:
            return items_in(Path(path).read_bytes()).get(guid)
        except OSError:
            return None


def _guid(release: Release, text: LanguageVersion) -> str:
    """Opaque, and the same for every version and address of the release (RFC 9562 §5.5)."""
    name = f"press-distributor/{release.issuer.name}/{release.id}/{text.lang}"
    return uuid.uuid5(uuid.NAMESPACE_URL, name).urn


def _day(release: Release, text: LanguageVersion, kit: Kit) -> datetime:
    given = text.dateline.date if text.dateline else None
    local = kit.lift.astimezone(zone_of(release.zone))
    return local if given is None else local.replace(year=given.year, month=given.month, day=given.day)


def _categories(release: Release, text: LanguageVersion, kit: Kit) -> list[tuple[str, str]]:
    """Hashtags and subjects, each with the domain that consumers key on."""
    tags = f"{kit.newsroom.url.rstrip('/')}/tag/"
    return [
        *((tag, tags) for tag in text.hashtags),
        *(
            (subject.name or subject.code, f"http://cv.iptc.org/newscodes/mediatopic/{subject.code}")
            for subject in release.subjects
            if subject.scheme == "medtop"
        ),
        *(
            (f"{listing.exchange}:{listing.ticker}", "https://www.iso20022.org/market-identifier-codes")
            for listing in release.issuer.listings
        ),
    ]


def _picture(media: Media, file: MediaFile, kit: Kit) -> Picture:
    return Picture(
        url=kit.media_url(file),
        type=file.content_type,
        size=len(file.data),
        caption=media.caption or "",
        alt=media.alt or "",
        credit=media.credit or "",
        rights=media.rights or "",
        width=media.width,
        height=media.height,
    )


CHANNEL: type[Channel] = Rss
