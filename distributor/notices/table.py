"""The table of embargo words, compiled: `table.toml` says how its phrases are written and where they come from."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from distributor.notices.folding import letters

_FOLDER = Path(__file__).parent
_GAPS = {"…": "\x01", "‥": "\x02", "<other>": "\x03"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of one language."""

    keys: tuple[str, ...]  #: every match holds one of them: looking for these is many times faster
    form: re.Pattern[str]

    def may_stand(self, text: str) -> bool:
        """Whether it can stand in a folded text at all."""
        return not self.keys or any(key in text for key in self.keys)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it stands in a folded text."""
        if self.may_stand(text):
            yield from (found.span() for found in self.form.finditer(text) if found[0])


@dataclass(frozen=True, slots=True)
class Table:
    """What announces an embargo, what only looks like it, and how people call the clocks of places."""

    words: tuple[Phrase, ...]
    topics: tuple[Phrase, ...]
    zones: tuple[tuple[re.Pattern[str], str], ...]  #: on a text whose case is kept


@lru_cache(maxsize=1)
def table() -> Table:
    """The table that is shipped."""
    raw = tomllib.loads((_FOLDER / "table.toml").read_text(encoding="utf-8"))
    zones = raw.pop("zones")
    own, articles = (letters("|".join(one[key] for one in raw.values() if key in one)) for key in ("own", "articles"))
    other = rf"(?!(?:(?:{articles})\W+)*(?:(?:{own})(?!\w)|\d))\w+"
    words, topics = (
        [
            _phrase(one, other, joined=bool(block.get("joined")), topic=key == "topics")
            for block in raw.values()
            for one in block[key]
        ]
        for key in ("words", "topics")
    )
    named = [(re.compile(rf"(?<!\w)(?:{letters(said)})", re.IGNORECASE), zone) for said, zone in zones.items()]
    return Table(tuple(words), tuple(topics), tuple(named))


@lru_cache(maxsize=1)
def months() -> Mapping[str, Mapping[str, int]]:
    """The folded names of the months by language, each with its number."""
    raw = tomllib.loads((_FOLDER / "months.toml").read_text(encoding="utf-8"))
    return {
        lang: {letters(name): number for number, names in enumerate(rows, start=1) for name in names}
        for lang, rows in raw.items()
    }


def _phrase(written: str, other: str, *, joined: bool, topic: bool) -> Phrase:
    """A phrase as the head of `table.toml` says; `other` stands for `<other>`."""
    space = r"(?:\s{0,3})" if joined else r"(?:[^\w.:;!?。！？]{1,4})" if topic else r"(?:\W{1,5})"
    marked = written
    for sign, placeholder in _GAPS.items():
        marked = marked.replace(sign, placeholder)
    made, inside = "", False
    for char in letters(marked):  # a space within a class of characters stays one
        inside = (inside or char == "[") and char != "]"
        made += space if char == " " and not inside else char
    made = made.replace("\x01", r"(?:.|\n){0,60}?").replace("\x02", r"[^\n]{0,12}?").replace("\x03", other)
    start, end = ("", "") if joined else (r"(?<!\w)", r"(?!\w)" if topic else "")
    return Phrase(_keys(written, shortest=1 if joined else 3), re.compile(f"{start}(?:{made}){end}"))


def _keys(written: str, shortest: int) -> tuple[str, ...]:
    """Literals one of which every match of a phrase holds, as long as they can be had; none where there are none."""
    bare = letters(written.replace("…", " ").replace("‥", " "))
    bare = re.sub(r"<other>|\\.|\[[^\]]*\]|\{[^}]*\}", " ", bare)
    choices: list[tuple[str, ...]] = []
    for part, optional in _parts(re.sub(r"\w[?*]", " ", bare)):
        if not optional:
            choices.append(tuple(_longest(one) for one in _alternatives(part)))
    return (
        max(choices, key=lambda keys: min(map(len, keys)), default=())
        if any(min(map(len, keys)) >= shortest for keys in choices)
        else ()
    )


def _parts(bare: str) -> Iterator[tuple[str, bool]]:
    """The groups and the text between them, at the top; whether each may be absent."""
    depth, at = 0, 0
    for index, char in enumerate(bare):
        if char == "(":
            if not depth:
                yield from ((word, False) for word in bare[at:index].split())
                at = index + 1
            depth += 1
        elif char == ")":
            depth -= 1
            if not depth:
                yield bare[at:index], bare[index + 1 : index + 2] in tuple("?*")
                at = index + 1
    yield from ((word, False) for word in bare[at:].split())


def _alternatives(part: str) -> list[str]:
    """What a group offers, without what stands in groups of its own."""
    while (inner := re.sub(r"\([^()]*\)[?*+]?", " ", part)) != part:
        part = inner
    return part.split("|")


def _longest(text: str) -> str:
    return max(re.findall(r"\w+", text), key=len, default="")
