"""The built-in server: the public folder's bytes as they lie there, over raw ASGI. A file is read once, and again when it changed.

HTTP semantics: RFC 9110. It serves what is in the folder and knows nothing else: no store, no clock, no list of its own.
"""

import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from distributor import public

Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_CODINGS = ((".br", b"br"), (".gz", b"gzip"))
_LOST = b"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>404</title><h1>404</h1>"
_POLICY = b"object-src 'none'; base-uri 'none'; form-action 'none'"  # scripts and styles are the theme's own business
_HUB = re.compile(rb"""rel="hub"[^>]*href="([^"]+)"|href="([^"]+)"[^>]*rel="hub"|"type": "WebSub", "url": "([^"]+)\"""")
_SELF = re.compile(rb"""href="([^"]+)"[^>]*rel="self"|"feed_url": "([^"]+)\"""")
_KEPT = 2_000  #: files held in memory; the others are read again
_LONGEST = 1_000  #: bytes of a path; no file of ours has a longer one, and what is asked is remembered


@dataclass(frozen=True, slots=True)
class Page:
    """One file in one coding, with its headers made."""

    stamp: tuple[int, int]  #: change time in ns, size
    body: bytes
    etag: bytes
    modified: int  #: seconds since 1970
    headers: Headers
    unchanged: Headers  #: of a 304


class Public:
    """The ASGI application."""

    def __init__(self, folder: Path, base: str = "") -> None:
        """`base` is the path of the newsroom's URL, where it lies deeper than the host."""
        self._root = str(folder)
        self._base = base.encode()
        self._pages: dict[tuple[str, bytes], Page] = {}

    async def __call__(self, scope: Mapping[str, Any], _receive: object, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            headers = [(b"allow", b"GET, HEAD"), (b"content-length", b"0"), (b"cache-control", b"no-store")]
            await answer(send, 405, headers, b"")
            return
        asked = {name: value for name, value in scope["headers"] if name in _ASKED}
        file = self._file(scope["path"].encode("utf-8", "surrogateescape"))
        page = self._find(file, asked.get(b"accept-encoding", b"")) if file else None
        if page is None:
            status, headers, body = self._lost(file)
        elif _known(page, asked):
            status, headers, body = 304, page.unchanged, b""
        else:
            status, headers, body = _part(page, asked) if b"range" in asked else (200, page.headers, page.body)
        await answer(send, status, headers, b"" if method == "HEAD" else body)

    def _file(self, path: bytes) -> str | None:
        if self._base and path.startswith(self._base + b"/"):
            path = path[len(self._base) :]
        return _file(self._root, path) if len(path) <= _LONGEST else None

    def _find(self, file: str, accepted: bytes) -> Page | None:
        codings = [(suffix, name) for suffix, name in _CODINGS if _accepts(accepted, name)]
        for suffix, coding in (*codings, ("", b"")):
            if page := self._page(file, suffix, coding):
                return page
        return None

    def _page(self, file: str, suffix: str, coding: bytes) -> Page | None:
        """The page in memory when its file has not changed since, else made anew."""
        try:
            facts = os.stat(f"{file}{suffix}")  # noqa: PTH116  twice as fast, for every request
        except (OSError, ValueError):
            self._pages.pop((file, coding), None)
            return None
        stamp = (facts.st_mtime_ns, facts.st_size)
        page = self._pages.get((file, coding))
        if page is None or page.stamp != stamp:
            page = _made(file, suffix, coding, stamp)
            if page:
                if len(self._pages) >= _KEPT:
                    self._pages.pop(next(iter(self._pages)))
                self._pages[file, coding] = page
        return page

    def _lost(self, file: str | None) -> tuple[int, Headers, bytes]:
        """One answer for whatever is not there, never kept: a cached 404 would outlive the embargo. 410 for what was there."""
        gone = file and os.path.exists(f"{os.path.dirname(file)}/{public.GONE}")  # noqa: PTH110, PTH120  never raises
        status = 410 if gone else 404
        page = self._page(f"{self._root}/{status}.html", "", b"")
        body = page.body if page else _LOST
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            *_SAFE,
        ]
        return status, headers, body


@lru_cache(maxsize=_KEPT)
def _file(folder: str, path: bytes) -> str | None:
    """A file of the folder, or the index of one; a hidden name (a half-written file) is none, nor is a variant's own name."""
    try:
        parts = [part for part in path.decode().split("/") if part]
    except UnicodeDecodeError:
        return None
    if any(part.startswith(".") or "\x00" in part or "\\" in part for part in parts):
        return None
    if parts and parts[-1].endswith((".gz", ".br")):
        return None
    file = "/".join([folder, *parts])
    whole = parts and "." in parts[-1] and not path.endswith(b"/")  # a page's address has no dot in its last part
    return file if whole else f"{file}/index.html"


_ASKED = frozenset({b"accept-encoding", b"if-none-match", b"if-modified-since", b"range", b"if-range"})
_SAFE: Headers = [(b"x-content-type-options", b"nosniff"), (b"content-security-policy", _POLICY)]


def _made(file: str, suffix: str, coding: bytes, stamp: tuple[int, int]) -> Page | None:
    try:
        body = Path(f"{file}{suffix}").read_bytes()
        plain = body if not suffix else Path(file).read_bytes()
    except OSError:
        return None
    modified = stamp[0] // 1_000_000_000
    etag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()
    ending = Path(file).suffix.lower()
    kind, keep = (value.encode() for value in public.served(file, plain))
    shared: Headers = [
        (b"etag", etag),
        (b"cache-control", keep),
        (b"last-modified", formatdate(modified, usegmt=True).encode()),
    ]
    if ending in (".html", ".css", ".js", ".txt", ".xml", ".atom", ".json"):
        shared.append((b"vary", b"Accept-Encoding"))
    if ending in (".xml", ".atom", ".json") and (link := _link(plain[:3000])):
        shared.append((b"link", link))
    shared += [*_SAFE, (b"access-control-allow-origin", b"*")]
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), *shared]
    if coding:
        headers.append((b"content-encoding", coding))
    else:
        headers.append((b"accept-ranges", b"bytes"))
    return Page(stamp=stamp, body=body, etag=etag, modified=modified, headers=headers, unchanged=shared)


def _link(head: bytes) -> bytes | None:
    """Hub and self of a feed, in one header (WebSub §4), from the feed's own bytes."""
    own = _SELF.search(head)
    hubs = [next(part for part in found.groups() if part) for found in _HUB.finditer(head)]
    if not own or not hubs:
        return None
    address = next(part for part in own.groups() if part)
    return b", ".join([*(b'<%s>; rel="hub"' % hub for hub in hubs), b'<%s>; rel="self"' % address]).replace(
        b"&amp;", b"&"
    )


def _known(page: Page, asked: Mapping[bytes, bytes]) -> bool:
    """Whether the asker has these bytes (RFC 9110 §13.2.2): by ETag, and by date only where no ETag is named."""
    tags = asked.get(b"if-none-match")
    if tags is not None:
        return tags.strip() == b"*" or any(tag.strip().removeprefix(b"W/") == page.etag for tag in tags.split(b","))
    since = asked.get(b"if-modified-since")
    if since is None:
        return False
    try:
        return page.modified <= parsedate_to_datetime(since.decode("latin-1")).timestamp()
    except (ValueError, OverflowError):
        return False


def _part(page: Page, asked: Mapping[bytes, bytes]) -> tuple[int, Headers, bytes]:
    """One byte range of a file sent as it is (RFC 9110 §14); anything else gets the whole."""
    whole = (200, page.headers, page.body)
    found = re.fullmatch(rb"bytes=(\d{0,15})-(\d{0,15})", asked[b"range"].strip())
    if not found or found[1] == found[2] == b"" or any(name == b"content-encoding" for name, _ in page.headers):
        return whole
    if asked.get(b"if-range", page.etag) != page.etag:
        return whole
    size = len(page.body)
    if found[1]:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
        if found[2] and int(found[2]) < first:
            return whole
    else:
        first, last = max(0, size - int(found[2])), size - 1
    shared = [header for header in page.headers if header[0] != b"content-length"]
    if first >= size or first > last:
        headers = [(b"content-range", b"bytes */%d" % size), (b"content-length", b"0"), (b"cache-control", b"no-store")]
        return 416, headers, b""
    body = page.body[first : last + 1]
    return (
        206,
        [*shared, (b"content-length", b"%d" % len(body)), (b"content-range", b"bytes %d-%d/%d" % (first, last, size))],
        body,
    )


def _accepts(accepted: bytes, coding: bytes) -> bool:
    """Whether a coding is named and not refused by `;q=0` (RFC 9110 §12.5.3)."""
    if coding not in accepted:
        return False
    for part in accepted.split(b","):
        name, _, weight = part.partition(b";")
        if name.strip().lower() == coding:
            return not re.fullmatch(rb"\s*q=0(\.0*)?\s*", weight)
    return False


async def answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """One whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
