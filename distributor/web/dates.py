"""Times, months and weeks in the language of whoever looks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from babel.dates import format_interval, format_skeleton
from markupsafe import Markup

from distributor import embargo
from distributor.embargo import letters, zone_of
from distributor.web.words import _, language

_LOCALES = {"en": "en_GB"}  # where a language is written otherwise than its plain tag says


def spell(instant: datetime, zone: str) -> str:
    """For people: the wall time in `zone`, then UTC, with the UTC date where it differs; in English as on the command line."""
    if language.get() == "en":
        return embargo.spell(instant, zone)
    if zone == "UTC":
        return _alone(instant, zone)
    local, utc = instant.astimezone(zone_of(zone)), instant.astimezone(UTC)
    day = f"{_in('MMMd', utc)} " if utc.date() != local.date() else ""
    return _("{time} ({utc} UTC)").format(time=_alone(instant, zone), utc=day + _clock(utc))


def _alone(instant: datetime, zone: str) -> str:
    """The wall time in `zone` without UTC."""
    if language.get() == "en":
        return embargo.spell(instant, zone).split(" (")[0]
    local = instant.astimezone(zone_of(zone))
    return f"{_in('yMMMEd', local)} {_clock(local)} {letters(local, zone)}"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


def _in(parts: str, at: datetime) -> str:
    """The `parts` of a time (CLDR's skeletons) in the order of the language."""
    return format_skeleton(parts, at, locale=_locale())


def _locale() -> str:
    tag = language.get()
    return _LOCALES.get(tag, tag.replace("-", "_"))


def when(instant: datetime, zone: str, viewer: str) -> Markup:
    """An instant in its own zone with UTC, and in the viewer's."""
    own = Markup('<time datetime="{}">{}</time>').format(instant.isoformat(), spell(instant, zone))
    if viewer in (zone, "UTC"):
        return own
    return own + Markup(' <span class="yours">{} {}</span>').format(_("yours:"), _alone(instant, viewer))


def day(at: datetime) -> str:
    """The day of a wall time: `Tue, 5 Mar 2030`."""
    return _in("yMMMEd", at)


def month(days: Sequence[date]) -> str:
    """The month that most of these days are of: `March 2030`."""
    return _in("yMMMM", datetime.combine(days[len(days) // 2], time(), UTC))


def week(days: Sequence[date]) -> str:
    """From the first of these days to the last: `23–29 Nov 2026`."""
    return format_interval(days[0], days[-1], "yMMMd", locale=_locale())
