"""The preview as one self-contained page: every channel side by side, no script, nothing fetched from anywhere."""

import base64
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from distributor import images, statements, words
from distributor.contract import Finding, MediaFile, Message
from distributor.embargo import spell
from distributor.plain import counted
from distributor.preview import Preview, Rendered, read_media
from distributor.release import LatePolicy
from distributor.render import Templates
from distributor.statements import Statements

#: Other sizes of a photo, which lie on the newsroom only after the lift.
_SIZES = re.compile(r"<source\b[^>]*>|\s(?:srcset|sizes)=(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: plain, or live as the network will make it."""

    text: str
    kind: str = ""
    target: str = ""
    folded: bool = False  #: readers may have to ask for more to see it


def pieces(message: Message) -> list[Piece]:
    """The reader's text cut at its live entities."""
    found, at = [], 0
    for entity in sorted(message.entities, key=lambda e: e.start):
        if entity.start > at:
            found.append(Piece(message.text[at : entity.start]))
        found.append(Piece(message.text[entity.start : entity.end], entity.kind, entity.target))
        at = entity.end
    return [*found, Piece(message.text[at:])]


def folded(found: Iterable[Piece], message: Message) -> list[Piece]:
    """The pieces cut where a network hides the rest of a post: from about so many characters or the third line on."""
    begin = _fold(message)
    if begin is None:
        return list(found)
    out, at = [], 0
    for piece in found:
        split = min(max(begin - at, 0), len(piece.text))
        for text, hidden in ((piece.text[:split], False), (piece.text[split:], True)):
            if text:
                out.append(replace(piece, text=text, folded=hidden))
        at += len(piece.text)
    return out


def _fold(message: Message) -> int | None:
    first = message.meta.get("fold", "").partition(" ")[0]
    if not first.isdigit():
        return None
    lines = message.text.split("\n")
    third = len("\n".join(lines[:3])) if len(lines) > 3 else len(message.text)
    begin = min(int(first), third)
    return begin if begin < len(message.text) else None


def photos_of(preview: Preview) -> list[MediaFile]:
    """Every file that the release lists, once."""
    listed = {media.file: media for text in preview.release.languages for media in text.media if media.file}
    return [read_media(preview.file.folder, media) for media in listed.values()]


def page(preview: Preview, templates: Templates, *, root: Path | None = None, signoff: bool = False) -> str:
    """The HTML page, with room for a client's `signoff` on paper where that is asked for. Files are named as they lie in the site
    at `root`. Raises ConfigError when the site's own template fails.
    """
    release, photos = preview.release, photos_of(preview)
    return templates.render(
        "desk/preview.html",
        {
            "spell": spell,
            "link_of": lambda _finding, _lang: "",  # there is no editor behind it
            "_": str,  # the sheet is in English; the desk's pages show the same cards in the viewer's language
            "release": release,
            "main": release.main,
            "lift": spell(preview.lift, release.zone),
            "lift_is_fixed": preview.lift_is_fixed,
            "zones": [(zone, spell(preview.lift, zone)) for zone in release.display_zones],
            "seal": preview.digest,
            "findings": by_severity(preview.findings),
            "cards": [_whole(one, root, photos) for one in preview.rendered],
            "late": late(preview),
            "counts": counts(preview.all_findings()),
            "signoff": signoff,
        },
    )


def _whole(one: Rendered, root: Path | None, photos: Sequence[MediaFile]) -> dict[str, Any]:
    """A card with everything inside, for a page that fetches nothing."""
    made = card(one, root, photos, _data)
    return {**made, "frame": frame(one.message, photos), "wires": wires(one)}


def card(
    one: Rendered, root: Path | None, photos: Sequence[MediaFile], picture: Callable[[MediaFile], str]
) -> dict[str, Any]:
    """What templates/desk/_card.html shows of a message of the site at `root`. `picture` gives the address of a photo; HTML and
    wire form are left to `frame_url` or `frame`, and `wires`.
    """
    message, channel = one.message, one.channel
    said = statements.of(channel, message)
    return {
        "channel": channel,
        "message": message,
        "due": one.due,
        "dir": "rtl" if words.direction(message.lang) == "rtl" else "auto",
        "kind": _kind(message),
        "pieces": folded(pieces(message), message),
        "said": said,
        "pictures": [{"src": picture(file), "alt": file.alt, "name": file.name} for file in said.photos],
        "card_image": _card_image(message, said, photos, picture),
        "frame": "",
        "frame_url": "",
        "wires": [],
        "findings": by_severity(one.findings),
        "copies": one.copies,
        "destination": channel.destination,
        "place": str(channel.place(message)).removeprefix(f"{root}{os.sep}"),
        "capabilities": channel.capabilities,
    }


def wires(one: Rendered) -> list[tuple[str, str, int]]:
    """What goes out, file by file: name, text as far as a person can read it, bytes."""
    return [(name, _readable(data), len(data)) for name, data in one.channel.exhibits(one.message).items()]


def _readable(data: bytes) -> str:
    """What stands in a file, as far as a person can read it."""
    return "a file of another kind than text" if b"\0" in data else data.decode("utf-8", "backslashreplace")


def late(preview: Preview) -> str:
    """What happens when the instant is missed."""
    if preview.release.late is LatePolicy.send:
        return "sent however late, and marked late"
    minutes = round(preview.catch_up_within.total_seconds() / 60)
    return f"sent up to {counted(minutes, 'minute')} late, then held for a person"


def _data(file: MediaFile) -> str:
    return f"data:{file.content_type};base64,{base64.b64encode(file.data).decode('ascii')}"


def _card_image(
    message: Message, said: Statements, photos: Sequence[MediaFile], picture: Callable[[MediaFile], str]
) -> str:
    """The picture of a post's link card: its own, or the one that the network will find on the page."""
    if not said.card:
        return ""
    if own := (*message.media, *message.hosted):
        return picture(own[0])
    made = next((found for photo in photos if (found := images.preview(images.clean(photo)))), None)
    return picture(made.file) if made else ""


def _kind(message: Message) -> str:
    """How a reader meets it: as mail, as an item in a list, or as a post."""
    if message.content_type.startswith("message/"):
        return "mail"
    if message.meta.get("network"):
        return "post"
    return "item" if message.html else "post"


def frame(message: Message, photos: Sequence[MediaFile]) -> str:
    """The message's own HTML for a sandboxed frame, with the release's photos in place of addresses that do not answer
    before the lift.
    """
    html = _SIZES.sub("", message.html)  # each photo is in there once, whole
    if not html:
        return ""
    for file in (*photos, *message.media):
        data = _data(file)
        for address in _addresses(message, file):
            html = html.replace(address, data)
    if "<html" not in html.lower():
        direction = words.direction(message.lang)
        html = (
            f'<!doctype html><html lang="{escape(message.lang)}" dir="{direction}"><head><meta charset="utf-8">'
            "<style>:root{color-scheme:light dark}body{font:16px/1.55 system-ui,sans-serif;margin:1rem;background:#fff;"
            "color:#1d2733}img{max-width:100%;height:auto}figure{margin:0 0 1rem}figcaption{font-size:.85em;color:#54616e}"
            "@media (prefers-color-scheme:dark){body{background:#1b232c;color:#e4e9ee}figcaption{color:#a3afbb}"
            "a{color:#7fb8f0}}</style></head>"
            f"<body>{html}</body></html>"
        )
    return html


def _addresses(message: Message, file: MediaFile) -> list[str]:
    """Every address in the message that ends in this file's public path."""
    tail = escape(f"/{file.address}")
    found = re.findall(f'cid:{file.sha256[:24]}@[^"]+', message.html)  # it travels in the mail
    start = 0
    while (end := message.html.find(tail, start)) >= 0:
        begin = max(message.html.rfind(quote, 0, end) for quote in "\"'") + 1
        found.append(message.html[begin : end + len(tail)])
        start = end + 1
    return found


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The most severe first."""
    order = ("error", "warning", "note")
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def counts(findings: Iterable[Finding]) -> Mapping[str, int]:
    """How many there are of each severity."""
    number = dict.fromkeys(("error", "warning", "note"), 0)
    for finding in findings:
        number[finding.severity] += 1
    return number
