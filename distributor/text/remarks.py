"""What a person should know about a finished post before it is approved."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from distributor.text.entities import Found, besides
from distributor.text.hashtags import is_run_together


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One remark, in the words of a finding."""

    severity: Literal["error", "warning", "note"]
    code: str
    text: str
    field: str | None = None


def length(over: Iterable[str], *, source: str) -> Iterator[Remark]:
    """One error per broken limit (`512 of 500 characters`); `source` is where the words came from."""
    for count in over:
        advice = "shorten it" if source.startswith("social") else "write a short_headline"
        yield Remark(severity="error", code="too-long", text=f"the post has {count}; {advice}", field=source)


def leftovers(omitted: Iterable[tuple[str, str]], *, cut: bool) -> Iterator[Remark]:
    """What was left out and why; a warning where words of the headline were cut by the program."""
    if cut:
        advice = "the headline was cut to fit; write a short_headline, or a text of its own under social"
        yield Remark(severity="warning", code="headline-cut", text=advice, field="short_headline")
    for text, why in omitted:
        yield Remark(severity="note", code="left-out", text=f"left out: {text} ({why})")


def tags(names: Iterable[str]) -> Iterator[Remark]:
    """Advice on hashtags that screen readers read as one word (accessible-social.com/hashtags)."""
    for name in names:
        if is_run_together(name):
            text = f"#{name} is read aloud as one word; if it is several, begin each with a capital: #HarbourLine"
            yield Remark(severity="warning", code="hashtag-case", text=text, field="hashtags")


def accidents(found: Sequence[Found], own: Sequence[tuple[int, int]], *, effect: str) -> Iterator[Remark]:
    """What acts, or seems to, without being one of our live parts; `effect` says what the network makes of it."""
    for part in besides(found, own):
        text = f"'{part.text}' looks like a {part.kind}: {effect}"
        yield Remark(severity="note", code=f"accidental-{part.kind}", text=text)


def strangers(names: Iterable[str], *, source: str, effect: str) -> Iterator[Remark]:
    """Mentions in a person's own text that the handle map does not know."""
    for name in names:
        text = (
            f"'{name}' is not in the handle map: {effect}; add the account to the config's [house.handles], or write the "
            "name without '@'"
        )
        yield Remark(severity="warning", code="unknown-handle", text=text, field=source)


def dead(shown: str, found: Sequence[Found], own: Sequence[tuple[int, int]]) -> Iterator[Remark]:
    """Our own live parts that the server will not find where they stand, or not whole."""
    seen = {(part.start, part.end) for part in found}
    for start, end in own:
        if (start, end) not in seen:
            text = f"the network will not make '{shown[start:end]}' live where it stands; keep a space around it"
            yield Remark(severity="warning", code="dead-entity", text=text)


def linkless(kinds: Iterable[str]) -> Iterator[Remark]:
    """A template that places no link."""
    if "link" not in kinds:
        text = "the post has no link to the release; place {{ link }} in the template"
        yield Remark(severity="warning", code="no-link", text=text)


def altless(name: str, alt: str) -> Iterator[Remark]:
    """A photo that says nothing to who cannot see it."""
    if not alt:
        yield Remark(severity="warning", code="alt-missing", text=f"{name} has no alt text", field="media")
