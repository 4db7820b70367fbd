"""The text as numbered paragraphs, and the book of what was guessed and dropped."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from distributor import plain

# What plain.control_character refuses, and lone surrogates with it. A space takes their place: words stay words.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MARK = re.compile(r"([•●▪◦‣⁃∙])\s*(?=\S)|([-–*])\s+(?=\S)")
_LABELLED = re.compile(r"[^\W\d_][\w’' ]{1,40}[:：](?:\s|$)")
#: A text whose longest line is shorter was not wrapped to a width, one with longer lines was not wrapped at all.
_NARROWEST, _WIDEST = 50, 120
#: The reason of a dropped sentence whose link did not survive the copying.
LOST_LINK = "the link was lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What was read as what."""

    field: str
    value: str
    line: int  #: 1-based
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedLine:
    """Text that is in no field of the release, and why."""

    line: int  #: 1-based
    text: str
    reason: str


@dataclass(slots=True)
class Book:
    """What was guessed and dropped so far."""

    guesses: list[Guess] = field(default_factory=list)
    dropped: list[DroppedLine] = field(default_factory=list)

    def guess(self, name: str, value: str, line: int, why: str) -> None:
        """Note one guess."""
        self.guesses.append(Guess(field=name, value=value, line=line, why=why))

    def drop(self, line: int, text: str, reason: str) -> None:
        """Note text that is left out."""
        if text.strip():
            self.dropped.append(DroppedLine(line=line, text=text.strip(), reason=reason))

    def drop_label(self, line: int, raw: str, label: str, kept: str, reason: str) -> None:
        """Note the label of a heading; the whole heading where label and rest are one word, as in `關於潮汐渡輪`."""
        self.drop(line, raw if lost_words(raw, [label, kept]) else label, reason)

    def drop_lost(self, line: int, raw: str, kept: Iterable[str], reason: str) -> None:
        """Note the words of `raw` that are not in `kept`, in their order."""
        self.drop(line, " ".join(lost_words(raw, kept)), reason)


def lost_words(raw: str, kept: Iterable[str]) -> list[str]:
    """The words of `raw` that `kept` does not hold as often."""
    there: dict[str, int] = {}
    for text in kept:
        for word in re.findall(r"\w+", text):
            there[word] = there.get(word, 0) + 1
    lost = []
    for word in re.findall(r"\w+", raw):
        if there.get(word, 0):
            there[word] -= 1
        else:
            lost.append(word)
    return lost


@dataclass(slots=True)
class Paragraph:
    """One block of the text, on one line."""

    text: str
    line: int  #: 1-based, where it starts
    mark: str = ""  #: the bullet that stood before it
    doubled: bool = False  #: it was printed twice in a row

    @property
    def printed(self) -> str:
        """With its bullet."""
        return f"{self.mark} {self.text}" if self.mark else self.text


def paragraphs(text: str, book: Book) -> list[Paragraph]:
    """Cut `text` at empty lines and where a line was broken on purpose; drop control characters and second copies."""
    printed = list(_clean(text, book))
    width = _wrapped_at([line.strip() for line in printed])
    made: list[Paragraph] = []
    above = ""
    for number, raw in enumerate(printed, start=1):
        line = raw.strip()
        if not line:
            above = ""
            continue
        mark = _MARK.match(line)
        if above and not mark and (_hangs(made[-1], raw) or _runs_on(above, line, width)):
            made[-1].text = f"{made[-1].text} {line}"
        elif mark:
            made.append(Paragraph(line[mark.end() :], number, mark=mark[1] or mark[2]))
        else:
            made.append(Paragraph(line, number))
        above = line
    return list(_once(made, book))


def _clean(text: str, book: Book) -> Iterator[str]:
    for number, raw in enumerate(plain.normalize(text).split("\n"), start=1):
        line = raw
        if _CONTROL.search(line):
            names = sorted({f"U+{ord(char):04X}" for char in _CONTROL.findall(line)})
            book.drop(number, " ".join(names), "control characters, which no channel can carry")
            line = _CONTROL.sub(" ", line)
        yield re.sub(r"[ \t]+", " ", line)


def _wrapped_at(lines: list[str]) -> int:
    """The width at which the text was wrapped; 0 when every line is a paragraph (as in East Asian text)."""
    width = max(map(len, lines), default=0)
    sample = "".join(lines)[:5000]
    if len(_EAST_ASIAN.findall(sample)) > len(sample) / 4:
        return 0
    return width if _NARROWEST <= width <= _WIDEST else 0


def _hangs(above: Paragraph, raw: str) -> bool:
    """Whether a line goes on with the list item above it: it is indented."""
    return bool(above.mark) and raw.startswith(" ") and len(above.text) <= _WIDEST * 5


def _runs_on(above: str, line: str, width: int) -> bool:
    """Whether the line break above `line` was made by wrapping: its first word had no room up there."""
    word = line.split(" ", 1)[0]
    return bool(width) and not _LABELLED.match(line) and len(above) + 1 + len(word) > width * 3 / 4


def _once(made: Iterable[Paragraph], book: Book) -> Iterator[Paragraph]:
    last: Paragraph | None = None
    for paragraph in made:
        if last and paragraph.text == last.text and re.search(r"\w", paragraph.text):
            book.drop(paragraph.line, paragraph.printed, "printed twice")
            last.doubled = True
            continue
        if last:
            yield last
        last = paragraph
    if last:
        yield last
