"""How a link is shown where the shown text and the address are two things."""

from distributor.text.count import graphemes, pieces

_SHOWN = 30


def short(url: str) -> str:
    """`https://host/a/long/path` as `host/a/lon…`: at most 30 graphemes, yet always the whole host, so that a reader
    sees where it leads.
    """
    address = url.partition("://")[2].rstrip("/")
    host = address.partition("/")[0]
    room = max(_SHOWN - 1, graphemes(host) + 1)
    return address if graphemes(address) <= _SHOWN else "".join(pieces(address)[:room]).rstrip("/") + "…"
