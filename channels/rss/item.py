"""What a feed takes from a release: its guid, summary, categories and pictures."""

import mimetypes
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from distributor import images
from distributor.contract import Kit, MediaFile
from distributor.embargo import zone_of
from distributor.markdown import parsed
from distributor.release import LanguageVersion, Media, Release

from .parts import Picture, legal

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_UNTYPED = "application/octet-stream"
_SCHEMES = {"medtop": "http://cv.iptc.org/newscodes/mediatopic/"}
Files = Sequence[tuple[Media, MediaFile | None]]


def files_of(text: LanguageVersion, kit: Kit) -> Files:
    """Every media with its file; photos come without what the camera wrote into them."""
    return [(media, images.clean(kit.read_media(media)) if media.file else None) for media in text.media]


def summary_of(text: LanguageVersion) -> str:
    """Never without a printable character: feedgen would put the whole content in its place."""
    words = (text.summary or "", *parsed(text.body).paragraphs)
    return next((part for part in words if legal(part).strip()), text.headline)


def guid_of(release: Release, text: LanguageVersion, kit: Kit) -> str:
    """The same for every version, instant and address of the release: a `tag:` URI (RFC 4151).

    Its date says when the host was the newsroom's, not when the release came out, so a correction or another lift
    leaves it alone. It is the year this form was laid down, and never moves.
    """
    host = (urlsplit(kit.newsroom.url).hostname or "").encode("idna").decode()
    return f"tag:{host},2026:{release.id}:{text.lang}"


def day_of(release: Release, text: LanguageVersion, kit: Kit) -> datetime:
    """The day that the dateline shows."""
    given = text.dateline.date if text.dateline else None
    local = kit.published(text).astimezone(zone_of(release.zone))
    return local if given is None else local.replace(year=given.year, month=given.month, day=given.day)


def categories_of(release: Release, text: LanguageVersion, kit: Kit) -> list[tuple[str, str]]:
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


def picture_of(media: Media, file: MediaFile | None, kit: Kit) -> Picture | None:
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


def names_of(files: Files, kit: Kit, *, typed: bool) -> str:
    """What the feed does not show, one a line: because it is no picture, or because nobody knows what it is."""
    hidden = [(media, file) for media, file in files if not picture_of(media, file, kit)]
    return "\n".join(
        file.name if file else media.url or ""
        for media, file in hidden
        if (_type(media, file) not in (None, _UNTYPED)) is typed
    )
