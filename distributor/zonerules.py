"""Sealed times whose zone has other rules now: both readings, for a person to decide.

A seal keeps the wall time, its offset and its zone. When an update of the time zone database gives the same wall time
another instant, the sealed instant stands: it is what was approved, and moving it would send before or after it without
anybody's word. It is told until somebody moves the release, to either reading.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from distributor.embargo import host_zone, spell, zone_of
from distributor.errors import DistributorError

#: `2030-03-05 09:00:00+08:00 Asia/Hong_Kong` at its place in a snapshot, behind id, version and kind.
_SEALED = re.compile(
    r'"embargoed_until":"(?P<wall>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)(?P<offset>[+-]\d\d:\d\d(?::\d\d)?)'
    r'(?: (?P<zone>[A-Za-z][\w+/-]*))?"'
)
#: The same for every time of a snapshot.
_TIME = re.compile(r'"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d:\d\d(?::\d\d)?) ([A-Za-z][\w+/-]*)"')


@dataclass(frozen=True, slots=True)
class Shift:
    """A sealed wall time that is another instant by today's rules of its zone."""

    wall: datetime  #: naive, as it was sealed
    zone: str
    sealed: datetime  #: UTC; when it goes out
    now: datetime  #: UTC; what the wall time means today

    def words(self, release_id: str) -> str:
        """The trouble and the two ways out, for whoever may know about the release."""
        keep = self.sealed.astimezone(zone_of(self.zone))
        return (
            f"'{release_id}': the rules of {self.zone} changed since it was sealed. {self.wall:%Y-%m-%d %H:%M} there was "
            f"{self.sealed:%H:%M} UTC and is {self.now:%H:%M} UTC now. It goes out at the sealed instant, "
            f"{spell(self.sealed, self.zone)}. To agree to that, say 'distributor reschedule {release_id} --at "
            f'"{keep:%Y-%m-%d %H:%M} {self.zone}"\'; to keep the time on the clock, --at '
            f'"{self.wall:%Y-%m-%d %H:%M} {self.zone}"'
            + (" with --break-embargo and the reason, since that is earlier" if self.now < self.sealed else "")
        )


def sealed_instant(snapshot: str) -> datetime | None:
    """The embargo with which a version was sealed, as it was then: the offset in the snapshot counts, not today's rules."""
    found = _SEALED.search(snapshot)
    return _instant(f"{found['wall']}{found['offset']}") if found else None


def shift(snapshot: str) -> Shift | None:
    """What became of a sealed wall time; None where it still means the sealed instant."""
    found = _SEALED.search(snapshot)
    if not found or not found["zone"] or host_zone(found["zone"]):
        return None
    wall, sealed = datetime.fromisoformat(found["wall"]), _instant(f"{found['wall']}{found['offset']}")
    try:
        place = zone_of(found["zone"])
    except (ValueError, DistributorError):
        return None  # a zone that this machine does not know: its instant is all that is left
    if sealed.astimezone(place).replace(tzinfo=None) == wall:
        return None
    return Shift(wall, found["zone"], sealed, wall.replace(tzinfo=place).astimezone(UTC))


def shifts(sealed: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The sentences on those of these releases (id, snapshot) whose zone has other rules now."""
    return tuple(found.words(name) for name, snapshot in sealed if (found := shift(snapshot)))


def restated(snapshot: str) -> str:
    """A snapshot whose times name the same instants by today's rules, so that they can be read again."""
    return _TIME.sub(lambda found: _restated(found[1], found[2]) or found[0], snapshot)


def _restated(stamp: str, zone: str) -> str | None:
    try:
        local = _instant(stamp).astimezone(zone_of(zone))
    except (ValueError, DistributorError):
        return None
    spelled = local.isoformat(sep=" ", timespec="microseconds" if local.microsecond else "seconds")
    return f'"{spelled} {zone}"'


def _instant(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp).astimezone(UTC)
