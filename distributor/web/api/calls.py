"""What each operation of the JSON API does: an action of the desk, and its answer. All block."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request

from distributor import agreed, seal
from distributor.desk import Desk
from distributor.errors import ActionError, Problem, nearest
from distributor.fields import web_url
from distributor.instants import zoned
from distributor.store import Release
from distributor.web.api import answers
from distributor.web.api.answers import Deliveries, Shown
from distributor.web.kit import House
from distributor.web.releases import asked, choose, listing


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, read and allowed."""

    house: House
    desk: Desk
    request: Request
    release: str = ""
    body: Any = None


def _instant(call: Call, text: str | None) -> tuple[datetime | None, str | None]:
    """A time as the command line reads it, and its zone; raises ActionError with the spellings that are right."""
    return zoned(text, call.house.clock.now(), "at") if text else (None, None)


def _desk(call: Call) -> Desk:
    """The desk, with the reason for which an embargo is broken where one is given."""
    said = getattr(call.body, "break_embargo", None) or call.request.query_params.get("break_embargo") or ""
    call.desk.break_embargo = said
    return call.desk


def _scheduled(one: Release, *, already: bool) -> BaseModel:
    remarks = agreed.remarks(one.snapshot)
    return answers.Scheduled(release=one.id, version=one.version, seal=one.seal, already=already, remarks=remarks)


def _rows(call: Call) -> list[Any]:
    return [row for row in listing(call.house).rows(call.desk) if row.id == call.release]


def _file(call: Call) -> Any:
    """The path of the release's file, of the newest version; raises ActionError where there is none, naming the nearest, and where
    several have that id.
    """
    rows = [row for row in _rows(call) if row.name]
    newest = max((row.version for row in rows), default=0)
    if found := sorted(row.name for row in rows if row.version == newest):
        if len(found) > 1:
            raise ActionError(
                f"several files have the id '{call.release}': {', '.join(f'{name}.md' for name in found)}"
            )
        return call.desk.site.need_root() / "releases" / f"{found[0]}.md"
    unread = [row.name for row in listing(call.house).rows(call.desk) if row.name == call.release and not row.id]
    if unread:  # a file that cannot be read has no id yet: reading it says what is wrong with it
        return call.desk.site.need_root() / "releases" / f"{unread[0]}.md"
    known = sorted({row.id for row in listing(call.house).rows(call.desk) if row.name and row.id})
    raise ActionError(f"no file in releases/ has the id '{call.release}'{nearest(call.release, known)}")


def list_releases(call: Call) -> BaseModel:
    """Releases and drafts, what goes out next first."""
    words, status, number = asked(call.request)
    found = choose(call.house, call.desk, words=words, status=status, number=number)
    rows = [Shown.of(row) for row in found.rows]
    return answers.Page(releases=rows, total=found.total, page=found.number, pages=found.pages)


def get(call: Call) -> BaseModel:
    """One release."""
    rows = listing(call.house).with_channels(call.desk, _rows(call))
    if not rows:
        raise HTTPException(404, f"there is no release '{call.release}'")
    return Shown.of(rows[-1])


def preview(call: Call) -> BaseModel:
    """What each channel would send. Nothing is written."""
    at, _zone = _instant(call, call.request.query_params.get("at"))
    return answers.Previewed.of(_desk(call).preview(_file(call), at))


def schedule(call: Call) -> BaseModel:
    """Seal what is previewed and plan its deliveries."""
    at, _zone = _instant(call, call.body.at)
    done = _desk(call).schedule(_file(call), at, agreed=call.body.agreed)
    return _scheduled(done.release, already=done.already)


def approval(call: Call) -> BaseModel:
    """Who approved exactly these bytes and times."""
    at, _zone = _instant(call, call.request.query_params.get("at"))
    made = _desk(call).preview(_file(call), at)
    return answers.Approved.of(made, call.desk.standing(made))


def approve(call: Call) -> BaseModel:
    """Say that exactly what was looked at may go out."""
    at, _zone = _instant(call, call.body.at)
    made = _desk(call).preview(_file(call), at)
    seal.refuse_past(made, at, call.house.clock.now())
    return answers.Approved.of(made, call.desk.approve(made, agreed=call.body.agreed))


def revoke(call: Call) -> BaseModel:
    """Take back what one approved of this version."""
    made = call.desk.preview(_file(call))
    call.desk.revoke(made)
    return answers.Approved.of(made, call.desk.standing(made))


def reschedule(call: Call) -> BaseModel:
    """Move what is not out yet to another instant."""
    at, zone = _instant(call, call.body.at)
    assert at is not None  # the body has to have one
    done = _desk(call).reschedule(call.release, at, zone)
    return _scheduled(done.release, already=done.already)


def replace(call: Call) -> BaseModel:
    """Put what the release file says now in the place of what is scheduled."""
    _preview, row = call.desk.replace(call.release, agreed=call.body.agreed)
    return _scheduled(row, already=False)


def destinations(call: Call) -> BaseModel:
    """Channels that lead elsewhere than was agreed."""
    return answers.Places.of(call.release, call.desk.diverted(call.release))


def confirm(call: Call) -> BaseModel:
    """Agree to where a channel leads now; with four eyes two have to."""
    said = call.body
    return answers.Places.of(
        call.release, call.desk.confirm(call.release, said.channel, version=said.version, agreed=said.agreed)
    )


def retry(call: Call) -> BaseModel:
    """Try again what failed, was refused or missed."""
    said = call.body
    planned = call.desk.retry(call.release, version=said.version, channel=said.channel, recipient=said.recipient)
    return answers.Again(release=call.release, deliveries=planned)


def settle(call: Call) -> BaseModel:
    """Say what became of what is in doubt."""
    said = call.body
    try:
        url = web_url(said.url) if said.url else None
    except ValueError as error:
        raise ActionError(Problem(text=str(error), field="url")) from None
    which = {"version": said.version, "channel": said.channel, "recipient": said.recipient}
    if said.close and said.there:
        raise ActionError(Problem(text="what is there cannot be closed as unsent: send one of both", field="close"))
    if said.close:
        rows = call.desk.close(call.release, **which)
    else:
        rows = call.desk.settle(call.release, there=said.there, url=url if said.there else None, **which)
    return answers.Settled(release=call.release, deliveries=[answers.OneDelivery.of(row) for row in rows])


def kill(call: Call) -> BaseModel:
    """Withdraw it for good, also what is out."""
    if call.body.sure != call.release:
        raise ActionError(f"to withdraw it for good, say its id: {call.release}")
    _newest, back, left = call.desk.kill(call.release)
    counts = [Counter(row.channel for row in rows) for rows in (back, left)]
    return answers.Withdrawn(
        release=call.release, taken_back=counts[0], left=counts[1], to_do=call.desk.remains(counts[1])
    )


def hold(call: Call) -> BaseModel:
    """Stop what is not out yet, until resume."""
    return _moved(*call.desk.hold(call.release))


def resume(call: Call) -> BaseModel:
    """Let go what was held, missed or failed."""
    return _moved(*call.desk.resume(call.release))


def cancel(call: Call) -> BaseModel:
    """Cancel what is not out yet."""
    return _moved(*call.desk.cancel(call.release))


def _moved(release: Release, deliveries: int) -> BaseModel:
    return answers.Moved(release=release.id, version=release.version, deliveries=deliveries)


def status(call: Call) -> BaseModel:
    """Every delivery of the newest version."""
    with call.desk.ledger() as ledger:
        release = ledger.release(call.release)
        if release is None:
            raise HTTPException(404, f"no release '{call.release}' is scheduled here")
        return Deliveries.of(release, ledger.deliveries(release.id, release.version))


def report(call: Call) -> BaseModel:
    """Every delivery of every version."""
    with call.desk.ledger() as ledger:
        versions = sorted(ledger.releases(call.release), key=lambda one: -one.version)
        if not versions:
            raise HTTPException(404, f"no release '{call.release}' is scheduled here")
        found = [Deliveries.of(one, ledger.deliveries(one.id, one.version)) for one in versions]
    return answers.Report(versions=found)


def site(call: Call) -> BaseModel:
    """How many releases there are of each status, and what needs a person."""
    found = choose(call.house, call.desk, words="", status="", number=1)
    troubles = call.desk.health().troubles()
    return answers.Standing(now=call.house.clock.now(), releases=found.by_status, ok=not troubles, troubles=troubles)
