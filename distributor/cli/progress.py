"""How far a long list is: one line a second in place of thousands."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from distributor.lifecycle import State
from distributor.outbox import Event

_MANY = 50  #: delivered mails of one list in one report: from then on they are summed up
_EACH = timedelta(seconds=1)
_WIDTH = 20
_KEPT = 100  #: lists that are remembered

List = tuple[str, int, str]  #: release, version, channel


@dataclass(kw_only=True)
class Tally:
    """What this process has seen of one list."""

    began: datetime
    told: datetime
    long: bool = False  #: summed up from now on
    total: int = 0  #: 0: not known yet
    states: Counter[State] = field(default_factory=Counter)

    @property
    def ended(self) -> int:
        """How many are through."""
        return self.states.total() - self.states[State.retrying]


@dataclass(kw_only=True)
class Progress:
    """The lists that are under way; `ask` is told of each that is long, and whoever knows its length calls `know`."""

    ask: Callable[[List], None]
    _lists: "OrderedDict[List, Tally]" = field(default_factory=OrderedDict, init=False)

    def know(self, name: List, total: int) -> None:
        """How many deliveries of a list this process has had before it in all."""
        if name in self._lists:
            self._lists[name].total = total

    def take(self, events: Sequence[Event]) -> list[Event]:
        """Count them; returns what a person should read one by one: of long lists all that is not simply delivered."""
        fresh = Counter(_of(event) for event in events if event.state is State.delivered)
        shown = []
        for event in events:
            name = _of(event)
            tally = self._lists.setdefault(name, Tally(began=event.at, told=event.at - _EACH))
            tally.states[event.state] += 1
            if not tally.long and fresh[name] >= _MANY:
                tally.long = True
                self.ask(name)
            if not tally.long or event.state is not State.delivered:
                shown.append(event)
        while len(self._lists) > _KEPT:
            self._lists.popitem(last=False)
        return shown

    def lines(self, now: datetime) -> Iterable[str]:
        """One line for each list that a second passed for, or that is through."""
        for name, tally in list(self._lists.items()):
            through = tally.total and tally.ended >= tally.total
            if not tally.long or (not through and now - tally.told < _EACH):
                continue
            tally.told = now
            yield _line(name, tally, now)
            if through:
                del self._lists[name]


def _of(event: Event) -> List:
    row = event.delivery
    return row.release_id, row.version, row.channel


def _line(name: List, tally: Tally, now: datetime) -> str:
    """`mail  [██████······]  6,200 of 10,000 · 4,800/s · 3 refused · 1 s left`."""
    ended, total = tally.ended, tally.total
    rate = ended / max((now - tally.began).total_seconds(), 0.001)
    parts = [f"{ended:,} of {total:,}" if total else f"{ended:,}", f"{rate:,.0f}/s"]
    bad = [state for state in (State.refused, State.failed, State.in_doubt, State.retrying) if tally.states[state]]
    parts += [f"{tally.states[state]:,} {state.replace('_', ' ')}" for state in bad]
    if total and ended < total and rate:
        parts.append(f"{(total - ended) / rate:,.0f} s left")
    full = min(_WIDTH, _WIDTH * ended // total) if total else 0
    bar = f"[{'█' * full}{'·' * (_WIDTH - full)}]  " if total else ""
    return f"{now:%H:%M:%S} UTC  {name[2]:<10} {bar}{' · '.join(parts)}"
