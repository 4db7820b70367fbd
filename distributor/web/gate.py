"""What every request passes: the right host, whose session it is, security headers, and no traceback to anybody."""

import logging
import re
from http.cookies import CookieError
from urllib.parse import unquote_plus, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from distributor.errors import DistributorError
from distributor.web import people, words
from distributor.web.kit import GUEST, House, work

LOOPBACK = ("127.0.0.1", "localhost", "::1")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex",
}
_SECRET = re.compile(r"(?<=^/first/).+|(?<=^/calendar/feed/).+")  # what opens something is in no log
_log = logging.getLogger("distributor.web")


class Gate:
    """ASGI middleware in front of every page. A page that sets a policy of its own keeps it."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        """`house` says which hosts are ours and who is signed in."""
        self._app = app
        self._house = house
        self._hosts = {*LOOPBACK, urlsplit(house.base).hostname or ""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._harden(MutableHeaders(scope=message))
            await send(message)

        request = Request(scope, receive)
        try:
            answer = await self._let_in(request)
            await (answer or self._app)(scope, receive, guarded)
        except DistributorError as error:  # before the pages: the ledger cannot be read
            if started:
                raise
            await PlainTextResponse(str(error), status_code=503)(scope, receive, guarded)
        except Exception:
            _log.exception("%s %s failed", scope["method"], _SECRET.sub("…", scope["path"]))
            if started:
                raise
            await self._broken(request)(scope, receive, guarded)

    async def _let_in(self, request: Request) -> Response | None:
        """Refuse a name that is not ours: another site's name that points at this machine would share its pages. Then see
        whose session or token it is.
        """
        try:
            named = urlsplit(f"//{request.headers.get('host', '')}").hostname
        except ValueError:
            named = None
        if named not in self._hosts:
            return PlainTextResponse("This desk is not known by that name.", status_code=421)
        if "\0" in request.url.path or "\0" in unquote_plus(request.url.query):
            return PlainTextResponse("There is a character in this address that no text has (NUL).", status_code=400)
        request.state.person, request.state.session, request.state.guest = None, "", ""
        if not request.url.path.startswith("/static/"):
            await self._know(request)
        who = request.state.person
        words.language.set(who.lang if who else words.accepted(request.headers.get("accept-language", "")))
        return None

    async def _know(self, request: Request) -> None:
        house, now = self._house, self._house.clock.now()
        if request.url.path.startswith("/api/"):  # a program has a token; a browser's cookie does nothing here
            kind, _space, token = request.headers.get("authorization", "").partition(" ")
            if kind.lower() == "bearer" and token:
                request.state.person = await work(lambda: people.by_token(house.people, token, now))
            return
        try:
            cookies = request.cookies
        except CookieError:
            return
        if session := cookies.get(people.cookie(house.secure)):
            request.state.person = await work(lambda: people.by_session(house.people, session, now))
            request.state.session = session if request.state.person else ""
        request.state.guest = "" if request.state.session else cookies.get(GUEST, "")[:100]

    def _harden(self, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", POLICY)
        if self._house.secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")

    def _broken(self, request: Request) -> Response:
        said = "Something broke here; the terminal in which the desk runs says more. Nothing was shown to anybody."
        if request.url.path.startswith("/api/"):
            return JSONResponse({"errors": [{"text": said}]}, status_code=500)
        return PlainTextResponse(said, status_code=500)
