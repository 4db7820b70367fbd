"""How many mails a server may still get: a day's quota, kept over restarts, and how many a receiving domain takes."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from distributor import files
from distributor.contract import Unavailable
from distributor.embargo import spell
from distributor.rate import Rate

_HOURS = 24  #: Amazon SES and others count the last 24 hours, not the calendar's day
_SAVE_EACH = 100  #: mails: what a crash may forget
_EARLY = timedelta(milliseconds=50)  #: a turn that comes so much before its instant is in time


@dataclass
class Quota:
    """At most `most` mails in any 24 hours, counted by the hour; a file remembers it."""

    most: int
    file: Path
    _hours: Counter[int] = field(default_factory=Counter, init=False)
    _unsaved: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """What is no such file counts as none."""
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            found = json.loads(self.file.read_text(encoding="utf-8"))
            self._hours.update({int(hour): int(count) for hour, count in found["hours"].items()})

    def free_at(self, now: datetime) -> datetime:
        """When another mail may go: `now`, or when the oldest hour no longer counts."""
        this = _hour(now)
        for hour in [hour for hour in self._hours if hour <= this - _HOURS]:
            del self._hours[hour]
        if self._hours.total() < self.most:
            return now
        return datetime.fromtimestamp((min(self._hours) + _HOURS) * 3600, UTC)

    def take(self, now: datetime) -> None:
        """One mail goes."""
        self._hours[_hour(now)] += 1
        self._unsaved += 1
        if self._unsaved >= _SAVE_EACH:
            self.save()

    def save(self) -> None:
        """Write it down, where anything changed. Raises OSError."""
        if self._unsaved:
            made = {"hours": {str(hour): count for hour, count in sorted(self._hours.items())}}
            files.write_atomic(self.file, json.dumps(made).encode())
            self._unsaved = 0


def _hour(now: datetime) -> int:
    return math.floor(now.timestamp() / 3600)


@dataclass
class Domains:
    """Receiving domains that take only so many mails in a time: everybody beyond gets a turn of their own."""

    caps: Mapping[str, Rate]
    _full_at: dict[str, datetime] = field(default_factory=dict, init=False)
    _turns: dict[str, datetime] = field(default_factory=dict, init=False)

    def wait(self, address: str, now: datetime) -> None:
        """Return when it is this address's turn; else raise Unavailable, which says when it is."""
        domain = address.rpartition("@")[2].casefold()
        cap = self.caps.get(domain)
        if cap is None:
            return
        turn = self._turns.get(address)
        if turn is None:
            granted, full = cap.grant(self._full_at.get(domain), now, 1)
            if granted:
                self._full_at[domain] = full
                return
            turn = self._turns[address] = cap.next_at(full)
            self._full_at[domain] = full + cap.interval
        if now < turn - _EARLY:
            raise Unavailable(f"{domain} gets {cap}; the turn is at {spell(turn, 'UTC')}", until=turn)
        del self._turns[address]
