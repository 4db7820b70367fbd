"""The desk as one ASGI application: its pages, the gate in front of them, and its errors as pages."""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from distributor.clock import Clock
from distributor.desk import Desk
from distributor.errors import DistributorError
from distributor.site import Site
from distributor.store.open import open_people
from distributor.web import (
    account,
    agreement,
    api,
    approve,
    board,
    calendar,
    carrying,
    correcting,
    edit,
    kit,
    moving,
    persons,
    previews,
    releases,
    reports,
    signin,
    timing,
)
from distributor.web.board import Watch
from distributor.web.gate import Gate
from distributor.web.kit import House, _

_PAGES = (
    releases,
    signin,
    account,
    persons,
    edit,
    carrying,
    correcting,
    previews,
    approve,
    timing,
    calendar,
    moving,
    agreement,
    board,
    reports,
    api,
)
_FOREVER = "public, max-age=31536000, immutable"


def app(site: Site, clock: Clock, *, base: str, proxies: Sequence[str] = ()) -> Starlette:
    """The desk of one site. `base` is the address that people type; `proxies` are the addresses whose `X-Forwarded-For`
    and `-Proto` are believed, nobody's else.

    Raises ConfigError where there is no site, StoreError where its ledger cannot be opened.
    """
    base = base.rstrip("/")
    people = open_people(Desk(site=site, clock=clock, emergency=True).store_url)
    house = House(site=site, clock=clock, base=base, people=people)
    trusted = [Middleware(ProxyHeadersMiddleware, trusted_hosts=list(proxies))] if proxies else []
    made = Starlette(
        routes=_routes(),
        middleware=[*trusted, Middleware(Gate, house=house)],
        exception_handlers={HTTPException: _refused, DistributorError: _wrong},
    )
    made.state.house = house
    return made


def close(desk: Starlette) -> None:
    """Close every database connection that the desk holds. A later request opens them anew."""
    house: House = desk.state.house
    house.people.close()
    house.listing.close()
    watch: Watch | None = house.kept.pop("watch", None)
    if watch is not None:
        watch.close()


def _routes() -> list[BaseRoute]:
    return [Route("/static/{name}", static), Route("/", home), *(route for page in _PAGES for route in page.routes)]


async def home(request: Request) -> Response:
    """The first page is the list of releases."""
    kit.person(request)
    return kit.go("/releases")


async def static(request: Request) -> Response:
    """Style and script. Kept for ever under the address that names their digest, asked for anew under any other."""
    found = kit.house(request).static(request.path_params["name"])
    if found is None:  # no page: nobody is known here, and a page would hand out another guest's cookie
        return PlainTextResponse("There is no such file.", status_code=404)
    data, digest = found
    kinds = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    kind = kinds[request.path_params["name"].rpartition(".")[2]]
    keep = _FOREVER if request.query_params.get("v") == digest else "no-cache"
    headers = {"Cache-Control": keep, "ETag": f'"{digest}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=kind, headers=headers)


def wants_json(request: Request) -> bool:
    """Whether a program asks, not a person."""
    return request.url.path.startswith("/api/") or "application/json" in request.headers.get("accept", "")


async def _refused(request: Request, error: Exception) -> Response:
    """401 leads to the sign-in and back; the others are a page, or JSON for a program."""
    assert isinstance(error, HTTPException)
    status, headers = error.status_code, dict(error.headers or {})
    said = error.detail if error.detail != HTTPStatus(status).phrase else _sentence(status)
    if wants_json(request):
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse({"errors": [{"text": said}]}, status_code=status, headers=headers)
    if status == 401:
        url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = f"?next={quote(url)}" if request.method == "GET" and url != "/" else ""
        return kit.go(f"/signin{back}")
    answer = kit.page(request, "error.html", status=status, code=status, sentences=[said], back=_back(request))
    answer.headers.update(headers)
    return answer


def _sentence(status: int) -> str:
    return {
        401: _("Sign in first."),
        403: _("Your role does not allow this."),
        404: _("There is no such page."),
        405: _("This address does not take that."),
        413: _("That is too large."),
        429: _("Too many attempts. Wait a little."),
    }.get(status, HTTPStatus(status).phrase)


async def _wrong(request: Request, error: Exception) -> Response:
    """A mistake that a person can mend, in the same words as on the command line."""
    assert isinstance(error, DistributorError)
    if wants_json(request):
        found = [as_json(problem) for problem in kit.told(request, error.problems)]
        return JSONResponse({"errors": found}, status_code=422)
    values = {"code": 422, "sentences": [], "problems": error.problems, "back": _back(request)}
    return kit.page(request, "error.html", status=422, **values)


def _back(request: Request) -> str:
    """The page of this desk that one came from; empty where that is none, or the same."""
    try:
        came = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return ""
    path = came.path + (f"?{came.query}" if came.query else "")
    ours = {kit.house(request).base, f"{request.url.scheme}://{request.headers.get('host', '')}"}
    here = came.path == request.url.path and request.method == "GET"
    return path if f"{came.scheme}://{came.netloc}" in ours and kit.is_local(path) and not here else ""


def as_json(problem: object) -> dict[str, object]:
    """A problem: what is wrong, and where."""
    facts = {name: getattr(problem, name) for name in ("text", "file", "line", "field")}
    return {name: value for name, value in facts.items() if value is not None}
