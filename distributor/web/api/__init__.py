"""The JSON API: the same actions for programs. One table makes the routes and the OpenAPI document."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from distributor import embargo, validation
from distributor.errors import ActionError
from distributor.web import kit
from distributor.web.api import answers, asked, calls, openapi
from distributor.web.api.calls import Call
from distributor.web.kit import Role

_MOST = 100_000
BASE = "/api/v1"


@dataclass(frozen=True)
class Operation:
    """One line of the table; its summary is the docstring of what it runs."""

    method: str
    path: str
    name: str
    role: Role
    run: Callable[[Call], BaseModel]
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    query: Mapping[str, str] = field(default_factory=dict)  #: name → what it does

    @property
    def summary(self) -> str:
        """One sentence."""
        return (self.run.__doc__ or "").partition("\n")[0]


_IT = "/releases/{release}"
_LIST = {"q": "words that all have to be in headline, id or file name", "status": "only these", "page": "from 1"}
_AT = {"at": f"when it would go out, as in {embargo.EXAMPLE}", "break_embargo": "why before its embargo"}
_READ, _LET_OUT, _WITHDRAW = Role.author, Role.approver, Role.admin
OPERATIONS = (
    Operation("GET", "/releases", "listReleases", _READ, calls.list_releases, answers.Page, query=_LIST),
    Operation("GET", _IT, "getRelease", _READ, calls.get, answers.Shown),
    Operation("GET", f"{_IT}/preview", "previewRelease", _READ, calls.preview, answers.Previewed, query=_AT),
    Operation("GET", f"{_IT}/approval", "releaseApproval", _READ, calls.approval, answers.Approved, query=_AT),
    Operation("POST", f"{_IT}/approve", "approveRelease", _LET_OUT, calls.approve, answers.Approved, asked.Agreed),
    Operation("POST", f"{_IT}/revoke", "revokeApproval", _LET_OUT, calls.revoke, answers.Approved),
    Operation("POST", f"{_IT}/schedule", "scheduleRelease", _LET_OUT, calls.schedule, answers.Scheduled, asked.Looked),
    Operation(
        "POST", f"{_IT}/reschedule", "rescheduleRelease", _LET_OUT, calls.reschedule, answers.Scheduled, asked.NewTime
    ),
    Operation("POST", f"{_IT}/replace", "replaceRelease", _LET_OUT, calls.replace, answers.Scheduled, asked.Replacing),
    Operation("GET", f"{_IT}/destinations", "releaseDestinations", _READ, calls.destinations, answers.Places),
    Operation("POST", f"{_IT}/confirm", "confirmDestination", _LET_OUT, calls.confirm, answers.Places, asked.NewPlace),
    Operation("POST", f"{_IT}/hold", "holdRelease", _LET_OUT, calls.hold, answers.Moved),
    Operation("POST", f"{_IT}/resume", "resumeRelease", _LET_OUT, calls.resume, answers.Moved),
    Operation("POST", f"{_IT}/cancel", "cancelRelease", _LET_OUT, calls.cancel, answers.Moved),
    Operation("POST", f"{_IT}/retry", "retryRelease", _LET_OUT, calls.retry, answers.Again, asked.Which),
    Operation("POST", f"{_IT}/settle", "settleRelease", _LET_OUT, calls.settle, answers.Settled, asked.Seen),
    Operation("POST", f"{_IT}/kill", "killRelease", _WITHDRAW, calls.kill, answers.Withdrawn, asked.Sure),
    Operation("GET", f"{_IT}/status", "releaseStatus", _READ, calls.status, answers.Deliveries),
    Operation("GET", f"{_IT}/report", "reportRelease", _READ, calls.report, answers.Report),
    Operation("GET", "/status", "status", _READ, calls.site, answers.Standing),
)


def _endpoint(operation: Operation) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        kit.need(request, operation.role)
        body = await _body(request, operation.body) if operation.body else None
        release = request.path_params.get("release", "")
        call = Call(house=kit.house(request), desk=kit.desk(request), request=request, release=release, body=body)
        made = await kit.work(lambda: operation.run(call))
        if operation.method == "POST":
            await kit.work(lambda: kit.note(request, f"API {operation.name}", "", release))
        # Files are named as `brief` names them, in whatever field they stand.
        text = kit.brief(request, made.model_dump_json())
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

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
