"""Which release lies on which day, what comes too close to another, and how the days are laid out. Pure."""

import calendar
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from distributor.embargo import zone_of
from distributor.web.listing import Row, Status

CLOSE = timedelta(minutes=30)  #: two embargoes that are nearer take each other's readers
AGENDA = timedelta(days=90)
_MARGIN = timedelta(hours=27)  # no zone is further from UTC
_SHOWN = 20  # neighbours that are named
_OVER = (Status.canceled, Status.killed)

#: The first instant of each channel of a version, by release and version.
Times = Mapping[tuple[str, int], Sequence[tuple[str, datetime]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One release on one day of whoever looks."""

    row: Row
    local: datetime  #: in the viewer's zone
    near: tuple[str, ...]  #: ids of releases whose embargo is close

    @property
    def key(self) -> str:
        """By which it is moved: a sealed release by its id, a draft by its file."""
        return key_of(self.row)

    @property
    def movable(self) -> bool:
        """Whether nothing of it has begun."""
        return self.row.status in (Status.draft, Status.scheduled, Status.held)


def entries(rows: Iterable[Row], zone: str) -> list[Entry]:
    """Every release that has a time and is not over, at its time in `zone`, the earliest first."""
    dated = [(row.lift, row.id, row) for row in rows if row.lift and row.status not in _OVER]
    ordered, place = sorted(dated, key=lambda one: one[:2]), zone_of(zone)
    lifts = [(lift, name) for lift, name, _ in ordered]
    return [
        Entry(row=row, local=lift.astimezone(place), near=_near(lifts, at)) for at, (lift, _, row) in enumerate(ordered)
    ]


def key_of(row: Row) -> str:
    """How a release is called where it is moved."""
    return f"draft:{row.name}" if row.status is Status.draft else row.id


def close(rows: Iterable[Row], at: datetime, to: Row) -> list[Row]:
    """What would be too close to a release at another time."""
    return [
        row
        for row in rows
        if row.lift and row.status not in _OVER and key_of(row) != key_of(to) and abs(row.lift - at) < CLOSE
    ]


def about(rows: Iterable[Row], days: Sequence[date]) -> list[Row]:
    """Those that may lie on these days in any zone, and their neighbours: of ten thousand, few."""
    first, last = (datetime.combine(day, time(), UTC) for day in (days[0], days[-1]))
    since, until = first - _MARGIN, last + _MARGIN + timedelta(days=1)
    return [row for row in rows if row.lift and since <= row.lift <= until]


def _near(ordered: Sequence[tuple[datetime, str]], at: int) -> tuple[str, ...]:
    """The neighbours within `CLOSE`, on both sides."""
    found: list[str] = []
    for step in (-1, 1):
        other = at + step
        while 0 <= other < len(ordered) and abs(ordered[other][0] - ordered[at][0]) < CLOSE and len(found) < _SHOWN:
            found.append(ordered[other][1])
            other += step
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The days that one page shows, whole weeks, Monday first."""

    days: tuple[date, ...]
    month: int  #: days of other months are pale; 0: none
    before: str
    after: str


def span(view: str, asked: str, today: date) -> Span:
    """The month or week that was asked for, or the one of `today` where that is none."""
    if view == "agenda":
        days = tuple(today + timedelta(days=at) for at in range(AGENDA.days + 1))
        return Span(days=days, month=0, before="", after="")
    return _week(asked, today) if view == "week" else _month(asked, today)


def _week(asked: str, today: date) -> Span:
    try:
        days = _three(datetime.strptime(f"{asked}-1", "%G-W%V-%u").date())  # noqa: DTZ007  a day has no zone
    except (ValueError, OverflowError):
        days = _three(today - timedelta(days=today.weekday()))
    names = [f"{year:04}-W{week:02}" for year, week, _ in (day.isocalendar() for day in days[::7])]
    return Span(days=days[7:14], month=0, before=names[0], after=names[2])


def _three(monday: date) -> tuple[date, ...]:
    """The week before the one that begins then, that one, and the one after it."""
    return tuple(monday + timedelta(days=at) for at in range(-7, 14))


def _month(asked: str, today: date) -> Span:
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", asked)
    usable = found and 1 < int(found[1]) < 9999
    year, month = (int(found[1]), int(found[2])) if found and usable else (today.year, today.month)
    count = year * 12 + month - 1
    names = [f"{(count + step) // 12:04}-{(count + step) % 12 + 1:02}" for step in (-1, 0, 1)]
    days = tuple(calendar.Calendar(0).itermonthdates(year, month))
    return Span(days=days, month=month, before=names[0], after=names[2])


def weeks(found: Iterable[Entry], days: Sequence[date]) -> list[list[tuple[date, list[Entry]]]]:
    """The days in their order, week by week, with what lies on each."""
    made: dict[date, list[Entry]] = {day: [] for day in days}
    for one in found:
        if (day := one.local.date()) in made:
            made[day].append(one)
    laid = list(made.items())
    return [laid[at : at + 7] for at in range(0, len(laid), 7)]
