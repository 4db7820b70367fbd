"""The public newsroom: a page for every release, and the lists around it, as files that any web server shows.

What is sealed is the page, its files, the release's card and the frame of the lists. Delivering writes them; the lists are
joined from the cards of what was released, so nothing of an embargoed release can stand in them.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from distributor import files, public, words
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
    Severity,
)
from distributor.contract import public as everybody
from distributor.errors import ConfigError
from distributor.release import LanguageVersion, Release
from distributor.shelf import Row, Shelf, slug

from . import lists, page

_TAKEN = frozenset({"archive", "feeds", "lang", "media", "tag", "sitemap", "robots", "index"})


@dataclass(frozen=True, kw_only=True)
class Newsroom(Channel):
    """One page per language version, in the site's public folder."""

    TYPE: ClassVar[str] = "newsroom"
    ALL_LANGUAGES: ClassVar[bool] = True

    feeds: tuple[str, ...] = ("feed.xml", "feed.atom", "feed.json")  #: under public/: what the rss channel writes
    image_types: tuple[Literal["avif", "webp"], ...] = (
        "webp",
    )  #: of photos, the best first; JPEG or PNG is always there

    def __post_init__(self) -> None:
        """Raises ConfigError for a feed that is none."""
        super().__post_init__()
        for path in self.feeds:
            if not re.fullmatch(r"[\w-]+(/[\w-]+)*\.(xml|atom|json)", path):
                raise ConfigError(
                    f"[channels.{self.name}] feeds: '{path}' is no feed; write feed.xml, feed.atom or feed.json"
                )

    @property
    def capabilities(self) -> Capabilities:
        """Class A: the same page written again is the same page. A correction takes the place of what it corrects."""
        return Capabilities(
            idempotency=Idempotency.A, always_publishes=True, makes_page=True, hosts_media=True, edit=True, delete=True
        )

    @property
    def destination(self) -> Destination:
        """The public folder."""
        return Destination(live=True, place=str(self.places.public))

    @property
    def destination_facts(self) -> dict[str, str | None]:
        """The public folder, and the address at which it is found."""
        return {"folder": self.places.within(self.places.public), "address": self.places.url}

    @property
    def owns(self) -> tuple[str, ...]:
        """The front page: a public folder has one newsroom."""
        return (str(self.places.public / "index.html"),)

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """One page per language version."""
        return [self._message(release, text, kit) for text in self.texts(release)]

    def _message(self, release: Release, text: LanguageVersion, kit: Kit) -> Message:
        given = page.values(release, text, kit, self.feeds, self.image_types)
        made = page.legal(kit.templates.render("newsroom/release.html", given))
        return Message(
            channel=self.name,
            type=self.TYPE,
            lang=text.lang,
            content=f"{made}\n".encode(),
            content_type="text/html",
            filename="index.html",
            title=text.headline,
            text=page.legal(kit.templates.render("newsroom/release.txt", given).strip()) + "\n",
            html=made,
            media=page.files(given, kit),
            recipients=everybody(text),
            meta={
                "guid": _guid(release, text),
                "version": str(release.version),
                "published": kit.published(text).isoformat(),
                "modified": (kit.modified(text) or kit.published(text)).isoformat(),
                "path": given["path"].removeprefix(given["base"]).strip("/"),
                "url": given["own_url"],
                "headline": page.legal(text.headline),
                "card": page.legal(kit.templates.render("newsroom/card.html", given).strip()),
                "tags": page.legal("\n".join(text.hashtags)),
                **self._around(kit, text.lang),
                "blind": "\n".join(photo.url for photo in given["photos"] if not (photo.alt and photo.caption)),
            },
        )

    def _around(self, kit: Kit, lang: str) -> dict[str, str]:
        """What the lists in one language are made with, sealed with the page: `deliver` has no kit."""
        site, base = lists.site_of(kit.newsroom.url)
        return {
            "lang": lang,
            "title": kit.newsroom.title,
            "frame": self._frame(kit, lang),
            "home_frame": self._frame(kit, kit.newsroom.language),
            "site": site,
            "base": base,
            "home_language": kit.newsroom.language,
            "say": self._said(kit, lang),
            "home_say": self._said(kit, kit.newsroom.language),
            "feeds": "\n".join(self.feeds),
        }

    def _said(self, kit: Kit, lang: str) -> str:
        return lists.said(words.of(lang, kit.newsroom.title, kit.templates.folders))

    def _frame(self, kit: Kit, lang: str) -> str:
        """A list's page, with marks where its parts go."""
        values = {**page.common(kit, lang, self.feeds), "slot": lists.SLOTS}
        return kit.templates.render("newsroom/list.html", values) + "\n"

    def open_public(self, kit: Kit) -> int:
        """Write pages and lists where there is no front page: a new newsroom says that nothing is published yet.

        Returns how many files changed. Raises Unavailable when the disk does not take them.
        """
        return 0 if (self.places.public / "index.html").exists() else self.rebuild(kit)

    def rebuild(self, kit: Kit) -> int:
        """Write every page and list anew from what is released, in the theme of today; returns how many files changed.

        The releases' own pages are what was sealed, byte for byte.
        """
        written = public.copy(self.shelf.folder / "kept", self.places.public)
        for file in (page.style_of(kit), page.script_of(kit)):
            written += public.put_media(self.places.public, file.sha256, file.name, file.data)
        shelf = self.shelf
        for row in shelf.all_gone():
            if not (shelf.folder / "kept" / row.facts["path"] / "index.html").exists():
                public.mark_gone(self.places.public / row.facts["path"])
        with shelf.held():
            for lang in dict.fromkeys([kit.newsroom.language, *shelf.lists()]):
                for path, data in lists.everything(self._around(kit, lang), shelf):
                    written += public.put(self.places.public / path, data)
        return written

    def released(self, release: Release, kit: Kit) -> Mapping[str, datetime]:  # noqa: ARG002  feeds need it
        """Return, by language, when the page of an earlier version was published first."""
        shelf = self.shelf
        rows = {text.lang: shelf.known(_guid(release, text)) for text in self.texts(release)}
        return {lang: row.published for lang, row in rows.items() if row and row.version < release.version}

    def check(self, message: Message) -> Iterable[Finding]:
        """What would be missing on the page, or in its way."""
        if message.meta["path"].split("/")[0] in _TAKEN:
            text = f"the address '{message.meta['path']}' belongs to the newsroom itself; give the release another id"
            yield Finding(severity=Severity.error, code="address-taken", field="id", text=text)
        for url in message.meta["blind"].splitlines():
            text = f"the photo {url.rpartition('/')[2]} needs alt text and a caption"
            yield Finding(severity=Severity.error, code="photo-words", field="media", text=text)

    def exhibits(self, message: Message) -> Mapping[str, bytes]:
        """The page and its plain text."""
        return {"index.html": message.content, "release.txt": message.text.encode()}

    def place(self, message: Message) -> str:
        """The page's file."""
        return str(self._file(message))

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:  # noqa: ARG002  the page's address is the key
        """Files, page, lists, in this order: nothing is linked before it is there.

        Raises Unavailable when the disk does not take it (the shelf is then as it was), Refused for a media name that is a path.
        """
        note = await asyncio.to_thread(self._publish, message)
        return Receipt(id=str(self._file(message)), url=message.meta["url"], detail=note)

    async def withdraw(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """Page, photos and every mention go; its address answers 410 from then on. Raises Unavailable for a failing disk."""
        await asyncio.to_thread(self._withdraw, message)
        return Receipt(id=receipt.id, detail="withdrawn")

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The page as it lies in the public folder."""
        try:
            return Path(receipt.id).read_bytes()
        except OSError:
            return None

    @property
    def shelf(self) -> Shelf:
        """What this newsroom has released."""
        return Shelf(folder=self.places.state / "newsroom" / self.name)

    def _file(self, message: Message) -> Path:
        return self.places.public / message.meta["path"] / "index.html"

    def _publish(self, message: Message) -> str:
        row, folder, shelf = _row(message), self.places.public, self.shelf
        self._placed(row.guid).add(_photos(message))
        for file in message.media:
            public.put_media(folder, file.sha256, file.name, file.data)
            self._keep(f"media/{file.sha256[:16]}/{file.name}", file.data)
        earlier = shelf.get(row.guid)
        with shelf.placed(row) as newest:
            if newest > row.version:
                return f"version {newest} stands there already"
            self._keep(f"{message.meta['path']}/release.txt", message.text.encode())
            self._keep(f"{message.meta['path']}/index.html", message.content)
            public.put(self._file(message).with_name("release.txt"), message.text.encode())
            public.put(self._file(message), message.content)
            public.mark_gone(self._file(message).parent, gone=False)
            public.write(folder, lists.touched(row, earlier, message.meta, shelf))
        return f"version {row.version}"

    def _withdraw(self, message: Message) -> None:
        folder, shelf, page_folder = self.places.public, self.shelf, message.meta["path"]
        with shelf.withdrawn(message.meta["guid"], int(message.meta["version"])) as row:
            if row is None:
                return
            for root in (folder, shelf.folder / "kept"):
                for name in ("index.html", "release.txt"):
                    public.remove(root / page_folder / name)
            public.mark_gone(folder / page_folder)
            public.write(folder, lists.withdrawn(row, message.meta, shelf))
            placed = self._placed(message.meta["guid"])
            placed.drop(_photos(message), public=folder, kept=shelf.folder / "kept")

    def _placed(self, guid: str) -> public.Placed:
        return public.Placed(folder=self.places.state / "placed", channel=self.name, guid=guid)

    def _keep(self, path: str, data: bytes) -> None:
        """A second copy outside the public folder, from which that can be made again."""
        kept = self.shelf.folder / "kept" / path
        if not (path.startswith("media/") and kept.exists()):
            files.deliver(kept, data)


def _photos(message: Message) -> list[str]:
    """The addresses of what goes with the release; style sheet and script belong to every page."""
    shared = ("text/css", "text/javascript")
    return [file.address for file in message.media if file.content_type not in shared]


def _guid(release: Release, text: LanguageVersion) -> str:
    return f"{release.id}/{text.lang}"


def _row(message: Message) -> Row:
    meta = message.meta
    tags = [tag for tag in meta["tags"].split("\n") if tag]
    names = dict.fromkeys([meta["lang"], *(f"{meta['lang']}/tag/{slug(tag)}" for tag in tags)])
    return Row(
        guid=meta["guid"],
        version=int(meta["version"]),
        published=datetime.fromisoformat(meta["published"]),
        lists=tuple(names),
        facts={
            "card": meta["card"],
            "title": meta["headline"],
            "url": meta["url"],
            "lang": meta["lang"],
            "tags": meta["tags"],
            "path": meta["path"],
            "modified": meta.get("modified", meta["published"]),
        },
    )


CHANNEL: type[Channel] = Newsroom
