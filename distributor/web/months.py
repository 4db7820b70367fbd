"""Which release lies on which day, and what comes too close to another. Pure."""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from distributor.embargo import zone_of
from distributor.store.rows import Head

CLOSE = timedelta(minutes=30)  #: two embargoes that are nearer take each other's readers


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One release on one day of whoever looks."""

    head: Head
    local: datetime  #: in the viewer's zone
    near: tuple[str, ...]  #: ids of releases whose embargo is close


def entries(heads: Iterable[Head], zone: str) -> list[Entry]:
    """Every release at its time in `zone`, the earliest first."""
    ordered, place = sorted(heads, key=lambda one: (one.lift, one.id)), zone_of(zone)
    return [
        Entry(head=one, local=one.lift.astimezone(place), near=_near(ordered, at)) for at, one in enumerate(ordered)
    ]


def _near(ordered: Sequence[Head], at: int) -> tuple[str, ...]:
    """The neighbours within `CLOSE`, on both sides."""
    found = []
    for step in (-1, 1):
        other = at + step
        while 0 <= other < len(ordered) and abs(ordered[other].lift - ordered[at].lift) < CLOSE:
            found.append(ordered[other].id)
            other += step
    return tuple(sorted(found))


def weeks(year: int, month: int, found: Iterable[Entry]) -> list[list[tuple[date, list[Entry]]]]:
    """The weeks of a month, Monday first, with what lies on each day."""
    days: dict[date, list[Entry]] = {}
    for one in found:
        days.setdefault(one.local.date(), []).append(one)
    return [[(day, days.get(day, [])) for day in week] for week in calendar.Calendar(0).monthdatescalendar(year, month)]


def beside(year: int, month: int, step: int) -> str:
    """The month before or after, as `2030-03`."""
    count = year * 12 + month - 1 + step
    return f"{count // 12:04}-{count % 12 + 1:02}"
