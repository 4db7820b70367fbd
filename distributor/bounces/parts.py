"""The parts of a mail that came back, taken apart by the standard library. Pure; nothing here trusts what it reads."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32
from email.utils import getaddresses

from distributor.text.said import said

_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_STATUS = ("message/delivery-status", "message/global-delivery-status")
_MESSAGE_ID = re.compile(r"^>? ?message-id:\s*(<[^<>\s]{3,300}>)", re.IGNORECASE | re.MULTILINE)
_LONGEST_ADDRESS = 320  # RFC 3696 §3


class _Short(Compat32):
    """The reading of parameters takes the square of a header's length, so no header is longer than 8 KB."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:8192]


_SHORT = _Short()


def parsed(raw: bytes) -> Message:
    """A mail; the parser of the standard library takes nearly anything for one."""
    return message_from_bytes(raw, policy=_SHORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a delivery report says of one recipient (RFC 3464 §2.3)."""

    address: str
    action: str  #: failed, delayed, delivered, relayed, expanded
    status: str
    diagnostic: str


def header(mail: Message, name: str) -> str:
    """A header's value as one printable line; empty where there is none."""
    return said(str(mail.get(name, "")))


def subject(mail: Message) -> str:
    """The subject with its encoded words read (RFC 2047)."""
    raw = str(mail.get("Subject", ""))[:1000]
    try:
        return said(str(make_header(decode_header(raw))))
    except (ValueError, LookupError):
        return said(raw)


def addresses(mail: Message, *names: str) -> tuple[str, ...]:
    """The addresses in some headers, each once, in their order."""
    values = [str(value)[:10_000] for name in names for value in mail.get_all(name, [])]
    found = [tidy(address) for _, address in getaddresses(values[:50])]
    return tuple(dict.fromkeys(address for address in found if "@" in address))


def tidy(address: str) -> str:
    """An address of a report as one word; empty where it is none that a server takes."""
    word = said(address.rpartition(";")[2]).strip("<> ")
    return word if "@" in word and " " not in word and len(word) <= _LONGEST_ADDRESS else ""


def children(mail: Message) -> Iterator[Message]:
    """The parts of a mail, but nothing that lies in a mail within it: a bounce that somebody forwards is not ours."""
    if mail.get_content_maintype() != "multipart" or not mail.is_multipart():
        yield mail
        return
    for part in mail.get_payload():
        if isinstance(part, Message):
            yield from children(part)


def failures(mail: Message) -> list[Failure]:
    """What the delivery reports in it say, one a recipient."""
    found = []
    for part in children(mail):
        if part.get_content_type() in _STATUS:
            for block in _blocks(part):
                address = next(
                    (t for name in ("Original-Recipient", "Final-Recipient") if (t := tidy(header(block, name)))), ""
                )
                if action := header(block, "Action").partition(" ")[0].casefold():
                    status, diagnostic = header(block, "Status"), header(block, "Diagnostic-Code")
                    found.append(Failure(address=address, action=action, status=status, diagnostic=diagnostic))
    return found


def _blocks(part: Message) -> list[Message]:
    """The groups of fields; the standard library parts those of RFC 3464, and takes RFC 6533's for a mail with a body."""
    payload = part.get_payload()
    if not isinstance(payload, list):
        return []
    blocks = [block for block in payload if isinstance(block, Message)]
    if part.get_content_type() == _STATUS[0]:
        return blocks
    rest = "".join(str(block.get_payload()) for block in blocks)
    return [*blocks, *(message_from_string(text, policy=_SHORT) for text in re.split(r"\n\s*\n", rest)[:100])]


def returned(mail: Message) -> Message | None:
    """The mail, or its headers, that a report gives back (RFC 3462 §2)."""
    for part in children(mail):
        if part.get_content_type() in _RETURNED:
            payload = part.get_payload()
            if isinstance(payload, list) and payload and isinstance(payload[0], Message):
                return payload[0]
            data = part.get_payload(decode=True)
            return parsed(data) if isinstance(data, bytes) else None
    return None


def feedback(mail: Message) -> Message | None:
    """The fields of a complaint (RFC 5965 §3.1), or None."""
    for part in children(mail):
        if part.get_content_type() == "message/feedback-report":
            payload = part.get_payload()
            return payload[0] if isinstance(payload, list) and payload and isinstance(payload[0], Message) else None
    return None


def text(mail: Message) -> str:
    """The first plain text of a mail, at most 64 KB."""
    for part in children(mail):
        if part.get_content_type() == "text/plain":
            data = part.get_payload(decode=True)
            return data[:65536].decode("utf-8", "replace") if isinstance(data, bytes) else ""
    return ""


def message_id(mail: Message) -> str:
    """The Message-ID of what was returned, also where it stands in the text of a report that is none by RFC 3464; or empty."""
    if found := returned(mail):
        return header(found, "Message-ID")
    match = _MESSAGE_ID.search(text(mail))
    return match[1] if match else ""
