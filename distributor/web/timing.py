"""When a release goes out: asked with the same words, and refused with the same words, as on the command line."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.desk import Desk
from distributor.embargo import Embargo
from distributor.errors import DistributorError, StoreError
from distributor.lifecycle import PubStatus
from distributor.preview import Preview
from distributor.seal import refuse_past
from distributor.store import Release
from distributor.web import approve, kit, looks, moments, pointing
from distributor.web.kit import Role


async def schedule(request: Request) -> Response:
    """Look first: what goes out when, to how many, to where. Then seal exactly the bytes that were looked at; where they are
    others by then, it is asked again.
    """
    kit.need(request, Role.approver)
    name, acting = request.path_params["name"], kit.desk(request)
    data = await kit.form(request) if request.method == "POST" else None
    acting.break_embargo = why = approve.reason(data if data is not None else request.query_params)
    if not looks.drafts(acting).exists(name):
        raise HTTPException(404)
    path, asked = looks.drafts(acting).path(name), data if data is not None else request.query_params
    given, problems, values = None, list[str](), dict[str, Any]()
    zone = kit.person(request).zone
    try:
        given = moments.given(asked, kit.house(request).clock.now(), zone)
        values = await kit.work(partial(_look, request, acting, path, given))
        made: Preview = values["made"]
        sure = str(data.get("sure") or "") if data is not None else ""
        if sure == made.agreed:
            at = given.instant if given else None
            done = await kit.work(lambda: acting.schedule(path, at, agreed=sure))
            await kit.work(lambda: kit.note(request, "schedule", done.release.seal, done.release.id))
            await kit.work(lambda: approve.note(request, done.preview.release))
            return kit.go(f"/board/{done.release.id}")
        values["other"] = bool(sure)
    except DistributorError as error:
        problems = [str(problem) for problem in error.problems]
    values |= {"name": name, "at": given or "", "problems": problems, "ask": approve.link(name, given, why), "why": why}
    values |= {"picked": moments.picked(given, _zone(values, zone), asked)}
    return kit.page(request, "schedule.html", status=422 if problems and data else 200, **{"made": None, **values})


def _zone(values: Mapping[str, Any], otherwise: str) -> str:
    return values["made"].release.zone if "made" in values else otherwise


def _look(request: Request, acting: Desk, path: Path, given: Embargo | None) -> dict[str, Any]:
    """What goes out when, what is scheduled of it already, and how it stands with those who approve."""
    at = given.instant if given else None
    made = acting.preview(path, at)
    refuse_past(made, at, kit.house(request).clock.now())
    acting.refuse_early(made)
    approval = approve.standing(request, made) if acting.settings.policy.four_eyes else None
    return {
        "made": made,
        "other": False,
        "sealed": _sealed(request, made),
        "approval": approval,
        "root": f"{acting.site.root}/",
        "link_of": pointing.links(path.stem, looks.drafts(acting).texts(path.stem)),
    }


def _sealed(request: Request, made: Preview) -> Release | None:
    """The same version where it is scheduled already."""
    try:
        with kit.desk(request).ledger() as ledger:
            known = ledger.release(made.release.id, made.release.version)
    except StoreError:
        return None
    return known if known and (known.pub_status is not PubStatus.canceled or known.killed_at) else None


routes = [Route("/r/{name}/schedule", schedule, methods=["GET", "POST"])]
