"""Words of an embargo in a text, in the common languages, wherever they stand and however they are typed.

A notice is a word or phrase of `table.toml` that no topic of the same table explains: `Sperrfrist: 5. März` is one,
`sin embargo` and an oil embargo are none. `reading.py` reads the instant that a notice names.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from distributor.notices.folding import folded
from distributor.notices.reading import certain, date_of, instant_of
from distributor.notices.table import Phrase, table

__all__ = ["Notice", "certain", "date_of", "find", "instant_of", "opens"]

_BLOCK = re.compile(r"\n[ \t]*\n")
#: What makes a label of a topic's words: `Trade embargo: 5 March 2027, 07:00 GMT`.
_LABEL_END = re.compile(
    r"[ \t]*(?::|-|until|till|bis|jusqu|hasta|ate|fino|tot)\D{0,40}\d{1,4}(?:[:.h]\d\d|\D{1,3}\w+\D{1,3}\d{4}|[.\-/年]\d)"
)
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n")
_LONGEST = 90


@dataclass(frozen=True, slots=True)
class Notice:
    """Words that speak of an embargo."""

    words: str  #: the sentence or line that holds them, shortened
    passage: str  #: as much of the text as may hold the time
    label: bool  #: it opens its line, as a heading does


@lru_cache(maxsize=256)
def find(text: str) -> tuple[Notice, ...]:
    """Every notice of a text, at most one a line, in the order of the text."""
    words, topics = _likely(folded(text))
    if not words:
        return ()
    found: list[Notice] = []
    blocks = _BLOCK.split(text)
    for index, block in enumerate(blocks):
        plain = folded(block)
        lines: set[int] = set()
        for start in sorted(_unexplained(plain, words, topics)):
            line = plain.count("\n", 0, start)
            if line not in lines:
                lines.add(line)
                label = not re.search(r"\w", plain[plain.rfind("\n", 0, start) + 1 : start])
                below = blocks[index + 1] if index + 1 < len(blocks) else ""
                found.append(_notice(block, line, below, label=label))
    return tuple(found)


def opens(text: str, within: int) -> bool:
    """Whether a paragraph has a notice behind at most `within` words: it is about the release, not about the world."""
    plain = folded(text)
    return any(len(re.findall(r"\w+", plain[:start])) <= within for start in _unexplained(plain, *_likely(plain)))


def _likely(plain: str) -> tuple[list[Phrase], list[Phrase]]:
    """The words that can stand in a text, and the topics where there are any."""
    words = [phrase for phrase in table().words if phrase.may_stand(plain)]
    return words, [phrase for phrase in table().topics if words and phrase.may_stand(plain)]


def _unexplained(plain: str, words: Sequence[Phrase], topics: Sequence[Phrase]) -> Iterator[int]:
    """Where a word of an embargo begins that no topic explains."""
    starts = [start for phrase in words for start, _end in phrase.spans(plain)]
    if not starts:
        return
    explained = [span for phrase in topics for span in phrase.spans(plain) if not _labels(plain, *span)]
    yield from (start for start in starts if not any(begin <= start < end for begin, end in explained))


def _labels(plain: str, start: int, end: int) -> bool:
    """Whether the words of a topic are the label of a time: they open their line, and a date or time follows."""
    opening = plain[plain.rfind("\n", 0, start) + 1 : start]
    return not re.search(r"\w", opening) and bool(_LABEL_END.match(plain, end))


def _notice(block: str, number: int, below: str, *, label: bool) -> Notice:
    lines = block.split("\n")
    number = min(number, len(lines) - 1)
    passage = "\n".join(lines[number : number + 3])
    if not re.search(r"\d", passage) and len(below) < 300:
        passage += "\n" + below  # EMBARGO, and its date as a paragraph of its own
    return Notice(_sentence(lines[number]), passage, label)


def _sentence(line: str) -> str:
    """The first sentence of a line that holds a word of an embargo by itself; the line where only all of it does."""
    parts = [part.strip() for part in _SENTENCE.split(line) if part and part.strip()]
    said = next((part for part in parts if _holds(part)), line.strip())
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"


def _holds(part: str) -> bool:
    plain = folded(part)
    return any(True for _ in _unexplained(plain, *_likely(plain)))
