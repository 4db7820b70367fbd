"""The calendar: embargoes by month, week or as an agenda, in the viewer's zone; what comes too close to another; the same as iCalendar."""

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.desk import Desk
from distributor.embargo import zone_of
from distributor.store import overview
from distributor.web import dates, feed, kit, months, people
from distributor.web.kit import Role
from distributor.web.listing import Row, Status
from distributor.web.months import Entry, Times
from distributor.web.releases import listing

_VIEWS = ("month", "week", "agenda")


async def calendar(request: Request) -> Response:
    """One month, one week with the time of every channel, or what comes in the next 90 days."""
    who, query = kit.need(request), request.query_params
    acting, now = kit.desk(request), kit.house(request).clock.now()
    view = query.get("view", "")
    view = view if view in _VIEWS else "week" if "week" in query else "month"
    span = months.span(view, query.get(view, ""), now.astimezone(zone_of(who.zone)).date())

    def read() -> tuple[list[Entry], Times]:
        found = months.entries(months.about(listing(kit.house(request)).rows(acting), span.days), who.zone)
        days = set(span.days)
        shown = [one for one in found if one.local.date() in days and (view != "agenda" or one.local >= now)]
        return shown, {} if view == "month" else times(acting, [one.row for one in shown])

    shown, found = await kit.work(read)
    return kit.page(
        request,
        "calendar.html",
        view=view,
        span=span,
        title={"month": dates.month, "week": dates.week}[view](span.days) if view != "agenda" else "",
        weeks=months.weeks(shown, span.days) if view != "agenda" else [],
        day_of=dates.day,
        agenda=shown if view == "agenda" else [],
        times=found,
        today=now.astimezone(zone_of(who.zone)).date(),
        place=zone_of(who.zone),
        zone=who.zone,
        may=who.role.rank >= Role.approver.rank,
        moved=query.get("moved", "")[:80],
    )


def times(acting: Desk, rows: Sequence[Row]) -> Times:
    """When each channel of the sealed ones sends, the earliest first."""
    keys = {(row.id, row.version) for row in rows if row.status is not Status.draft}
    with acting.ledger() as ledger:
        return overview.times(ledger, keys)


async def ics(request: Request) -> Response:
    """The releases of the last 90 days and the coming year for a calendar program, by an address that only its owner knows."""
    house, secret = kit.house(request), request.path_params["secret"]
    now = house.clock.now()

    def read() -> bytes | None:
        who = people.by_feed(house.people, secret, now)
        if who is None:
            return None
        acting = house.desk(who.name)
        rows = feed.chosen(listing(house).rows(acting), now)
        return feed.made(rows, times(acting, rows), base=house.base, now=now)

    data = await kit.work(read)
    if data is None:
        raise HTTPException(404)
    return Response(data, media_type="text/calendar; charset=utf-8", headers={"Cache-Control": "private, no-store"})


routes = [Route("/calendar", calendar), Route("/calendar/feed/{secret}.ics", ics)]
