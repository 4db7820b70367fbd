"""Which hashtags each network takes, and what has to be left out of the others."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import regex

from distributor.text.segments import Omission

_CLUSTER = regex.compile(r"\X")
_PICTURE = regex.compile(r"\p{Extended_Pictographic}|\p{RI}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one network takes as a hashtag, without its `#`."""

    network: str
    fit: "regex.Pattern[str]"  #: a character that may stand in one
    needed: "regex.Pattern[str]"  #: what one must hold at least once
    needs: str  #: the same in words
    edges: "regex.Pattern[str]"  #: what may not begin or end one
    max_graphemes: int | None = None
    max_bytes: int | None = None

    def takes(self, tag: str) -> bool:
        """Whether the network takes this very tag or a shorter one that begins it."""
        return bool(self.needed.search(self.clean(tag)))

    def clean(self, tag: str) -> str:
        """The tag without what cannot stand in it; emoji go as a whole."""
        return self.edges.sub("", "".join(self._piece(piece) for piece in _CLUSTER.findall(tag)))

    def _piece(self, piece: str) -> str:
        kept = "".join(character for character in piece if self.fit.match(character))
        orphaned = not self.fit.match(piece[0]) or (kept != piece and _PICTURE.search(piece))
        return "" if orphaned else kept

    def too_long(self, tag: str) -> bool:
        """Whether it passes the network's length for one tag."""
        return (self.max_graphemes is not None and len(_CLUSTER.findall(tag)) > self.max_graphemes) or (
            self.max_bytes is not None and len(tag.encode()) > self.max_bytes
        )


#: Letters, marks and digits of any script, `_`, and `·`, `・`, ZWNJ between them; at least one letter
#: (docs.joinmastodon.org/user/posting#hashtags). A hyphen ends a tag.
MASTODON = Rule(
    network="Mastodon",
    fit=regex.compile(r"[\p{L}\p{M}\p{Nd}\p{Pc}·・\u200c]"),
    needed=regex.compile(r"\p{L}"),
    needs="a letter",
    edges=regex.compile(r"^[\p{M}·・\u200c]+|[·・\u200c]+$"),
)
#: Anything but spaces and invisible characters, not ending in punctuation, with something in it that is neither digit
#: nor punctuation (@atproto/api, rich-text detection). Its lengths stand in config/networks.toml.
BLUESKY = Rule(
    network="Bluesky",
    fit=regex.compile(r"[^\s#＃\u00ad\u200a-\u200d\u2060\u20e2]"),
    needed=regex.compile(r"[^\d\s\p{P}\p{M}]"),
    needs="a letter or sign",
    edges=regex.compile(r"^\p{M}+|\p{P}+$"),
)
#: Letters, marks and digits of any script, `_` and a few joining signs; at least one letter (twitter-text 3, hashtags).
X = Rule(
    network="X",
    fit=regex.compile(r"[\p{L}\p{M}\p{Nd}_\u200c\u200d\xb7\u30fb]"),
    needed=regex.compile(r"\p{L}"),
    needs="a letter",
    edges=regex.compile(r"^[\p{M}\u200c\u200d]+|[\u200c\u200d]+$"),
)
#: Letters and digits; an underscore ends a tag in some of LinkedIn's apps, so that it is left out.
LINKEDIN = replace(X, network="LinkedIn", fit=regex.compile(r"[\p{L}\p{M}\p{Nd}]"), edges=regex.compile(r"^\p{M}+"))
#: Letters, digits and `_` (core.telegram.org/api/entities; facebook.com/help/587836257914341).
TELEGRAM = replace(
    X, network="Telegram", fit=regex.compile(r"[\p{L}\p{M}\p{Nd}_]"), edges=regex.compile(r"^\p{M}+"), max_graphemes=256
)
FACEBOOK = replace(TELEGRAM, network="Facebook", max_graphemes=None)
#: One topic a post, 1 to 50 characters, neither `.` nor `&` (developers.facebook.com/docs/threads/create-posts/topic-tags).
THREADS = replace(TELEGRAM, network="Threads", max_graphemes=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The tags as the network takes them, in the order given, and what was left out."""

    tags: tuple[str, ...]
    omitted: tuple[Omission, ...]


def accepted(tags: Iterable[str], rule: Rule) -> Accepted:
    """Fit every tag to the network: unfit characters go, a tag that keeps nothing goes, one of two equal ones goes.

    Tags are compared without regard to case. A tag is never cut to length: one too long is left out.
    """
    kept: dict[str, str] = {}
    omitted: list[Omission] = []
    for tag in tags:
        clean = rule.clean(tag)
        if why := _refusal(clean, kept, rule):
            omitted.append(Omission(text=f"#{tag}", why=why))
            continue
        if clean != tag:
            why = f"it holds what cannot stand in a hashtag on {rule.network}; it is sent as #{clean}"
            omitted.append(Omission(text=f"#{tag}", why=why))
        kept[clean.casefold()] = clean
    return Accepted(tags=tuple(kept.values()), omitted=tuple(omitted))


def _refusal(clean: str, kept: dict[str, str], rule: Rule) -> str:
    if not rule.needed.search(clean):
        return f"a hashtag on {rule.network} needs {rule.needs}"
    if rule.too_long(clean):
        return f"it is too long for a hashtag on {rule.network}"
    if clean.casefold() in kept:
        return f"it is the same as #{kept[clean.casefold()]}"
    return ""


def is_run_together(tag: str) -> bool:
    """Whether a screen reader may stumble over it: more than ten letters of a cased script, all of them small."""
    return len(regex.findall(r"\p{L}", tag)) > 10 and tag.islower()
