"""What a server's answers mean: the other side will never take it, ask later, or it is our own fault."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from distributor.contract import DeliveryError, InDoubt, Refused, Throttled, Unauthorized, Unavailable
from distributor.text.said import said

_PAUSE = timedelta(minutes=5)  #: after a 4xx: greylisting lasts one to five minutes
_FULL = timedelta(hours=1)  #: a mailbox that is full, a quota that is spent
#: RFC 3463 §3.2, RFC 7505 §4.2: there is no such address; 5.1.7 and 5.1.8 are about the sender's.
_GONE = re.compile(r"5\.1\.(?:1|2|3|6|10)|5\.2\.1")
_ABOUT_US = re.compile(r"5\.1\.[78]|5\.3\.4")
#: A 4xx that speaks of how fast or how much we send is about the server; any other about this one mail.
_SLOWER = re.compile(r"\b(rate|quota|too many|limit|throttl|slow down|concurrent)", re.IGNORECASE)
_BAD_LOGIN = frozenset({530, 534, 535, 538})  # RFC 4954 §6
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
#: RFC 3463: policy and security are about us, not about the address.
_OURS = re.compile(r"5\.7\.\d+")
_LOGIN_NEEDED = "the server takes no mail of ours; nobody on the list is to blame: mend that, then resume"


class Gone(Refused):
    """There is no such address: nobody should write to it again."""


def outcome(code: int, text: bytes, *, host: str, what: str, hide: Iterable[str]) -> DeliveryError | None:
    """The outcome of a refusal; None for an answer that is none of SMTP's (RFC 5321 §4.2.1, RFC 3463).

    421 means that the line closes. Any other 4xx may be tried later: this mail alone (greylisting, a full mailbox), or all of
    them where it is about us (the sender, how fast we are). 5.1.x and 5.2.1 to a recipient say that there is nobody; a 5.7.x to
    the sender or the message that the server does not trust us, which is no fault of the address.
    """
    words = said(text.decode("utf-8", "replace"), hide=hide)
    sentence = f"{host} refused {what}: {code} {words}"
    if code == 421:
        return Unavailable(sentence)
    found = _ENHANCED.match(text)
    enhanced = found[0].decode() if found else ""
    now = datetime.now(UTC)
    if 400 <= code < 500:
        full = "quota" in words.casefold() or enhanced == "4.2.2"
        if what == "the sender" or (_SLOWER.search(words) and enhanced != "4.2.2"):
            return Throttled(sentence, until=now + _FULL if full else now)
        return Unavailable(sentence, until=now + (_FULL if full else _PAUSE))
    if code in _BAD_LOGIN:
        return Unauthorized(sentence)
    if _ABOUT_US.fullmatch(enhanced) or (_OURS.fullmatch(enhanced) and what != "the recipient"):
        return Unauthorized(f"{sentence}; {_LOGIN_NEEDED}")
    if what == "the recipient" and _GONE.fullmatch(enhanced):
        return Gone(sentence)
    return Refused(sentence) if 500 <= code < 600 else None


def strange(code: int, text: bytes, *, host: str, what: str, hide: Iterable[str]) -> InDoubt:
    """An answer after the dot that says neither yes nor no."""
    return InDoubt(f"{host} answered {code} to {what}: {said(text.decode('utf-8', 'replace'), hide=hide)}")
