"""Coming in and going: sign in, sign out, and the one-time link of the first start."""

import hmac
import secrets
import time

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from distributor.store.people import Account
from distributor.web import passwords
from distributor.web.kit import Role, _, digest, form, go, inside, note, office, page, person, work

_GUESSES = passwords.Guesses()


async def signin(request: Request) -> Response:
    """Name and password."""
    following = inside(request.query_params.get("next", "/"))
    if request.method == "GET":
        return page(request, "signin.html", following=following, says="")
    data = await request.form(max_files=0, max_fields=5, max_part_size=2_000)
    name, password = str(data.get("name", ""))[:100], str(data.get("password", ""))[: passwords.LONGEST]
    keys = (f"name {name.casefold()}", f"address {request.client.host if request.client else ''}")
    waits = _GUESSES.wait(keys, time.monotonic())
    if waits > 0:
        says = _("Too many wrong passwords. Try again in {seconds} s.").replace("{seconds}", f"{waits:.0f}")
        return page(request, "signin.html", status=429, following=following, says=says)
    account = await work(lambda: office(request).people.find(name))
    known = account if account and not account.disabled else None
    if not await work(lambda: passwords.right(known.password if known else None, password)) or known is None:
        _GUESSES.wrong(keys, time.monotonic())
        return page(request, "signin.html", status=403, following=following, says=_("Name or password is wrong."))
    _GUESSES.right(keys)
    return await begin(request, known, following)


async def begin(request: Request, account: Account, following: str) -> Response:
    """A new session, whatever the browser had before (session fixation)."""
    here, token = office(request), secrets.token_urlsafe(32)
    old = request.cookies.get("desk", "")

    def write() -> None:
        if old:
            here.people.end(digest(old))
        here.people.begin(digest(token), account.name, secrets.token_urlsafe(24), here.clock.now())
        here.people.note(here.clock.now(), who=account.name, action="signin", detail="")

    await work(write)
    answer = go(following)
    answer.set_cookie("desk", token, httponly=True, samesite="lax", secure=here.secure, path="/")
    return answer


async def signout(request: Request) -> Response:
    """End the session."""
    person(request)
    await form(request)
    await work(lambda: office(request).people.end(digest(request.state.token)))
    answer = RedirectResponse("/signin", 303)
    answer.delete_cookie("desk", path="/")
    return answer


async def first(request: Request) -> Response:
    """The first admin, by the link that the terminal printed. It works once, and only while there is nobody."""
    here, expected = office(request), request.app.state.first
    given = request.path_params["token"]
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()) or len(await work(here.people.all)):
        raise HTTPException(404)
    if request.method == "GET":
        return page(request, "first.html", says="", name="")
    data = await request.form(max_files=0, max_fields=6, max_part_size=2_000)
    name, password = str(data.get("name", "")).strip(), str(data.get("password", ""))
    if says := unfit(name, password, str(data.get("again", ""))):
        return page(request, "first.html", status=422, says=says, name=name)
    stored = await work(lambda: passwords.hashed(password))
    account = Account(name=name, role=Role.admin, password=stored, lang="en", zone="UTC", disabled=False)
    await work(lambda: here.people.add(account))
    request.app.state.first = ""
    await work(lambda: note(request, "first", f"{name} is the first admin"))
    return await begin(request, account, "/account")


def unfit(name: str, password: str, again: str) -> str:
    """What is wrong with a new name or password; empty when nothing is."""
    if not 0 < len(name) <= 60 or not name.isprintable():
        return _("A name has 1 to 60 characters.")
    return unsafe(password, again)


def unsafe(password: str, again: str) -> str:
    """What is wrong with a new password."""
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        return _("A password has at least 12 characters.")
    return "" if password == again else _("The two passwords differ.")


routes = [
    Route("/signin", signin, methods=["GET", "POST"]),
    Route("/signout", signout, methods=["POST"]),
    Route("/first/{token}", first, methods=["GET", "POST"]),
]
