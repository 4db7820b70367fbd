"""Embargoes as iCalendar (RFC 5545), for calendar programs. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

from icalendar import Calendar, Event

from distributor.embargo import spell
from distributor.web.listing import Row, Status
from distributor.web.months import Times

_PAST, _AHEAD = timedelta(days=90), timedelta(days=366)
_STATUS = {Status.draft: "TENTATIVE", Status.canceled: "CANCELLED", Status.killed: "CANCELLED"}


def chosen(rows: Iterable[Row], now: datetime) -> list[Row]:
    """What a calendar program is told of; what was canceled too, so that it takes it out."""
    return [row for row in rows if row.lift and now - _PAST <= row.lift <= now + _AHEAD]


def made(rows: Sequence[Row], times: Times, *, base: str, now: datetime) -> bytes:
    """The calendar. An event is the instant of the embargo, in UTC; its text says each channel's time."""
    calendar = Calendar()
    calendar.add("prodid", "-//distributor//desk//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Embargoes")
    calendar.add("refresh-interval", timedelta(minutes=15), parameters={"value": "DURATION"})  # RFC 7986 §5.7
    host = urlsplit(base).hostname or "desk"
    for row in rows:
        if row.lift:
            event = Event()
            draft = row.status is Status.draft
            event.add("uid", f"{row.name if draft else row.id}{'.draft' if draft else ''}@{host}")
            event.add("dtstamp", now)
            event.add("dtstart", row.lift)
            event.add("summary", row.headline)
            event.add("status", _STATUS.get(row.status, "CONFIRMED"))
            event.add("class", "PRIVATE")
            event.add("url", f"{base}/r/{quote(row.name)}" if draft else f"{base}/board/{quote(row.id)}")
            event.add("description", _words(row, row.lift, times.get((row.id, row.version), ())))
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _words(row: Row, lift: datetime, times: Iterable[tuple[str, datetime]]) -> str:
    lines = [f"{row.status}: {spell(lift, row.zone)}"]
    return "\n".join([*lines, *(f"{channel}: {spell(at, row.zone)}" for channel, at in times)])
