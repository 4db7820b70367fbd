"""The calendar: embargoes by month or as an agenda, in the viewer's zone, with what comes too close to another."""

import re
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.embargo import zone_of
from distributor.lifecycle import PubStatus
from distributor.store.rows import Head
from distributor.web import kit, months

_AGENDA = timedelta(days=90)


async def calendar(request: Request) -> Response:
    """One month, or what comes in the next 90 days."""
    who = kit.need(request)
    acting, now = kit.desk(request), kit.house(request).clock.now()
    today = now.astimezone(zone_of(who.zone)).date()
    asked = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", request.query_params.get("month", ""))
    year, month = (int(asked[1]), int(asked[2])) if asked and int(asked[1]) > 1 else (today.year, today.month)

    def read() -> list[Head]:
        with acting.ledger() as ledger:
            return [one for one in ledger.heads() if one.pub_status is not PubStatus.canceled]

    found = months.entries(await kit.work(read), who.zone)
    view = "agenda" if request.query_params.get("view") == "agenda" else "month"
    coming = [one for one in found if now <= one.head.lift <= now + _AGENDA]
    return kit.page(
        request,
        "calendar.html",
        view=view,
        year=year,
        month=month,
        today=today,
        weeks=months.weeks(year, month, found),
        coming=coming,
        before=months.beside(year, month, -1),
        after=months.beside(year, month, 1),
        zone=who.zone,
    )


routes = [Route("/calendar", calendar)]
