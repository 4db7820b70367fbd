"""The web page that takes somebody off the press list (RFC 8058): a POST does, a GET only asks, since programs that look for
malware open every link of a mail. No login: who has the mail has its token.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from distributor import words
from distributor.cli.folder import Send, answer
from distributor.contract import Channel
from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.presslist import Suppressions
from distributor.render import Templates
from distributor.settings import Newsroom

_PATH = "/unsubscribe/"
_MOST = 10_000  #: bytes of a POST; a form of ours has 30
_HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),  # the address of this page is a key
    (b"x-robots-tag", b"noindex"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"),
]


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """The ASGI application in front of the public folder's."""

    behind: Callable[..., Any]
    base: str  #: the path of the newsroom's URL, where it lies deeper than the host
    channels: Iterable[Channel]
    suppressions: Suppressions
    templates: Templates
    newsroom: Newsroom
    now: Callable[[], datetime]

    async def __call__(self, scope: Mapping[str, Any], receive: Callable[..., Any], send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "").removeprefix(self.base)
        if scope["type"] != "http" or not path.startswith(_PATH):
            await self.behind(scope, receive, send)
            return
        method = scope["method"]
        if method not in ("GET", "HEAD", "POST"):
            await answer(send, 405, [(b"allow", b"GET, HEAD, POST"), (b"content-length", b"0")], b"")
            return
        if method == "POST":
            await _swallow(receive)
        known = self._known(path.removeprefix(_PATH))
        status, page = await self._page(known, leaves=method == "POST")
        body = page.encode()
        headers = [*_HEADERS, (b"content-length", b"%d" % len(body))]
        await answer(send, status, headers, b"" if method == "HEAD" else body)

    def _known(self, token: str) -> tuple[str, str] | None:
        return next((found for channel in self.channels if (found := channel.left(token))), None)

    async def _page(self, known: tuple[str, str] | None, *, leaves: bool) -> tuple[int, str]:
        address, lang = known or ("", self.newsroom.language)
        if known is None:
            return 404, self._render("leave_unknown", "", lang)
        if not leaves:
            return 200, self._render("leave_ask", address, lang, asks=True)
        try:
            await asyncio.to_thread(self.suppressions.add, address, "unsubscribed", now=self.now(), detail="one click")
        except ActionError:
            return 503, self._render("leave_failed", address, lang, asks=True)
        return 200, self._render("leave_done", address, lang)

    def _render(self, says: str, address: str, lang: str, *, asks: bool = False) -> str:
        spoken = words.of(lang, self.newsroom.title, self.templates.folders)
        text = spoken[says].replace("{address}", words.ltr(address, spoken["direction"]))
        values = {"lang": lang, "dir": words.direction(lang), "words": spoken, "text": text, "asks": asks}
        return self.templates.render("email/unsubscribe.html", {**values, "newsroom": self.newsroom})


def in_front(behind: Callable[..., Any], base: str, desk: Desk, now: Callable[[], datetime]) -> Leaving:
    """The page for one site, in front of its public folder."""
    return Leaving(
        behind=behind,
        base=base,
        channels=tuple(desk.channels.values()),
        suppressions=Suppressions.of(desk.places.contacts),
        templates=Templates(desk.site.layers("templates")),
        newsroom=desk.settings.newsroom,
        now=now,
    )


async def _swallow(receive: Callable[..., Any]) -> None:
    """What a POST says is the same for all (`List-Unsubscribe=One-Click`): it is read, not needed."""
    size, more = 0, True
    while more and size < _MOST:
        event = await receive()
        size += len(event.get("body", b""))
        more = event.get("more_body", False)
