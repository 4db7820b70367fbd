"""Dates and embargo lines as people write them, read only where they leave no doubt."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from distributor.embargo import Embargo, EmbargoError, parse, zone_names, zone_of

_NAMES = (
    "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
    "september sept sep", "october oct", "november nov", "december dec",
)  # fmt: skip
_MONTHS = {name: number for number, names in enumerate(_NAMES, start=1) for name in names.split()}
_MONTH = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
#: A whole date with its year; `25/01/2024` is none, since some read the month first.
DATE = (
    rf"(?:{_DAY}\s+(?:of\s+)?{_MONTH},?\s+\d{{4}}\b|\b{_MONTH}\s+{_DAY},?\s+\d{{4}}\b"
    r"|\b\d{4}-\d{2}-\d{2}\b|\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)"
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# Which places use an abbreviation. Where several do, a second time in the line has to decide.
_PLACES = {
    "UTC": ("UTC",), "GMT": ("UTC",), "Z": ("UTC",),
    "HKT": ("Asia/Hong_Kong",), "SGT": ("Asia/Singapore",), "JST": ("Asia/Tokyo",), "KST": ("Asia/Seoul",),
    "CST": ("America/Chicago", "Asia/Shanghai"), "IST": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"),
    "ET": ("America/New_York",), "EST": ("America/New_York",), "EDT": ("America/New_York",),
    "CT": ("America/Chicago",), "CDT": ("America/Chicago",),
    "MT": ("America/Denver",), "MST": ("America/Denver",), "MDT": ("America/Denver",),
    "PT": ("America/Los_Angeles",), "PST": ("America/Los_Angeles",), "PDT": ("America/Los_Angeles",),
    "BST": ("Europe/London",), "WET": ("Europe/Lisbon",), "EET": ("Europe/Athens",), "EEST": ("Europe/Athens",),
    "CET": ("Europe/Berlin",), "CEST": ("Europe/Berlin",),
    "AEST": ("Australia/Sydney", "Australia/Brisbane"), "AEDT": ("Australia/Sydney",),
    "AWST": ("Australia/Perth",), "NZST": ("Pacific/Auckland",), "NZDT": ("Pacific/Auckland",),
    "EASTERN": ("America/New_York",), "CENTRAL": ("America/Chicago",), "MOUNTAIN": ("America/Denver",),
    "PACIFIC": ("America/Los_Angeles",), "CENTRAL EUROPEAN": ("Europe/Berlin",), "UK": ("Europe/London",),
    "BEIJING": ("Asia/Shanghai",), "CHINA": ("Asia/Shanghai",), "JAPAN": ("Asia/Tokyo",), "KOREA": ("Asia/Seoul",),
    "TAIWAN": ("Asia/Taipei",), "NEW YORK CITY": ("America/New_York",),
    "香港時間": ("Asia/Hong_Kong",), "香港时间": ("Asia/Hong_Kong",), "北京時間": ("Asia/Shanghai",),
    "北京时间": ("Asia/Shanghai",), "台北時間": ("Asia/Taipei",), "日本時間": ("Asia/Tokyo",),
}  # fmt: skip
#: Names that hold all year and therefore cannot be wrong for a day.
_ALL_YEAR = frozenset({"ET", "CT", "MT", "PT", "UTC", "GMT", "Z"})
_ZONE = (
    r"(?P<zone>[A-Za-z]+/[A-Za-z_]+|[A-Z][A-Za-z]+(?:\s[A-Z][A-Za-z]+){0,2}\s(?:[Ll]ocal\s)?[Tt]ime\b"
    r"|(?:UTC|GMT)\s?[+-]\d{1,2}(?::?\d{2})?\b|[A-Z]{1,4}T\b|UTC\b|Z\b|\w{2}[時时][間间])"
)
#: Where it may stand apart from the time: `9:00 am, 3 March 2027 Hong Kong time`. Abbreviations in capitals only.
_APART = re.compile(
    r"(?<![\w/])(?:[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+|(?:UTC|GMT)\s?[+-]\d{1,2}(?::?\d{2})?|[A-Z]{1,4}T|UTC)(?!\w)"
    r"|\w{2}[時时][間间]"
)
#: `0001 hrs`, `0900 HKT`.
_MILITARY = re.compile(r"\b([01]\d|2[0-3])([0-5]\d)(?=\s*(?:hrs?\b|hours\b|[A-Z]{2,3}T\b|UTC\b))")
_PLACE_TIME = re.compile(r"((?:[^\W\d_]+[ ]){1,3})time\b", re.IGNORECASE)
#: What an embargo line says besides its time: where nothing else is left but a place, it is the time of that place.
_SAID = re.compile(
    r"strict(?:ly)?|private|and|confidential|under|embargo(?:ed)?|until|till|not|to|be|for|released?|publi(?:cation|shed)"
    r"|broadcast|before|hold|press|media|news|on|at|in|the|from|of|local|time|hrs|hours|noon|\w+day",
    re.IGNORECASE,
)
_TIME = re.compile(
    rf"(?<![\d:.])(?P<hour>\d{{1,2}})(?:[:.](?P<minute>\d{{2}}))?(?!\d)\s*(?:hrs?\b|hours\b)?"
    rf"\s*(?P<half>[ap]\.?\s?m\b\.?|noon\b)?\s*[,(（]?\s*{_ZONE}?",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"(?:UTC|GMT)\s?([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)
_TIME_HAN = re.compile(
    r"(?P<half>上午|下午|早上|晚上|中午)?\s*(?P<hour>\d{1,2})\s*[時时点點](?:\s*(?P<minute>\d{1,2})\s*分)?"
    r"\s*[(（]?\s*(?P<zone>\w{2}[時时][間间])?"
)


class Doubt(ValueError):
    """A line that does not name one certain instant; the text says why."""


@dataclass(frozen=True, slots=True)
class _Clock:
    hour: int
    minute: int
    zone: str  #: as written; empty when there was none


def written_date(text: str) -> date:
    """The date that `DATE` matched; ValueError for a day that does not exist."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if len(numbers) == 3:
        return date(*numbers)
    month = next(_MONTHS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _MONTHS)
    day, year = numbers
    return date(year, month, day)


def instant(text: str) -> tuple[Embargo, str]:
    """The instant that an embargo line names, and how it was read.

    Every time in the line has to name the same instant. Raises Doubt with the reason for anything less than certain:
    no date, year, time or zone, an abbreviation of several places or of the other half of the year, a wrong weekday.
    """
    day = _day(text)
    rest = _MILITARY.sub(r"\1:\2", re.sub(DATE, " ; ", text, flags=re.IGNORECASE))
    clocks = list(_clocks(rest))
    if not clocks:
        raise Doubt("it names no time of day")
    zoned = [clock for clock in clocks if clock.zone]
    if loose := {clock for clock in clocks if not clock.zone}:
        zoned.insert(0, _elsewhere(rest, loose, {clock.zone for clock in zoned}))
    first, *others = (_readings(clock, day) for clock in zoned)
    for other in others:  # `09:00 HKT (01:00 GMT)`: the second time may fall on the day before or after
        instants = {one.instant + timedelta(days=shift) for one in other for shift in (-1, 0, 1)}
        first = [one for one in first if one.instant in instants]
    if not first:
        raise Doubt("its times are not the same instant")
    if len({one.instant for one in first}) > 1:
        zones = " or ".join(one.zone for one in first)
        raise Doubt(f"{zoned[0].zone} is the time of several places ({zones})")
    found = first[0]
    return found, f"{zoned[0].zone} read as {found.zone}"


def _elsewhere(rest: str, clocks: set[_Clock], used: set[str]) -> _Clock:
    """The one time without a zone, with the one zone that stands apart from it and belongs to no other time."""
    names = [found[0] for found in _APART.finditer(rest)]
    for found in _PLACE_TIME.finditer(rest):
        said = found[1].split()
        tails = (_short(f"{' '.join(said[at:])} time") for at in range(len(said)))
        names += [name for name in tails if _places(name)][:1]
    if not names and not used:
        said = re.findall(r"[^\W\d_]+", _TIME.sub(" ", rest))
        names = [" ".join(word for word in said if not _SAID.fullmatch(word))]
    zones = {name for name in names if name not in used and (_OFFSET.fullmatch(name) or _places(name))}
    if not zones:
        raise Doubt("it names a time without its time zone" if used else "it names no time zone")
    if len(zones) > 1:
        raise Doubt(f"it names more than one time zone ({', '.join(sorted(zones))})")
    if len(clocks) > 1:
        raise Doubt("it names more than one time of day")
    return replace(clocks.pop(), zone=zones.pop())


def _short(zone: str) -> str:
    """`Eastern Standard Time` as EST, which holds for half a year; any other name as it is."""
    long = re.fullmatch(r"(?:[A-Za-z]+ ){1,2}(?:Standard|Daylight|Summer|Mean) Time", zone, re.IGNORECASE)
    short = "".join(word[0] for word in zone.split()).upper() if long else ""
    return short if short in _PLACES else zone


def _day(text: str) -> date:
    found = re.findall(DATE, text, re.IGNORECASE)
    if not found:
        raise Doubt("it names no date with a year")
    try:
        days = {written_date(one) for one in found}
    except ValueError as error:
        raise Doubt(f"its date does not exist ({error})") from None
    if len(days) > 1:
        raise Doubt("it names more than one date")
    day = days.pop()
    for weekday in re.findall("|".join(_WEEKDAYS), text.lower()):
        if _WEEKDAYS[day.weekday()] != weekday:
            right = _WEEKDAYS[day.weekday()].title()
            raise Doubt(f"it says {weekday.title()}, but {day.isoformat()} is a {right}")
    return day


def _clocks(text: str) -> Iterator[_Clock]:
    for found in _TIME_HAN.finditer(text):
        hour = int(found["hour"])
        later = found["half"] in ("下午", "晚上") and hour < 12
        if found["half"] is None and hour <= 12:
            raise Doubt("it does not say morning or afternoon")
        yield _clock(hour + 12 * later, found["minute"], found["zone"])
    for found in _TIME.finditer(_TIME_HAN.sub(" ", text)):
        half = re.sub(r"[.\s]", "", found["half"] or "").lower()
        if not (found["minute"] or half):
            continue  # a bare number is no time
        hour = int(found["hour"])
        if half in ("am", "pm") and hour == 12:
            raise Doubt(f"12 {half} is midnight to some and noon to others")
        if half in ("am", "pm") and hour > 12:
            raise Doubt(f"{hour} {half} is no time")
        yield _clock(hour + 12 * (half == "pm"), found["minute"], found["zone"])


def _clock(hour: int, minute: str | None, zone: str | None) -> _Clock:
    if hour > 23 or int(minute or 0) > 59:
        raise Doubt(f"{hour}:{minute or '00'} is no time of day")
    return _Clock(
        hour,
        int(minute or 0),
        _short(" ".join(re.sub(r"^(?:at|on|in)\b", "", zone or "", flags=re.IGNORECASE).split())),
    )


def _readings(clock: _Clock, day: date) -> list[Embargo]:
    """Every instant that a time with a zone can mean on that day."""
    found, reasons = [], []
    offset = _OFFSET.fullmatch(clock.zone)
    if offset:
        return [_read(clock, day, f"{offset[1]}{int(offset[2]):02}:{offset[3] or '00'}")]
    places = _places(clock.zone)
    if not places:
        raise Doubt(f"'{clock.zone}' is no time zone that can be told for certain")
    for place in places:
        read = _read(clock, day, place)
        name = read.instant.astimezone(zone_of(place)).tzname() or ""
        abbreviation = clock.zone.upper()
        if (
            not re.fullmatch("[A-Z]{1,3}T", abbreviation)
            or abbreviation in _ALL_YEAR
            or name == abbreviation
            or name[:1] in "+-"
        ):
            found.append(read)
        else:
            reasons.append(f"on that day {place} has {name}, not {abbreviation}")
    if not found:
        raise Doubt("; ".join(reasons))
    return found


def _read(clock: _Clock, day: date, zone: str) -> Embargo:
    try:
        return parse(f"{day.isoformat()} {clock.hour:02}:{clock.minute:02} {zone}")
    except EmbargoError as error:
        raise Doubt(str(error)) from None


def _places(name: str) -> tuple[str, ...]:
    if name in zone_names() and "/" in name:
        return (name,)
    city = re.sub(r"\s(?:local\s)?time$", "", name, flags=re.IGNORECASE).upper()
    return _PLACES.get(city) or _cities().get(city, ())


@lru_cache(maxsize=1)
def _cities() -> dict[str, tuple[str, ...]]:
    """The zones of every city, by its name in capitals."""
    found: dict[str, tuple[str, ...]] = {}
    for known in sorted(zone_names()):
        if known.count("/") == 1:
            city = known.rpartition("/")[2].replace("_", " ").upper()
            found[city] = (*found.get(city, ()), known)
    return found
