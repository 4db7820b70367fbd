"""The list of releases."""

import time
from dataclasses import dataclass
from math import ceil
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from distributor import files
from distributor.contract import Severity
from distributor.desk import Desk
from distributor.errors import DistributorError
from distributor.health import Health
from distributor.web import kit
from distributor.web.kit import House, _
from distributor.web.listing import Listing, Row, Status

PAGE = 50  #: releases on one page
_REMEMBERED = 5_000
_HEALTH_LAG = 1.0  #: seconds

Counts = dict[str, int]


def listing(house: House) -> Listing:
    """The list that is kept between requests."""
    return house.listing


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """One page of what was asked for."""

    rows: list[Row]
    total: int  #: that fit
    number: int  #: of the page, from 1
    pages: int
    by_status: dict[str, int]  #: how many of each, of those that fit the words


def choose(house: House, desk: Desk, *, words: str, status: str, number: int) -> Chosen:
    """The releases whose headline, id or file name has every word, of one status or of all. Blocks."""
    rows = listing(house).rows(desk)
    for word in words.casefold().split()[:10]:
        rows = [row for row in rows if word in f"{row.headline} {row.id} {row.name}".casefold()]
    by_status = {one.value: 0 for one in Status}
    for row in rows:
        by_status[row.status] += 1
    if status:
        rows = [row for row in rows if row.status == status]
    pages = max(1, ceil(len(rows) / PAGE))
    number = min(max(1, number), pages)
    shown = listing(house).with_channels(desk, rows[(number - 1) * PAGE : number * PAGE])
    return Chosen(rows=shown, total=len(rows), number=number, pages=pages, by_status=by_status)


def health_of(house: House, desk: Desk) -> Health:
    """Return how the site is: at most a second old, and never older than what a person did. Blocks.

    With ten thousand releases that wait, asking anew takes longer than the rest of the page.
    """
    with desk.ledger(create=True) as ledger:
        newest, now = ledger.last_event(), time.monotonic()
        known: tuple[int, float, Health] | None = house.kept.get("health")
        if known is None or known[0] != newest or now - known[1] > _HEALTH_LAG:
            known = house.kept["health"] = (newest, now, desk.look_after(ledger))
        return known[2]


def asked(request: Request) -> tuple[str, str, int]:
    """Words, status and page of the query string; what makes no sense is left out."""
    query = request.query_params
    status = query.get("status", "")
    number = query.get("page", "1")
    at = int(number) if number.isascii() and number.isdecimal() and len(number) < 7 else 1
    return query.get("q", "")[:200], status if status in list(Status) else "", at


async def releases(request: Request) -> Response:
    """The list: search, filter and pages are in the query string."""
    who, here, desk = kit.need(request), kit.house(request), kit.desk(request)
    words, status, number = asked(request)
    chosen = await kit.work(lambda: choose(here, desk, words=words, status=status, number=number))
    well = await kit.work(lambda: health_of(here, desk))
    known = here.kept.setdefault("findings", {})
    counts = {row.name: known[row.name][1] for row in chosen.rows if row.name in known}
    statuses = [("", _("all")), *((one.value, _(one.value)) for one in Status)]
    values: dict[str, Any] = {"chosen": chosen, "q": words, "only": status, "statuses": statuses, "counts": counts}
    return kit.page(request, "releases.html", **values, viewer=who.zone, well=well)


async def findings(request: Request) -> Response:
    """How many findings a release file has, as JSON; kept until its content changes."""
    kit.need(request)
    here, desk, name = kit.house(request), kit.desk(request), request.path_params["name"]
    return JSONResponse(await kit.work(lambda: count_findings(here, desk, name)))


def count_findings(house: House, desk: Desk, name: str) -> Counts:
    """Errors, warnings and notes of the file `name`, by its digest. A file that cannot be read has one error. Blocks."""
    folder = desk.site.need_root() / "releases"
    path = files.inside(folder, f"{name}.md")
    if path is None or path.parent != folder.resolve() or not path.is_file():
        raise HTTPException(404)
    known: dict[str, tuple[str, Counts]] = house.kept.setdefault("findings", {})
    counts = dict.fromkeys((severity.value for severity in Severity), 0)
    try:
        digest = desk.read(path).digest
        if name in known and known[name][0] == digest:
            return known[name][1]
        for finding in desk.preview(path).all_findings():
            counts[finding.severity] += 1
    except DistributorError as error:
        return {**counts, "error": len(error.problems)}
    if len(known) >= _REMEMBERED:
        known.pop(next(iter(known)), None)
    known[name] = (digest, counts)
    return counts


routes = [
    Route("/releases", releases, methods=["GET"]),
    Route("/releases/findings/{name}", findings, methods=["GET"]),
]
