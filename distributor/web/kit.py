"""What every page of the desk uses: who asks, the site's desk, templates, checked forms, the audit log."""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from anyio import to_thread
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.types import Message

from distributor.clock import Clock
from distributor.desk import Desk
from distributor.errors import Problem
from distributor.render import Templates
from distributor.site import Site
from distributor.store.people import People
from distributor.web import dates
from distributor.web.listing import Listing
from distributor.web.shared import SharedConfig
from distributor.web.words import LANGUAGES, _, language

__all__ = [
    "House",
    "Person",
    "Role",
    "_",
    "csrf",
    "desk",
    "form",
    "go",
    "house",
    "need",
    "note",
    "page",
    "person",
    "work",
]
T = TypeVar("T")
GUEST = "desk_guest"  #: the cookie that a form is bound to before anybody is signed in
_STATIC = re.compile(r"[a-z0-9][a-z0-9_-]*\.(css|js|svg)")


class Role(StrEnum):
    """What a person may do: each role may do what the ones before it may."""

    author = "author"
    approver = "approver"
    admin = "admin"

    @property
    def rank(self) -> int:
        """The larger may do more."""
        return list(Role).index(self)


@dataclass(frozen=True)
class Person:
    """Who is signed in."""

    name: str
    role: Role
    lang: str
    zone: str  #: IANA: where the viewer sits


@dataclass(kw_only=True)
class House:
    """What one running desk knows: its site, its people, and what is kept between two requests."""

    site: Site
    clock: Clock
    base: str  #: the address that people type, `https://desk.example.com`
    people: People
    templates: Templates = field(init=False)
    first: str = ""  #: SHA-256 of the one-time link of the first start; empty: there is none
    listing: Listing = field(default_factory=Listing)
    kept: dict[str, Any] = field(default_factory=dict)  #: what pages keep between requests, by their own name
    config: SharedConfig = field(init=False)
    _files: dict[str, tuple[int, bytes, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Templates are compiled once, and again when their file changes."""
        self.templates = Templates(self.site.layers("templates"))
        self.config = SharedConfig(site=self.site, clock=self.clock)

    @property
    def secure(self) -> bool:
        """Whether people come over TLS."""
        return self.base.startswith("https:")

    def desk(self, who: str) -> Desk:
        """The site's desk for one person."""
        return self.config.desk(who)

    def static(self, name: str) -> tuple[bytes, str] | None:
        """A file of templates/desk that is not a template, and the digest of its bytes; None where there is none."""
        if not _STATIC.fullmatch(name):
            return None
        path = self.site.file(f"templates/desk/{name}")
        try:
            stamp = path.stat().st_mtime_ns
            if (known := self._files.get(name)) is None or known[0] != stamp:
                data = path.read_bytes()
                known = self._files[name] = (stamp, data, hashlib.sha256(data).hexdigest()[:16])
        except OSError:
            return None
        return known[1], known[2]

    def link(self, name: str) -> str:
        """The address of a static file; another one whenever its bytes change."""
        found = self.static(name)
        return f"/static/{name}?v={found[1]}" if found else f"/static/{name}"


def house(request: Request) -> House:
    """The running desk."""
    found: House = request.app.state.house
    return found


def person(request: Request) -> Person:
    """Who is signed in; raises HTTPException 401, which a page answers with the way to the sign-in."""
    found: Person | None = getattr(request.state, "person", None)
    if found is None:
        raise HTTPException(401)
    return found


def need(request: Request, role: Role = Role.author) -> Person:
    """Who is signed in, with at least `role`; raises HTTPException 403 below it, and 401 for nobody."""
    found = person(request)
    if found.role.rank < role.rank:
        raise HTTPException(403)
    return found


def desk(request: Request) -> Desk:
    """The site's desk, acting for whoever is signed in."""
    return house(request).desk(person(request).name)


def csrf(request: Request) -> str:
    """The token that a form must bring back: bound to the session, or to the guest's cookie before there is one."""
    bound: str = getattr(request.state, "session", "") or getattr(request.state, "guest", "")
    return hmac.new(bound.encode(), b"csrf", hashlib.sha256).hexdigest() if bound else ""


def page(request: Request, template: str, /, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of `templates/desk/`; never stored by anybody on the way."""
    here, who = house(request), getattr(request.state, "person", None)
    new_guest = not getattr(request.state, "session", "") and not getattr(request.state, "guest", "")
    if new_guest:
        request.state.guest = secrets.token_urlsafe(24)
    text = here.templates.render(
        f"desk/{template}",
        {
            "_": _,
            "person": who,
            "csrf": csrf(request),
            "path": request.url.path,
            "lang": language.get(),
            "languages": LANGUAGES,
            "static": here.link,
            "now": here.clock.now(),
            "when": lambda instant, zone: dates.when(instant, zone, who.zone if who else "UTC"),
            "spell": dates.spell,
            "board_of": lambda name: here.listing.board_of(desk(request), name),
            "old_text_of": lambda name: here.listing.old_text(desk(request), name),
            "config_trouble": brief(request, here.config.trouble) if who else "",
            **values,
            "problems": told(request, values.get("problems", ())),
        },
    )
    answer = HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})
    if new_guest:
        secure = here.secure
        answer.set_cookie(GUEST, request.state.guest, path="/", httponly=True, samesite="lax", secure=secure)
    return answer


def brief(request: Request, text: str | None) -> str:
    """A text that names files as a person of the desk knows them: by where they lie in the site, not on the machine."""
    return (text or "").replace(f"{house(request).site.need_root()}{os.sep}", "")


def told(request: Request, problems: Iterable[Any]) -> list[Any]:
    """Problems, or sentences, with files named as in `brief`."""
    return [
        replace(one, text=brief(request, one.text), file=brief(request, one.file) or None)
        if isinstance(one, Problem)
        else brief(request, str(one))
        for one in problems
    ]


async def form(request: Request, *, most: int = 200_000) -> FormData:
    """The form that was sent, after the CSRF check. Raises HTTPException 403, or 413 as `read` does."""
    refuse_foreign(request)
    sent = await read(request, most=most)
    given = request.headers.get("x-csrf") or sent.get("csrf")
    right = csrf(request)
    if not right or not isinstance(given, str) or not hmac.compare_digest(given.encode(), right.encode()):
        raise HTTPException(
            403, _("This form is too old or came from elsewhere. Go back, reload the page and try again.")
        )
    return sent


async def read(request: Request, *, most: int) -> FormData:
    """The form that was sent, whoever sent it; once more the same. Raises HTTPException 413 over `most` bytes, which are counted
    as they come: a length that was announced may lie.
    """
    known: FormData | None = getattr(request.state, "form", None)
    if known is not None:
        return known
    if int(request.headers.get("content-length") or 0) > most:
        raise HTTPException(413)
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413)
        return message

    found = await Request(request.scope, receive).form(max_files=50, max_fields=2_000, max_part_size=most)
    if any("\0" in part for name, value in found.multi_items() for part in (name, value) if isinstance(part, str)):
        raise HTTPException(400, _("There is a character in it that no text has (NUL)."))
    request.state.form = found
    return found


def refuse_foreign(request: Request) -> None:
    """Raise HTTPException 403 for a request that another site's page makes (Origin, Sec-Fetch-Site). A client that is no
    browser names neither and is left to the token.
    """
    origin = request.headers.get("origin")
    here = {house(request).base, f"{request.url.scheme}://{request.headers.get('host', '')}"}
    foreign = (
        origin not in here if origin else request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
    )
    if foreign:
        raise HTTPException(403, _("This request came from another site."))


def is_local(url: str) -> bool:
    """Whether an address is a path of this desk: one slash, no host, nothing that a browser reads as one."""
    plain = url.isprintable() and "\\" not in url and url.startswith("/") and not url.startswith("//")
    return plain and not urlsplit(url).netloc


def go(url: str) -> RedirectResponse:
    """On to another page of the desk (303). Any other address leads to the first page."""
    return RedirectResponse(url if is_local(url) else "/", status_code=303)


async def work(call: Callable[[], T]) -> T:
    """Run what blocks in a thread."""
    done: Awaitable[T] = to_thread.run_sync(call)
    return await done


def note(request: Request, action: str, detail: str, release_id: str = "") -> None:
    """Write into the audit log that the person did something; the time is the desk's clock. Blocks for a commit."""
    who: Person | None = getattr(request.state, "person", None)
    here = house(request)
    here.people.note(
        who.name if who else "",
        action,
        detail,
        release_id=release_id,
        address=request.client.host if request.client else "",
        now=here.clock.now(),
    )
