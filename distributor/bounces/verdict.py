"""What a mail that came back says, and of whom. Pure, and never raises: strangers write these mails."""

import re
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from typing import Any

from distributor.bounces import parts
from distributor.bounces.codes import judge
from distributor.mailbox import parse
from distributor.text.said import said

#: Where a mailbox says to which address a mail was really sent.
_ENVELOPE = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
#: RFC 5965 §7.3 and what older reports write. `not-spam` is praise; `auth-failure` (RFC 6591) is about the domain.
_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list", "complaint", ""})
_DAEMON = re.compile(r"(mailer-daemon|postmaster|mail-daemon|mmdf|uucp|mailadm)\b", re.IGNORECASE)
#: A report says what it has to say before it gives our mail back (RFC 3462 §2); the parser's time grows faster than a mail.
_ENOUGH = 256 * 1024
#: Nobody nests so deep but to keep a parser busy.
_MOST_PARTS = 60
_OTHER_FORM = "a bounce in a form of its own: pip install 'press-distributor[bounces]' reads it"


class Kind(StrEnum):
    """What a mail that came back is."""

    hard = "hard"  #: the address is gone for good
    soft = "soft"  #: not delivered, and the address may be good: full, policy, network
    complaint = "complaint"  #: the recipient called it spam (RFC 5965)
    unsubscribe = "unsubscribe"  #: the sender asks to leave (RFC 2369 §3.2)
    other = "other"  #: a warning, an automatic answer, a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one mail says. Every text is one printable line."""

    kind: Kind
    sent_to: tuple[str, ...] = ()  #: one of them may be our bounce address
    addresses: tuple[str, ...] = ()  #: of whom it is said
    code: str = ""  #: RFC 3463
    text: str = ""  #: at most 200 characters
    message_id: str = ""  #: of our mail, as the report gives it back
    automatic: bool = True  #: False: a person wrote it


def read(raw: bytes) -> Verdict:
    """Judge one mail: a delivery report (RFC 3464), a complaint (RFC 5965), a bounce in another form (flufl.bounce, where it is
    installed), a wish to leave (RFC 2369), else other. Never raises: what cannot be read is `other`, and says why.
    """
    try:
        raw = raw[:_ENOUGH]
        low = raw.lower()
        if low.count(b"boundary=") + low.count(b"boundary*") > _MOST_PARTS:
            return Verdict(kind=Kind.other, text="nested too deep to be read")
        mail = parts.parsed(raw)
        facts: dict[str, Any] = {"sent_to": _sent_to(mail), "message_id": parts.message_id(mail)}
        for look in (_complaint, _report, _other_form, _unsubscribe):
            if found := look(mail, raw, facts):
                return found
        automatic = _automatic(mail)
        return Verdict(kind=Kind.other, text=parts.subject(mail)[:200], automatic=automatic, **facts)
    except Exception as error:  # the parser fails in many ways on garbage; the mails after it count
        return Verdict(kind=Kind.other, text=said(f"cannot be read: {type(error).__name__}"))


def _sent_to(mail: Message) -> tuple[str, ...]:
    """Addresses that may be a bounce address of ours: the envelope's, and our mail's own sender where it came back."""
    found = parts.addresses(mail, *_ENVELOPE)
    for inner, name in ((parts.feedback(mail), "Original-Mail-From"), (parts.returned(mail), "Return-Path")):
        found += parts.addresses(inner, name) if inner else ()
    return tuple(dict.fromkeys(found))


def _complaint(mail: Message, _raw: bytes, facts: dict[str, Any]) -> Verdict | None:
    fields = parts.feedback(mail)
    if fields is None:
        return None
    kind = parts.header(fields, "Feedback-Type").casefold()
    if kind not in _COMPLAINTS:
        return Verdict(kind=Kind.other, text=f"feedback: {kind}"[:200], **facts)
    named = parts.addresses(fields, "Original-Rcpt-To", "Removal-Recipient")
    inner = parts.returned(mail)
    named = named or (parts.addresses(inner, "To") if inner else ())
    return Verdict(kind=Kind.complaint, addresses=named, text=kind or "abuse", **facts)


def _report(mail: Message, _raw: bytes, facts: dict[str, Any]) -> Verdict | None:
    """RFC 3464: of several recipients those count that fared worst."""
    found = parts.failures(mail)
    if not found:
        return None
    failed = [one for one in found if one.action.startswith(("fail", "error"))]
    judged = [(one.address, *judge(one.status, one.diagnostic)) for one in failed]
    worst = [one for one in judged if one[1]] or judged
    if not worst:
        first = found[0]
        names = tuple(dict.fromkeys(one.address for one in found if one.address))
        words = f"{first.action} {first.diagnostic}".strip()[:200]
        return Verdict(kind=Kind.other, addresses=names, code=first.status[:11], text=words, **facts)
    _, gone, code, words = worst[0]
    names = tuple(dict.fromkeys(address for address, *_ in worst if address))
    return Verdict(kind=Kind.hard if gone else Kind.soft, addresses=names, code=code, text=words, **facts)


def _other_form(mail: Message, raw: bytes, facts: dict[str, Any]) -> Verdict | None:
    """qmail, Exim and others, as flufl.bounce knows them; only of a mail that a mail system wrote, so that nobody's words count."""
    if not (mail.get("X-Failed-Recipients") or (_by_daemon(mail) and _automatic(mail))):
        return None
    try:
        from flufl.bounce import all_failures
    except ImportError:
        return Verdict(kind=Kind.other, text=_OTHER_FORM, **facts)
    # Its patterns take the square of a line's length.
    short = b"\n".join(line[:500] for line in raw[:65536].split(b"\n"))
    temporary, permanent = all_failures(parts.parsed(short))
    names = sorted({parts.tidy(one.decode("utf-8", "replace")) for one in permanent or temporary} - {""})
    if not names:
        return None
    if not permanent:
        return Verdict(kind=Kind.other, addresses=tuple(names), text="delayed", **facts)
    gone, code, words = judge("", _about(parts.text(mail), names[0]))
    return Verdict(kind=Kind.hard if gone else Kind.soft, addresses=tuple(names), code=code, text=words, **facts)


def _about(text: str, address: str) -> str:
    """What the report says under an address: its own line and the next ones up to our mail."""
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if address.casefold() in line.casefold()), 0)
    block: list[str] = []
    for line in lines[first : first + 8]:
        if line.startswith("--"):
            break
        block.append(line.strip())
    return " ".join(block).replace(f"<{address}>:", "").strip()


def _unsubscribe(mail: Message, _raw: bytes, facts: dict[str, Any]) -> Verdict | None:
    """RFC 2369 §3.2: `mailto:…?subject=unsubscribe`, written by somebody and not by a machine's answer."""
    if parts.subject(mail).strip().casefold() != "unsubscribe" or _automatic(mail):
        return None
    senders = parts.addresses(mail, "From")
    try:
        address = parse(senders[0]).address if len(senders) == 1 else ""
    except ValueError:
        address = ""
    if not address or address[0] in "=+-@":  # a spreadsheet opens the list, and takes these for a formula
        return None
    return Verdict(kind=Kind.unsubscribe, addresses=(address,), text="asked by mail", automatic=False, **facts)


def _by_daemon(mail: Message) -> bool:
    sender = parts.addresses(mail, "From")
    return parts.header(mail, "Return-Path") == "<>" or bool(sender and _DAEMON.match(sender[0]))


def _automatic(mail: Message) -> bool:
    """Whether a machine wrote it: RFC 3834 §5, the empty return path (RFC 5321 §4.5.5), and what mail programs add."""
    submitted = parts.header(mail, "Auto-Submitted").partition(";")[0].strip().casefold()
    return (
        submitted not in ("", "no")
        or parts.header(mail, "Precedence").casefold() in ("auto_reply", "bulk", "junk", "list")
        or any(mail.get(name) for name in ("X-Auto-Response-Suppress", "X-Autoreply", "X-Autorespond"))
        or _by_daemon(mail)
    )
