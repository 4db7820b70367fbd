"""The board: what is coming, and one release as it goes, by server-sent events (HTML Living Standard §9.2)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from distributor import instants
from distributor.desk import Desk
from distributor.embargo import Embargo
from distributor.errors import ActionError
from distributor.lifecycle import State
from distributor.store import overview
from distributor.store.ledger import Ledger
from distributor.store.rows import Head, Release
from distributor.web import kit, moments
from distributor.web.kit import Role

_EACH = 0.5
_WINDOW = timedelta(seconds=10)
_ROWS = 200
_SOON = timedelta(days=7)


async def coming(request: Request) -> Response:
    """What goes out within a week, and what went out within one."""
    kit.need(request)
    acting, now = kit.desk(request), kit.house(request).clock.now()

    def read() -> list[Head]:
        with acting.ledger() as ledger:
            return [one for one in ledger.heads() if abs(one.lift - now) <= _SOON]

    found = sorted(await kit.work(read), key=lambda one: one.lift)
    later, past = [one for one in found if one.lift > now], [one for one in found if one.lift <= now]
    return kit.page(request, "boards.html", later=later, past=past[::-1])


def look(ledger: Ledger, release: Release, acting: Desk) -> dict[str, Any]:
    """What the part that moves shows."""
    channels = overview.channels(ledger, release)
    sent = overview.sent_since(ledger, release, acting.clock.now() - _WINDOW)
    total = sum(one.total for one in channels)
    return {"release": release, "channels": channels, "total": total, "rate": sent / _WINDOW.total_seconds()}


async def board(request: Request) -> Response:
    """One release: each channel's sums, and the deliveries first that somebody has to look at."""
    who = kit.need(request)
    acting, name = kit.desk(request), request.path_params["release_id"]
    chosen = {key: request.query_params.get(key, "")[:60] for key in ("channel", "state")}

    def read() -> dict[str, Any]:
        with acting.ledger() as ledger:
            release = ledger.release(name)
            if release is None:
                raise HTTPException(404)
            return {**look(ledger, release, acting), "rows": overview.rows(ledger, release, most=_ROWS, **chosen)}

    values = {**await kit.work(read), **chosen, "states": list(State), "most": _ROWS}
    rank = who.role.rank
    sealed: Release = values["release"]
    values |= {"picked": moments.picked(Embargo(sealed.lift, sealed.zone), sealed.zone)}
    values |= {"may": rank >= Role.approver.rank, "may_kill": rank >= Role.admin.rank}
    return kit.page(request, "board.html", **values)


async def events(request: Request) -> Response:
    """The part that moves whenever it changed, until whoever looks goes away. A browser comes back by itself."""
    kit.need(request)
    acting, name = kit.desk(request), request.path_params["release_id"]

    def there() -> bool:
        with acting.ledger() as ledger:
            return ledger.release(name) is not None

    if not await kit.work(there):
        raise HTTPException(404)

    async def stream() -> AsyncIterator[str]:
        told = ""
        with contextlib.ExitStack() as opened:
            ledger = await kit.work(lambda: opened.enter_context(acting.ledger()))

            def read() -> str:
                release = ledger.release(name)
                found = look(ledger, release, acting) if release else None
                return bytes(kit.page(request, "_board.html", **found).body).decode() if found else ""

            while not await request.is_disconnected() and (html := await kit.work(read)):
                if html == told:
                    yield ": still here\n\n"
                else:
                    yield "event: board\n" + "".join(f"data: {line}\n" for line in html.splitlines()) + "\n"
                told = html
                await asyncio.sleep(_EACH)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def act(request: Request) -> Response:
    """Hold, resume, cancel, kill or move a release, or settle what is in doubt."""
    name, action = request.path_params["release_id"], request.path_params["action"]
    kit.need(request, Role.admin if action == "kill" else Role.approver)
    data, acting = await kit.form(request), kit.desk(request)
    if action == "kill" and data.get("sure") != name:
        raise ActionError(f"to withdraw it for good, type its id: {name}")
    calls: dict[str, Callable[[], object]] = {
        "hold": lambda: acting.hold(name),
        "resume": lambda: acting.resume(name),
        "cancel": lambda: acting.cancel(name),
        "kill": lambda: acting.kill(name),
        "move": lambda: acting.reschedule(name, *instants.zoned(moments.asked(data), acting.clock.now(), "time")),
        "settle": lambda: acting.settle(
            name,
            there=data.get("there") == "1",
            channel=str(data.get("channel", "")) or None,
            recipient=str(data.get("recipient", "")) or None,
            url=str(data.get("url", "")) or None,
        ),
    }
    if action not in calls:
        raise HTTPException(404)
    await kit.work(calls[action])
    await kit.work(lambda: kit.note(request, action, str(data.get("recipient", "")), name))
    return kit.go(f"/board/{name}")


routes = [
    Route("/board", coming),
    Route("/board/{release_id}", board),
    Route("/board/{release_id}/{action}", act, methods=["POST"]),
    Route("/events/board/{release_id}", events),
]
