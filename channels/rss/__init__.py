"""The RSS feed: what is sealed is one item; publishing puts it among the released ones and joins the feed.

Element rules: RSS 2.0 (rssboard.org/rss-specification), the RSS Advisory Board's best-practices profile, Media RSS 1.5.
"""

import asyncio
import mimetypes
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

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
    public,
)
from distributor.embargo import zone_of
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.markdown import Body
from distributor.release import LanguageVersion, Media, Release

from . import remarks
from .feed import TYPE, Item, Picture, item_bytes, items_in, legal
from .shelf import Shelf

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_UNTYPED = "application/octet-stream"
_SCHEMES = {"medtop": "http://cv.iptc.org/newscodes/mediatopic/"}


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
        """Class A: the same item written again is the same item. A correction takes the place of what it corrects."""
        return Capabilities(idempotency=Idempotency.A, always_publishes=True, edit=True)

    @property
    def destination(self) -> Destination:
        """A file of the newsroom."""
        return Destination(live=True, place=str(self.places.public / self.path))

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """One item per language version."""
        return [self._message(release, text, kit) for text in self.texts(release)]

    def _message(self, release: Release, text: LanguageVersion, kit: Kit) -> Message:
        files = [(media, kit.read_media(media) if media.file else None) for media in text.media]
        pictures = [picture for media, file in files if (picture := _picture(media, file, kit))]
        summary = _summary(text)
        lift = kit.lift.replace(microsecond=0)  # RFC 822 dates have whole seconds
        content = self._content(release, text, kit, pictures)
        item = Item(
            guid=_guid(release, text, kit),
            title=text.headline,
            url=kit.page_url(release, text),
            summary=summary,
            content=content,
            issuer=release.issuer.name,
            language=text.lang,
            published=lift,
            modified=lift if release.version > 1 else None,
            categories=_categories(release, text, kit),
            pictures=pictures,
        )
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
            media=tuple(file for _, file in files if file),
            recipients=public(text),
            meta={
                "guid": item.guid,
                "version": str(release.version),
                "published": lift.isoformat(),
                **self._frame(text, kit),
                "unsaid": "" if text.summary else "summary",
                "untyped": _names(files, kit, typed=False),
                "left_out": _names(files, kit, typed=True),
            },
        )

    def _frame(self, text: LanguageVersion, kit: Kit) -> dict[str, str]:
        """What stands around the items, sealed with this one: `deliver` has no kit."""
        path, home = self._path(text, kit), f"{kit.newsroom.url.rstrip('/')}/"
        return {
            "path": path,
            "title": kit.newsroom.title,
            "description": kit.newsroom.description,
            "home": home,
            "address": f"{home}{path}",
            "copyright": kit.newsroom.copyright or "",
            "logo": kit.newsroom.logo or "",
            "hub": self.hub or "",
        }

    def _content(self, release: Release, text: LanguageVersion, kit: Kit, photos: Sequence[Picture]) -> str:
        values = {
            **kit.values(release, text),
            "photos": photos,
            "direction": words.direction(text.lang),
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
        return remarks.on(message)

    def exhibits(self, message: Message) -> Mapping[str, bytes]:
        """The feed as it would be after this delivery, and the item alone."""
        return {"feed.xml": self._shelf(message).joined(with_item=message), "item.xml": message.content}

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:  # noqa: ARG002  the guid is the key
        """Photos, then the item, then the feed; readers see the old or the new feed, never a part.

        The receipt's id is `<path of the feed>#<guid>`, which `read_back` takes apart. Raises Unavailable when the disk
        does not take it, Refused for a media name that would leave the public folder.
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


def _summary(text: LanguageVersion) -> str:
    """Never without a printable character: feedgen would put the whole content in its place."""
    words = (text.summary or "", *Body(text.body).paragraphs)
    return next((part for part in words if legal(part).strip()), text.headline)


def _guid(release: Release, text: LanguageVersion, kit: Kit) -> str:
    """The same for every version, instant and address of the release: a `tag:` URI (RFC 4151).

    Its date says when the host was the newsroom's, not when the release came out, so a correction or another lift
    leaves it alone. It is the year this form was laid down, and never moves.
    """
    host = (urlsplit(kit.newsroom.url).hostname or "").encode("idna").decode()
    return f"tag:{host},2026:{release.id}:{text.lang}"


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
            (subject.name or subject.code, f"{_SCHEMES.get(subject.scheme, f'{subject.scheme}:')}{subject.code}")
            for subject in release.subjects
        ),
        *(
            (f"{listing.exchange}:{listing.ticker}", "https://www.iso20022.org/market-identifier-codes")
            for listing in release.issuer.listings
        ),
    ]


def _picture(media: Media, file: MediaFile | None, kit: Kit) -> Picture | None:
    """A photo of ours or elsewhere on the web; None for what a feed does not show."""
    kind = _type(media, file)
    if kind not in _IMAGES and not (kind is None and media.kind == "photo"):
        return None
    return Picture(
        url=kit.media_url(file) if file else media.url or "",
        type=kind,
        size=len(file.data) if file else None,
        caption=media.caption or "",
        alt=media.alt or "",
        credit=media.credit or "",
        rights=media.rights or "",
        width=media.width,
        height=media.height,
    )


def _type(media: Media, file: MediaFile | None) -> str | None:
    """Media type; None where an address on the web does not say."""
    return file.content_type if file else mimetypes.guess_type(urlsplit(media.url or "").path)[0]


def _names(files: Sequence[tuple[Media, MediaFile | None]], kit: Kit, *, typed: bool) -> str:
    """What the feed does not show, one a line: because it is no picture, or because nobody knows what it is."""
    hidden = [(media, file) for media, file in files if not _picture(media, file, kit)]
    return "\n".join(
        file.name if file else media.url or ""
        for media, file in hidden
        if (_type(media, file) not in (None, _UNTYPED)) is typed
    )


CHANNEL: type[Channel] = Rss
