"""The time, handed in everywhere so that tests can step it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

#: A wall clock that moved by more than this against the monotonic one was stepped.
STEP = timedelta(seconds=2)
_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # counts while the host sleeps, where there is one


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The wall clock as an aware UTC datetime."""
        ...

    def monotonic(self) -> float:
        """Seconds that no step of the wall clock moves."""
        ...


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        """The wall clock as an aware UTC datetime."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that no step of the wall clock moves; they go on while the host sleeps."""
        return time.clock_gettime(_MONOTONIC)


class SharedClock:
    """The clock of a server that several machines share: what it said last, and the seconds since.

    Never ahead of the server by more than two quartz clocks drift apart between two readings, and blind to every step
    of the host's own wall clock.
    """

    def __init__(self, host: Clock) -> None:
        """Goes by `host` until the first `set`."""
        self.host = host
        self._said: tuple[datetime, float] | None = None

    def set(self, said: tuple[datetime, float]) -> None:
        """The server's instant, and a `monotonic()` at which it was certainly that late."""
        self._said = said

    def now(self) -> datetime:
        """The server's time as an aware UTC datetime."""
        if self._said is None:
            return self.host.now()
        instant, at = self._said
        return instant + timedelta(seconds=self.host.monotonic() - at)

    def monotonic(self) -> float:
        """The host's."""
        return self.host.monotonic()

    @property
    def host_ahead(self) -> timedelta:
        """How far the host's wall clock is ahead of the server's."""
        return self.host.now() - self.now()


class Guard:
    """Notices a wall clock that was stepped."""

    def __init__(self, clock: Clock) -> None:
        """Starts to watch."""
        self._clock = clock
        self._offset = self._measure()

    def _measure(self) -> timedelta:
        return self._clock.now() - datetime.fromtimestamp(0, UTC) - timedelta(seconds=self._clock.monotonic())

    def stepped(self) -> timedelta | None:
        """By how much the wall clock moved against the monotonic one since the last look, if that is more than STEP."""
        before, self._offset = self._offset, self._measure()
        moved = self._offset - before
        return moved if abs(moved) > STEP else None
