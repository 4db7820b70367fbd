"""How much of a limit a text uses, by each network's own rule."""

import unicodedata

import regex

from distributor.text import entities

_CLUSTER = regex.compile(r"\X")
_EMOJI = regex.compile(r"[\p{Extended_Pictographic}\p{RI}\u20e3]")


def pieces(text: str) -> list[str]:
    """The text's grapheme clusters (Unicode TR #29): what a reader calls characters."""
    return _CLUSTER.findall(text)


def graphemes(text: str) -> int:
    """The number of grapheme clusters; equal to Bluesky's own count."""
    return len(pieces(text))


def utf8(text: str) -> int:
    """The number of UTF-8 bytes."""
    return len(text.encode())


def characters(text: str) -> int:
    """The number of code points."""
    return len(text)


def utf16(text: str) -> int:
    """The number of UTF-16 units: what JavaScript and most vendors' servers call characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def half_widths(text: str) -> int:
    """Chinese characters, two letters of half width for one (Weibo's composer), rounded up."""
    return -(-sum(2 if unicodedata.east_asian_width(piece[0]) in "WF" else 1 for piece in pieces(text)) // 2)


def threads(text: str) -> int:
    """Characters as Threads counts them: an emoji by its UTF-8 bytes (developers.facebook.com/docs/threads, Limitations)."""
    return sum(utf8(piece) if _EMOJI.search(piece) else len(piece) for piece in pieces(text))


def mastodon(text: str, *, per_url: int) -> int:
    """Grapheme clusters, where every http(s) link counts as `per_url` and `@user@host` as `@user`.

    Also for those that stand in the text by chance: it is the server who finds them
    (docs.joinmastodon.org/user/posting: "all links are counted as 23 characters"; its StatusLengthValidator).
    """
    counted, position = "", 0
    for found in entities.mastodon_countable(text):
        whole = text[found.start : found.end]
        short = "x" * per_url if found.kind == "link" else "@" + whole[1:].partition("@")[0]
        counted += text[position : found.start] + short
        position = found.end
    return graphemes(counted + text[position:])
