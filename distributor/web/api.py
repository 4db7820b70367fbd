"""The JSON API: the same actions for programs. One table makes the routes and the OpenAPI document."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from distributor import embargo, validation
from distributor.desk import Desk
from distributor.errors import ActionError, nearest
from distributor.instants import zoned
from distributor.web import kit, openapi
from distributor.web.kit import House, Role
from distributor.web.openapi import At, Deliveries, Moved, NewTime, Page, Previewed, Scheduled, Shown, Standing
from distributor.web.releases import asked, choose, listing

_MOST = 100_000
BASE = "/api/v1"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, read and allowed."""

    house: House
    desk: Desk
    request: Request
    release: str = ""
    body: Any = None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One line of the table."""

    method: str
    path: str
    name: str
    summary: str
    role: Role
    answer: type[BaseModel]
    run: Callable[[Call], BaseModel]
    body: type[BaseModel] | None = None
    query: Mapping[str, str] = field(default_factory=dict)  #: name → what it does


def _instant(call: Call, text: str | None) -> tuple[datetime | None, str | None]:
    """A time as the command line reads it, and its zone; raises ActionError with the spellings that are right."""
    return zoned(text, call.house.clock.now(), "at") if text else (None, None)


def _rows(call: Call) -> list[Any]:
    return [row for row in listing(call.house).rows(call.desk) if row.id == call.release]


def _file(call: Call) -> Any:
    """The path of the release's file; raises ActionError where there is none, naming the nearest."""
    if found := [row.name for row in _rows(call) if row.name]:
        return call.desk.site.need_root() / "releases" / f"{found[-1]}.md"
    known = sorted({row.id for row in listing(call.house).rows(call.desk) if row.name and row.id})
    raise ActionError(f"no file in releases/ has the id '{call.release}'{nearest(call.release, known)}")


def _list(call: Call) -> BaseModel:
    words, status, number = asked(call.request)
    found = choose(call.house, call.desk, words=words, status=status, number=number)
    rows = [Shown.of(row) for row in found.rows]
    return Page(releases=rows, total=found.total, page=found.number, pages=found.pages)


def _one(call: Call) -> BaseModel:
    rows = listing(call.house).with_channels(call.desk, _rows(call))
    if not rows:
        raise HTTPException(404, f"there is no release '{call.release}'")
    return Shown.of(rows[-1])


def _preview(call: Call) -> BaseModel:
    at, _zone = _instant(call, call.request.query_params.get("at"))
    return Previewed.of(call.desk.preview(_file(call), at))


def _schedule(call: Call) -> BaseModel:
    at, _zone = _instant(call, call.body.at)
    done = call.desk.schedule(_file(call), at)
    return Scheduled(
        release=done.release.id, version=done.release.version, seal=done.release.seal, already=done.already
    )


def _reschedule(call: Call) -> BaseModel:
    at, zone = _instant(call, call.body.at)
    assert at is not None  # the body has to have one
    done = call.desk.reschedule(call.release, at, zone)
    return Scheduled(release=done.release.id, version=done.release.version, seal=done.release.seal, already=False)


def _move(action: str) -> Callable[[Call], BaseModel]:
    def run(call: Call) -> BaseModel:
        release, moved = getattr(call.desk, action)(call.release)
        return Moved(release=release.id, version=release.version, deliveries=moved)

    return run


def _status(call: Call) -> BaseModel:
    with call.desk.ledger() as ledger:
        release = ledger.release(call.release)
        if release is None:
            raise HTTPException(404, f"no release '{call.release}' is scheduled here")
        return Deliveries.of(release, ledger.deliveries(release.id, release.version))


def _site(call: Call) -> BaseModel:
    found = choose(call.house, call.desk, words="", status="", number=1)
    return Standing(now=call.house.clock.now(), releases=found.by_status)


_IT = "/releases/{release}"
OPERATIONS = (
    Operation(
        method="GET", path="/releases", name="listReleases", summary="Releases and drafts, what goes out next first.",
        role=Role.author, answer=Page, run=_list,
        query={"q": "words that all have to be in headline, id or file name", "status": "only these", "page": "from 1"},
    ),
    Operation(method="GET", path=_IT, name="getRelease", summary="One release.", role=Role.author, answer=Shown, run=_one),
    Operation(
        method="GET", path=f"{_IT}/preview", name="previewRelease", summary="What each channel would send. Nothing is written.",
        role=Role.author, answer=Previewed, run=_preview, query={"at": f"when it would go out, as in {embargo.EXAMPLE}"},
    ),
    Operation(
        method="POST", path=f"{_IT}/schedule", name="scheduleRelease", summary="Seal what is previewed and plan its deliveries.",
        role=Role.approver, answer=Scheduled, run=_schedule, body=At,
    ),
    Operation(
        method="POST", path=f"{_IT}/reschedule", name="rescheduleRelease", summary="Move what is not out yet to another instant.",
        role=Role.approver, answer=Scheduled, run=_reschedule, body=NewTime,
    ),
    *(
        Operation(
            method="POST", path=f"{_IT}/{action}", name=f"{action}Release", summary=summary, role=Role.approver,
            answer=Moved, run=_move(action),
        )
        for action, summary in (
            ("hold", "Stop what is not out yet, until resume."),
            ("resume", "Let go what was held, missed or failed."),
            ("cancel", "Cancel what is not out yet."),
        )
    ),
    Operation(
        method="GET", path=f"{_IT}/status", name="releaseStatus", summary="Every delivery of the newest version.",
        role=Role.author, answer=Deliveries, run=_status,
    ),
    Operation(
        method="GET", path="/status", name="status", summary="How many releases there are of each status.",
        role=Role.author, answer=Standing, run=_site,
    ),
)  # fmt: skip


def _endpoint(operation: Operation) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        kit.need(request, operation.role)
        body = await _body(request, operation.body) if operation.body else None
        release = request.path_params.get("release", "")
        call = Call(house=kit.house(request), desk=kit.desk(request), request=request, release=release, body=body)
        made = await kit.work(lambda: operation.run(call))
        if operation.method == "POST":
            await kit.work(lambda: kit.note(request, f"API {operation.name}", "", release))
        return Response(made.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"})

    return answer


async def _body(request: Request, model: type[BaseModel]) -> BaseModel:
    """The JSON body. Raises HTTPException 413, 415 or 400, and ActionError naming each wrong field."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > _MOST:
            raise HTTPException(413)
    if data and request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send JSON: Content-Type: application/json")
    try:
        return model.model_validate(json.loads(data or b"{}"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            raise ActionError(*validation.problems(error, model=model, file=None)) from None
        raise HTTPException(400, "the body is not JSON") from None


async def document(_request: Request) -> Response:
    """The OpenAPI document. It says nothing about this site, so anybody may read it."""
    return JSONResponse(openapi.document(BASE, OPERATIONS))


routes = [
    Route(f"{BASE}/openapi.json", document, methods=["GET"]),
    *(Route(f"{BASE}{one.path}", _endpoint(one), methods=[one.method], name=one.name) for one in OPERATIONS),
]
