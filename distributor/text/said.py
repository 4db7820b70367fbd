"""What a server said, fit to stand in an error message."""

from collections.abc import Iterable

_LONGEST = 300


def said(value: object, *, hide: Iterable[str] = ()) -> str:
    """The server's own words as one printable line of at most 300 characters, with every string in `hide` blotted out
    (a server may echo a credential); empty when `value` is no text.
    """
    if not isinstance(value, str):
        return ""
    for secret in hide:
        if secret:
            value = value.replace(secret, "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
