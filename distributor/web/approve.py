"""Approving: of exactly the bytes and times that the page showed, by somebody whose role allows it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor import agreed, approving, seal
from distributor.embargo import Embargo
from distributor.errors import DistributorError
from distributor.preview import Preview
from distributor.release import Release
from distributor.web import kit, looks, moments, pointing
from distributor.web.kit import Role
from distributor.web.merging import compare


async def approve(request: Request) -> Response:
    """Who approved these bytes, and whether that still holds; approve them, or take it back. `at` is a later time than the
    embargo, as the page of scheduling has it.
    """
    kit.need(request, Role.author if request.method == "GET" else Role.approver)
    name, acting = request.path_params["name"], kit.desk(request)
    data = await kit.form(request) if request.method == "POST" else None
    if not looks.drafts(acting).exists(name):
        raise HTTPException(404)
    now, zone = kit.house(request).clock.now(), kit.person(request).zone
    why = reason(data if data is not None else request.query_params)
    if data is not None:
        given = moments.given(data, now, zone)
        made = await kit.work(lambda: look(request, name, given, why))
        await kit.work(lambda: answer(request, made, data))
        return kit.go(link(name, given, why))
    problems: list[str] = []
    try:
        given = moments.given(request.query_params, now, zone)
        made = await kit.work(lambda: look(request, name, given, why))
    except DistributorError as error:  # a time that cannot be: shown at the embargo, and why
        problems, given, why = [str(problem) for problem in error.problems], None, ""
        made = await kit.work(lambda: look(request, name, None))
    approval = await kit.work(lambda: standing(request, made))
    values = {
        "link_of": await kit.work(lambda: pointing.links(name, looks.drafts(acting).texts(name))),
        "approval": approval,
        "root": f"{acting.site.root}/",
        "name": name,
        "at": given or "",
        "why": why,
        "problems": problems,
        "picked": moments.picked(given, made.release.zone, request.query_params),
    }
    return kit.page(request, "approve.html", 422 if problems else 200, **values)


def link(name: str, at: object, why: str = "") -> str:
    """The page on which a release is approved, for a time of its own where it has one, and for the reason of breaking its embargo."""
    said = {key: value for key, value in (("at", at), ("break_embargo", why)) if value}
    return f"/r/{quote(name)}/approve" + (f"?{urlencode(said)}" if said else "")


def reason(form: Mapping[str, Any]) -> str:
    """Why the embargo is broken, as a form or an address says."""
    return " ".join(str(form.get("break_embargo") or "").split())[:500]


def note(request: Request, release: Release) -> None:
    """Write into the audit log that an embargo is broken. Blocks."""
    for remark in agreed.remarks(release.model_dump_json()) if release.broken_embargo else ():
        kit.note(request, "break-embargo", remark, release.id)


def look(request: Request, name: str, at: Embargo | None, why: str = "") -> Preview:
    """The release as it would go out then; ActionError for a time that scheduling would refuse."""
    if why:
        acting = kit.desk(request)
        acting.break_embargo = why
        made = acting.preview(looks.drafts(acting).path(name), at.instant if at else None)
    else:
        made = looks.look(request, name, at.instant if at else None).preview
    if at:
        seal.refuse_past(made, at.instant, kit.house(request).clock.now())
    return made


def standing(request: Request, made: Preview) -> dict[str, Any]:
    """What a page says of a preview's approvals."""
    who, acting = kit.person(request), kit.desk(request)
    found = acting.standing(made)
    return {
        "made": made,
        "release": made.release,
        "standing": found,
        "changes": changes(found, made),
        "mine": any(one.who == who.name for one in found.valid),
        "another": found.by_another(who.name),
        "may": who.role.rank >= Role.approver.rank,
        "four_eyes": acting.settings.policy.four_eyes,
    }


def changes(found: approving.Standing, made: Preview) -> list[tuple[str, list[Any]]]:
    """What reads otherwise than what was approved last, by `channel/lang`; no lines where the words are the same."""
    now = approving.words(made)
    return [(key, compare(found.before.get(key, ""), now.get(key, ""))) for key in found.changed if found.before]


def answer(request: Request, made: Preview, data: Mapping[str, Any]) -> None:
    """Do what the form says: approve what it showed, or take one's approval back. Blocks."""
    acting = kit.desk(request)
    back = data.get("revoke") == "1"
    if back:
        acting.revoke(made)
    else:
        acting.approve(made, agreed=str(data.get("sure") or ""))
    kit.note(request, "revoke" if back else "approve", made.digest, made.release.id)
    note(request, made.release)


routes = [Route("/r/{name}/approve", approve, methods=["GET", "POST"])]
