"""The list of releases, and one release: what it is, what each channel will send, and what can be done with it."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from distributor import approving, files, instants, sheet
from distributor.contract import Severity
from distributor.desk import Desk
from distributor.errors import ActionError, DistributorError
from distributor.lifecycle import State
from distributor.preview import Preview
from distributor.seal import refuse_past
from distributor.store import approvals, overview
from distributor.web import listing, live
from distributor.web.kit import Role, desk, encoded, form, go, need, note, office, page, work

if TYPE_CHECKING:
    from distributor.store import Release

_PER_PAGE = 50
_ROWS = 200
#: The preview page draws itself; nothing is fetched, nothing runs (sheet.py).
SHEET = "default-src 'none'; style-src 'unsafe-inline' data:; img-src data:; frame-src 'self' data:; frame-ancestors 'self'; sandbox allow-same-origin allow-popups"
_ACTIONS = {"hold": Role.approver, "resume": Role.approver, "cancel": Role.approver, "kill": Role.admin}


async def start(_request: Request) -> Response:
    """The list is the start."""
    return go("/releases")


async def releases(request: Request) -> Response:
    """Every release: files that somebody writes, and what is scheduled."""
    need(request)
    here = office(request)
    drafts = here.cache.setdefault("drafts", listing.Drafts())
    words, state = request.query_params.get("q", "")[:100], request.query_params.get("status", "")[:20]
    number = request.query_params.get("page", "1")
    at = max(1, int(number)) if number.isdigit() and len(number) < 7 else 1
    everything = await work(lambda: listing.entries(desk(request), drafts, here.releases))
    found = listing.found(everything, words, state)
    pages = max(1, -(-len(found) // _PER_PAGE))
    shown = found[(min(at, pages) - 1) * _PER_PAGE : min(at, pages) * _PER_PAGE]
    counts: dict[str, int] = {}
    for entry in everything:
        counts[entry.status] = counts.get(entry.status, 0) + 1
    values: dict[str, Any] = {
        "q": words,
        "state": state,
        "at": min(at, pages),
        "pages": pages,
        "found": len(found),
        "counts": counts,
    }
    return page(request, "releases.html", entries=shown, **values)


def file_of(request: Request) -> Path:
    """The release's main file; 404 for a name that is none."""
    folder, name = office(request).releases, request.path_params["name"]
    path = None if name.startswith(".") or "\0" in name else files.inside(folder, f"{name}.md")
    if path is None or path.parent != folder.resolve() or not path.is_file():
        raise HTTPException(404)
    return path


async def preview(request: Request) -> Response:
    """What each channel will send, with what can be done about it."""
    need(request)
    path = file_of(request)
    made = await work(partial(shown, request, path))
    errors = [one for one in made.all_findings() if one.severity is Severity.error]
    warnings = [one for one in made.all_findings() if one.severity is Severity.warning]
    values: dict[str, Any] = {
        "name": path.stem,
        "made": made,
        "errors": errors,
        "warnings": warnings,
        "release": made.release,
    }
    values["sealed"] = await work(partial(known, desk(request), made.release.id))
    values["standing"] = await work(partial(how_it_stands, desk(request), made))
    values["four_eyes"] = desk(request).settings.policy.four_eyes
    return page(request, "preview_page.html", **values)


def shown(request: Request, path: Path) -> Preview:
    """The preview, kept until one of its files or the config changes."""
    here, acting = office(request), desk(request)
    near = [*sorted(path.parent.glob(f"{path.stem}.*")), acting.site.config_file]
    stamp = tuple((one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in near if one.is_file())
    kept = here.cache.get(("preview", path))
    fixed = kept and kept[1].lift_is_fixed
    if kept is None or kept[0] != stamp or not fixed:
        kept = here.cache["preview", path] = (stamp, acting.preview(path))
    made: Preview = kept[1]
    return made


def known(acting: Desk, release_id: str) -> "Release | None":
    """The newest sealed version of a release."""
    with acting.ledger() as ledger:
        return ledger.release(release_id)


async def approve(request: Request) -> Response:
    """Approve exactly the bytes that the page showed, or take that back."""
    who = need(request, Role.approver)
    path = file_of(request)
    data = await form(request)
    acting, now = desk(request), office(request).clock.now()
    made = await work(partial(shown, request, path))

    def write() -> None:
        with acting.ledger() as ledger:
            if data.get("revoke") == "1":
                approvals.revoke(ledger, made.release.id, made.release.version, who=who.name, now=now)
            elif data.get("sure") == made.digest:
                approving.approve(ledger, made, who=who.name, now=now)
            else:
                raise ActionError("these are other bytes than the ones that were shown: look again, then approve")

    await work(write)
    return go(f"/r/{encoded(path.stem)}/preview")


def how_it_stands(acting: Desk, made: Preview) -> approving.Standing:
    """Who approved these bytes."""
    with acting.ledger() as ledger:
        return approving.standing(ledger, made)


async def sheet_page(request: Request) -> Response:
    """The preview as one self-contained page: to look at in the frame, to keep, to print for a signature."""
    need(request)
    path, here = file_of(request), office(request)
    html = await work(lambda: sheet.page(shown(request, path), here.templates))
    headers = {"content-security-policy": SHEET}
    if request.query_params.get("save"):
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{encoded(path.stem)}-preview.html"
    return HTMLResponse(html, headers=headers)


async def schedule(request: Request) -> Response:
    """When it goes out: asked with the same words, and refused with the same words, as on the command line."""
    who = need(request, Role.approver)
    path = file_of(request)
    data = await form(request) if request.method == "POST" else None
    text = str(data.get("at", "")).strip() if data else ""
    problems: list[str] = []
    made = None
    try:
        at = _instant(request, text)
        made = await work(lambda: desk(request).preview(path, at))
        await work(lambda: refuse_past(made, at, office(request).clock.now()))
        if data and data.get("sure") == str(made.digest):
            done = await work(lambda: desk(request).schedule(path, at))
            await work(lambda: note(request, "desk", "scheduled", done.release.id))
            return go(f"/board/{encoded(done.release.id)}")
    except DistributorError as error:
        problems = [str(problem) for problem in error.problems]
    values: dict[str, Any] = {
        "name": path.stem,
        "made": made,
        "at": text,
        "problems": problems,
        "zone": who.zone,
        "asked": bool(data),
    }
    return page(request, "schedule.html", status=422 if problems and data else 200, **values)


def _instant(request: Request, text: str) -> datetime | None:
    return instants.instant(text, office(request).clock.now(), "time") if text else None


async def board(request: Request) -> Response:
    """One release as it goes: each channel's sums, and the deliveries that a person has to look at first."""
    need(request)
    name = request.path_params["release_id"]
    chosen = {key: request.query_params.get(key, "")[:60] for key in ("channel", "state")}

    acting = desk(request)

    def read() -> dict[str, Any]:
        with acting.ledger() as ledger:
            release = ledger.release(name)
            if release is None:
                raise HTTPException(404)
            return {**live.look(ledger, release, acting), "rows": overview.rows(ledger, release, most=_ROWS, **chosen)}

    values = {**await work(read), **chosen, "states": list(State), "most": _ROWS}
    return page(request, "board.html", **values)


async def act(request: Request) -> Response:
    """Hold, resume, cancel or kill a release, or settle what is in doubt."""
    name, action = request.path_params["release_id"], request.path_params["action"]
    need(request, _ACTIONS.get(action, Role.approver))
    data = await form(request)
    acting = desk(request)
    if action == "kill" and data.get("sure") != name:
        raise ActionError(f"to withdraw it for good, type its id: {name}")
    calls: dict[str, Callable[[], object]] = {
        "hold": lambda: acting.hold(name),
        "resume": lambda: acting.resume(name),
        "cancel": lambda: acting.cancel(name),
        "kill": lambda: acting.kill(name),
        "settle": lambda: acting.settle(
            name,
            there=data.get("there") == "1",
            channel=str(data.get("channel")) or None,
            recipient=str(data.get("recipient")) or None,
            url=str(data.get("url", "")) or None,
        ),
    }
    if action not in calls:
        raise HTTPException(404)
    await work(calls[action])
    return go(f"/board/{encoded(name)}")


routes = [
    Route("/", start),
    Route("/releases", releases),
    Route("/r/{name}/preview", preview),
    Route("/r/{name}/sheet", sheet_page),
    Route("/r/{name}/approve", approve, methods=["POST"]),
    Route("/r/{name}/schedule", schedule, methods=["GET", "POST"]),
    Route("/board/{release_id}", board),
    Route("/board/{release_id}/{action}", act, methods=["POST"]),
]
