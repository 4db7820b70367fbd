"""The preview as one self-contained page: every channel side by side, no script, nothing fetched from anywhere."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from distributor.contract import Finding, MediaFile, Message
from distributor.embargo import spell
from distributor.preview import Preview, Rendered, read_media
from distributor.render import Templates

_RTL = ("ar", "he", "fa", "ur")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: plain, or live as the network will make it."""

    text: str
    kind: str = ""
    target: str = ""


def pieces(message: Message) -> list[Piece]:
    """The reader's text cut at its live entities."""
    found, at = [], 0
    for entity in sorted(message.entities, key=lambda e: e.start):
        if entity.start > at:
            found.append(Piece(message.text[at : entity.start]))
        found.append(Piece(message.text[entity.start : entity.end], entity.kind, entity.target))
        at = entity.end
    return [*found, Piece(message.text[at:])]


def page(preview: Preview, templates: Templates) -> str:
    """The HTML page; raises ConfigError when the site's own template fails."""
    release = preview.release
    listed = {media.file: media for text in release.languages for media in text.media if media.file}
    photos = [read_media(preview.file.folder, media) for media in listed.values()]
    return templates.render(
        "desk/preview.html",
        {
            "release": release,
            "main": release.main,
            "lift": spell(preview.lift, release.zone),
            "lift_is_fixed": preview.lift_is_fixed,
            "zones": [(zone, spell(preview.lift, zone)) for zone in release.display_zones],
            "seal": preview.digest,
            "findings": _sorted(preview.findings),
            "cards": [_card(one, release.zone, photos) for one in preview.rendered],
            "counts": _counts(preview.all_findings()),
        },
    )


def _card(one: Rendered, zone: str, photos: Sequence[MediaFile]) -> dict[str, Any]:
    message, channel = one.message, one.channel
    exhibits = channel.exhibits(message)
    return {
        "channel": channel,
        "message": message,
        "due": spell(one.due, zone),
        "dir": "rtl" if message.lang.split("-")[0] in _RTL else "auto",
        "kind": _kind(message),
        "pieces": pieces(message),
        "frame": _frame(message, photos),
        "wires": [(name, data.decode("utf-8", "backslashreplace"), len(data)) for name, data in exhibits.items()],
        "findings": _sorted(one.findings),
        "copies": one.copies,
        "destination": channel.destination,
        "place": channel.place(message),
        "capabilities": channel.capabilities,
    }


def _kind(message: Message) -> str:
    """How a reader meets it: as mail, as an item in a list, or as a post."""
    if message.content_type.startswith("message/"):
        return "mail"
    return "item" if message.html else "post"


def _frame(message: Message, photos: Sequence[MediaFile]) -> str:
    """The message's own HTML for a sandboxed frame, with the release's photos in place of addresses that do not answer
    before the lift.
    """
    html = message.html
    if not html:
        return ""
    for file in photos:
        data = f"data:{file.content_type};base64,{base64.b64encode(file.data).decode('ascii')}"
        for address in _addresses(message, file):
            html = html.replace(address, data)
    if "<html" not in html.lower():
        direction = "rtl" if message.lang.split("-")[0] in _RTL else "ltr"
        html = (
            f'<!doctype html><html lang="{escape(message.lang)}" dir="{direction}"><head><meta charset="utf-8">'
            "<style>body{font:16px/1.55 system-ui,sans-serif;margin:1rem;color:#1d2733}img{max-width:100%;height:auto}"
            "figure{margin:0 0 1rem}figcaption{font-size:.85em;color:#54616e}</style></head>"
            f"<body>{html}</body></html>"
        )
    return html


def _addresses(message: Message, file: MediaFile) -> list[str]:
    """Every address in the message that ends in this file's public path."""
    tail = escape(f"/{file.address}")
    found, start = [], 0
    while (end := message.html.find(tail, start)) >= 0:
        begin = max(message.html.rfind(quote, 0, end) for quote in "\"'") + 1
        found.append(message.html[begin : end + len(tail)])
        start = end + 1
    return found


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    order = ("error", "warning", "note")
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _counts(findings: Iterable[Finding]) -> Mapping[str, int]:
    counts = dict.fromkeys(("error", "warning", "note"), 0)
    for finding in findings:
        counts[finding.severity] += 1
    return counts
