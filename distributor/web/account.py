"""A person's own account: language, time zone, password, one-time codes, API tokens."""

from collections.abc import Callable

import pyotp
import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.errors import ActionError, DistributorError, Problem
from distributor.web import kit, moments, once, people
from distributor.web.kit import Role, _
from distributor.web.signin import confirmed, known_zone
from distributor.web.words import LANGUAGES


async def _shown(request: Request, status: int = 200, problems: tuple[Problem, ...] = (), **values: object) -> Response:
    here, who = kit.house(request), kit.need(request)
    account = await kit.work(lambda: here.people.find(who.name))
    tokens = await kit.work(lambda: here.people.tokens(who.name))
    roles = [(role.value, _(role.value)) for role in Role if role.rank <= who.role.rank]
    facts = {
        "account": account,
        "tokens": tokens,
        "zones": moments.zones(),
        "roles": roles,
        "new_token": "",
        "totp": None,
        "lacking": people.lacking(),
    }
    return kit.page(request, "account.html", status, **{**facts, "problems": problems, "done": "", **values})


async def account(request: Request) -> Response:
    """Everything on one page."""
    done = _("Saved.") if "saved" in request.query_params else ""
    return await _shown(request, done=done, **once.take(request, "/account"))


async def save(request: Request) -> Response:
    """Language and time zone."""
    who, sent, here = kit.need(request), await kit.form(request), kit.house(request)
    lang, zone = str(sent.get("lang") or ""), str(sent.get("zone") or "").strip()
    try:
        if lang not in LANGUAGES:
            raise ActionError(_("choose one of the languages"))
        known_zone(zone)
        await kit.work(lambda: here.people.change(who.name, lang=lang, zone=zone))
    except DistributorError as error:
        return await _shown(request, 422, error.problems)
    return kit.go("/account?saved=1")


async def password(request: Request) -> Response:
    """A new password; every other session of the person ends."""
    who, sent, here = kit.need(request), await kit.form(request), kit.house(request)
    new, again = str(sent.get("new") or ""), str(sent.get("again") or "")

    def change() -> None:
        _confirm(request, str(sent.get("old") or ""))
        if new != again:
            raise ActionError(_("the two passwords differ"))
        hashed = people.hashed(new, who.name)
        session = people.digest(request.state.session)
        here.people.change(who.name, password=hashed, sign_out=True, keep=session)
        kit.note(request, "password", "")

    return await _try(request, change)


async def totp(request: Request) -> Response:
    """A new secret as a QR code; it counts only after a code made with it was given."""
    kit.need(request)
    return await _shown(request, totp=None if people.lacking() else _offer(request, people.new_totp()))


async def totp_on(request: Request) -> Response:
    """From now on a sign-in takes a code."""
    who, sent, here = kit.need(request), await kit.form(request), kit.house(request)
    secret = str(sent.get("secret") or "")

    def turn_on() -> None:
        if not people.is_totp(secret):
            raise ActionError(_("that is no key that was made here: set up the app again"))
        _confirm(request, str(sent.get("password") or ""))
        step = people.step_of(secret, str(sent.get("code") or ""), here.clock.now())
        if step is None:
            raise ActionError(_("that code is not the one that the app shows now; look at the time of both devices"))
        session = people.digest(request.state.session)
        here.people.change(who.name, totp=people.locked(secret), totp_step=step, sign_out=True, keep=session)
        kit.note(request, "one-time codes on", "")

    try:
        await kit.work(turn_on)
    except DistributorError as error:
        offer = _offer(request, secret) if people.is_totp(secret) else None
        return await _shown(request, 422, error.problems, totp=offer)
    return kit.go("/account?saved=1")


async def totp_off(request: Request) -> Response:
    """A sign-in takes no code any more."""
    who, sent, here = kit.need(request), await kit.form(request), kit.house(request)

    def turn_off() -> None:
        _confirm(request, str(sent.get("password") or ""))
        here.people.change(who.name, totp=None)
        kit.note(request, "one-time codes off", "")

    return await _try(request, turn_off)


async def new_token(request: Request) -> Response:
    """An API token, which the page after it shows, once."""
    who, sent, here = kit.need(request), await kit.form(request), kit.house(request)
    label = str(sent.get("label") or "")

    def make() -> str:
        try:
            role = Role(str(sent.get("role") or "author"))
        except ValueError:
            raise ActionError(_("choose one of the roles")) from None
        made = people.new_token(here.people, who, label=label, role=role, now=here.clock.now())
        kit.note(request, "new API token", f"{label} ({role})")
        return made

    try:
        made = await kit.work(make)
    except DistributorError as error:
        return await _shown(request, 422, error.problems)
    return _once(request, made)


async def new_feed(request: Request) -> Response:
    """The address of a calendar for calendar programs, which the page after it shows, once."""
    who, here = kit.need(request), kit.house(request)
    await kit.form(request)

    def make() -> str:
        kit.note(request, "new calendar address", "")
        return people.new_feed(here.people, who, here.clock.now())

    secret = await kit.work(make)
    return _once(request, f"{here.base}/calendar/feed/{secret}.ics")


def _once(request: Request, secret: str) -> Response:
    once.put(request, "/account", {"new_token": secret})
    return kit.go("/account")


async def drop_token(request: Request) -> Response:
    """Make an API token worthless."""
    who, sent, here = kit.need(request), await kit.form(request), kit.house(request)

    def drop() -> None:
        if not here.people.drop_token(str(sent.get("id") or ""), who.name):
            raise ActionError(_("there is no such token"))
        kit.note(request, "API token dropped", "")

    return await _try(request, drop)


async def _try(request: Request, change: Callable[[], None]) -> Response:
    try:
        await kit.work(change)
    except DistributorError as error:
        return await _shown(request, 422, error.problems)
    return kit.go("/account?saved=1")


def _confirm(request: Request, given: str) -> None:
    if not confirmed(request, given):
        raise ActionError(_("that is not your password, or it was tried too often: wait a little"))


def _offer(request: Request, secret: str) -> dict[str, str]:
    """What an authenticator app reads (otpauth URI), as a picture and as text."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=kit.person(request).name, issuer_name="Distributor desk")
    return {"secret": secret, "qr": segno.make(uri, error="m").svg_data_uri(scale=4, border=2, light="#fff")}


routes = [
    Route("/account", account, methods=["GET"]),
    Route("/account", save, methods=["POST"]),
    Route("/account/password", password, methods=["POST"]),
    Route("/account/totp", totp, methods=["GET"]),
    Route("/account/totp", totp_on, methods=["POST"]),
    Route("/account/totp/off", totp_off, methods=["POST"]),
    Route("/account/tokens", new_token, methods=["POST"]),
    Route("/account/calendar", new_feed, methods=["POST"]),
    Route("/account/tokens/drop", drop_token, methods=["POST"]),
]
