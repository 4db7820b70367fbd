"""What is live on the board, by server-sent events (HTML Living Standard §9.2): the changed part of the page, twice a second at most."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from distributor.desk import Desk
from distributor.lifecycle import State
from distributor.report import lines
from distributor.store import overview
from distributor.store.ledger import Ledger
from distributor.store.rows import Release
from distributor.web.kit import desk, encoded, need, page, work

_EACH = 0.5
_WINDOW = timedelta(seconds=10)
_OPEN = (State.planned, State.retrying, State.sending)


def look(ledger: Ledger, release: Release, desk_: Desk) -> dict[str, Any]:
    """What the live part of the board shows."""
    channels = overview.channels(ledger, release)
    sent = overview.sent_since(ledger, release, desk_.clock.now() - _WINDOW)
    made = [
        {
            "channel": one.channel,
            "states": one.states,
            "due": one.due,
            "first_sent": one.first_sent,
            "last_sent": one.last_sent,
            "late": one.late,
            "ended": sum(count for state, count in one.states.items() if state not in _OPEN),
        }
        for one in channels
    ]
    total = sum(one.total for one in channels)
    return {"release": release, "channels": made, "total": total, "rate": sent / _WINDOW.total_seconds()}


async def events(request: Request) -> Response:
    """The live part whenever it changed, until whoever looks goes away."""
    need(request)
    acting, name = desk(request), request.path_params["release_id"]

    def read() -> dict[str, Any] | None:
        with acting.ledger() as ledger:
            release = ledger.release(name)
            return look(ledger, release, acting) if release else None

    if await work(read) is None:
        raise HTTPException(404)

    async def stream() -> AsyncIterator[str]:
        told = ""
        while not await request.is_disconnected():
            found = await work(read)
            if found is None:
                yield "event: end\ndata:\n\n"
                return
            html = bytes(page(request, "board_live.html", **found).body).decode()
            if html != told:
                told = html
                yield "event: board\n" + "".join(f"data: {line}\n" for line in html.splitlines()) + "\n"
            else:
                yield ": still here\n\n"
            await asyncio.sleep(_EACH)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def report(request: Request) -> Response:
    """Who got what and when, as CSV; the same lines as `distributor report`."""
    need(request)
    acting, name = desk(request), request.path_params["release_id"]

    def read() -> str:
        with acting.ledger() as ledger:
            known = ledger.releases(name)
            return lines(row for one in known for row in ledger.deliveries(one.id, one.version)) if known else ""

    text = await work(read)
    if not text:
        raise HTTPException(404)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{encoded(name)}.csv"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


routes = [Route("/events/board/{release_id}", events), Route("/report/{release_id}.csv", report)]
