"""What was agreed and is no longer so: a channel that leads elsewhere is confirmed, a text that was edited is replaced."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.errors import DistributorError
from distributor.web import approve, kit, looks
from distributor.web.kit import Role
from distributor.web.merging import compare


async def replace(request: Request) -> Response:
    """Look first at what would go out in place of the scheduled text; then seal exactly that."""
    kit.need(request, Role.approver)
    name, acting = request.path_params["release_id"], kit.desk(request)
    data = await kit.form(request) if request.method == "POST" else None
    problems, values = list[str](), dict[str, Any]()
    try:
        values = await kit.work(lambda: _look(request, name))
        made, sure = values["made"], str(data.get("sure") or "") if data is not None else ""
        if data is not None and (data.get("approve") or data.get("revoke")):
            await kit.work(lambda: approve.answer(request, made, data))
            return kit.go(f"/board/{name}/replace")
        if data is not None and sure == made.agreed:
            done, _row = await kit.work(lambda: acting.replace(name, agreed=sure))
            await kit.work(lambda: kit.note(request, "replace", done.digest, name))
            return kit.go(f"/board/{name}")
        values["other"] = bool(sure)
    except DistributorError as error:
        problems = [str(problem) for problem in error.problems]
    values = {"made": None, "other": False, "approval": None, "release_id": name, "problems": problems, **values}
    return kit.page(request, "replace.html", status=422 if problems and data else 200, **values)


def _look(request: Request, name: str) -> dict[str, Any]:
    acting = kit.desk(request)
    made = acting.replacement(name)
    known = looks.last_sealed(request, name)
    before = known[1] if known else {}
    lines = []
    for one in made.rendered:
        old = before.get((one.message.channel, one.message.lang))
        if old and (found := compare(old.words, one.message.words)):
            lines.append((f"{one.message.channel} · {one.message.lang}", found))
    approval = approve.standing(request, made) if acting.settings.policy.four_eyes else None
    return {"made": made, "lines": lines, "root": f"{acting.site.root}/", "approval": approval}


async def confirm(request: Request) -> Response:
    """Agree to where a channel leads now, as it was looked at."""
    kit.need(request, Role.approver)
    data, acting = await kit.form(request), kit.desk(request)
    name, channel = request.path_params["release_id"], str(data.get("channel") or "")
    agreed = str(data.get("sure") or "")
    done = await kit.work(lambda: acting.confirm(name, channel, agreed=agreed))
    words = "; ".join(f"{what} {then} → {now}" for one in done for what, then, now in one.differences)
    await kit.work(lambda: kit.note(request, "confirm", f"{channel}: {words}", name))
    return kit.go(f"/board/{name}")


routes = [
    Route("/board/{release_id}/replace", replace, methods=["GET", "POST"]),
    Route("/board/{release_id}/confirm", confirm, methods=["POST"]),
]
