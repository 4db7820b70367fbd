"""Condense caniemail's data (JSON on standard input) to channels/email/clients.csv (standard output); see `make clients`."""

import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

_HEAD = """\
# What mail programs do not show, by feature of HTML, CSS and pictures. `make clients` makes this file anew.
# Source: caniemail.com (MIT License, Copyright (c) 2019 HTeuMeuLeu; see NOTICE), data of {date}, npm package caniemail.
# A program is named where its newest tested version has no support, on the web, on a phone or on a desktop; what it
# supports in part is not here. Left out: programs that ended (Windows Mail, Gmail's page for old phones), programs
# with fewer than 250 tests, and features that every program shows.
"""
#: Families in the order in which a sentence names them. Outlook's programs share nothing but their name.
_CLIENTS = {
    "gmail": "Gmail",
    "outlook-windows": "Outlook (Windows)",
    "outlook-outlook-com": "Outlook.com",
    "outlook-macos": "Outlook (macOS)",
    "outlook-ios": "Outlook (iOS)",
    "outlook-android": "Outlook (Android)",
    "apple-mail": "Apple Mail",
    "yahoo": "Yahoo",
    "samsung-email": "Samsung Email",
    "aol": "AOL",
    "thunderbird": "Thunderbird",
    "protonmail": "Proton Mail",
    "fastmail": "Fastmail",
    "hey": "HEY",
    "gmx": "GMX",
    "web-de": "WEB.DE",
    "ionos-1and1": "IONOS",
    "mail-ru": "Mail.ru",
    "orange": "Orange",
    "sfr": "SFR",
    "laposte": "La Poste",
}
_ENDED = {("outlook", "windows-mail"), ("gmail", "mobile-webmail")}
#: Titles that name their feature in no way of their own: kind and names.
_NAMED = {
    "css-variables": ("function", "var"),
    "css-inert-attribute": ("attribute", "inert"),
    "css-font": ("property", "font"),
    "css-unit-initial": ("value", "initial"),
    "css-pseudo-class-lang": ("pseudo", "lang"),
    "css-grid-template": ("property", "grid-template-columns grid-template-rows grid-template-areas grid-template"),
    "css-column-layout-properties": ("property", "columns column-width column-fill column-rule column-span"),
    "css-intrinsic-size": ("value", "fit-content min-content max-content"),
    "css-sytem-ui": ("value", "system-ui ui-serif ui-sans-serif ui-rounded ui-monospace"),
    "css-border-inline-block": ("property", "border-inline border-block"),
    "html-base": ("element", "base"),
    "html-address": ("element", "address"),
    "html-image-maps": ("element", "map"),
    "html-input-text": ("element", "input"),
    "html-button-submit": ("element", "button"),
    "html-srcset": ("attribute", "srcset"),
    "html-meta-color-scheme": ("element", "meta color-scheme"),
    "html-semantics": ("element", "article aside details figcaption figure footer header main mark nav section time"),
    "image-apng": ("image", "apng"),
    "image-avif": ("image", "avif"),
    "image-base64": ("image", "data:"),
    "image-bmp": ("image", "bmp"),
    "image-heif": ("image", "heif heic"),
    "image-ico": ("image", "ico"),
    "image-mp4": ("image", "mp4"),
    "image-svg": ("image", "svg"),
    "image-tiff": ("image", "tiff tif"),
    "image-webp": ("image", "webp"),
}
#: What no template can do without or nobody can see: structure, selectors, what is read aloud, and buttons beside the one above.
_LEFT_OUT = re.compile(
    r"amp|bimi|css-(selector-.*|comments|nesting|border-inline-block-.*|border-radius-logical|important)"
    r"|html-(aria-.*|role|doctype|comments|anchor-links|mailto-links|input-.*|button-reset)|image-(hdr|gif|jpg|png)"
)


def features(slug: str, title: str) -> Iterator[tuple[str, str]]:
    """Kind and name of what a feature's title means: `<video> element` is `element`, `video`."""
    if slug in _NAMED:
        kind, names = _NAMED[slug]
        yield from ((kind, name) for name in ([names] if kind == "element" and "meta" in names else names.split()))
        return
    if _LEFT_OUT.fullmatch(slug):
        return
    if found := re.findall(r"<([a-z0-9]+)", title):
        yield from (("element", name) for name in found)
    elif slug.startswith("html-"):
        yield "attribute", title.removesuffix(" attribute")
    elif slug.startswith("css-unit-") and title.endswith(" unit"):
        yield "unit", title.removesuffix(" unit")
    elif title.startswith("@"):
        yield from (("at", name) for name in title.split(", "))
    elif title.startswith(":"):
        yield "pseudo", title.lstrip(":").removesuffix("()")
    elif found := re.findall(r"([a-z-]+)\(\)", title):
        yield from (("function", name) for name in found)
    else:
        plain = re.sub(r" (CSS )?property$", "", title.strip()).replace(": ", ":")
        yield from (("property", name) for name in re.split(r", | & ", plain))


def lacking(stats: Mapping[str, Mapping[str, Mapping[str, str]]]) -> set[str]:
    """The programs whose newest tested version says `n`."""
    found = set()
    for family, platforms in stats.items():
        for platform, versions in platforms.items():
            if (family, platform) not in _ENDED and versions and list(versions.values())[-1].startswith("n"):
                found.add(f"outlook-{platform}" if family == "outlook" else family)
    return found & _CLIENTS.keys()


def condense(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The rows of the file: kind, name, who does not show it."""
    yield from (("client", key, name) for key, name in _CLIENTS.items())
    rows: dict[tuple[str, str], set[str]] = {}
    for feature in data["data"]:
        if without := lacking(feature["stats"]):
            for key in features(feature["slug"], feature["title"]):
                rows.setdefault(key, set()).update(without)
    yield from ((*key, " ".join(name for name in _CLIENTS if name in rows[key])) for key in sorted(rows))


if __name__ == "__main__":
    source = json.load(sys.stdin)
    sys.stdout.write(_HEAD.format(date=source["last_update_date"][:10]))
    csv.writer(sys.stdout, lineterminator="\n").writerows(condense(source))
