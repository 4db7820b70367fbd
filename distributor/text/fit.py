"""The ladder that makes a post fit: each rung leaves out a little more, and says so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from distributor.text.count import graphemes
from distributor.text.cutting import cut
from distributor.text.segments import Omission, Segment

Segments = tuple[Segment, ...]
Compose = Callable[["Draft"], Segments]
_NOTHING: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The words that a post is made of; what is empty is not said."""

    headline: str
    subheadline: str = ""
    summary: str = ""
    hashtags: tuple[str, ...] = ()  #: the order is the priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A post that fits, or the shortest there is."""

    segments: Segments
    hashtags: tuple[str, ...]  #: those that stand in it
    omitted: tuple[Omission, ...] = ()
    cut: bool = False  #: the headline does not end as it was written


def fit(draft: Draft, *, short_headline: str, compose: Compose, fits: Callable[[Segments], bool]) -> Fitted:
    """Leave out, one after the other and only as far as needed: hashtags from the last, the sub-headline, the summary,
    the headline for the short headline, the headline's end.

    From the second rung on, hashtags come back as far as there is room. Nothing is ever cut but the headline.
    """
    shortest, steps = draft, _NOTHING
    for shortest, steps in _rungs(draft, short_headline, compose):
        for count in range(len(draft.hashtags), -1, -1):
            segments = compose(replace(shortest, hashtags=draft.hashtags[:count]))
            if fits(segments):
                return Fitted(
                    segments=segments,
                    hashtags=draft.hashtags[:count],
                    omitted=(*_tags(draft.hashtags[count:]), *steps),
                )
    bare = replace(shortest, hashtags=())
    headline = cut(bare.headline, lambda text: fits(compose(replace(bare, headline=text))))
    if headline is None:
        return Fitted(segments=compose(bare), hashtags=(), omitted=(*_tags(draft.hashtags), *steps))
    lost = Omission(text=bare.headline, why=f"the headline does not fit; it is sent as: {headline}")
    return Fitted(
        segments=compose(replace(bare, headline=headline)),
        hashtags=(),
        omitted=(*_tags(draft.hashtags), *steps, lost),
        cut=True,
    )


def _rungs(draft: Draft, short_headline: str, compose: Compose) -> Iterator[tuple[Draft, tuple[Omission, ...]]]:
    """Ever shorter drafts with what they leave out; a rung that changes nothing in this template is no rung."""
    yield draft, _NOTHING
    steps = _NOTHING
    without = [
        ("sub-headline", replace(draft, subheadline="")),
        ("summary", replace(draft, subheadline="", summary="")),
    ]
    for word, following in without:
        if compose(following) != compose(draft):
            lost = getattr(draft, word.replace("-", ""))
            steps = (*steps, Omission(text=lost, why=f"the {word} does not fit"))
            yield following, steps
        draft = following
    if short_headline and graphemes(short_headline) < graphemes(draft.headline):
        why = f"the headline does not fit; the short one takes its place: {short_headline}"
        yield replace(draft, headline=short_headline), (*steps, Omission(text=draft.headline, why=why))


def _tags(tags: tuple[str, ...]) -> tuple[Omission, ...]:
    return tuple(Omission(text=f"#{tag}", why="the hashtag does not fit") for tag in tags)
