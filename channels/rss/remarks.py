"""What readers would show wrongly of an item, found in the HTML itself: a template of one's own may write anything."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from distributor.contract import Finding, Message, Severity

_BIG = 250_000
_WHOLE = re.compile(r"(https?://|mailto:|tel:|data:image/)", re.IGNORECASE)
_ACTIVE = frozenset({"base", "embed", "form", "iframe", "link", "meta", "object", "script", "style"})


class _Page(HTMLParser):
    """Addresses, pictures and active parts of an item's HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.relative: list[str] = []
        self.blind: list[str] = []  #: pictures without alt
        self.bare = 0  #: captions without words
        self.active: list[str] = []
        self._caption: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ACTIVE:
            self.active.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on"):
                self.active.append(f"{name}=")
            elif name in ("href", "src", "poster") and not _WHOLE.match(value or ""):
                self.relative.append(value or "")
        if tag == "img" and not (dict(attrs).get("alt") or "").strip():
            self.blind.append(dict(attrs).get("src") or "")
        if tag == "figcaption":
            self._caption = ""

    def handle_data(self, data: str) -> None:
        if self._caption is not None:
            self._caption += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "figcaption":
            self.bare += not (self._caption or "").strip()
            self._caption = None


def on(message: Message) -> Iterator[Finding]:
    """Every finding on one item (rules: W3C feed validator, RSS Advisory Board's best-practices profile)."""
    if not message.title.strip():
        yield _finding(Severity.error, "title-missing", "headline", "no title: readers show 'Untitled'; add a headline")
    if message.meta["unsaid"]:
        text = "no summary: the first paragraph is used; add a summary"
        yield _finding(Severity.warning, "summary-missing", "summary", text)
    if len(message.content) > _BIG:
        text = f"the item has {len(message.content):,} bytes; a whole feed should stay under {_BIG:,}: shorten the body"
        yield _finding(Severity.warning, "item-big", "body", text)
    yield from _on_page(message.html)
    yield from _on_media(message)


def _on_page(html: str) -> Iterator[Finding]:
    page = _Page()
    page.feed(html)
    page.close()
    if page.relative:
        text = f"'{page.relative[0]}' is no whole address: readers show it nowhere; write https://…"
        yield _finding(Severity.error, "link-relative", "body", text)
    if page.blind:
        text = f"the picture {page.blind[0]} has no alt text; say what it shows, for who cannot see it"
        yield _finding(Severity.error, "alt-missing", "media", text)
    if page.bare:
        yield _finding(Severity.error, "caption-missing", "media", "a photo has no caption; add one")
    if page.active:
        text = f"the template writes {page.active[0]}, which readers cut out or refuse; remove it"
        yield _finding(Severity.error, "html-active", None, text)


def _on_media(message: Message) -> Iterator[Finding]:
    for name in message.meta["untyped"].splitlines():
        text = f"'{name}' has no known type: the feed does not show it; end its name in .jpg, .png, .gif or .webp"
        yield _finding(Severity.warning, "media-untyped", "media", text)
    for name in message.meta["left_out"].splitlines():
        text = f"'{name}' is no picture: the feed does not show it"
        yield _finding(Severity.note, "media-left-out", "media", text)


def _finding(severity: Severity, code: str, field: str | None, text: str) -> Finding:
    return Finding(severity=severity, code=code, field=field, text=text)
