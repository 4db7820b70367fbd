"""How often an account may be written to: a token bucket as one instant, so that it survives a restart."""

from dataclasses import dataclass
from datetime import datetime, timedelta


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
