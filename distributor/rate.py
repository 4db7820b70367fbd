"""How often an account may be written to: a token bucket as one instant, so that it survives a restart."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from distributor.fields import duration

_RATE = re.compile(r"(\d+)\s*/\s*(\d*[a-z0-9]+)(?:\s+burst\s+(\d+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` writes in any window of length `per`, `burst` of them at once.

    The generic cell rate algorithm (ITU-T I.371): all there is to remember is the theoretical arrival time, the instant
    at which the bucket is full again.
    """

    count: int
    per: timedelta
    burst: int

    @property
    def interval(self) -> timedelta:
        """How long one token takes to come back. `burst` at once and one each interval make `count` in a window."""
        return self.per / (self.count - self.burst + 1)

    def grant(self, full_at: datetime | None, now: datetime, wanted: int) -> tuple[int, datetime]:
        """How many of `wanted` may go now, and when the bucket is full again after them."""
        full = max(full_at or now, now)
        free = self.burst - -((now - full) // self.interval)  # rounded up: a token half back is not back
        granted = max(0, min(wanted, free))
        return granted, full + granted * self.interval

    def next_at(self, full_at: datetime) -> datetime:
        """When the next token is there, for a bucket that is full at `full_at`."""
        return full_at - (self.burst - 1) * self.interval

    def __str__(self) -> str:
        """As it is written in the config."""
        return f"{self.count}/{self.per.total_seconds():g}s burst {self.burst}"


def rate(text: Any) -> Any:
    """`300/5m`, `20/s`, `20/s burst 5` → Rate; ValueError for anything else. Half of it may go at once by default."""
    if not isinstance(text, str):
        return text
    found = _RATE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"'{text}' is not a rate; write 20/s, 300/5m or '300/5m burst 30'")
    count, unit, burst = int(found[1]), found[2], found[3]
    per = duration(unit if unit[0].isdigit() else f"1{unit}")
    bursting = int(burst) if burst else max(1, count // 2)
    if not (0 < bursting <= count) or per <= timedelta():
        raise ValueError(f"'{text}' is not a rate; the burst is between 1 and the count, and the time is longer than 0")
    return Rate(count, per, bursting)


RateLimit = Annotated[Rate, BeforeValidator(rate)]
