"""The pasted text as numbered paragraphs, cleaned of what no channel can carry."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from distributor import plain

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff\ufffd]+")
#: A line this long was not wrapped by hand: the next one is a paragraph of its own.
_UNWRAPPED = 120
_SITE = re.compile(r"^(?:www\.)?[\w-]+(?:[.,][\w-]{2,})+[./]?$")
_LONE_MARK = re.compile(r"^[\W_]{1,3}$")
_END = re.compile(r"^\W*(?:#{3}|-?\s*ends?\s*-?|-30-|-0-|\*{3})\W*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What was read as what."""

    field: str
    value: str
    line: int  #: 1-based
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedLine:
    """Text that is not in the release, and why."""

    line: int
    text: str
    reason: str


@dataclass(slots=True)
class Paragraph:
    """Lines without an empty one between them."""

    lines: list[str]
    line: int  #: number of the first

    @property
    def text(self) -> str:
        """Its lines joined as running text."""
        return " ".join(self.lines)


@dataclass(slots=True)
class Findings:
    """Collected while reading."""

    guesses: list[Guess] = field(default_factory=list)
    dropped: list[DroppedLine] = field(default_factory=list)

    def guess(self, name: str, value: str, line: int, why: str) -> None:
        """Note one guess."""
        self.guesses.append(Guess(field=name, value=value, line=line, why=why))

    def drop(self, line: int, text: str, reason: str) -> None:
        """Note a line that is left out."""
        if text.strip():
            self.dropped.append(DroppedLine(line=line, text=text.strip(), reason=reason))


def paragraphs(text: str, found: Findings) -> list[Paragraph]:
    """Cut into paragraphs; drop what stands before the headline as a remnant of a site, end marks and copies."""
    made: list[Paragraph] = []
    fresh = True
    for number, raw in enumerate(_clean(text), start=1):
        line = raw.strip()
        if not line:
            fresh = True
        elif _END.match(line):
            found.drop(number, line, "an end mark; every channel makes its own")
            fresh = True
        elif not made and (_SITE.match(line) or _LONE_MARK.match(line)):
            found.drop(number, line, "a remnant of the site it was copied from, before the headline")
        elif _LONE_MARK.match(line) and not re.search(r"\w", line):
            found.drop(number, line, "a lone mark")
        elif fresh or _starts_block(line):
            made.append(Paragraph([line], number))
            fresh = False
        elif line == made[-1].lines[-1] or len(made[-1].lines[-1]) < _UNWRAPPED:
            made[-1].lines.append(line)
        else:
            made.append(Paragraph([line], number))
    return made


def _clean(text: str) -> Iterator[str]:
    """Lines in NFC without control characters; lone surrogates become the replacement character."""
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    text = plain.normalize(text)
    for line in text.split("\n"):
        yield _CONTROL.sub(" ", line)


def _starts_block(line: str) -> bool:
    """Lines that never run on from the one above."""
    return bool(
        re.match(
            r"^(?:[•●▪◦‣]|hash\s?tags?\s*:|media contacts?\b|press contacts?\b|contacts?\s*:)", line, re.IGNORECASE
        )
    )
