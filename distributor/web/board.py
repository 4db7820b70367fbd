"""The board: what is coming, and one release as it goes, by server-sent events (HTML Living Standard §9.2)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from distributor import agreed, zonerules
from distributor.desk import Desk
from distributor.errors import ActionError, DistributorError
from distributor.health import Health
from distributor.lifecycle import NEEDS_PERSON, RETRIABLE, STOPPED, WAITING, State
from distributor.store import destinations as places
from distributor.store import overview
from distributor.store.ledger import Ledger
from distributor.store.rows import Head, Release
from distributor.web import kit, people
from distributor.web.kit import Person, Role
from distributor.web.releases import health_of, listing

T = TypeVar("T")
_EACH = 0.5
_STILL = 20  #: turns after which it is asked again whether whoever looks still may
_WINDOW = timedelta(seconds=10)
_ROWS = 200
_SOON = timedelta(days=7)
_SETS = {"retriable": RETRIABLE, "needs_person": NEEDS_PERSON}


async def coming(request: Request) -> Response:
    """What goes out within a week, and what went out within one."""
    kit.need(request)
    acting, now = kit.desk(request), kit.house(request).clock.now()

    def read() -> tuple[list[Head], Health]:
        with acting.ledger() as ledger:
            heads = sorted(ledger.heads(), key=lambda one: one.lift)
        return heads, health_of(kit.house(request), acting)

    heads, well = await kit.work(read)
    near = [one for one in heads if abs(one.lift - now) <= _SOON]
    later, past = [one for one in near if one.lift > now], [one for one in near if one.lift <= now]
    waiting = [(one, well.needs[one.id]) for one in reversed(heads) if one.id in well.needs]
    return kit.page(request, "boards.html", later=later, past=past[::-1], waiting=waiting, well=well)


@dataclass
class Watch:
    """One open ledger for everybody who looks at a board: a hundred of them take no hundred connections."""

    _ledger: Ledger | None = None
    _lock: Lock = field(default_factory=Lock)

    def read(self, acting: Desk, call: Callable[[Ledger], T], *, first: bool = False) -> T:
        """What `call` reads; one at a time. Blocks. The `first` time somebody's clock is set by the ledger's."""
        with self._lock:
            if self._ledger is None:
                self._ledger = acting.open()
            elif first:
                acting.keep_time(self._ledger)
            return call(self._ledger)

    def close(self) -> None:
        """Close the ledger."""
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """Which board, and which of its deliveries."""

    name: str
    channel: str
    state: str
    may: bool  #: let out and stop


def _asked(request: Request) -> _Asked:
    channel, state = (request.query_params.get(key, "")[:60] for key in ("channel", "state"))
    may = kit.need(request).role.rank >= Role.approver.rank
    return _Asked(name=request.path_params["release_id"], channel=channel, state=state, may=may)


def look(ledger: Ledger, release: Release, acting: Desk) -> dict[str, Any]:
    """What the part that moves shows."""
    channels, now = overview.channels(ledger, release), acting.clock.now()
    rate = overview.sent_since(ledger, release, now - _WINDOW) / _WINDOW.total_seconds()
    states = Counter[State]()
    for one in channels:
        states.update(one.states)
    due = sum(one.total - one.ended for one in channels if one.due <= now)
    withdrawn = overview.withdrawn(ledger, release) if release.killed_at else None
    return {
        "release": release,
        "channels": channels,
        "states": states,
        "total": sum(one.total for one in channels),
        "ended": sum(one.ended for one in channels),
        "rate": rate,
        "left": due / rate if rate else 0,
        "waits": any(states[state] for state in WAITING),
        "stopped": any(states[state] for state in STOPPED),
        "withdrawn": withdrawn,
        "remains": acting.remains(withdrawn.stays) if withdrawn else {},
    }


def rows(ledger: Ledger, release: Release, asked: _Asked) -> dict[str, Any]:
    """What the list of deliveries shows."""
    found = overview.rows(ledger, release, most=_ROWS, channel=asked.channel, state=asked.state)
    return {"release": release, "rows": found, "most": _ROWS, "may": asked.may, **_SETS}


async def board(request: Request) -> Response:
    """One release: each channel's sums, and the deliveries first that somebody has to look at."""
    asked, acting = _asked(request), kit.desk(request)

    def read() -> dict[str, Any]:
        with acting.ledger() as ledger:
            release = ledger.release(asked.name)
            if release is None:
                raise HTTPException(404)
            return {**look(ledger, release, acting), **rows(ledger, release, asked)}

    values = {**await kit.work(read), "channel": asked.channel, "state": asked.state, "all_states": list(State)}
    values |= await kit.work(lambda: _file(request, values["release"]))
    values |= await kit.work(lambda: _where(acting, asked.name))
    sealed = values["release"]
    values["remarks"] = [*agreed.remarks(sealed.snapshot), *zonerules.shifts([(sealed.id, sealed.snapshot)])]
    values["may_correct"] = values["may_correct"] and values["states"][State.delivered] > 0
    return kit.page(request, "board.html", **values, may_kill=kit.person(request).role is Role.admin)


def _where(acting: Desk, name: str) -> dict[str, Any]:
    """The channels that lead elsewhere than agreed, and those that are gone, while something waits for them."""
    with acting.ledger() as ledger:
        waiting = dict.fromkeys(one.channel for one in places.waiting(ledger, name))
    gone = [channel for channel in waiting if acting.find_channel(channel) is None]
    return {"diverted": acting.diverted(name), "gone": gone}


def _file(request: Request, release: Release) -> dict[str, Any]:
    """The release's file, where there is one, and whether it says something else than what was sealed."""
    acting = kit.desk(request)
    names = [row.name for row in listing(kit.house(request)).rows(acting) if row.id == release.id and row.name]
    if not names:
        return {"name": "", "differs": False, "may_correct": False}
    try:
        read = acting.read(acting.site.need_root() / "releases" / f"{names[-1]}.md")
    except DistributorError:
        return {"name": names[-1], "differs": True, "may_correct": False}
    same = read.release.version == release.version
    return {"name": names[-1], "differs": same and read.digest != release.digest, "may_correct": same}


async def events(request: Request) -> Response:
    """What moves whenever it changed, until whoever looks goes away or may look no more. A browser comes back by itself."""
    asked, acting = _asked(request), kit.desk(request)
    watch: Watch = kit.house(request).kept.setdefault("watch", Watch())
    if not await kit.work(lambda: watch.read(acting, lambda ledger: ledger.release(asked.name), first=True)):
        raise HTTPException(404)
    house, session = kit.house(request), request.state.session

    def still() -> Person | None:
        return people.by_session(house.people, session, house.clock.now(), seen=False)

    async def stream() -> AsyncIterator[str]:
        told: dict[str, str] = {}
        turn, clock = 0, asyncio.get_running_loop().time
        due = clock()
        while not await request.is_disconnected():
            if turn % _STILL == 0 and await kit.work(still) is None:
                return
            found = await kit.work(partial(_drawn, request, watch, acting, asked, rows_too=turn % 2 == 0))
            if not found:
                return
            fresh = {part: html for part, html in found.items() if told.get(part) != html}
            yield "".join(_event(part, html) for part, html in fresh.items()) or ": still here\n\n"
            told |= fresh
            turn += 1
            due = max(
                due + _EACH, clock() + _EACH / 5
            )  # twice a second, whatever a turn costs; a slow one is not made up for
            await asyncio.sleep(due - clock())

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _drawn(request: Request, watch: Watch, acting: Desk, asked: _Asked, *, rows_too: bool) -> dict[str, str]:
    """The parts of the board as HTML; the long one every other time."""

    def read(ledger: Ledger) -> dict[str, tuple[str, dict[str, Any]]]:
        release = ledger.release(asked.name)
        if release is None:
            return {}
        parts = {"board": ("_board.html", {**look(ledger, release, acting), "may": asked.may})}
        if rows_too:
            parts["rows"] = ("_rows.html", rows(ledger, release, asked))
        return parts

    parts = watch.read(acting, read)
    return {part: bytes(kit.page(request, name, **values).body).decode() for part, (name, values) in parts.items()}


def _event(part: str, html: str) -> str:
    return f"event: {part}\n" + "".join(f"data: {line}\n" for line in html.splitlines()) + "\n"


async def act(request: Request) -> Response:
    """Hold, resume, cancel or kill a release; try again, settle or close its deliveries."""
    name, action = request.path_params["release_id"], request.path_params["action"]
    kit.need(request, Role.admin if action == "kill" else Role.approver)
    data, acting = await kit.form(request), kit.desk(request)
    if action == "kill" and data.get("sure") != name:
        raise ActionError(f"to withdraw it for good, type its id: {name}")
    number = str(data.get("version", ""))
    which: dict[str, Any] = {key: str(data.get(key, "")) or None for key in ("channel", "recipient")}
    which["version"] = int(number) if number.isascii() and number.isdecimal() and len(number) < 7 else None
    calls: dict[str, Callable[[], object]] = {
        "hold": lambda: acting.hold(name),
        "resume": lambda: acting.resume(name),
        "cancel": lambda: acting.cancel(name),
        "kill": lambda: acting.kill(name),
        "retry": lambda: acting.retry(name, **which),
        "close": lambda: acting.close(name, **which),
        "settle": lambda: acting.settle(
            name, there=data.get("there") == "1", url=str(data.get("url", "")) or None, **which
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
