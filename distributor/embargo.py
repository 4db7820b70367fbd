"""The embargo instant: how it may be written, and what is refused.

One release has one instant. It is written as wall time plus an IANA zone (`2026-12-01 09:00 Asia/Hong_Kong`); an
offset may stand between them and then has to agree with the zone. Why so strict: every real broken embargo that we
know the cause of was a time that a person read one way and a machine another (docs/embargo.md).
"""

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from distributor.errors import nearest

_FORM = re.compile(
    r"""(?P<date>\d{4}-\d{2}-\d{2})
    (?:[T\s]\s*(?P<time>\d{1,2}:\d{2}(?::\d{2})?)(?P<fraction>\.\d+)?
       \s*(?P<meridiem>[ap]\.?\s?m\.?(?![A-Za-z]))?)?
    \s*(?P<offset>Z(?![A-Za-z])|(?:UTC|GMT)?[+-]\d{2}:?\d{2})?
    \s*\[?(?P<zone>[A-Za-z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+)*)?\]?""",
    re.VERBOSE | re.IGNORECASE,
)
EXAMPLE = "2026-12-01 09:00 Asia/Hong_Kong"

# Abbreviations that people type and that are no IANA zone, or are one that stands still all year (EST in July).
_ABBREVIATIONS = {
    "EST": "America/New_York", "EDT": "America/New_York", "ET": "America/New_York",
    "CST": "America/Chicago", "CDT": "America/Chicago", "CT": "America/Chicago",
    "MST": "America/Denver", "MDT": "America/Denver", "MT": "America/Denver", "HST": "Pacific/Honolulu",
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "PT": "America/Los_Angeles",
    "BST": "Europe/London", "CET": "Europe/Berlin", "CEST": "Europe/Berlin", "EET": "Europe/Athens",
    "WET": "Europe/Lisbon", "MET": "Europe/Berlin", "IST": "Asia/Kolkata", "HKT": "Asia/Hong_Kong",
    "SGT": "Asia/Singapore", "JST": "Asia/Tokyo", "KST": "Asia/Seoul", "AEST": "Australia/Sydney",
    "AEDT": "Australia/Sydney", "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
}  # fmt: skip


class EmbargoError(ValueError):
    """A time that does not name one instant; the text offers the spellings that do."""


@dataclass(frozen=True, slots=True)
class Embargo:
    """One instant and the zone its writer meant."""

    instant: datetime  #: aware, UTC
    zone: str  #: IANA name, or `UTC+08:00` where only an offset was given

    def local(self) -> datetime:
        """The instant as wall time in its own zone."""
        return self.instant.astimezone(zone_of(self.zone))

    def __str__(self) -> str:
        """The spelling that `parse` reads back to the same value."""
        local = self.local()
        stamp = local.isoformat(sep=" ", timespec="microseconds" if local.microsecond else "seconds")
        return stamp if self.zone.startswith("UTC") else f"{stamp} {self.zone}"

    def spelled(self) -> str:
        """For people: `Tue 1 Dec 2026 09:00 HKT (01:00 UTC)`."""
        return spell(self.instant, self.zone)


#: Files of the zone database that are no place: what this host is set to, and a placeholder of installers.
_HOST_ZONES = frozenset({"localtime", "factory", "posixrules", "etc/unknown", "local", "system"})
#: Copies of the database with other rules (leap seconds) and old names that no release of it has any more.
_COPIES = ("posix/", "right/", "systemv/")


def host_zone(name: str) -> bool:
    """Whether a name means another clock on every machine, or is no name of the IANA database."""
    folded = name.casefold()
    return folded in _HOST_ZONES or folded.startswith(_COPIES)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA zone that this machine knows (the tzdata package where the system has none)."""
    return frozenset(name for name in zoneinfo.available_timezones() if not host_zone(name))


def known_zone(name: str) -> str:
    """A zone that a person may name; raises EmbargoError with the nearest names for one that does not exist, and for one that
    means this host.
    """
    if host_zone(name):
        raise EmbargoError(
            f"'{name}' is no place: it is another clock on every machine, so it names no instant; write the zone of a place, "
            "such as Europe/London or Asia/Hong_Kong"
        )
    zone_of(name)
    return name


def zone_of(name: str) -> tzinfo:
    """The zone called `name`; raises EmbargoError with the nearest names for one that does not exist. What an earlier version
    took for a zone and means the host is shown in UTC.
    """
    if name == "UTC" or host_zone(name):
        return UTC
    fixed = re.fullmatch(r"UTC([+-])(\d{2}):(\d{2})", name)
    if fixed:
        delta = timedelta(hours=int(fixed[2]), minutes=int(fixed[3]))
        return timezone(delta if fixed[1] == "+" else -delta)
    if name in zone_names():
        return zoneinfo.ZoneInfo(name)
    raise EmbargoError(f"'{name}' is no time zone{_zone_hint(name)}")


def _zone_hint(name: str) -> str:
    if name.upper() in _ABBREVIATIONS:
        return f": an abbreviation does not name one place; write {_ABBREVIATIONS[name.upper()]}"
    folded = {known.casefold(): known for known in zone_names()}
    if name.casefold() in folded:
        return f": write {folded[name.casefold()]}"
    cities = [known for known in zone_names() if known.rpartition("/")[2].casefold() == name.casefold()]
    if cities:
        return f": write {min(cities)}"
    hint = nearest(name, zone_names())
    return hint if "did you mean" in hint else ": use an IANA name such as Europe/London"


def zone_warning(name: str) -> str | None:
    """Why a zone that exists is still a trap, or None."""
    if name in _ABBREVIATIONS:
        return (
            f"{name} is a fixed abbreviation, not a place: it does not follow summer time; write {_ABBREVIATIONS[name]}"
        )
    if name.startswith(("Etc/GMT+", "Etc/GMT-")):
        return f"{name} has its sign the other way round (Etc/GMT+8 is behind UTC): name the zone of a place"
    if name.startswith(("UTC+", "UTC-")):
        return f"only the offset {name} was given, no place: name the IANA zone, such as Asia/Hong_Kong"
    return None


def parse(text: str) -> Embargo:
    """Read one instant.

    Raises EmbargoError for a date without a time, a time without a zone, a 12-hour time, a local time that does
    not exist, one that exists twice and has no offset, and an offset that contradicts the zone.
    """
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise EmbargoError(f"'{text}' is not a time; write it as {EXAMPLE}")
    date, clock, zone = found["date"], found["time"], found["zone"]
    suffix = f" {zone}" if zone else " Asia/Hong_Kong"
    if not clock:
        raise EmbargoError(f"'{text}' has a date but no time; write the minute, as in {date} 09:00{suffix}")
    if found["meridiem"]:
        raise EmbargoError(_twelve_hour(date, clock, found["meridiem"], suffix))
    wall = _wall(date, clock, found["fraction"])
    if not zone and not found["offset"]:
        raise EmbargoError(
            f"'{text}' names no time zone, so it is a different instant for every reader; write it as "
            f"{date} {clock} Asia/Hong_Kong or {date} {clock} UTC"
        )
    if not zone:
        offset = _offset(found["offset"])
        name = "UTC" if not offset else f"UTC{_offset_name(offset)}"
        return Embargo((wall - offset).replace(tzinfo=UTC), name)
    return Embargo(_resolve(wall, known_zone(zone), found["offset"]), zone)


def _twelve_hour(date: str, clock: str, meridiem: str, suffix: str) -> str:
    hour, _, rest = clock.partition(":")
    morning = meridiem.lower().startswith("a")
    if int(hour) == 12:  # the case that broke an embargo by twelve hours (docs/embargo.md)
        return (
            f"'{clock} {meridiem}' is read as midnight by some and as noon by others; write "
            f"{date} 00:{rest}{suffix} (night) or {date} 12:{rest}{suffix} (midday)"
        )
    hour24 = int(hour) if morning else int(hour) + 12
    return f"write the 24-hour time: {date} {hour24:02}:{rest}{suffix}"


def _wall(date: str, clock: str, fraction: str | None) -> datetime:
    try:
        wall = datetime.fromisoformat(f"{date} {clock.zfill(5) if clock.count(':') == 1 else clock.zfill(8)}")
    except ValueError as error:
        raise EmbargoError(f"'{date} {clock}' is not a date and time: {error}; write it as {EXAMPLE}") from None
    if not 1970 < wall.year < 2200:
        raise EmbargoError(f"'{date}' is outside the years 1971 to 2199")
    return wall.replace(microsecond=round(float(fraction) * 1_000_000) % 1_000_000) if fraction else wall


def _offset(text: str) -> timedelta:
    if text.upper() == "Z":
        return timedelta()
    digits = re.sub(r"[^0-9+-]", "", text)
    delta = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    if delta >= timedelta(hours=24):
        raise EmbargoError(f"'{text}' is no UTC offset")
    return delta if digits[0] == "+" else -delta


def _offset_name(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _resolve(wall: datetime, zone: str, offset: str | None) -> datetime:
    """The instant of a wall time in a zone. The test for gaps and folds: the two readings (fold 0 and 1) differ;
    then a fold survives the round trip through UTC and a gap does not.
    """
    place = zone_of(zone)
    first, second = (wall.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    ambiguous = first != second and first.astimezone(place).replace(tzinfo=None) == wall
    if first != second and not ambiguous:
        before, after = sorted((first, second))
        raise EmbargoError(
            f"{wall:%Y-%m-%d %H:%M} does not exist in {zone}: the clocks go forward over it; write "
            f"{before.astimezone(place):%Y-%m-%d %H:%M} {zone} or {after.astimezone(place):%Y-%m-%d %H:%M} {zone}"
        )
    choices = [first, second] if ambiguous else [first]
    if offset:
        wanted = _offset(offset)
        for choice in choices:
            if choice.astimezone(place).utcoffset() == wanted:
                return choice
        by_offset = (wall - wanted).replace(tzinfo=UTC).astimezone(place)
        raise EmbargoError(_offset_clash(offset, zone, choices, by_offset, place))
    if ambiguous:
        raise EmbargoError(
            f"{wall:%Y-%m-%d %H:%M} happens twice in {zone}, when the clocks go back; write "
            + " (the first) or ".join(_with_offset(choice, place, zone) for choice in choices)
            + " (the second)"
        )
    return first


def _with_offset(instant: datetime, place: tzinfo, zone: str) -> str:
    local = instant.astimezone(place)
    return f"{local.isoformat(sep=' ', timespec='seconds' if local.second else 'minutes')} {zone}"


def _offset_clash(offset: str, zone: str, choices: list[datetime], by_offset: datetime, place: tzinfo) -> str:
    kept = " or ".join(_with_offset(choice, place, zone) for choice in choices)
    return (
        f"the offset {offset} is not the offset of {zone} at that time; write {kept} to keep the wall time, "
        f"or {_with_offset(by_offset, place, zone)} to keep the instant"
    )


def spell(instant: datetime, zone: str) -> str:
    """For people: the wall time in `zone`, then UTC, with the UTC date where it differs."""
    local, utc = instant.astimezone(zone_of(zone)), instant.astimezone(UTC)
    stamp = f"{local:%a} {local.day} {local:%b %Y %H:%M}" + (f":{local:%S}" if local.second else "")
    if zone == "UTC":
        return f"{stamp} UTC"
    day = f"{utc.day} {utc:%b} " if utc.date() != local.date() else ""
    return f"{stamp} {letters(local, zone)} ({day}{utc:%H:%M}{f':{utc:%S}' if utc.second else ''} UTC)"


def letters(local: datetime, zone: str) -> str:
    """What people call the clock of a wall time: `HKT`; zones without letters of their own are named by their offset."""
    name = local.tzname() or zone
    return f"UTC{name}" if name[0] in "+-" else name
