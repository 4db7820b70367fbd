"""Signing in and out, the first admin, and the one-time links by which people choose a password."""

import secrets
from math import ceil

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor import embargo
from distributor.errors import ActionError, DistributorError
from distributor.web import kit, moments, people
from distributor.web.kit import GUEST, House, Role, _
from distributor.web.words import language


def first_link(house: House) -> str | None:
    """The one-time link that makes the first admin; None where there is somebody already. Each call makes the one before
    worthless.
    """
    if not house.people.nobody():
        return None
    secret = secrets.token_urlsafe(24)
    house.first = people.digest(secret)
    return f"{house.base}/first/{secret}"


def brake(house: House) -> people.Brake:
    """What makes guessing slow, shared by every form that takes a password."""
    found: people.Brake = house.kept.setdefault("brake", people.Brake())
    return found


async def signin(request: Request) -> Response:
    """The form; an address to go to afterwards stays on this desk."""
    if getattr(request.state, "person", None):
        return kit.go("/")
    nobody = await kit.work(kit.house(request).people.nobody)
    back = _next(request.query_params.get("next", ""))
    return kit.page(request, "signin.html", next=back, wrong="", name="", nobody=nobody)


async def sign_in(request: Request) -> Response:
    """Begin a session. A wrong name, password and code sound alike and take as long."""
    sent, here = await kit.form(request), kit.house(request)
    back = _next(str(sent.get("next") or ""))
    try:
        name = people.tidy_name(str(sent.get("name") or ""))
    except ActionError:
        name = ""
    if left := _may_try(request, name):
        wrong = _("Too many attempts. Wait {seconds} seconds.").replace("{seconds}", str(ceil(left)))
        answer = kit.page(request, "signin.html", status=429, next=back, name=name, wrong=wrong)
        answer.headers["Retry-After"] = str(ceil(left))
        return answer

    def known() -> bool:
        account, password = here.people.find(name), str(sent.get("password") or "")
        good = people.right(account, password)
        if not (
            good and account and people.code_fits(here.people, account, str(sent.get("code") or ""), here.clock.now())
        ):
            kit.note(request, "sign-in refused", name)
            return False
        people.rehash(here.people, account, password)
        return True

    if not await kit.work(known):
        wrong = _("That name, password or code is not right.")
        return kit.page(request, "signin.html", status=401, next=back, name=name, wrong=wrong)
    brake(here).right(f"name {name}", _address(request))
    return await begin(request, name, back)


async def begin(request: Request, name: str, back: str = "/") -> Response:
    """A new session for `name`, whatever cookie the browser brought: one that somebody planted is worth nothing."""
    here, old = kit.house(request), request.state.session

    def start() -> str:
        if old:
            here.people.end(people.digest(old))
        address = request.client.host if request.client else ""
        here.people.note(name, "sign-in", "", release_id="", address=address, now=here.clock.now())
        return people.begin(here.people, name, address=address, now=here.clock.now())

    secret = await kit.work(start)
    answer = kit.go(back)
    answer.set_cookie(
        people.cookie(here.secure),
        secret,
        max_age=int(people.LONGEST.total_seconds()),
        path="/",
        secure=here.secure,
        httponly=True,
        samesite="lax",
    )
    answer.delete_cookie(GUEST, path="/", secure=here.secure, httponly=True, samesite="lax")
    return answer


async def sign_out(request: Request) -> Response:
    """End the session, here and in the browser."""
    await kit.form(request)
    here, old = kit.house(request), request.state.session
    if old:
        await kit.work(lambda: here.people.end(people.digest(old)))
        await kit.work(lambda: kit.note(request, "sign-out", ""))
    answer = kit.go("/signin")
    answer.delete_cookie(people.cookie(here.secure), path="/", secure=here.secure, httponly=True, samesite="lax")
    return answer


async def first(request: Request) -> Response:
    """A one-time link: the first admin says name and password, anybody else the password."""
    name = await _whose(request)
    return kit.page(request, "first.html", name=name, given="", zone="", zones=moments.zones())


async def take_first(request: Request) -> Response:
    """Make the admin, or set the password; the link is used up."""
    name, sent, here = await _whose(request), await kit.form(request), kit.house(request)
    password, again = str(sent.get("password") or ""), str(sent.get("again") or "")
    given, zone = str(sent.get("name") or ""), str(sent.get("zone") or "UTC").strip()
    now, link = here.clock.now(), people.digest(request.path_params["token"])

    def take() -> str:
        if password != again:
            raise ActionError(_("the two passwords differ"))
        who = name or people.tidy_name(given)
        hashed = people.hashed(password, who)
        if name:
            if here.people.take_link(link, hashed, now) is None:
                raise HTTPException(404)
            return who
        known_zone(zone)
        if not here.people.add_first(who, Role.admin, lang=language.get(), zone=zone, now=now, password=hashed):
            raise HTTPException(404)
        here.first = ""
        return who

    try:
        who = await kit.work(take)
    except DistributorError as error:
        values = {"name": name, "problems": error.problems, "given": given, "zone": zone, "zones": moments.zones()}
        return kit.page(request, "first.html", status=422, **values)
    address = request.client.host if request.client else ""
    note = "first admin" if not name else "password by link"
    await kit.work(lambda: here.people.note(who, note, "", release_id="", address=address, now=now))
    return await begin(request, who)


async def _whose(request: Request) -> str:
    """Whose link that is: a name, or nobody's yet for the first admin's. Raises HTTPException 404 for any other."""
    here, link = kit.house(request), people.digest(request.path_params["token"])

    def look() -> str:
        if here.first and secrets.compare_digest(here.first, link) and here.people.nobody():
            return ""
        name = here.people.of_link(link, here.clock.now())
        if name is None:
            raise HTTPException(404, _("This link was used before, or is too old. An admin can make a new one."))
        return name

    return await kit.work(look)


def known_zone(zone: str) -> str:
    """A time zone that exists; raises ActionError naming the nearest."""
    try:
        embargo.known_zone(zone)
    except ValueError as error:
        raise ActionError(str(error)) from None
    return zone


def _may_try(request: Request, name: str) -> float:
    """Seconds until a password may be tried; 0: this one is counted."""
    here = kit.house(request)
    return brake(here).take((f"name {name}", _address(request)), here.clock.monotonic())


def _address(request: Request) -> str:
    return f"address {request.client.host if request.client else ''}"


def _next(url: str) -> str:
    """Where to go after the sign-in; the first page for what leads away, and for what would sign out again."""
    return url if kit.is_local(url) and not url.startswith(("/signin", "/signout", "/first/")) else "/"


def confirmed(request: Request, password: str) -> bool:
    """Whether whoever is signed in knows the password; counted like a sign-in. Blocks."""
    here, who = kit.house(request), kit.person(request)
    if _may_try(request, who.name):
        return False
    if not people.right(here.people.find(who.name), password):
        return False
    brake(here).right(f"name {who.name}", _address(request))
    return True


routes = [
    Route("/signin", signin, methods=["GET"]),
    Route("/signin", sign_in, methods=["POST"]),
    Route("/signout", sign_out, methods=["POST"]),
    Route("/first/{token}", first, methods=["GET"]),
    Route("/first/{token}", take_first, methods=["POST"]),
]
