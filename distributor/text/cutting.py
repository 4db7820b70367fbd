"""Where a headline may be cut."""

from collections.abc import Callable
from itertools import accumulate

import regex

from distributor.text.count import pieces

# Scripts that put no spaces between words.
_SPACELESS = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u3001-\u301f\uff01-\uff60]"
)
_STOPS = "，。、；：！？"
#: How far back a CJK cut looks for a stop.
_LOOK_BACK = 6
#: A URL, a tag or a mention goes whole or not at all.
_WHOLE = regex.compile(
    r"https?://[^\s\u3000-\u303f\uff00-\uffef]*[\p{L}\p{N}/_=&#~%+-]|[#＃@][\p{L}\p{M}\p{N}_@.·-]*[\p{L}\p{M}\p{N}_]",
    regex.IGNORECASE,
)
_LOOSE_ENDS = " \t\u00a0\u3000,;:，、；：—–-(（「『“"


def cut(text: str, fits: Callable[[str], bool]) -> str | None:
    """The longest beginning of `text` that fits with `…` after it, or None when there is none.

    Cut between words, in scripts without spaces between graphemes and rather after a stop; a word that is too long
    by itself is cut between graphemes. Never inside a URL, a hashtag, a mention or a grapheme.
    """
    parts = pieces(text)
    offsets = [0, *accumulate(len(part) for part in parts)]
    whole = [(found.start(), found.end()) for found in _WHOLE.finditer(text)]
    opening = len(text) - len(text.lstrip(_LOOSE_ENDS))
    allowed = [
        n for n in range(1, len(parts)) if offsets[n] > opening and not any(s < offsets[n] < e for s, e in whole)
    ]
    for places in ([n for n in allowed if _between_words(parts, n)], allowed):
        chosen = _longest(places, lambda n: fits(_shortened(text, offsets[n], whole)))
        if chosen is not None:
            return _shortened(text, offsets[_after_stop(parts, places, chosen)], whole)
    return None


def _between_words(parts: list[str], n: int) -> bool:
    return parts[n].isspace() or bool(_SPACELESS.match(parts[n - 1]) or _SPACELESS.match(parts[n]))


def _longest(places: list[int], fits: Callable[[int], bool]) -> int | None:
    """The greatest place that fits, by halving; length decides, so all below one that fits do too."""
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if fits(places[middle]):
            low = middle + 1
        else:
            high = middle
    return places[low - 1] if low else None


def _after_stop(parts: list[str], places: list[int], chosen: int) -> int:
    near = (n for n in reversed(places) if chosen - _LOOK_BACK <= n <= chosen)
    return next((n for n in near if parts[n - 1] in _STOPS), chosen)


def _shortened(text: str, end: int, whole: list[tuple[int, int]]) -> str:
    kept = max((stop for _, stop in whole if stop <= end), default=0)
    tail = text[kept:end].rstrip(_LOOSE_ENDS)
    glue = " " if kept and not tail else ""  # `…` would become a part of the URL
    return f"{text[:kept]}{tail}{glue}…"
