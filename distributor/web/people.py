"""Accounts: one's own, everybody's (admin), and the history of who did what."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.embargo import EmbargoError, zone_names, zone_of
from distributor.store.people import Account
from distributor.web import passwords
from distributor.web.kit import Role, _, form, go, need, note, office, page, person, work
from distributor.web.signin import unfit, unsafe
from distributor.web.speech import languages

_LINES = 100


async def account(request: Request) -> Response:
    """Language, time zone, password."""
    person(request)
    says = ""
    if request.method == "POST":
        data = await form(request)
        action = str(data.get("action", ""))
        if action == "read":
            says = await _reading(request, str(data.get("lang", "")), str(data.get("zone", "")))
        elif action == "password":
            fields = (str(data.get(key, ""))[: passwords.LONGEST] for key in ("old", "password", "again"))
            says = await _password(request, *fields)
            if not says:
                return go("/signin")
        if not says:
            return go("/account")
    values: dict[str, Any] = {"says": says, "languages": languages(), "names": sorted(zone_names())}
    return page(request, "account.html", status=422 if says else 200, **values)


async def _reading(request: Request, lang: str, zone: str) -> str:
    try:
        zone_of(zone)
    except EmbargoError as error:
        return str(error)
    if lang not in languages():
        raise HTTPException(400)
    await work(lambda: office(request).people.change(person(request).name, {"lang": lang, "zone": zone}))
    return ""


async def _password(request: Request, old: str, new: str, again: str) -> str:
    here, who = office(request), person(request)
    known = await work(lambda: here.people.find(who.name))
    if not known or not await work(lambda: passwords.right(known.password, old)):
        return _("The old password is wrong.")
    if says := unsafe(new, again):
        return says
    await work(lambda: here.people.change(who.name, {"password": passwords.hashed(new)}))
    await work(lambda: note(request, "password", who.name))
    return ""


async def people(request: Request) -> Response:
    """Everybody: add, change the role, lock out."""
    need(request, Role.admin)
    here, says = office(request), ""
    if request.method == "POST":
        data = await form(request)
        name, role = str(data.get("name", "")).strip(), str(data.get("role", ""))
        if str(data.get("action", "")) == "add":
            says = await _add(request, name, role, str(data.get("password", "")))
        else:
            says = await _change(request, name, role, locked=data.get("disabled") == "1")
        if not says:
            return go("/people")
    everybody = await work(here.people.all)
    return page(request, "people.html", status=422 if says else 200, everybody=everybody, roles=list(Role), says=says)


async def _add(request: Request, name: str, role: str, password: str) -> str:
    if says := unfit(name, password, password):
        return says
    if role not in list(Role):
        raise HTTPException(400)
    stored = await work(lambda: passwords.hashed(password))
    who = person(request)
    new = Account(name=name, role=role, password=stored, lang=who.lang, zone=who.zone, disabled=False)
    if not await work(lambda: office(request).people.add(new)):
        return _("There is somebody of that name.")
    await work(lambda: note(request, "person", f"{name}: {role}"))
    return ""


async def _change(request: Request, name: str, role: str, *, locked: bool) -> str:
    if role not in list(Role):
        raise HTTPException(400)
    if name == person(request).name:
        return _("Nobody changes their own role: ask another admin.")
    await work(lambda: office(request).people.change(name, {"role": role, "disabled": int(locked)}))
    await work(lambda: note(request, "person", f"{name}: {role}{', locked out' if locked else ''}"))
    return ""


async def audit(request: Request) -> Response:
    """Who did what and when, the newest first."""
    need(request, Role.admin)
    before = request.query_params.get("before", "")
    at = int(before) if before.isdigit() and len(before) < 18 else None
    lines = await work(lambda: office(request).people.history(_LINES, at))
    return page(request, "audit.html", lines=lines, older=lines[-1][0] if len(lines) == _LINES else None)


routes = [
    Route("/account", account, methods=["GET", "POST"]),
    Route("/people", people, methods=["GET", "POST"]),
    Route("/audit", audit),
]
