"""The public folder before, beside and after deliveries: empty feeds, feeds as they will read, lists made anew."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from distributor.contract import DeliveryError, Kit, MediaFile, Message
from distributor.desk.open import OpenSite
from distributor.errors import ActionError, nearest
from distributor.release import Media

Format = Literal["rss", "atom", "json"]


@runtime_checkable
class Feeding(Protocol):
    """A channel that makes feeds."""

    name: str

    def feed_languages(self, kit: Kit) -> list[str]:
        """Return the languages that have a feed."""

    def as_of(self, kit: Kit, lang: str, kind: Format, when: datetime | None) -> bytes | None:
        """Return the feed of what had been released by `when`, or the live feed; None without one in that language."""

    def foreseen(self, messages: Sequence[Message]) -> Mapping[str, bytes]:
        """Return the live feed by format as it will be once `messages` are out."""


@runtime_checkable
class Opening(Protocol):
    """A channel that keeps lists in the public folder, which are there before the first release."""

    def open_public(self, kit: Kit) -> int:
        """Write what is missing; returns how many files changed. Raises DeliveryError."""


@runtime_checkable
class Rebuilding(Protocol):
    """A channel that can write its public files anew."""

    def rebuild(self, kit: Kit) -> int:
        """Write them; returns how many files changed."""


def open_public(desk: OpenSite) -> list[str]:
    """Write empty feeds and lists where the site has none.

    Only what is released stands in them. Returns what went wrong: the deliveries themselves need
    the same folder and say so again.
    """
    made, problems = kit(desk, desk.clock.now()), []
    for name, channel in desk.channels.items():
        if isinstance(channel, Opening):
            try:
                channel.open_public(made)
            except DeliveryError as error:
                problems.append(f"{name}: {error.reason}")
    return problems


def kit(desk: OpenSite, now: datetime) -> Kit:
    """Return what a channel needs to write lists of what is released."""
    press = desk.press
    return Kit(
        templates=press.templates,
        newsroom=press.newsroom,
        lift=now,
        networks=press.networks,
        read_media=_no_media,
        languages=press.languages,
    )


def feeding(desk: OpenSite, name: str | None = None) -> Feeding:
    """Return the channel `name`, or the first one, that makes feeds. Raises ActionError where there is none."""
    found: dict[str, Feeding] = {key: one for key, one in desk.channels.items() if isinstance(one, Feeding)}
    if name is None and found:
        return next(iter(found.values()))
    if name in found:
        return found[name]
    if name is None:
        raise ActionError('no channel makes a feed here: add a block with type = "rss" to the config')
    raise ActionError(f"'{name}' makes no feed here{nearest(name, found)}")


def feed_now(desk: OpenSite, channel: Feeding, kind: Format, lang: str | None, when: datetime | None) -> bytes:
    """Return the feed as it is, or as it was at `when`. Raises ActionError for a language without a feed."""
    made = kit(desk, when or desk.clock.now())
    there = channel.feed_languages(made)
    wanted = desk.settings.newsroom.language
    chosen = same_language(lang, there) if lang else (wanted if wanted in there or not there else there[0])
    data = channel.as_of(made, chosen, kind, when) if chosen else None
    if data is None:
        raise ActionError(f"there is no feed in '{lang or chosen}': {channel.name} has {', '.join(there)}")
    return data


def refuse_public(desk: OpenSite, path: Path) -> None:
    """Raise ActionError for a place in the public folder: what is not released would be read there."""
    if path.resolve().is_relative_to(desk.places.public.resolve()):
        raise ActionError(f"{path} lies in the public folder, where everybody could read it: choose another place")


def same_language(wanted: str, there: Iterable[str]) -> str | None:
    """Return the tag among `there` that is `wanted`, in its spelling."""
    return next((one for one in there if one.casefold() == wanted.casefold()), None)


def _no_media(media: Media) -> MediaFile:
    raise ActionError(f"{media.file}: what is released has its photos already")
