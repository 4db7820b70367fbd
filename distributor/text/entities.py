"""What a network makes live, or a reader takes for live, in a finished text.

Never used to find our own link and hashtags (`segments` knows them): it finds the accidental ones, and shows whether
the server will see ours where we put them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import regex

from distributor.text import hashtags

_WORD = r"\p{L}\p{M}\p{Nd}\p{Pc}"
_HOST = rf"(?:[\p{{L}}\p{{N}}](?:[{_WORD}-]*[\p{{L}}\p{{N}}])?\.)+(?:(?:xn--[a-z0-9-]+|[a-z]{{2,}})(?![a-z0-9@])|(?![a-z])\p{{L}}{{2,}})"
_IN = r"[^\s<>()?]"
_PARENS = rf"\((?:{_IN}+|{_IN}*\({_IN}+\){_IN}*)\)"
_PATH = rf"/(?:(?:{_IN}|{_PARENS})*(?:[^\s()?!*\"'「」<>;:=,.$%\[\]~&|@]|{_PARENS}))?"
_WIDE = r"\u00a0-\ud7ff\uf900-\U0010fffd"
_QUERY = rf"\?[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@^{_WIDE}]*[a-z0-9_&=#/\-{_WIDE}]"
_URL = regex.compile(rf"(?<![a-z0-9@＠$#＃])https?://{_HOST}(?::\d+)?(?:{_PATH})?(?:{_QUERY})?", regex.IGNORECASE)
_USER = r"[a-z0-9_]+(?:[.-]+[a-z0-9_]+)*"
_MENTION = regex.compile(
    rf"(?<![=/{_WORD}])@(?>{_USER}(?:@[{_WORD}]+(?:[.-]+[{_WORD}]+)*)?)(?![@＠]|://)", regex.IGNORECASE
)
_TAG = regex.compile(rf"(?<![/){_WORD}])[#＃]([{_WORD}·・\u200c]+)")
_PLAIN_TAG = regex.compile(r"(?<![\p{L}\p{M}\p{N}_&/#])[#＃]([\p{L}\p{M}\p{N}_]+)")
_NAME = regex.compile(r"(?<![\p{L}\p{N}_@/.])@[A-Za-z][A-Za-z0-9_]{3,31}\b(?![@.]\w)")
_DOTTED_NAME = regex.compile(r"(?<![\p{L}\p{N}_@/.])@[A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?(?![@\w])")
_CASHTAG = regex.compile(r"(?<![\w$])\$[A-Z]{1,8}\b")
_CALL = regex.compile(r"<[!@#][^<>\s]{1,40}>")
_HANDLE = regex.compile(r"(?<![^\s(])@(?:[a-z0-9-]+\.)+[a-z]{2,}\b", regex.IGNORECASE)
_RUN = regex.compile(r"(?<!\S)[#＃](\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A part of a text (str indexes) that acts as something."""

    start: int
    end: int
    kind: Literal["link", "mention", "hashtag", "cashtag"]
    text: str


def mastodon(text: str) -> list[Found]:
    """What a Mastodon server makes live: http(s) links with a host name, `@user`, `@user@host`, `#tag` with a letter.

    The server also asks for a known top-level domain; any is taken here.
    """
    tags = [
        Found(start=found.start(), end=found.start(1) + len(tag), kind="hashtag", text=found[0][0] + tag)
        for found in _TAG.finditer(text)
        if (tag := found[1].rstrip("·・\u200c")) and hashtags.MASTODON.takes(tag)
    ]
    return apart([*mastodon_countable(text), *tags])


def mastodon_countable(text: str) -> list[Found]:
    """The links and mentions that a Mastodon server counts by a rule of their own."""
    return apart([*_matches(_URL, text, "link"), *_matches(_MENTION, text, "mention")])


def bluesky(text: str) -> list[Found]:
    """What readers of Bluesky know as live: http(s) links, `@handle.domain`, `#tag`.

    The server adds nothing to a text, so that each of these is dead unless a facet says otherwise.
    """
    tags = [
        Found(start=found.start(), end=found.end(), kind="hashtag", text=found[0])
        for found in _RUN.finditer(text)
        if hashtags.BLUESKY.takes(found[1])
    ]
    return apart([*_matches(_URL, text, "link"), *_matches(_HANDLE, text, "mention"), *tags])


def links(text: str) -> list[Found]:
    """http(s) links alone."""
    return _matches(_URL, text, "link")


def telegram(text: str) -> list[Found]:
    """What most apps make live: http(s) links, `@name`, `#tag` in letters, digits and `_`, `$TICKER`
    (core.telegram.org/api/entities).
    """
    tags = _plain_tags(text, hashtags.TELEGRAM)
    return apart([*links(text), *_matches(_NAME, text, "mention"), *tags, *_matches(_CASHTAG, text, "cashtag")])


def facebook(text: str) -> list[Found]:
    """What Facebook makes live in a Page's post: http(s) links and hashtags. A mention needs the Page's number
    (docs/pages-api/posts), so that no `@name` is one, and a `$TICKER` is text.
    """
    return apart([*links(text), *_plain_tags(text, hashtags.FACEBOOK)])


def threads(text: str) -> list[Found]:
    """What Threads makes live: http(s) links, `@name` with letters, digits, `.` and `_`, hashtags; no `$TICKER`
    (docs/threads/posts).
    """
    return apart([*links(text), *_matches(_DOTTED_NAME, text, "mention"), *_plain_tags(text, hashtags.THREADS)])


def _plain_tags(text: str, rule: hashtags.Rule) -> list[Found]:
    return [
        Found(start=m.start(), end=m.end(), kind="hashtag", text=m[0])
        for m in _PLAIN_TAG.finditer(text)
        if rule.takes(m[1])
    ]


def chat(text: str) -> list[Found]:
    """What calls people in a chat: `@name`, `@everyone`, `<!channel>`, `<@123>`."""
    return apart([*_matches(_CALL, text, "mention"), *_matches(_NAME, text, "mention")])


def besides(found: Iterable[Found], own: Sequence[tuple[int, int]]) -> list[Found]:
    """Those that share no character with our own live parts, given as (start, end)."""
    return [part for part in found if not any(part.start < end and start < part.end for start, end in own)]


def _matches(pattern: "regex.Pattern[str]", text: str, kind: Literal["link", "mention", "cashtag"]) -> list[Found]:
    return [Found(start=m.start(), end=m.end(), kind=kind, text=m[0]) for m in pattern.finditer(text)]


def apart(found: list[Found]) -> list[Found]:
    """Of two that overlap the first stays."""
    kept: list[Found] = []
    for part in sorted(found, key=lambda part: part.start):
        if not kept or part.start >= kept[-1].end:
            kept.append(part)
    return kept
