"""What a server's answers mean: the other side will never take it, ask later, or it is our own fault."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from distributor.contract import DeliveryError, InDoubt, Refused, Throttled, Unauthorized, Unavailable
from distributor.text.said import said

_PAUSE = timedelta(minutes=5)  #: after a 4xx: greylisting lasts one to five minutes
_BAD_LOGIN = frozenset({530, 534, 535, 538})  # RFC 4954 §6
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
#: RFC 3463: policy and security are about us, not about the address.
_OURS = re.compile(r"5\.7\.\d+")
_LOGIN_NEEDED = "the server takes no mail of ours; nobody on the list is to blame: mend that, then resume"


def outcome(code: int, text: bytes, *, host: str, what: str, hide: Iterable[str]) -> DeliveryError | None:
    """The outcome of a refusal; None for an answer that is none of SMTP's (RFC 5321 §4.2.1, RFC 3463).

    421 means that the line closes; any other 4xx that it may be tried later; a 5.7.x in the envelope or after the dot that the
    server does not trust us, which is no fault of the address.
    """
    words = said(text.decode("utf-8", "replace"), hide=hide)
    sentence = f"{host} refused {what}: {code} {words}"
    if code == 421:
        return Unavailable(sentence)
    if 400 <= code < 500:
        pause = timedelta(hours=1) if "quota" in words.casefold() else _PAUSE
        return Throttled(sentence, until=datetime.now(UTC) + pause)
    found = _ENHANCED.match(text)
    if code in _BAD_LOGIN or (found and _OURS.fullmatch(found[0].decode()) and what != "the recipient"):
        return Unauthorized(f"{sentence}; {_LOGIN_NEEDED}" if code not in _BAD_LOGIN else sentence)
    return Refused(sentence) if 500 <= code < 600 else None


def strange(code: int, text: bytes, *, host: str, what: str, hide: Iterable[str]) -> InDoubt:
    """An answer after the dot that says neither yes nor no."""
    return InDoubt(f"{host} answered {code} to {what}: {said(text.decode('utf-8', 'replace'), hide=hide)}")
