"""A post as a person wrote it: its links, hashtags and mentions are found where they stand, and made live."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import regex

from distributor import plain
from distributor.handles import Handle
from distributor.text import entities
from distributor.text.fit import Fitted
from distributor.text.hashtags import Rule
from distributor.text.segments import (
    Break,
    Hashtag,
    Link,
    Live,
    Mention,
    Omission,
    Text,
    mark,
    parse,
    spelled,
    without_marks,
)

_BEFORE, _AFTER = r"(?<![\p{L}\p{M}\p{N}_@/.])", r"(?![\p{L}\p{M}\p{N}_@]|[.:-][\p{L}\p{N}])"
_AT = regex.compile(rf"{_BEFORE}@([A-Za-z][A-Za-z0-9_-]*){_AFTER}")
_TAG = regex.compile(r"(?<![\p{L}\p{M}\p{N}_&/#＃])([#＃])(\S+)")
#: How a network's own users write a mention that names the account by itself.
_SPELLINGS: Mapping[str, "regex.Pattern[str]"] = {
    "slack": regex.compile(
        r"<@(?P<to>[UW][A-Z0-9]+)(?:\|(?P<name>[^<>|]+))?>|<!subteam\^(?P<to>S[A-Z0-9]+)(?:\|(?P<name>[^<>|]+))?>"
    ),
    "discord": regex.compile(r"<@!?(?P<to>&?\d{1,20})>"),
    "linkedin": regex.compile(r"@\[(?P<name>[^\[\]]+)\]\((?P<to>urn:li:(?:organization|person):[\w-]+)\)"),
    "matrix": regex.compile(r"(?<![\w@/.])(?P<to>@[a-z0-9._=/+-]+:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?)"),
}

Piece = tuple[int, int, Live | Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What a network makes live in a text, and the accounts that it may mention."""

    network: str  #: the channel type
    name: str  #: as people write it
    rule: Rule | None = None  #: of hashtags; None: `#` means nothing there
    handles: Mapping[str, Handle]


def written(text: str, *, link: Link, tags: Sequence[str], ways: Ways) -> Fitted:
    """The post as a person wrote it (`social` in the release): never shortened.

    Every web address, every hashtag that the network takes and every mention of the handle map is live. The page's link is
    added below where the text does not spell it out.
    """
    words = plain.normalize(without_marks(text))
    omitted: list[Omission] = []
    chosen = _apart(
        [
            *_ours(words, link, tags),
            *_links(words),
            *_spelled_mentions(words, ways),
            *_handles(words, ways, omitted),
            *(_hashtags(words, ways.rule) if ways.rule else ()),
        ]
    )
    marked, live, at = [], list[Live](), 0
    for start, end, part in chosen:
        marked += [words[at:start], part.shown if isinstance(part, Text) else mark(len(live))]
        if not isinstance(part, Text):
            live.append(part)
        at = end
    segments = parse("".join([*marked, words[at:]]), live, template="social")
    if link.shown and link not in segments:
        segments = (*segments, Break(), Break(), link)
    placed = {segment.tag for segment in segments if isinstance(segment, Hashtag)}
    return Fitted(segments=segments, hashtags=tuple(tag for tag in tags if tag in placed), omitted=tuple(omitted))


def strangers(text: str, own: Sequence[tuple[int, int]]) -> dict[int, str]:
    """Return what looks like a mention in a written text and is none of our live parts (`own`: start, end), by its place."""
    return {
        found.start(): found[0].rstrip(".:-")
        for found in regex.finditer(rf"{_BEFORE}@[\p{{L}}\p{{N}}_][\p{{L}}\p{{M}}\p{{N}}_.@:-]*", text)
        if not any(found.start() < end and start < found.end() for start, end in own)
    }


def _ours(text: str, link: Link, tags: Sequence[str]) -> Iterator[Piece]:
    """The page's own address and the release's hashtags; only whole ones count."""
    if link.url:
        yield from ((start, end, link) for start, end in spelled(text, link))
    for tag in map(Hashtag, tags):
        yield from ((start, end, tag) for start, end in spelled(text, tag))


def _links(text: str) -> Iterator[Piece]:
    for found in entities.links(text):
        yield found.start, found.end, Link(found.text, found.text)


def _hashtags(text: str, rule: Rule) -> Iterator[Piece]:
    """What the network would take as a tag: as many characters as may stand in one."""
    for found in _TAG.finditer(text):
        run = regex.match(rf"(?:{rule.fit.pattern})*", found[2])
        tag = rule.edges.sub("", run[0]) if run else ""
        if tag and found[2].startswith(tag) and rule.takes(tag) and not rule.too_long(tag):
            yield found.start(), found.start(2) + len(tag), Hashtag(tag, f"{found[1]}{{}}")


def _spelled_mentions(text: str, ways: Ways) -> Iterator[Piece]:
    """Mentions in the network's own spelling, which name the account by themselves."""
    pattern = _SPELLINGS.get(ways.network)
    for found in pattern.finditer(text) if pattern else ():
        to = found["to"]
        names = [one.name for one in ways.handles.values() if (known := one.on(ways.network)) and known.target == to]
        said = found.groupdict().get("name") or next(iter(names), to.lstrip("&@") if ways.network != "matrix" else to)
        at = "@" if ways.network in ("slack", "discord") and not said.startswith("@") else ""
        yield found.start(), found.end(), Mention(f"{at}{said}", to)


def _handles(text: str, ways: Ways, omitted: list[Omission]) -> Iterator[Piece]:
    """`@name` of the handle map, and the handles in it as the network's own users write them."""
    for found in _AT.finditer(text):
        if (handle := ways.handles.get(found[1])) is None:
            continue
        account = handle.on(ways.network)
        if account is None:
            why = f"the handle map has no account of it on {ways.name}: it is sent as '{handle.name}'"
            omitted.append(Omission(text=found[0], why=why))
        yield *found.span(), Mention(account.shown, account.target) if account else Text(handle.name)
    for handle in ways.handles.values():
        account = handle.on(ways.network)
        if account and account.shown.startswith("@"):
            pattern = rf"{_BEFORE}{regex.escape(account.shown)}{_AFTER}"
            for found in regex.finditer(pattern, text, regex.IGNORECASE):
                yield *found.span(), Mention(account.shown, account.target)


def _apart(pieces: Iterable[Piece]) -> list[Piece]:
    """Those that share no character, in the order of the text; of two that do the first in the list stays."""
    kept: list[Piece] = []
    for piece in pieces:
        if not any(piece[0] < end and start < piece[1] for start, end, _ in kept):
            kept.append(piece)
    return sorted(kept, key=lambda piece: piece[0])


def mentions(handles: Mapping[str, Handle], network: str) -> dict[str, Mention | Text]:
    """Return what stands for each name of the map: a mention, or the name where the network has no account of it."""
    made: dict[str, Mention | Text] = {}
    for key, handle in handles.items():
        account = handle.on(network)
        made[key] = Mention(account.shown, account.target) if account else Text(handle.name)
    return made
