"""What a channel may use while it renders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from distributor import addresses
from distributor.handles import Handle
from distributor.markdown import parsed
from distributor.message import Earlier, MediaFile
from distributor.release import LanguageVersion, Media, Release
from distributor.render import Templates
from distributor.settings import Newsroom


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a channel may use while it renders: no clock, no network, no store."""

    templates: Templates
    newsroom: Newsroom
    lift: datetime  #: the instant (UTC) at which this channel sends the release
    networks: Mapping[str, Mapping[str, Any]]  #: `config/networks.toml`
    read_media: Callable[[Media], MediaFile]
    handles: Mapping[str, Handle] = field(default_factory=dict)  #: whom a post may mention, by `@name`
    languages: tuple[str, ...] = ()  #: that the site publishes in, the newsroom's first
    pages: frozenset[str] | None = None  #: languages whose page the newsroom makes; None: all of them
    earlier: Mapping[tuple[str, str], Earlier] = field(
        default_factory=dict
    )  #: posts that are up, by channel and language
    opening: str = ""  #: what a post begins with, before its own words
    first: Mapping[str, datetime] = field(default_factory=dict)  #: language → when an earlier version was published

    def values(self, release: Release, text: LanguageVersion) -> dict[str, Any]:
        """What every template may use; `body` has `.html`, `.plain` and `.paragraphs`."""
        return {
            "release": release,
            "text": text,
            "body": parsed(text.body),
            "newsroom": self.newsroom,
            "lift": self.lift,
            "zone": release.zone,
            "url": self.page_url(release, text),
        }

    def published(self, text: LanguageVersion) -> datetime:
        """Return when this language version was first published here (UTC, whole seconds): a correction keeps it."""
        return min(self.first.get(text.lang, self.lift), self.lift).replace(microsecond=0)

    def modified(self, text: LanguageVersion) -> datetime | None:
        """Return when a correction changes what was published before (UTC, whole seconds); None for what is new."""
        lift = self.lift.replace(microsecond=0)
        return lift if self.published(text) < lift else None

    def page_url(self, release: Release, text: LanguageVersion) -> str:
        """Return the address to link to in one language: the newsroom's, or another; empty where there is no page."""
        return addresses.page(self.newsroom, release, text, self.pages)

    def media_url(self, media: MediaFile) -> str:
        """The public address of a media file, from the instant on."""
        return f"{self.newsroom.url.rstrip('/')}/{media.address}"
