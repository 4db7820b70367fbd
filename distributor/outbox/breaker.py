"""Stops a list that goes wrong before all of it has: most of what the other side says then is about us."""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from distributor.contract import Outcome
from distributor.outbox.outcome import Event

_FIRST = 200  #: so many outcomes are watched: a list that began well is no longer stopped for a few addresses
_ENOUGH = 20  #: outcomes before anything is concluded from refusals
_TOO_MANY = 0.3  #: of them refused: a bought list, a content filter, a server that knows us no longer
_KEPT = 100  #: lists that are remembered

List = tuple[str, int, str]  #: release, version, channel


@dataclass
class Breaker:
    """Watches how each list begins, on channels where nothing can be taken back or looked up (class D)."""

    _seen: "OrderedDict[List, Counter[Outcome]]" = field(default_factory=OrderedDict, init=False)
    _stopped: dict[List, datetime] = field(default_factory=dict, init=False)

    def saw(self, event: Event) -> str | None:
        """Why the rest of this event's list should be held, said once; None while all is well. An attempt that began after a
        stop was let go by a person: then the list is watched anew.
        """
        row = event.delivery
        if event.outcome is None or row.idempotency != "D":
            return None
        name = (row.release_id, row.version, row.channel)
        stopped = self._stopped.get(name)
        if stopped and row.planned_for + (event.lateness or timedelta()) <= stopped:
            return None
        seen = self._seen.setdefault(name, Counter())
        seen[event.outcome] += 1
        if len(self._seen) > _KEPT:
            self._stopped.pop(self._seen.popitem(last=False)[0], None)
        why = _why(seen, event)
        if why:
            self._stopped[name] = event.at
            seen.clear()
        return why


def _why(seen: Counter[Outcome], event: Event) -> str | None:
    if event.outcome is Outcome.auth:
        return event.detail
    refused, ended = seen[Outcome.refused], seen[Outcome.delivered] + seen[Outcome.refused]
    if event.outcome is Outcome.refused and _ENOUGH <= ended <= _FIRST and refused > _TOO_MANY * ended:
        return f"{refused} of the first {ended} were refused, the last one: {event.detail}"
    return None
