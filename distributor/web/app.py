"""The desk as an ASGI application: its pages, who may come in, and what every answer carries."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from distributor.clock import Clock
from distributor.errors import DistributorError
from distributor.render import Templates
from distributor.site import Site
from distributor.store import Ledger
from distributor.store.people import People
from distributor.web import pages
from distributor.web.kit import Office, Person, Role, digest, office, page, speak, work
from distributor.web.speech import accepted, choose

COOKIE = "desk"
IDLE, WHOLE = timedelta(hours=12), timedelta(days=7)  #: a session ends after so long without use, and at all
_SEEN_EACH = timedelta(minutes=1)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'; manifest-src 'self'"
)
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

Scope = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]


def app(site: Site, clock: Clock, ledger: Ledger, *, base: str) -> Starlette:
    """The desk of one site. `base` is its address as people see it; other host names are refused (DNS rebinding)."""
    folders = [folder / "desk" for folder in site.layers("templates")]
    files = {
        path.name: path for folder in reversed(folders) for path in sorted(folder.glob("*")) if path.suffix in _KINDS
    }
    static = {name: f"/static/{_hash(path)}/{name}" for name, path in files.items()}
    here = Office(
        site=site,
        clock=clock,
        base=base,
        people=People(ledger),
        templates=Templates(site.layers("templates")),
        static=static,
    )
    hosts = [*_LOOPBACK, urlsplit(base).hostname or "localhost"]
    made = Starlette(
        routes=[Route("/static/{hash}/{name}", _serve(files)), *pages.routes()],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
            Middleware(Headers, secure=here.secure),
            Middleware(Entrance),
        ],
        exception_handlers={HTTPException: _refused, DistributorError: _wrong},
    )
    made.state.office = here
    made.state.first = secrets.token_urlsafe(24) if not here.people.all() else ""
    return made


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _serve(files: dict[str, Path]) -> Callable[[Request], Awaitable[Response]]:
    kept = {name: path.read_bytes() for name, path in files.items()}

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in kept:
            raise HTTPException(404)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(kept[name], media_type=_KINDS[Path(name).suffix], headers=headers)

    return static


class Headers:
    """What every answer carries, unless a page says otherwise (OWASP Secure Headers)."""

    def __init__(self, app: App, *, secure: bool) -> None:
        """`secure`: browsers are told to come by TLS alone."""
        self._app = app
        self._headers = [
            (b"content-security-policy", _POLICY.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"x-robots-tag", b"noindex"),
            (b"cache-control", b"no-store"),
        ]
        if secure:
            self._headers.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Add what is missing."""

        async def add(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] += [header for header in self._headers if header[0] not in there]
            await send(message)

        await self._app(scope, receive, add if scope["type"] == "http" else send)


class Entrance:
    """Finds who is asking, and refuses what another site sent in their name."""

    def __init__(self, app: App) -> None:
        """In front of every page."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer, or pass on with `request.state.person`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        scope.setdefault("state", {})
        speak(choose(accepted(request.headers.get("accept-language", ""))))
        if request.method not in ("GET", "HEAD", "OPTIONS") and _foreign(request):
            await Response("sent by another site", 403)(scope, receive, send)
            return
        if not request.url.path.startswith("/static/"):
            await self._who(request)
        await self._app(scope, receive, send)

    async def _who(self, request: Request) -> None:
        token = request.cookies.get(COOKIE, "")
        if not token:
            return
        here, name = office(request), digest(token)
        found = await work(lambda: here.people.session(name))
        now = here.clock.now()
        if found is None:
            return
        if now - found.seen_at > IDLE or now - found.began_at > WHOLE:
            await work(lambda: here.people.end(name))
            return
        if now - found.seen_at > _SEEN_EACH:
            await work(lambda: here.people.seen(name, now))
        account = found.account
        request.state.session, request.state.token = found, token
        request.state.person = Person(name=account.name, role=Role(account.role), lang=account.lang, zone=account.zone)
        speak(account.lang)


def _foreign(request: Request) -> bool:
    """Whether a browser says that another site sent this (Fetch Metadata; Origin, RFC 6454)."""
    if request.url.path.startswith("/api/"):
        return False  # there a token is needed, which no other site has
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    return bool(origin) and urlsplit(origin or "").netloc != request.headers.get("host", "")


async def _refused(request: Request, error: Exception) -> Response:
    """A status as a page; who is not signed in is asked to."""
    assert isinstance(error, HTTPException)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": error.detail}, error.status_code)
    if error.status_code == 401 and request.method in ("GET", "HEAD"):
        return RedirectResponse(f"/signin?next={quote(request.url.path)}", 303)
    return page(request, "refused.html", status=error.status_code, code=error.status_code, says=error.detail)


async def _wrong(request: Request, error: Exception) -> Response:
    """A mistake that a person can mend, in the same sentences as on the command line."""
    assert isinstance(error, DistributorError)
    lines = [str(problem) for problem in error.problems]
    if "application/json" in request.headers.get("accept", "") or request.url.path.startswith("/api/"):
        return JSONResponse({"error": "; ".join(lines), "problems": lines}, 422)
    return page(request, "refused.html", status=422, code=422, says="", problems=lines)
