"""A post before its network's own form."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from distributor.contract import Dropped, Entity, Finding, MediaFile, Severity
from distributor.posts.photos import Photo, mark
from distributor.release import LanguageVersion, Release
from distributor.text.fit import Fitted, Segments
from distributor.text.remarks import Remark
from distributor.text.segments import shown, spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The link's card, from the same facts as the page's own metadata."""

    url: str
    title: str
    description: str
    image: MediaFile | None = None  #: where it travels with the post
    hosted: MediaFile | None = None  #: where the post names it by its address instead
    image_url: str = ""  #: that address
    image_alt: str = ""

    @property
    def mark(self) -> str:
        """Stands for the id that the network gives to the image."""
        return mark(self.image) if self.image else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What a network's own form is made of."""

    release: Release
    text: LanguageVersion
    url: str
    fitted: Fitted
    tags: tuple[str, ...]  #: every hashtag that the network takes, also those that did not fit
    photos: tuple[Photo, ...]  #: none where the network has no room for them under this text
    card: Card
    limits: Mapping[str, Any]
    instant: datetime  #: UTC; when it goes
    unfit: tuple[Dropped, ...] = ()  #: photos that cannot be made to fit the network
    behind: tuple[str, ...] = ()  #: photos that the text leaves no room for

    @property
    def segments(self) -> Segments:
        """The post as typed parts."""
        return self.fitted.segments

    @property
    def words(self) -> str:
        """The post as the reader reads it."""
        return shown(self.fitted.segments)

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Its links and hashtags, where they stand in the reader's text."""
        return tuple(Entity(start=s.start, end=s.end, kind=s.kind, target=s.target) for s in spans(self.segments))


def same_words(one: str, other: object) -> bool:
    """Whether a post that was read back says the same; networks change spaces."""
    return one.split() == str(other).split()


def as_json(value: object) -> bytes:
    """Compact JSON, letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def findings(remarks: Iterable[Remark], channel: str) -> Iterator[Finding]:
    """The text engine's remarks in the words of the contract."""
    for remark in remarks:
        yield Finding(
            severity=Severity(remark.severity),
            code=remark.code,
            text=remark.text,
            field=remark.field,
            channel=channel,
        )
