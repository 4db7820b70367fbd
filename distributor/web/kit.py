"""What every page of the desk uses: who is asking, what they may do, and how a page is made."""

import asyncio
import copy
import hashlib
import hmac
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from distributor.clock import Clock
from distributor.desk import Desk
from distributor.embargo import spell
from distributor.render import Templates
from distributor.site import Site
from distributor.store.people import People, Session
from distributor.web.speech import Speech

_T = TypeVar("_T")
_SPEECH: ContextVar[Speech | None] = ContextVar("speech", default=None)
_SMALL = 1_000_000  #: bytes of a form without files


class Role(StrEnum):
    """What somebody may do; each may do what the ones before may."""

    author = "author"  #: write, preview
    approver = "approver"  #: approve, schedule, hold, settle
    admin = "admin"  #: people, kill

    @property
    def rank(self) -> int:
        """The higher may do more."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is signed in."""

    name: str
    role: Role
    lang: str  #: of the interface
    zone: str  #: IANA: where they read times

    def may(self, role: Role) -> bool:
        """Whether their role reaches that far."""
        return self.role.rank >= role.rank


@dataclass(kw_only=True)
class Office:
    """One site in a browser: shared by every request."""

    site: Site
    clock: Clock
    base: str  #: the desk's own address, as people see it
    people: People
    templates: Templates
    static: dict[str, str]  #: name → name with the hash of its content
    cache: dict[Any, Any] = field(default_factory=dict)  #: what pages keep between requests; small

    @property
    def secure(self) -> bool:
        """Whether it is reached by TLS."""
        return self.base.startswith("https:")

    def desk(self, who: str) -> Desk:
        """The desk of this site for one person. Config, channels and templates are read again when the config changed."""
        facts = self.site.config_file.stat()
        stamp = (facts.st_mtime_ns, facts.st_size)
        if self.cache.get("config") != stamp:
            fresh = Desk(site=self.site, clock=self.clock)
            _ = (fresh.settings, fresh.places, fresh.channels, fresh.press)  # made once, shared by every copy
            self.cache["config"], self.cache["desk"] = stamp, fresh
        made: Desk = copy.copy(self.cache["desk"])
        made.who = who
        return made

    @property
    def releases(self) -> Path:
        """Where release files lie."""
        return self.site.need_root() / "releases"


def office(request: Request) -> Office:
    """The office that answers."""
    found: Office = request.app.state.office
    return found


def person(request: Request) -> Person:
    """Who is signed in; 401 for nobody."""
    found: Person | None = getattr(request.state, "person", None)
    if found is None:
        raise HTTPException(401)
    return found


def need(request: Request, role: Role = Role.author) -> Person:
    """Who is signed in and may do this; 401 or 403."""
    found = person(request)
    if not found.may(role):
        raise HTTPException(403)
    return found


def desk(request: Request) -> Desk:
    """The desk, acting for whoever is signed in."""
    return office(request).desk(person(request).name)


async def work(call: Callable[[], _T]) -> _T:
    """Call what waits for a disk in a thread."""
    return await asyncio.to_thread(call)


def page(request: Request, template: str, /, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of the desk. `csrf` goes into every form; `_` translates."""
    here, who = office(request), getattr(request.state, "person", None)
    speech = spoken()
    shared = {
        "_": speech.say,
        "lang": speech.lang,
        "person": who,
        "may": (lambda role: bool(who and who.may(Role(role)))),
        "csrf": csrf(request),
        "path": request.url.path,
        "static": here.static,
        "now": here.clock.now(),
        "zones": lambda instant, zone: zones(instant, zone, who.zone if who else "UTC"),
    }
    return HTMLResponse(here.templates.render(f"desk/{template}", {**shared, **values}), status)


def zones(instant: datetime, zone: str, own: str) -> list[str]:
    """An instant as the release's zone and the reader's show it, each with UTC."""
    return [spell(instant, one) for one in dict.fromkeys((zone, own))]


def csrf(request: Request) -> str:
    """What a form of this session must hold; empty without one."""
    found: Session | None = getattr(request.state, "session", None)
    return found.csrf if found else ""


async def form(request: Request, *, most: int = _SMALL) -> FormData:
    """The form that was sent, after its CSRF check. 413 for one over `most` bytes, 403 for one that is none of ours."""
    declared = request.headers.get("content-length", "")
    if not declared.isdigit() or int(declared) > most:
        raise HTTPException(413 if declared.isdigit() else 411)
    given = request.headers.get("x-csrf", "")
    data = await request.form(max_files=20, max_fields=400, max_part_size=most)
    given = given or str(data.get("csrf", ""))
    if not hmac.compare_digest(given.encode(), csrf(request).encode()) or not given:
        raise HTTPException(403, "the form is not of this session: load the page again")
    return data


def go(url: str) -> RedirectResponse:
    """On to another page of ours; any other address leads to the start."""
    return RedirectResponse(inside(url), 303)


def inside(url: str) -> str:
    """The URL where it is a path of this desk, else `/` (OWASP, unvalidated redirects)."""
    parts = urlsplit(url)
    ours = url.startswith("/") and not url.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return url if ours and url.isprintable() and "\\" not in url else "/"


def note(request: Request, action: str, detail: str = "", release_id: str = "") -> None:
    """Who did what: a line in the history. Waits for the disk."""
    here = office(request)
    who = getattr(request.state, "person", None)
    here.people.note(
        here.clock.now(), who=who.name if who else "nobody", action=action, detail=detail, release_id=release_id
    )


def spoken() -> Speech:
    """How this request is spoken to."""
    return _SPEECH.get() or Speech.of("en")


def speak(lang: str) -> None:
    """Speak this language for the rest of the request."""
    _SPEECH.set(Speech.of(lang))


def _(text: str) -> str:
    """The text in the language of whoever asks."""
    return spoken().say(text)


def digest(secret: str) -> str:
    """The hash by which something secret is found."""
    return hashlib.sha256(secret.encode()).hexdigest()


def encoded(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")
