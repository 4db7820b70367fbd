"""A post as typed parts.

A template places its link and hashtags as marks of two private-use characters; they are read back into the very
objects they stand for. So nothing ever guesses which words of the finished text are ours: release text that looks like
a link stays text, and release text cannot forge a mark, because marks are taken out of it first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import regex
from pydantic import BaseModel

from distributor import plain
from distributor.errors import ConfigError, Problem

# Plane 16: the private use of plane 0 is taken by Hong Kong's supplementary characters in older Chinese text.
_OPEN, _CLOSE = "\U0010f8f0", "\U0010f8f1"
_NO_MARKS = {ord(_OPEN): None, ord(_CLOSE): None}
_MARK = regex.compile(f"{_OPEN}([0-9]+){_CLOSE}|(\n)")
#: What follows a URL or a hashtag that goes on.
_MORE_URL = r"[\p{L}\p{N}_/?#%&=~+-]|[.,:;][\p{L}\p{N}]"
_MORE_TAG = r"[\p{L}\p{M}\p{N}_]"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Text:
    """Words without any effect."""

    shown: str


@dataclass(frozen=True, slots=True)
class Link:
    """A web address and how it is shown."""

    shown: str
    url: str


@dataclass(frozen=True, slots=True)
class Hashtag:
    """A hashtag, kept without its `#`."""

    tag: str
    form: str = "#{}"  #: how it is written; `#{}#` on Weibo

    @property
    def shown(self) -> str:
        """With its `#`."""
        return self.form.replace("{}", self.tag)


@dataclass(frozen=True, slots=True)
class Mention:
    """An account, and how the mention of it is shown."""

    shown: str
    target: str  #: as the network calls the account: DID, URN, number or handle


@dataclass(frozen=True, slots=True)
class Break:
    """The end of a line."""

    shown: str = "\n"


Segment = Text | Link | Hashtag | Mention | Break
Live = Link | Hashtag | Mention


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A live part and where it stands in the shown text (str indexes)."""

    start: int
    end: int
    kind: Literal["link", "hashtag", "mention"]
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """Something that the post leaves out, and why."""

    text: str
    why: str


def shown(segments: Iterable[Segment]) -> str:
    """The text as the reader sees it."""
    return "".join(segment.shown for segment in segments)


def spans(segments: Iterable[Segment]) -> Iterator[Span]:
    """The live parts in the order of the text."""
    start = 0
    for segment in segments:
        end = start + len(segment.shown)
        if isinstance(segment, Link):
            yield Span(start=start, end=end, kind="link", target=segment.url)
        elif isinstance(segment, Hashtag):
            yield Span(start=start, end=end, kind="hashtag", target=segment.tag)
        elif isinstance(segment, Mention):
            yield Span(start=start, end=end, kind="mention", target=segment.target)
        start = end


def mark(index: int) -> str:
    """What stands in a template's output for live part number `index`."""
    return f"{_OPEN}{index}{_CLOSE}"


def without_marks(value: T) -> T:
    """`value` (a release, or any part of one) with no character in it that could forge a mark."""
    cleaned: Any = value
    if isinstance(value, str):
        cleaned = value.translate(_NO_MARKS)
    elif isinstance(value, BaseModel):
        cleaned = value.model_copy(update={name: without_marks(part) for name, part in value})
    elif isinstance(value, tuple):
        cleaned = tuple(without_marks(part) for part in value)
    elif isinstance(value, dict):
        cleaned = {without_marks(name): without_marks(part) for name, part in value.items()}
    return cleaned  # type: ignore[no-any-return]  # the same type comes back, which no annotation can show


def parse(rendered: str, live: Sequence[Live], *, template: str) -> tuple[Segment, ...]:
    """A template's output as segments: NFC, no space at line ends, never more than one empty line.

    Raises ConfigError when the template cut or counted a mark (`{{ link | truncate(9) }}`).
    """
    text = "\n".join(line.rstrip() for line in plain.normalize(rendered).split("\n"))
    text = regex.sub(r"\n{3,}", "\n\n", text).strip()
    segments: list[Segment] = []
    position = 0
    for found in _MARK.finditer(text):
        segments += _text(text[position : found.start()], template)
        if found[2]:
            segments.append(Break())
        elif int(found[1]) < len(live):
            segments.append(live[int(found[1])])
        else:
            raise _broken(template)
        position = found.end()
    return (*segments, *_text(text[position:], template))


def spelled(text: str, part: Link | Hashtag) -> Iterator[tuple[int, int]]:
    """Return where a text spells out a live part literally: the link's whole URL, `#Tag` (start, end).

    Only whole ones count: `#Harbour` is not found in `#HarbourLine`, nor the page's address in a longer one.
    """
    word, more = (part.url, _MORE_URL) if isinstance(part, Link) else (part.shown, _MORE_TAG)
    for found in regex.finditer(rf"(?<![\p{{L}}\p{{N}}_/&#]){regex.escape(word)}(?!{more})", text):
        yield found.span()


def byte_range(text: str, span: Span) -> tuple[int, int]:
    """Where the span stands in the text's UTF-8 bytes."""
    start = len(text[: span.start].encode())
    return start, start + len(text[span.start : span.end].encode())


def _text(words: str, template: str) -> list[Segment]:
    if _OPEN in words or _CLOSE in words:
        raise _broken(template)
    return [Text(words)] if words else []


def _broken(template: str) -> ConfigError:
    return ConfigError(
        Problem(text="cuts a link or a hashtag in two; write {{ link }} and {{ hashtags }} as they are", file=template)
    )
