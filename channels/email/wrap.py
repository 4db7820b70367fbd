"""Plain text in lines of at most 72 columns, as a terminal or a mail program with a fixed font shows it."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from distributor.text.count import pieces

_COLUMNS = 72
_LIST_MARK = re.compile(r"\s*(?:[-*•]|\d{1,3}[.)])\s+|\s+")
_WORD = re.compile(r"[^ ]+ *| +")
#: Marks that must not begin a line, and those that must not end one (JIS X 4051; W3C clreq §5.2).
_NOT_FIRST = frozenset("、。，．・：；？！）］｝」』】〕〉》”’…‥—ー～％%,.;:!?)]}")
_NOT_LAST = frozenset("（［｛「『【〔〈《“‘([{")


def columns(text: str) -> int:
    """How many columns the text takes: two for a wide character, none for a mark or a joiner (Unicode TR #11)."""
    return len(text) if text.isascii() else sum(map(_columns, pieces(text)))


@lru_cache(maxsize=4_096)
def _columns(cluster: str) -> int:
    """Of one character as a reader sees it."""
    if unicodedata.category(cluster[0]) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if any(unicodedata.east_asian_width(c) in "WF" for c in cluster) else 1


def wrap(text: str) -> str:
    """Every line of `text` broken at its spaces, or between wide characters. A word, such as a web address, is never
    broken; the lines of a list item are indented under its text.
    """
    return "\n".join(broken for line in text.split("\n") for broken in _lines(line.rstrip()))


@lru_cache(maxsize=512)  # whoever writes changes one paragraph and looks at all of them again
def _lines(line: str) -> tuple[str, ...]:
    return tuple(_line(line))


def _line(line: str) -> Iterator[str]:
    if columns(line) <= _COLUMNS:
        yield line
        return
    mark = _LIST_MARK.match(line)
    start = mark[0] if mark else ""
    made, width, indent = start, columns(start), " " * columns(start)
    empty = True
    for unit in _unbroken(line[len(start) :]):
        if not empty and width + columns(unit.rstrip()) > _COLUMNS:
            yield made.rstrip()
            made, width = indent, len(indent)
        made, width, empty = made + unit, width + columns(unit), False
    yield made.rstrip()


def _unbroken(line: str) -> Iterator[str]:
    """What must stay on one line, each with the spaces that follow it."""
    if line.isascii():
        yield from _WORD.findall(line)
        return
    unit, before = "", ""
    for cluster in pieces(line):
        if unit and _may_break(before, cluster):
            yield unit
            unit = ""
        unit, before = unit + cluster, cluster
    yield unit


def _may_break(before: str, after: str) -> bool:
    if before == " ":
        return after != " "
    if after == " " or after[0] in _NOT_FIRST or before[0] in _NOT_LAST:
        return False
    return 2 in (_columns(before), _columns(after))
