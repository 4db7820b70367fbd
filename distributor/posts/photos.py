"""The photos of a post, as its network takes them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from distributor import images
from distributor.contract import Dropped, Kit, MediaFile
from distributor.release import LanguageVersion
from distributor.text.count import graphemes
from distributor.text.cutting import cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One photo: its bytes, what it shows, and what stands in the sealed body until the network has given it a name."""

    file: MediaFile
    url: str  #: where the newsroom shows it from the instant on

    @property
    def alt(self) -> str:
        """What it shows, for who cannot see it."""
        return self.file.alt

    @property
    def mark(self) -> str:
        """Stands for the id that the network gives to the upload."""
        return mark(self.file)


def mark(file: MediaFile) -> str:
    """`media:` and the beginning of the bytes' SHA-256."""
    return f"media:{file.sha256[:16]}"


def recipe(limits: Mapping[str, Any], **changes: Any) -> images.Recipe:
    """What the network takes, from its block in config/networks.toml."""
    known = {
        "kinds": tuple(limits.get("photo_kinds", ("image/jpeg", "image/png"))),
        "max_bytes": int(limits.get("photo_max_bytes", 5_000_000)),
        "max_side": int(limits.get("photo_max_side", 4096)),
        "max_pixels": int(limits.get("photo_max_pixels", 33_177_600)),
    }
    return images.Recipe(**{**known, **changes})


def chosen(text: LanguageVersion, kit: Kit, limits: Mapping[str, Any]) -> tuple[tuple[Photo, ...], tuple[Dropped, ...]]:
    """The photos that go with the post, in the release's order, and those that do not."""
    most, longest = int(limits.get("photos", 4)), int(limits.get("alt", 1000))
    found: list[Photo] = []
    dropped: list[Dropped] = []
    for media in text.media:
        if media.kind != "photo" or not media.file:
            continue
        original = images.clean(kit.read_media(media))
        fitted = images.within(original, recipe(limits))
        if len(found) == most:
            dropped.append(Dropped(text=media.file, why=f"a post has at most {most} photos"))
        elif fitted is None:
            dropped.append(Dropped(text=media.file, why="it is no photo that can be made to fit"))
        else:
            words = short(media.alt or media.caption or "", longest)
            found.append(Photo(file=replace(fitted, alt=words), url=kit.media_url(original)))
    return tuple(found), tuple(dropped)


def short(words: str, longest: int) -> str:
    """The words, cut between two of them where the network takes fewer characters."""
    if graphemes(words) <= longest and len(words) <= longest:
        return words
    return cut(words, lambda text: len(text) <= longest) or ""


def card_image(text: LanguageVersion, kit: Kit, *, max_bytes: int) -> tuple[MediaFile | None, str]:
    """The first photo as link previews show it, small enough for the network, and where the newsroom shows it."""
    for media in text.media:
        if media.kind == "photo" and media.file:
            made = images.preview(images.clean(kit.read_media(media)))
            if made is None:
                continue
            whole = images.Recipe(kinds=("image/jpeg",), max_bytes=max_bytes, max_side=1200, max_pixels=10_000_000)
            fitted = images.within(made.file, whole)
            return (replace(fitted, alt=media.alt or "") if fitted else None), kit.media_url(made.file)
    return None, ""
