"""What a release's page is made of: everything that its templates may use, and the files that go with it."""

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from distributor import addresses, images, words
from distributor.contract import Kit, MediaFile
from distributor.embargo import zone_of
from distributor.markdown import paragraphs_html, parsed
from distributor.public import localized
from distributor.release import LanguageVersion, Release
from distributor.shelf import slug

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FEEDS = {
    "xml": ("RSS", "application/rss+xml"),
    "atom": ("Atom", "application/atom+xml"),
    "json": ("JSON Feed", "application/feed+json"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One photo on the page. Paths begin at the host."""

    url: str
    alt: str
    caption: str
    credit: str
    width: int | None = None
    height: int | None = None
    full: str = ""  #: the whole photo; empty for one that lies elsewhere
    sources: Sequence[Mapping[str, str]] = ()
    files: Sequence[MediaFile] = ()
    preview: images.Rendition | None = None


def base_of(kit: Kit) -> str:
    """The path of the newsroom's URL, without a slash at the end."""
    return urlsplit(kit.newsroom.url).path.rstrip("/")


def style_of(kit: Kit) -> MediaFile:
    """The style sheet, at an address of its own content."""
    sheet = kit.templates.render("newsroom/style.css", {}).strip() + "\n"
    return MediaFile(name="newsroom.css", content_type="text/css", data=sheet.encode())


def script_of(kit: Kit) -> MediaFile:
    """What the page can do more where a browser lets it, at an address of its own content."""
    made = kit.templates.render("newsroom/newsroom.js", {}).strip() + "\n"
    return MediaFile(name="newsroom.js", content_type="text/javascript", data=made.encode())


def common(kit: Kit, lang: str, feeds: Sequence[str]) -> dict[str, Any]:
    """What stands around every page in one language."""
    base, main = base_of(kit), kit.newsroom.language
    home = f"{base}/" if lang == main else f"{base}/lang/{lang.lower()}"
    return {
        "newsroom": kit.newsroom,
        "lang": lang,
        "direction": words.direction(lang),
        "say": words.of(lang, kit.newsroom.title, kit.templates.folders),
        "base": base,
        "home": home,
        "archive": f"{home.rstrip('/')}/archive",
        "feeds_page": f"{base}/feeds",
        "style": style_of(kit).address,
        "script": script_of(kit).address,
        "feeds": [
            {"name": FEEDS[path.rpartition(".")[2]][0], "type": FEEDS[path.rpartition(".")[2]][1],
             "url": f"{kit.newsroom.url.rstrip('/')}/{localized(path, lang, main)}"}
            for path in feeds
        ],
    }  # fmt: skip


def values(
    release: Release, text: LanguageVersion, kit: Kit, feeds: Sequence[str], kinds: tuple[str, ...]
) -> dict[str, Any]:
    """Everything that `newsroom/release.html`, `card.html` and `release.txt` may use."""
    base, changed = base_of(kit), kit.modified(text)
    own = addresses.own_page(kit.newsroom, release, text)
    photos = [photo for media in text.media if (photo := _photo(media, kit, base, kinds))]
    lead = next((photo for photo in photos if photo.preview), None)
    folders = kit.templates.folders
    spoken = words.of(text.lang, release.issuer.name, folders)
    date = words.day(_day(release, text, kit), text.lang, folders)
    given = {
        **kit.values(release, text),
        **common(kit, text.lang, feeds),
        "words": spoken,
        "own_url": own,
        "path": _path(own),
        "text_path": f"{_path(own)}/release.txt",
        "summary": summary(text),
        "published": _stamp(kit.published(text)),
        "modified": _stamp(changed) if changed else "",
        "date": date,
        "dateline": words.dateline(spoken, text.dateline.place() if text.dateline else "", date),
        "changed": words.day(changed.astimezone(zone_of(release.zone)), text.lang, folders) if changed else "",
        "mended": bool(release.corrects and release.corrects.severity != "C"),
        "photos": photos,
        "zip": "",
        "card": None,
        "contacts": list(release.media_contacts()),
        "others": _others(release, kit),
        "tags": [{"name": tag, "path": f"{base}/tag/{quote(slug(tag))}{_suffix(text, kit)}"} for tag in text.hashtags],
        "boilerplate": paragraphs_html(text.boilerplate or ""),
        "disclaimer": paragraphs_html(text.disclaimer or ""),
        "notes": paragraphs_html(text.notes_to_editors or ""),
    }  # fmt: skip
    if lead and lead.preview:
        given["card"] = {"url": kit.media_url(lead.preview.file), "width": lead.preview.width, "height": lead.preview.height, "alt": lead.alt}  # fmt: skip
    if originals := [photo.files[0] for photo in photos if photo.files]:
        given["zip_file"] = _zip(release.id, originals)
        given["zip"] = f"{base}/{given['zip_file'].address}"
    given["json_ld"] = _json_ld(release, text, kit, given)
    return given


def files(given: Mapping[str, Any], kit: Kit) -> tuple[MediaFile, ...]:
    """Every file that the page shows or offers, each once."""
    every = [style_of(kit), script_of(kit)]
    for photo in given["photos"]:
        every += photo.files
        every += [photo.preview.file] if photo.preview else []
    every += [given["zip_file"]] if "zip_file" in given else []
    return tuple({file.address: file for file in every}.values())


def legal(text: str) -> str:
    """Without the characters that XML 1.0 forbids, which no sitemap may hold."""
    return _ILLEGAL.sub("", text)


def summary(text: LanguageVersion) -> str:
    """What lists and link previews show: the summary, or how the body begins."""
    return text.summary or next(iter(parsed(text.body).paragraphs), text.headline)


def _others(release: Release, kit: Kit) -> list[dict[str, str]]:
    """Every language version that has a page: here, or elsewhere."""
    found = []
    for text in release.languages:
        here = kit.pages is None or text.lang in kit.pages
        if url := kit.page_url(release, text):
            path = _path(addresses.own_page(kit.newsroom, release, text)) if here else url
            found.append({"lang": text.lang, "url": url, "path": path, "headline": text.headline})
    return found


def _photo(media: Any, kit: Kit, base: str, kinds: tuple[str, ...]) -> Photo | None:
    if media.kind != "photo":
        return None
    said: dict[str, Any] = {"alt": media.alt or "", "caption": media.caption or "", "credit": media.credit or ""}
    if not media.file:
        return Photo(url=media.url or "", width=media.width, height=media.height, **said)
    original = images.clean(kit.read_media(media))
    made = images.renditions(original, kinds)
    if not made:
        path = f"{base}/{original.address}"
        return Photo(url=path, full=path, files=(original,), **said)
    (_, fallback) = made[-1]
    best = next((one for one in fallback if one.width >= 900), fallback[-1])
    sources = [
        {"type": kind, "srcset": ", ".join(f"{base}/{one.file.address} {one.width}w" for one in sizes)}
        for kind, sizes in made
    ]
    return Photo(
        url=f"{base}/{best.file.address}",
        width=best.width,
        height=best.height,
        full=f"{base}/{original.address}",
        sources=sources,
        files=(original, *(one.file for _, sizes in made for one in sizes)),
        preview=images.preview(original),
        **said,
    )


def _json_ld(release: Release, text: LanguageVersion, kit: Kit, given: Mapping[str, Any]) -> str:
    """schema.org NewsArticle as Google's "Article structured data" wants it; nothing in it can end the script element."""
    issuer = {"@type": "Organization", "name": release.issuer.name} | (
        {"url": release.issuer.url} if release.issuer.url else {}
    )
    logo = {"logo": {"@type": "ImageObject", "url": kit.newsroom.logo}} if kit.newsroom.logo else {}
    host = kit.newsroom.url.removesuffix(given["base"]).rstrip("/")
    pictures = [given["card"]["url"]] if given["card"] else []
    pictures += [photo.url if "://" in photo.url else f"{host}{photo.url}" for photo in given["photos"]]
    article = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": text.headline,
        "description": given["summary"],
        "datePublished": given["published"],
        "dateModified": given["modified"] or given["published"],
        "author": [issuer],
        "publisher": {**issuer, **logo},
        "inLanguage": text.lang,
        "mainEntityOfPage": given["url"],
        "url": given["url"],
        **({"image": pictures} if pictures else {}),
        **({"keywords": list(text.hashtags)} if text.hashtags else {}),
    }
    plain = json.dumps(article, ensure_ascii=False)
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _zip(name: str, originals: Sequence[MediaFile]) -> MediaFile:
    """All photos in one file, the same bytes every time: it bears no date."""
    target, taken = io.BytesIO(), set()
    with zipfile.ZipFile(target, "w") as packed:
        for number, file in enumerate(originals, 1):
            entry = f"{number:02}-{file.name}" if file.name in taken else file.name
            taken.add(file.name)
            packed.writestr(zipfile.ZipInfo(entry, (1980, 1, 1, 0, 0, 0)), file.data)
    return MediaFile(name=f"{name}-photos.zip", content_type="application/zip", data=target.getvalue())


def _day(release: Release, text: LanguageVersion, kit: Kit) -> datetime:
    given = text.dateline.date if text.dateline else None
    local = kit.published(text).astimezone(zone_of(release.zone))
    return local if given is None else local.replace(year=given.year, month=given.month, day=given.day)


def _stamp(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")


def _suffix(text: LanguageVersion, kit: Kit) -> str:
    """Tag pages of other languages than the newsroom's lie one deeper."""
    return "" if text.lang == kit.newsroom.language else f"/{text.lang.lower()}"


def _path(url: str) -> str:
    return urlsplit(url).path
