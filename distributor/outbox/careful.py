"""How carefully to claim after a crash: singly, until the process has lived."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from distributor.clock import Clock
from distributor.store import Pace

_SETTLED = 10  #: deliveries after which a process has lived
_LIVED = 10.0  #: seconds after which it has, too
_YOUNG = 2.0  #: seconds in flight after which a delivery is not expected to end the process any more
_WARY = 30.0  #: seconds in which whatever was in flight in one crash goes alone; later only what was in several


@dataclass
class Careful:
    """Knows since when the process lives, and what is in flight."""

    clock: Clock
    _since: float = field(default=0.0, init=False)
    _left: int = field(default=0, init=False)
    _began: dict[int, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """The process begins."""
        self._since = self.clock.monotonic()

    def crashed(self) -> None:
        """The process before this one ended in the middle of its work."""
        self._since, self._left = self.clock.monotonic(), _SETTLED

    def took_off(self, delivery: int) -> None:
        """A delivery is in flight."""
        self._began[delivery] = self.clock.monotonic()

    def landed(self, deliveries: Iterable[int]) -> None:
        """How they ended is in the ledger."""
        for delivery in deliveries:
            if self._began.pop(delivery, None) is not None:
                self._left -= 1

    @property
    def pace(self) -> Pace:
        """How to claim now."""
        now = self.clock.monotonic()
        lived = now - self._since
        return Pace(
            singly=self._left > 0 and lived < _LIVED,
            young=sum(now - began < _YOUNG for began in self._began.values()),
            wary_of=1 if lived < _WARY else 2,
        )
