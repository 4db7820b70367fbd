"""When a release goes out: asked with the same words, and refused with the same words, as on the command line."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.errors import DistributorError
from distributor.preview import Preview
from distributor.seal import refuse_past
from distributor.web import approve, kit, looks, moments
from distributor.web.kit import Role


async def schedule(request: Request) -> Response:
    """Look first: what goes out when, to how many, to where. Then seal exactly the bytes that were looked at; where they are
    others by then, it is asked again.
    """
    kit.need(request, Role.approver)
    name, acting = request.path_params["name"], kit.desk(request)
    data = await kit.form(request) if request.method == "POST" else None
    if not looks.drafts(acting).exists(name):
        raise HTTPException(404)
    path = looks.drafts(acting).path(name)
    given, problems, made, standing = None, list[str](), None, dict[str, Any]()
    zone = kit.person(request).zone
    try:
        given = moments.given(data or request.query_params, kit.house(request).clock.now(), zone)
        at = given.instant if given else None
        made = await kit.work(partial(_look, request, path, at))
        if acting.settings.policy.four_eyes:
            standing = await kit.work(partial(approve.standing, request, made))
        if data and data.get("sure") == made.agreed:
            done = await kit.work(lambda: acting.schedule(path, at))
            await kit.work(lambda: kit.note(request, "schedule", done.release.seal, done.release.id))
            return kit.go(f"/board/{done.release.id}")
    except DistributorError as error:
        problems = [str(problem) for problem in error.problems]
    status = 422 if problems and data else 200
    values = {"name": name, "made": made, "at": given or "", "problems": problems, "approval": standing}
    values |= {"picked": moments.picked(given, made.release.zone if made else zone), "ask": approve.link(name, given)}
    return kit.page(request, "schedule.html", status=status, **values)


def _look(request: Request, path: Path, at: datetime | None) -> Preview:
    made = kit.desk(request).preview(path, at)
    refuse_past(made, at, kit.house(request).clock.now())
    return made


routes = [Route("/r/{name}/schedule", schedule, methods=["GET", "POST"])]
