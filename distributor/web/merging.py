"""Two people's texts: what each changed, both together where they did not touch the same lines, and who is there."""

import difflib
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

_MOST_LINES, _MOST_PAIRS = 2_000, 200_000  #: what is compared line by line; a difference of more is one change
_HERE = 30.0  #: seconds after its last sign that a window counts as open


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a comparison."""

    kind: str  #: `same`, `old` or `new`
    text: str


def compare(old: str, new: str, around: int = 2) -> list[Line]:
    """What differs line by line, with `around` lines about it; a gap is a line `same` with `…`."""
    lines: list[Line] = []
    a, b = _lines(old), _lines(new)
    at = 0
    for i1, i2, j1, j2 in [*_changed(a, b), (len(a), len(a), len(b), len(b))]:
        more = i1 < i2 or j1 < j2
        head = at + around if lines else at
        tail = max(head, i1 - around) if more else i1
        lines += [Line("same", text) for text in a[at : min(head, i1)]]
        if more and head < tail:
            lines.append(Line("same", "…"))
        lines += [Line("same", text) for text in a[tail:i1]]
        lines += [Line("old", text) for text in a[i1:i2]]
        lines += [Line("new", text) for text in b[j1:j2]]
        at = i2
    return lines


def merge(base: str, mine: str, theirs: str) -> str | None:
    """Both changes of `base` in one text; None where they touch the same lines or lines side by side."""
    if theirs in (mine, base):
        return mine
    if mine == base:
        return theirs
    begin = base.split("\n")
    own, other = _changes(begin, mine.split("\n")), _changes(begin, theirs.split("\n"))
    changes = sorted([*own, *(change for change in other if change not in own)], key=lambda change: change[:2])
    made: list[str] = []
    at = -1
    for first, last, lines in changes:
        if first <= at:  # touching counts: who writes there did not see the other's line
            return None
        made += begin[max(at, 0) : first]
        made += lines
        at = last
    return "\n".join([*made, *begin[max(at, 0) :]])


def _changes(base: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, Sequence[str]]]:
    return [(i1, i2, new[j1:j2]) for i1, i2, j1, j2 in _changed(base, new)]


def _changed(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Which lines of `a` became which of `b`. What both begin and end with is set aside first; what is left is one change
    where it is so long, or so full of lines alike, that comparing it would take seconds.
    """
    least = min(len(a), len(b))
    begin = next((n for n in range(least) if a[n] != b[n]), least)
    end = next((n for n in range(least - begin) if a[-1 - n] != b[-1 - n]), least - begin)
    old, new = a[begin : len(a) - end], b[begin : len(b) - end]
    if not old and not new:
        return []
    here, there = (Counter(line for line in lines if line.strip()) for lines in (old, new))
    pairs = sum(count * there[line] for line, count in here.items())
    if max(len(old), len(new)) > _MOST_LINES or pairs > _MOST_PAIRS:
        return [(begin, len(a) - end, begin, len(b) - end)]
    matcher = difflib.SequenceMatcher(lambda line: not line.strip(), old, new, autojunk=False)
    return [
        (begin + i1, begin + i2, begin + j1, begin + j2)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


@dataclass(slots=True)
class Presence:
    """Who has which release open, in memory: a window that has not been heard of for 30 s is gone."""

    _seen: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def here(self, name: str, person: str, tab: str, now: float) -> list[str]:
        """Note a sign of life (`now` in seconds that only grow); returns who else has the release open. The person's own
        name stands for another window of theirs.
        """
        with self._guard:
            self._seen = {key: at for key, at in self._seen.items() if now - at < _HERE}
            if tab:
                self._seen[name, person, tab] = now
            others = {who for release, who, window in self._seen if release == name and (who, window) != (person, tab)}
        return sorted(others)

    def leave(self, name: str, person: str, tab: str) -> None:
        """A window was closed or left."""
        with self._guard:
            self._seen.pop((name, person, tab), None)
