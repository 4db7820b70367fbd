"""What a status says of an address: gone for good, or anything else. Pure.

The price of a mistake decides: who is wrongly taken for gone gets no release any more, who is wrongly kept gets one more mail.
So an address is gone only where the status (RFC 3463) or, without one, the server's words say it of the address itself.
"""

import re

from distributor.text.said import said

#: An enhanced status code (RFC 3463 §2), and no piece of a version number or an IP address.
_CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
#: RFC 3463 §3.2: no such mailbox or system, an address that cannot be parsed or is not one person's, moved; 5.1.10: the domain takes
#: no mail (RFC 7505 §4.2). 5.1.7 and 5.1.8 are about the sender, that is us. 5.2.1 (§3.3): the mailbox is disabled.
_GONE = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1"})
#: RFC 3463 §3.3 to §3.8, by the second number. 5.4.x is the network's or a resolver's: one broken name server between us and the
#: world answers 5.4.4 for a whole list at once, so it strikes off nobody.
_ABOUT = {
    "1": "the sender's address",
    "2": "the mailbox, which may recover",
    "3": "the other mail system",
    "4": "the way there",
    "5": "the protocol",
    "6": "the message",
    "7": "policy, not the address",
}
_POLICY = re.compile(
    r"policy|spam|junk|block(ed|list)|black ?list|reputation|denied|dmarc|\bspf\b|\bdkim\b|authenticat|greylist|\brate\b|too many"
    r"|sender (address )?(was )?rejected|relay",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"quota|mailbox (is )?full|full mailbox|over ?size|too (large|big)|insufficient (disk|storage)", re.IGNORECASE
)
_NOBODY = re.compile(
    r"(no such|unknown|invalid|non-?existent) (local )?(user|mailbox|address|recipient|account|person)"
    r"|(user|mailbox|address|recipient|account)( \S+)? (is |was |address )?(unknown|not found|does ?n[o']t exist|not exist)"
    r"|(user|mailbox|address|recipient|account)( \S+)? (is )?(unavailable|disabled|inactive|no longer)"
    r"|no mailbox here|does not exist|doesn't have an? \S+ account|unrouteable address",
    re.IGNORECASE,
)


def judge(status: str, diagnostic: str) -> tuple[bool, str, str]:
    """(gone for good, code, one line of at most 200 characters) of a failure that the other side calls permanent.

    `status` is the report's own (may be empty). A general one (x.y.0, which some servers write for everything) gives way to the code
    in the diagnostic text, and without any the words decide.
    """
    own, told = _CODE.search(status), _CODE.search(diagnostic)
    code = own[0] if own else ""
    if told and (not code or (code.endswith(".0") and not told[0].endswith(".0"))):
        code = told[0]
    words = said(diagnostic)[:200]
    if code and not code.endswith(".0"):
        # 5.2.1 is also written for a mailbox that gets too much at once.
        gone = code in _GONE and not (code == "5.2.1" and _POLICY.search(words))
    else:
        gone = not code.startswith(("2", "4")) and _gone_by_words(words)
    return gone, code, words if gone else _named(code, words)


def _gone_by_words(words: str) -> bool:
    """Policy first: what is refused for policy is often called unavailable as well."""
    if _POLICY.search(words) or _FULL.search(words) or re.match(r"(smtp;? ?)?4\d\d\b", words):
        return False
    return bool(_NOBODY.search(words))


def _named(code: str, words: str) -> str:
    about = _ABOUT.get(code.split(".")[1]) if code.startswith("5") and not code.endswith(".0") else None
    return f"({about}) {words}"[:200].rstrip() if about else words
