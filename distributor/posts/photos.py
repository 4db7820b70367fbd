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
    url: str  #: where the public finds these very bytes from the instant on
    small: MediaFile | None = None  #: a smaller one, where the network wants both
    small_url: str = ""

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
        "max_ratio": float(limits.get("photo_max_ratio", 0)),
    }
    return images.Recipe(**{**known, **changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The photos of a post, and those that stay behind."""

    photos: tuple[Photo, ...] = ()
    over: tuple[Dropped, ...] = ()  #: photos and words beyond what a post takes
    unfit: tuple[Dropped, ...] = ()  #: cannot be made to fit the network


def chosen(text: LanguageVersion, kit: Kit, limits: Mapping[str, Any], *, alt: bool) -> Chosen:
    """Return the photos that go with the post, in the release's order, each as the network takes it; without its words
    where the network takes none (`alt`).
    """
    most, longest = int(limits.get("photos", 4)), int(limits.get("alt", 1000))
    found: list[Photo] = []
    over: list[Dropped] = []
    unfit: list[Dropped] = []
    for media in text.media:
        if media.kind != "photo" or not media.file:
            continue
        if len(found) == most:
            over.append(Dropped(text=media.file, why=f"a post has at most {most} photo{'s' if most > 1 else ''}"))
            continue
        original = images.clean(kit.read_media(media))
        whole = (media.alt or media.caption or "") if alt else ""
        words = short(whole, longest)
        if made := _fitted(original, kit, limits, words):
            found.append(made)
            if words != whole:
                why = f"an alt text has room for {longest:,} characters; it is sent as: {words}"
                over.append(Dropped(text=whole, why=why))
        else:
            unfit.append(Dropped(text=media.file, why=_reason(original, limits)))
    return Chosen(photos=tuple(found), over=tuple(over), unfit=tuple(unfit))


def _fitted(original: MediaFile, kit: Kit, limits: Mapping[str, Any], words: str) -> Photo | None:
    """Return the photo, and its smaller copy where the network wants one; None where either cannot be made."""
    file = images.within(original, recipe(limits))
    if file is None:
        return None
    made = Photo(file=replace(file, alt=words), url=kit.media_url(file))
    if "preview_max_bytes" not in limits:
        return made
    sides = {name: int(limits[f"preview_{name}"]) for name in ("max_bytes", "max_side")}
    small = images.within(file, recipe(limits, **sides))
    return replace(made, small=small, small_url=kit.media_url(small)) if small else None


def _reason(original: MediaFile, limits: Mapping[str, Any]) -> str:
    """Say why a photo cannot be sent, with its own measures and the network's."""
    size, ratio = images.size(original), recipe(limits).max_ratio
    if size and ratio and max(size) > ratio * min(size):
        width, height = size
        return f"{width:,} × {height:,} pixels: the network takes one side at most {ratio:g} times the other"
    return "it is no photo that can be made to fit"


def short(words: str, longest: int) -> str:
    """The words, cut between two of them where the network takes fewer characters."""
    if graphemes(words) <= longest and len(words) <= longest:
        return words
    return cut(words, lambda text: len(text) <= longest) or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardImage:
    """The picture of a link's card, as it travels and as the public finds it."""

    file: MediaFile | None = None  #: small enough for the network
    hosted: MediaFile | None = None  #: the one at the public address
    url: str = ""  #: the public address
    alt: str = ""


def card_image(text: LanguageVersion, kit: Kit, *, max_bytes: int) -> CardImage:
    """Return the first photo as link previews show it."""
    for media in text.media:
        if media.kind == "photo" and media.file:
            made = images.preview(images.clean(kit.read_media(media)))
            if made is None:
                continue
            whole = images.Recipe(kinds=("image/jpeg",), max_bytes=max_bytes, max_side=1200, max_pixels=10_000_000)
            fitted = images.within(made.file, whole)
            alt = media.alt or ""
            travels = replace(fitted, alt=alt) if fitted else None
            return CardImage(file=travels, hosted=made.file, url=kit.media_url(made.file), alt=alt)
    return CardImage()
