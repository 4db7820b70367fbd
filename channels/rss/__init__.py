"""The RSS feed: what is sealed is one item; publishing puts it among the released ones and joins the feed.

Element rules: RSS 2.0 (rssboard.org/rss-specification), the RSS Advisory Board's best-practices profile, Media RSS 1.5.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from distributor import public, words
from distributor.contract import (
    Capabilities,
    Channel,
    Destination,
    Finding,
    Idempotency,
    Kit,
    Message,
    Receipt,
    Recipient,
)
from distributor.contract import public as everybody
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.plain import counted
from distributor.public import localized
from distributor.release import LanguageVersion, Release
from distributor.shelf import Shelf

from . import documents, item, jsonfeed, remarks
from .documents import SUFFIX
from .feed import TYPE, entry_bytes, item_bytes, items_in
from .parts import Item, Picture, legal


@dataclass(frozen=True, kw_only=True)
class Rss(Channel):
    """One feed per language version, in the site's public folder."""

    TYPE: ClassVar[str] = "rss"
    ALL_LANGUAGES: ClassVar[bool] = True
    DESTINATION: ClassVar[Mapping[str, str]] = {"path": "feed"}

    path: str = "feed.xml"  #: under public/; other languages get feed.<language>.xml
    items: int = 20  #: how many releases the feed holds
    formats: tuple[Literal["rss", "atom", "json"], ...] = ("rss", "atom", "json")  #: feed.xml, feed.atom, feed.json
    tag_feeds: bool = True  #: tag/<tag>/feed.xml beside the newsroom's page of the tag
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
        return Capabilities(idempotency=Idempotency.A, always_publishes=True, hosts_media=True, edit=True, delete=True)

    @property
    def destination(self) -> Destination:
        """A file of the newsroom."""
        return Destination(live=True, place=str(self.places.public / self.path))

    @property
    def destination_facts(self) -> dict[str, str | None]:
        """The public folder, and the address at which it is found."""
        return {
            **super().destination_facts,
            "folder": self.places.within(self.places.public),
            "address": self.places.url,
        }

    @property
    def owns(self) -> tuple[str, ...]:
        """The feed's file, whatever its formats: its name is the family's."""
        return (str(self.places.public / self.path),)

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """One item per language version."""
        return [self._message(release, text, kit) for text in self.texts(release)]

    def _message(self, release: Release, text: LanguageVersion, kit: Kit) -> Message:
        files = item.files_of(text, kit)
        pictures = [picture for media, file in files if (picture := item.picture_of(media, file, kit))]
        summary = item.summary_of(text)
        published, modified = kit.published(text), kit.modified(text)  # RFC 822 dates have whole seconds
        content = self._content(release, text, kit, pictures)
        made = Item(
            guid=item.guid_of(release, text, kit),
            title=text.headline,
            url=kit.page_url(release, text),
            summary=summary,
            content=content,
            issuer=release.issuer.name,
            language=text.lang,
            published=published,
            modified=modified,
            categories=item.categories_of(release, text, kit),
            pictures=pictures,
        )
        return Message(
            channel=self.name,
            type=self.TYPE,
            lang=text.lang,
            content=item_bytes(made),
            content_type=TYPE,
            filename="item.xml",
            title=text.headline,
            text=summary,
            html=legal(content),
            media=tuple(file for _, file in files if file),
            recipients=everybody(text),
            meta={
                "guid": made.guid,
                "atom": entry_bytes(made).decode(),
                "json": jsonfeed.item_text(made),
                "tags": legal("\n".join(text.hashtags)),
                "version": str(release.version),
                "published": published.isoformat(),
                "modified": modified.isoformat() if modified else "",
                **self._frame(text.lang, kit),
                "unsaid": "" if text.summary else "summary",
                "untyped": item.names_of(files, kit, typed=False),
                "left_out": item.names_of(files, kit, typed=True),
            },
        )

    def _frame(self, lang: str, kit: Kit) -> dict[str, str]:
        """What stands around the items, sealed with this one: `deliver` has no kit."""
        path, home = localized(self.path, lang, kit.newsroom.language), f"{kit.newsroom.url.rstrip('/')}/"
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
        folders = kit.templates.folders
        spoken = words.of(text.lang, release.issuer.name, folders)
        date = words.day(item.day_of(release, text, kit), text.lang, folders)
        values = {
            **kit.values(release, text),
            "photos": photos,
            "direction": words.direction(text.lang),
            "words": spoken,
            "dateline": words.dateline(spoken, text.dateline.place() if text.dateline else "", date),
            "date": date,
        }
        return kit.templates.render("rss/item.html", values).strip()

    def check(self, message: Message) -> Iterable[Finding]:
        """What readers would show wrongly."""
        return remarks.on(message)

    def exhibits(self, message: Message) -> Mapping[str, bytes]:
        """The feed as it would be after this delivery, and the item alone."""
        feeds = self.foreseen([message])
        return {**{f"feed{SUFFIX[kind]}": feeds[kind] for kind in self.formats}, "item.xml": message.content}

    def foreseen(self, messages: Sequence[Message]) -> Mapping[str, bytes]:
        """Return the live feed by format as it will be once `messages`, all in one language, are out."""
        return documents.foreseen(messages, self._shelf(messages[0].lang), self.items)

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:  # noqa: ARG002  the guid is the key
        """Photos, then the item, then the feed; readers see the old or the new feed, never a part.

        The receipt's id is `<path of the feed>#<guid>`, which `read_back` takes apart. Raises Unavailable when the disk
        does not take it, Refused for a media name that would leave the public folder.
        """
        public_file = self.places.public / message.meta["path"]
        note = await asyncio.to_thread(self._publish, message)
        return Receipt(id=f"{public_file}#{message.meta['guid']}", url=message.meta["address"], detail=note)

    async def withdraw(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """The item goes from the feed, its tags' feeds and the archive, and its photos with it. Raises Unavailable."""
        await asyncio.to_thread(self._withdraw, message)
        return Receipt(id=receipt.id, detail="withdrawn")

    def _withdraw(self, message: Message) -> None:
        folder, shelf = self.places.public, self._shelf(message.lang)
        with shelf.withdrawn(message.meta["guid"], int(message.meta["version"])) as row:
            if row is None:
                return
            made = documents.Feeds(message.meta, message.lang, shelf, self.items, self.formats, tags=self.tag_feeds)
            public.write(folder, made.touched(row, None, folder))
        own = [file.address for file in message.media]
        self._placed(message.meta["guid"]).drop(own, public=folder, kept=self.places.state / "feeds")

    def _placed(self, guid: str) -> public.Placed:
        return public.Placed(folder=self.places.state / "placed", channel=self.name, guid=guid)

    def place(self, message: Message) -> str:
        """The feed of the message's language."""
        return str(self.places.public / message.meta["path"])

    def _shelf(self, lang: str) -> Shelf:
        return Shelf(folder=self.places.state / "feeds" / self.name / lang, sound=documents.is_sound)

    def _publish(self, message: Message) -> str:
        folder, shelf, row = self.places.public, self._shelf(message.lang), documents.row_of(message)
        self._placed(row.guid).add(file.address for file in message.media)
        for file in message.media:
            public.put_media(folder, file.sha256, file.name, file.data)
            public.put_media(self.places.state / "feeds", file.sha256, file.name, file.data)
        earlier = shelf.get(row.guid)
        with shelf.placed(row) as newest:
            rows, damaged = shelf.newest(self.items)
            if newest == row.version:
                made = documents.Feeds(message.meta, message.lang, shelf, self.items, self.formats, tags=self.tag_feeds)
                public.write(folder, made.touched(row, earlier, folder))
        notes = [counted(len(rows), "item")]
        if newest > row.version:
            notes.append(f"version {newest} stands there already")
        if damaged:
            notes.append(f"{damaged} damaged files in {shelf.folder} were passed over")
        return "; ".join(notes)

    def as_of(self, kit: Kit, lang: str, kind: Literal["rss", "atom", "json"], when: datetime | None) -> bytes | None:
        """Return the feed of what had been released by `when` (aware), or the live feed where it is None.

        None: this channel has no feed in that language.
        """
        feeds = self._feeds(kit, lang)
        if lang not in self.feed_languages(kit):
            return None
        if when is None:
            return feeds.live(kind)
        rows, _ = feeds.shelf.newest(self.items, until=when)
        return feeds.joined(kind, feeds.meta["path"], rows)

    def released(self, release: Release, kit: Kit) -> Mapping[str, datetime]:
        """Return, by language, when an earlier version stood in the feed first."""
        found = {}
        for text in self.texts(release):
            row = self._shelf(text.lang).known(item.guid_of(release, text, kit))
            if row and row.version < release.version:
                found[text.lang] = row.published
        return found

    def feed_languages(self, kit: Kit) -> list[str]:
        """Return the languages that have a feed: this block's or else the site's, and those released here."""
        wanted = self.languages or kit.languages
        return list(dict.fromkeys([*wanted, *(folder.name for folder in self._folders())]))

    def open_public(self, kit: Kit) -> int:
        """Write every feed where one is missing: a new site has valid empty ones.

        Returns how many files changed. Raises Unavailable when the disk does not take them.
        """
        wanted = [
            self.places.public / feeds.named(feeds.meta["path"], kind)
            for feeds in (self._feeds(kit, lang) for lang in self.feed_languages(kit))
            for kind in self.formats
        ]
        return 0 if all(path.exists() for path in wanted) else self.rebuild(kit)

    def rebuild(self, kit: Kit) -> int:
        """Write every feed anew from what is released; returns how many files changed."""
        written = 0
        for lang in self.feed_languages(kit):
            feeds = self._feeds(kit, lang)
            with feeds.shelf.held():
                written += sum(public.put(self.places.public / path, data) for path, data in feeds.all())
        kept = self.places.state / "feeds" / "media"
        return written + public.copy(kept, self.places.public / "media")

    def _feeds(self, kit: Kit, lang: str) -> documents.Feeds:
        frame, shelf = self._frame(lang, kit), self._shelf(lang)
        return documents.Feeds(frame, lang, shelf, self.items, self.formats, tags=self.tag_feeds)

    def _folders(self) -> list[Path]:
        return sorted((self.places.state / "feeds" / self.name).glob("*/"))

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The item as it stands in the public feed; None when newer releases have moved it out."""
        path, _, guid = receipt.id.rpartition("#")
        try:
            return items_in(Path(path).read_bytes()).get(guid)
        except OSError:
            return None


CHANNEL: type[Channel] = Rss
