"""For admins: who may use the desk, and the audit log."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.errors import ActionError, DistributorError, Problem
from distributor.web import kit, once, people
from distributor.web.kit import Role, _

_LINES = 100


async def _shown(request: Request, status: int = 200, problems: tuple[Problem, ...] = (), **values: object) -> Response:
    here = kit.house(request)
    everybody = await kit.work(here.people.all)
    roles = [(role.value, _(role.value)) for role in Role]
    facts = {"everybody": everybody, "roles": roles, "problems": problems, "link": "", "link_for": ""}
    return kit.page(request, "people.html", status, **{**facts, **values})


async def persons(request: Request) -> Response:
    """Everybody, with role and whether they can sign in."""
    kit.need(request, Role.admin)
    return await _shown(request, **once.take(request, "/people"))


async def add(request: Request) -> Response:
    """Add somebody; the page after it shows the one-time link by which they choose their password."""
    who, sent, here = kit.need(request, Role.admin), await kit.form(request), kit.house(request)

    def make() -> tuple[str, str]:
        name, role = people.tidy_name(str(sent.get("name") or "")), _role(str(sent.get("role") or ""))
        here.people.add(name, role, lang=who.lang, zone=who.zone, now=here.clock.now())
        kit.note(request, "person added", f"{name} ({role})")
        return name, people.new_link(here.people, name, here.clock.now())

    return await _with_link(request, make)


async def link(request: Request) -> Response:
    """A one-time link for a new password; the old password, the codes and the sessions hold until it is used."""
    kit.need(request, Role.admin)
    await kit.form(request)
    here, name = kit.house(request), request.path_params["name"]

    def make() -> tuple[str, str]:
        made = people.new_link(here.people, name, here.clock.now())
        kit.note(request, "password link", name)
        return name, made

    return await _with_link(request, make)


async def _with_link(request: Request, make: Callable[[], tuple[str, str]]) -> Response:
    try:
        name, secret = await kit.work(make)
    except DistributorError as error:
        return await _shown(request, 422, error.problems)
    once.put(request, "/people", {"link": f"{kit.house(request).base}/first/{secret}", "link_for": name})
    return kit.go("/people")


async def change(request: Request) -> Response:
    """Another role, or whether the person may sign in. Holds from the next request on."""
    who = kit.need(request, Role.admin)
    sent, here, name = await kit.form(request), kit.house(request), request.path_params["name"]

    def write() -> None:
        if "role" in sent:
            role = _role(str(sent["role"]))
            here.people.change(name, role=role.value)
            kit.note(request, "role", f"{name}: {role}")
        if "disabled" in sent:
            if name == who.name:
                raise ActionError(_("nobody disables themselves: ask another admin"))
            disabled = int(sent["disabled"] == "1")
            here.people.change(name, disabled=disabled, sign_out=True)
            kit.note(request, "disabled" if disabled else "enabled", name)

    try:
        await kit.work(write)
    except DistributorError as error:
        return await _shown(request, 422, error.problems)
    return kit.go("/people")


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise ActionError(_("choose one of the roles")) from None


async def audit(request: Request) -> Response:
    """Who did what when: at the desk and in the history of the releases."""
    kit.need(request, Role.admin)
    here, word = kit.house(request), request.query_params.get("q", "")[:100]
    number = request.query_params.get("page", "1")
    at = min(int(number), 100_000) if number.isascii() and number.isdecimal() and int(number) else 1
    skip = (at - 1) * _LINES
    found = await kit.work(lambda: here.people.deeds(word=word, limit=_LINES + 1, skip=skip))
    return kit.page(request, "audit.html", deeds=found[:_LINES], q=word, number=at, more=len(found) > _LINES)


routes = [
    Route("/people", persons, methods=["GET"]),
    Route("/people", add, methods=["POST"]),
    Route("/people/{name}", change, methods=["POST"]),
    Route("/people/{name}/link", link, methods=["POST"]),
    Route("/audit", audit, methods=["GET"]),
]
