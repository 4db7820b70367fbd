"""Moving a release to another day or time, looked at before it is done."""

import contextlib
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor import instants
from distributor.embargo import Embargo, EmbargoError, parse, zone_of
from distributor.errors import ActionError, DistributorError
from distributor.web import approve, fronts, kit, looks, moments, months
from distributor.web.drafts import MAIN
from distributor.web.kit import Role, _
from distributor.web.listing import Row, Status
from distributor.web.merging import compare
from distributor.web.months import Entry
from distributor.web.releases import listing


async def move(request: Request) -> Response:
    """What would be when, and what is close to it then; moved only by the button of this page."""
    kit.need(request)
    data = await kit.form(request) if request.method == "POST" else None
    return await kit.work(lambda: _move(request, data))


def _move(request: Request, data: Any) -> Response:
    given = data if data is not None else request.query_params
    key, day = str(given.get("release") or "")[:200], str(given.get("day") or "")[:10]
    now, who, why = kit.house(request).clock.now(), kit.person(request), approve.reason(given)
    rows = listing(kit.house(request)).rows(kit.desk(request))
    found = months.entries([row for row in rows if months.key_of(row) == key][:1], who.zone)
    if not found:
        raise HTTPException(404)
    entry = found[0]
    if not key.startswith("draft:"):
        kit.need(request, Role.approver)
    problems, new, sealed, sure = list[str](), None, dict[str, Any](), ""
    try:
        new = moments.given(given, now, entry.row.zone) or _on(entry, day, who.zone, now)
        if not entry.movable:
            raise ActionError(_("Something of it is on its way already: it cannot be moved."))
        if entry.row.status is not Status.draft:
            sealed = _sealed_anew(request, entry.row, new, why)
        if data is not None and sealed and (data.get("approve") or data.get("revoke")):
            approve.answer(request, sealed["made"], data)
            said = {"release": key, "at": new, **({"break_embargo": why} if why else {})}
            return kit.go(f"/calendar/move?{urlencode(said)}")
        sure = str(data.get("sure") or "") if data is not None else ""
        if data is not None and (not sealed or sure == sealed["made"].agreed):
            _put(request, entry.row, new, agreed=sure, why=why)
            return kit.go(f"/calendar?month={new.instant.astimezone(zone_of(who.zone)):%Y-%m}&moved={quote(key)}")
    except DistributorError as error:
        problems = [str(problem) for problem in error.problems]
    near = months.close(rows, new.instant, entry.row) if new else []
    values = {
        "entry": entry,
        "row": entry.row,
        "new": new,
        "near": near,
        "problems": problems,
        "sealed": sealed,
        "other": bool(sure),
        "why": why,
    }
    values |= {"picked": moments.picked(new, entry.row.zone, given)}
    return kit.page(request, "move.html", status=422 if problems else 200, **values)


def _sealed_anew(request: Request, row: Row, new: Embargo, why: str) -> dict[str, Any]:
    """What would be sealed for the new time: today's templates and press lists may say otherwise than when it was sealed."""
    acting = kit.desk(request)
    acting.break_embargo = why
    made = acting.moved(row.id, new.instant, new.zone)
    known = looks.last_sealed(request, row.id)
    before = known[1] if known else {}
    with acting.ledger() as ledger:
        had = {(one.channel, one.recipient) for one in ledger.deliveries(row.id, row.version)}
    found = []
    for one in made.rendered:
        old = before.get((one.message.channel, one.message.lang))
        found.append(
            {
                "one": one,
                "new": [
                    copy.recipient.address
                    for copy in one.copies
                    if (one.message.channel, copy.recipient.address) not in had
                ],
                "lines": compare(old.words, one.message.words) if old else [],
            }
        )
    has = {(one.message.channel, copy.recipient.address) for one in made.rendered for copy in one.copies}
    four_eyes = acting.settings.policy.four_eyes
    return {
        "made": made,
        "rows": found,
        "gone": sorted(had - has),
        "approval": approve.standing(request, made) if four_eyes else None,
    }


def _on(entry: Entry, day: str, zone: str, now: datetime) -> Embargo:
    """The same wall time of whoever looks on another day, in the release's own zone."""
    try:
        wall = datetime.combine(date.fromisoformat(day), entry.local.time())
    except ValueError:
        wall = entry.local.replace(tzinfo=None)
    text = wall.isoformat(sep=" ") + (
        zone.removeprefix("UTC") if zone.startswith("UTC") and zone != "UTC" else f" {zone}"
    )
    at, _zone = instants.zoned(text, now, "time")
    return Embargo(at, entry.row.zone)


def _written(new: Embargo) -> str:
    """As people write it, `2030-03-05 09:00 Asia/Hong_Kong`; with the offset where that names no single instant."""
    text = f"{new.local():%Y-%m-%d %H:%M:%S}".removesuffix(":00") + f" {new.zone}"
    with contextlib.suppress(EmbargoError):
        if parse(text).instant == new.instant:
            return text
    return str(new)


def _put(request: Request, row: Row, new: Embargo, *, agreed: str, why: str) -> None:
    desk = kit.desk(request)
    if row.status is not Status.draft:
        desk.break_embargo = why
        done = desk.reschedule(row.id, new.instant, new.zone, agreed=agreed)
        kit.note(request, "move", str(new), row.id)
        approve.note(request, done.preview.release)
        return
    drafts = looks.drafts(desk)
    if new.instant <= kit.house(request).clock.now():
        raise ActionError(f"{new.spelled()} is in the past")
    with drafts.held():
        changed = {
            text: fronts.set_field(text.source, "embargoed_until", _written(new))
            for key, text in drafts.texts(
                row.name
            ).items()  # a translation that repeats the embargo has to say the same
            if key == MAIN or "embargoed_until" in fronts.values(text.source)
        }
        desk.read(drafts.path(row.name), {text.path.name: source for text, source in changed.items()})
        for text, source in changed.items():
            drafts.change(text, source)
    kit.note(request, "move", str(new), row.name)


routes = [Route("/calendar/move", move, methods=["GET", "POST"])]
