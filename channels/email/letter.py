"""What a mail says: its subject, and the values that its two templates may use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from distributor import images, words
from distributor.contract import Dropped, Kit, MediaFile, Tier
from distributor.embargo import zone_of
from distributor.markdown import paragraphs_html, parsed
from distributor.release import LanguageVersion, Media, Release
from distributor.text.cutting import cut

from .message import cid

_PREHEADER = 90  #: characters that every mail program shows beside the subject
_PHOTO = 552  #: pixels: the column of 600 without its margins
#: Of a photo that travels in the mail: sharp on a screen of two pixels for one.
_EMBEDDED = images.Recipe(
    kinds=("image/jpeg", "image/png"), max_bytes=300_000, max_side=2 * _PHOTO, max_pixels=4 * _PHOTO**2
)
#: A photo at the newsroom: sharp on a dense screen, and no reader waits for the original's fourteen megabytes.
_HOSTED = images.Recipe(kinds=("image/jpeg", "image/png"), max_bytes=1_000_000, max_side=2_000, max_pixels=4_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A photo, video or document as a mail shows it."""

    label: str  #: `Photo`, in the mail's language
    is_photo: bool
    url: str  #: empty in an advance copy, unless it travels in the mail: it lies there only from the lift on
    alt: str
    caption: str
    credit: str
    width: int  #: pixels
    file: MediaFile | None = None  #: travels in the mail
    hosted: MediaFile | None = None  #: lies at `url` from the lift on


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The words of one language version."""

    subject: str
    values: Mapping[str, Any]  #: for the templates, besides the kit's own
    dropped: tuple[Dropped, ...]
    photos: tuple[MediaFile, ...]  #: travel in the mail
    hosted: tuple[MediaFile, ...]  #: lie at the address that the mail names


def letter(
    release: Release,
    text: LanguageVersion,
    kit: Kit,
    *,
    tier: Tier,
    after: timedelta,
    unsubscribe: str,
    recipient: Mapping[str, str],
    embed: str,
) -> Letter:
    """Gather what both templates say. `unsubscribe` is a URL, a mark or empty; `recipient` are the marks of a recipient's own
    values; `after` is the channel's offset; `embed` a domain when photos travel in the mail, else empty.
    """
    advance = tier is Tier.prebrief
    public_lift = release.embargoed_until.instant if release.embargoed_until else kit.lift - after
    folders = kit.templates.folders
    embargo = words.embargo(public_lift, release.zone, text.lang, folders) if advance else ""
    spoken = words.of(text.lang, release.issuer.name, folders)
    pictures = tuple(_picture(media, kit, spoken, hidden=advance, embed=embed) for media in text.media)
    body = parsed(text.body)
    summary = text.summary or next(iter(body.paragraphs), "")
    dateline = _dateline(release, text, kit, public_lift, spoken)
    subject = _subject(release, text, spoken, embargo)
    values = {
        "words": spoken,
        "dir": words.direction(text.lang),
        "embargo": embargo,
        "correction": release.corrects.text if release.corrects else None,
        "dateline": dateline,
        "subject": subject,
        "opens": body.html.startswith("<p>"),
        "body_html": _opened(body.html, dateline),
        "boilerplate_html": paragraphs_html(text.boilerplate or ""),
        "notes_html": paragraphs_html(text.notes_to_editors or ""),
        "pictures": pictures,
        "contacts": tuple(release.media_contacts()),
        "hashtags": " ".join(words.isolated(f"#{tag}", spoken["direction"]) for tag in text.hashtags),
        "preheader": embargo or _preheader(summary),
        "browser": "" if advance else kit.page_url(release, text),
        "unsubscribe": unsubscribe,
        "recipient": recipient,
    }
    dropped = _dropped(text, pictures) if advance else ()
    files = {"photos": _once(one.file for one in pictures), "hosted": _once(one.hosted for one in pictures)}
    return Letter(subject=subject, values=values, dropped=dropped, **files)


def _once(found: Iterable[MediaFile | None]) -> tuple[MediaFile, ...]:
    """Each file of those that are there, by its bytes."""
    return tuple({file.sha256: file for file in found if file}.values())


def _subject(release: Release, text: LanguageVersion, spoken: Mapping[str, str], embargo: str) -> str:
    parts = (embargo, spoken["correction"] if release.corrects else "", text.headline)
    return f"{spoken['colon']} ".join(part for part in parts if part)


def _dateline(release: Release, text: LanguageVersion, kit: Kit, lift: datetime, spoken: Mapping[str, str]) -> str:
    """`HONG KONG - 5 March 2030`, `PARIS, le 1er février 2027`: place and day, and the distributor where there is one.

    A correction keeps the day of the first version.
    """
    first = min(kit.first.get(text.lang, lift), lift)
    day = (text.dateline and text.dateline.date) or first.astimezone(zone_of(release.zone)).date()
    date = words.day(day, text.lang, kit.templates.folders)
    place = text.dateline.place() if text.dateline else ""
    service = release.distributor.name if release.distributor else ""
    if not place or " - " in spoken["dateline_mail"]:
        return " - ".join(part for part in (place, service, date) if part)
    line = "".join(words.dateline(spoken, place, date, "dateline_mail"))
    return f"{line} - {service}" if service else line


def _opened(html: str, dateline: str) -> str:
    """The body with the dateline at the start of its first paragraph, or before it where a heading or list is first."""
    start, after = ("<p>", " - ") if html.startswith("<p>") else ("", "</p>\n")
    return f"<p><b>{escape(dateline)}</b>{after}{html.removeprefix(start)}"


def _preheader(summary: str) -> str:
    if len(summary) <= _PREHEADER:
        return summary
    return cut(summary, lambda part: len(part) <= _PREHEADER) or ""


def _picture(media: Media, kit: Kit, spoken: Mapping[str, str], *, hidden: bool, embed: str) -> Picture:
    url, file, hosted = media.url or "", None, None
    if embed and media.file and media.kind == "photo":
        file = images.within(images.clean(kit.read_media(media)), _EMBEDDED)
    if file:
        url = f"cid:{cid(file, embed)}"
    elif media.file and not hidden:
        original = images.clean(kit.read_media(media))
        hosted = images.within(original, _HOSTED) if media.kind == "photo" else None
        url = kit.media_url(hosted or original)
    return Picture(
        label=spoken[media.kind],
        is_photo=media.kind == "photo" and bool(url),
        url=url,
        alt=media.alt or "",
        caption=media.caption or "",
        credit=media.credit or "",
        width=min(media.width or _PHOTO, _PHOTO),
        file=file,
        hosted=hosted,
    )


def _dropped(text: LanguageVersion, pictures: Iterable[Picture]) -> tuple[Dropped, ...]:
    """What an advance copy leaves out."""
    why = "an advance copy cannot show it: the newsroom has it only from the lift on"
    shown = zip(text.media, pictures, strict=True)
    return tuple(Dropped(text=media.file, why=why) for media, made in shown if media.file and not made.file)
