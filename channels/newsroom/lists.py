"""Index, months, tags, feeds page and sitemaps: joined from released cards and a sealed frame, without a template."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from html import escape
from urllib.parse import quote, urlsplit

from distributor import words
from distributor.public import localized
from distributor.shelf import Row, Shelf, slug

INDEX = 20  #: cards on a page of the newest
SITEMAP = 50  #: addresses in a sitemap: a month of thousands is not written anew for each of them
_NEWS = 1_000  #: what a news sitemap may hold (Google, "News sitemaps")
_SITEMAP = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
SLOTS = {name: f"\x02{name}\x03" for name in ("title", "head", "content")}  #: no template writes these marks by itself
_SAID = ("news", "older", "feeds", "explain", "lost", "gone", "back", "none")
_SLOT = re.compile("\x02(title|head|content)\x03")


def fill(frame: str, **parts: str) -> bytes:
    """A page from its frame; the parts are HTML already."""
    return _SLOT.sub(lambda found: parts[found[1]], frame).encode()


def touched(row: Row, earlier: Row | None, meta: Mapping[str, str], shelf: Shelf) -> Iterator[tuple[str, bytes | None]]:
    """`(path, bytes)` of every public list that changes when `row` takes the place of `earlier`; None for one that ends."""
    changed = {row.month, *([earlier.month] if earlier else [])}
    for one in (row, *([earlier] if earlier else [])):
        for name in one.lists:
            if one is row or name not in row.lists:
                yield from _list(name, changed, meta, shelf, "" if earlier else row.name)
    yield from _feeds_page(meta, shelf)
    yield from _sitemaps(changed, meta, shelf, "" if earlier else row.name)
    yield from _lost(meta)


def withdrawn(row: Row, meta: Mapping[str, str], shelf: Shelf) -> Iterator[tuple[str, bytes | None]]:
    """The same for a row that is there no more."""
    for name in row.lists:
        yield from _list(name, {row.month}, meta, shelf)
    yield from _feeds_page(meta, shelf)
    yield from _sitemaps({row.month}, meta, shelf)


def everything(meta: Mapping[str, str], shelf: Shelf) -> Iterator[tuple[str, bytes]]:
    """Every public list in one language, and those that belong to all."""
    months, lang = set(shelf.months()), meta["lang"]
    names = {name for row in shelf.all() for name in row.lists if name.partition("/")[0] == lang}
    for name in sorted(names | {lang}):
        yield from ((path, data) for path, data in _list(name, months, meta, shelf) if data is not None)
    yield from _feeds_page(meta, shelf)
    yield from ((path, data) for path, data in _sitemaps(months, meta, shelf) if data is not None)
    yield from _lost(meta)


def _lost(meta: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """What stands where nothing is, and where something was; always in the newsroom's language."""
    say = _say(meta, "home_say")
    content = f'<p><a href="{escape(meta["base"])}/">{escape(say["back"])}</a></p>'
    head = '<meta name="robots" content="noindex">'
    for file, title in (("404.html", say["lost"]), ("410.html", say["gone"])):
        yield file, fill(meta["home_frame"], title=escape(title), head=head, content=content)


def _place(name: str, meta: Mapping[str, str]) -> str:
    """The folder of a list under public/; the newsroom's own language has the short one."""
    lang, _, tag = name.partition("/")
    main = lang == meta["home_language"]
    if tag:
        return tag if main else f"{tag}/{lang.lower()}"
    return "" if main else f"lang/{lang.lower()}"


def _heading(name: str, rows: Sequence[Row], meta: Mapping[str, str]) -> str:
    """A tag as the newest release spells it."""
    if "/" not in name:
        return _say(meta)["news"]
    tag = name.partition("/tag/")[2]
    return "#" + next((one for one in rows[0].facts["tags"].split("\n") if slug(one) == tag), tag)


def _list(
    name: str, changed: set[str], meta: Mapping[str, str], shelf: Shelf, since: str = ""
) -> Iterator[tuple[str, bytes | None]]:
    """The newest of a list, its months, and where they are listed. A month's newest page has the plain address.

    Full pages that end before the row named `since` did not change.
    """
    place, months = _place(name, meta), shelf.months(name)
    rows, _ = shelf.newest(INDEX, name)
    folder = f"{place}/" if place else ""
    if not rows:
        yield from _nothing(name, changed, meta)
        return
    heading, older = escape(_heading(name, rows, meta)), escape(_say(meta)["older"])
    up = f"{meta['base']}/{quote(place)}".rstrip("/")

    def page(under: str, title: str, content: str) -> tuple[str, bytes]:
        head = _canonical(meta, quote(f"{folder}{under}".rstrip("/")))
        return f"{folder}{under}index.html", fill(meta["frame"], title=title, head=head, content=content)

    yield page("", heading, f'{_cards(rows)}\n<p><a href="{up}/archive">{older}</a></p>')
    for month in sorted(changed):
        pages = shelf.pages(month, INDEX, name) if month in months else []
        for number, names in enumerate(pages, 1):
            last = number == len(pages)
            if number < len(pages) - 1 and names[-1] < since:
                continue  # full long ago, and nothing in it changed
            under = f"archive/{month}/" if last else f"archive/{month}/{number}/"
            before = (
                f'\n<p><a href="{up}/archive/{month}/{number - 1}" rel="prev">{older}</a></p>' if number > 1 else ""
            )
            yield page(under, f"{heading} · {month}", _cards(shelf.rows_of(month, names, name)) + before)
        if not pages:
            yield f"{folder}archive/{month}/index.html", None
        yield f"{folder}archive/{month}/{max(1, len(pages))}/index.html", None
    link = '<li><a href="{0}/archive/{1}"><time datetime="{1}">{1}</time></a></li>'
    links = "\n".join(link.format(up, month) for month in months)
    yield page("archive/", f"{heading} · {older}", f'<ul class="tags">\n{links}\n</ul>')


def _nothing(name: str, changed: set[str], meta: Mapping[str, str]) -> Iterator[tuple[str, bytes | None]]:
    """Pages of a list without a release: those of a language say so, those of a tag go."""
    place, say = _place(name, meta), _say(meta)
    folder = f"{place}/" if place else ""
    yield from ((f"{folder}archive/{month}/index.html", None) for month in changed)
    for under, title in (("", say["news"]), ("archive/", f"{say['news']} · {say['older']}")):
        head = _canonical(meta, quote(f"{folder}{under}".rstrip("/")))
        empty = fill(meta["frame"], title=escape(title), head=head, content=f"<p>{escape(say['none'])}</p>")
        yield f"{folder}{under}index.html", None if "/" in name else empty


def _feeds_page(meta: Mapping[str, str], shelf: Shelf) -> Iterator[tuple[str, bytes]]:
    """What a feed is, and the address of each: for people."""
    feeds = [line for line in meta["feeds"].split("\n") if line]
    if not feeds:
        return
    say, parts = _say(meta, "home_say"), []
    there = {meta["home_language"], *shelf.lists()}
    for lang in sorted(there, key=lambda one: (one != meta["home_language"], one)):
        addresses = [f"{meta['site']}/{localized(path, lang, meta['home_language'])}" for path in feeds]
        items = "\n".join(f'<li><a href="{escape(one)}"><code>{escape(one)}</code></a></li>' for one in addresses)
        rows, _ = shelf.newest(3, lang)
        newest = _cards(rows) if rows else ""
        parts.append(
            f'<section>\n<h2 lang="{lang}">{lang}</h2>\n<ul>\n{items}\n</ul>\n{newest.replace("h2>", "h3>")}\n</section>'
        )
    content = f"<p>{escape(say['explain'])}</p>\n" + "\n".join(parts)
    yield (
        "feeds/index.html",
        fill(meta["home_frame"], title=escape(say["feeds"]), head=_canonical(meta, "feeds"), content=content),
    )


def _sitemaps(
    changed: set[str], meta: Mapping[str, str], shelf: Shelf, since: str = ""
) -> Iterator[tuple[str, bytes | None]]:
    """sitemaps.org 0.9: every month in files of `SITEMAP`, and an index of them a year; sitemap.xml is that of the newest
    year, and robots.txt names them all. Full files that end before the row named `since` did not change.
    """
    months = shelf.months()
    for month in sorted(changed):
        pages = shelf.pages(month, SITEMAP)
        for number, names in enumerate(pages, 1):
            if len(names) < SITEMAP or names[-1] >= since:
                yield _sitemap(month, number), _urls(shelf.rows_of(month, names))
        yield _sitemap(month, len(pages) + 1), None
    years = sorted({month[:4] for month in months}, reverse=True)
    touched_years = {month[:4] for month in changed}
    for year in sorted(touched_years):
        yield f"sitemap-{year}.xml", _index(year, meta, shelf) if year in years else None
    if years and (years[0] in touched_years or touched_years - set(years)):
        yield "sitemap.xml", _index(years[0], meta, shelf)
    if not years:  # a sitemap holds one address at least (sitemaps.org 0.9)
        yield "sitemap.xml", None
    yield "sitemap-news.xml", _news(meta, shelf) if years else None
    maps = ["sitemap.xml", *(f"sitemap-{year}.xml" for year in years[1:]), "sitemap-news.xml"] if years else []
    lines = "".join(f"Sitemap: {meta['site']}/{path}\n" for path in maps)
    yield "robots.txt", f"User-agent: *\nAllow: /\n{lines}".encode()


def _index(year: str, meta: Mapping[str, str], shelf: Shelf) -> bytes:
    maps = "".join(
        f"<sitemap><loc>{escape(meta['site'])}/{_sitemap(month, number)}</loc></sitemap>\n"
        for month in shelf.months()
        if month.startswith(year)
        for number in range(math.ceil(shelf.count(month) / SITEMAP), 0, -1)
    )
    return f'{_SITEMAP}<sitemapindex xmlns="{_SPACE}">\n{maps}</sitemapindex>\n'.encode()


def _sitemap(month: str, number: int) -> str:
    return f"sitemap-{month}-{number}.xml"


def _urls(rows: Sequence[Row]) -> bytes:
    entries = "".join(
        f"<url><loc>{escape(row.facts['url'])}</loc><lastmod>{row.facts['modified']}</lastmod></url>\n" for row in rows
    )
    return f'{_SITEMAP}<urlset xmlns="{_SPACE}">\n{entries}</urlset>\n'.encode()


def _news(meta: Mapping[str, str], shelf: Shelf) -> bytes:
    newest, _ = shelf.newest(1)
    since = newest[0].published - timedelta(days=2) if newest else None
    rows = [row for row in shelf.newest(_NEWS, after=since)[0] if since and row.published > since]
    entries = "".join(
        f"<url><loc>{escape(row.facts['url'])}</loc><news:news><news:publication>"
        f"<news:name>{escape(meta['title'])}</news:name><news:language>{_news_language(row.facts['lang'])}</news:language>"
        f"</news:publication><news:publication_date>{row.published.isoformat()}</news:publication_date>"
        f"<news:title>{escape(row.facts['title'])}</news:title></news:news></url>\n"
        for row in rows
    )
    space = f'xmlns="{_SPACE}" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    return f"{_SITEMAP}<urlset {space}>\n{entries}</urlset>\n".encode()


def _news_language(lang: str) -> str:
    """ISO 639, but `zh-cn` and `zh-tw` for Chinese (Google, "News sitemaps")."""
    parts = lang.split("-")
    if parts[0] != "zh":
        return parts[0]
    return "zh-tw" if {"Hant", "HK", "TW", "MO"} & set(parts) else "zh-cn"


def _cards(rows: Sequence[Row]) -> str:
    return '<ul class="cards">\n' + "\n".join(row.facts["card"] for row in rows) + "\n</ul>"


def _canonical(meta: Mapping[str, str], where: str) -> str:
    return f'<link rel="canonical" href="{escape(meta["site"])}/{where}">'


def _say(meta: Mapping[str, str], key: str = "say") -> Mapping[str, str]:
    """The words that were sealed with the page; the shipped ones for what an earlier version sealed without."""
    sealed = meta.get(key)
    return json.loads(sealed) if sealed else words.of(meta["home_language" if key == "home_say" else "lang"])


def said(spoken: Mapping[str, str]) -> str:
    """What of the words lists are made with, to be sealed with a page."""
    return json.dumps({name: spoken[name] for name in _SAID}, ensure_ascii=False)


def site_of(url: str) -> tuple[str, str]:
    """The newsroom's URL without a slash at the end, and its path."""
    return url.rstrip("/"), urlsplit(url).path.rstrip("/")
