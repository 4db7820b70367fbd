"""The mail itself: headers by our own writer, two parts by the standard library, the same bytes every time.

A mail is a common part and two personal headers in front of it. Nothing in it is longer than 998 bytes a line or
beyond ASCII, but for an address that is so itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import MIMEPart
from email.utils import format_datetime

from distributor.mailbox import Mailbox

from . import headers

_POLICY = policy.SMTP.clone(max_line_length=76)  # RFC 2045 §6.7; the default 78 makes lines that are too long


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What one mail holds for every recipient."""

    sender: Mailbox
    reply_to: Mailbox | None
    subject: str
    date: datetime  #: the planned instant, so that a repeat is recognised by Message-ID and Date
    list_id: str | None
    unsubscribe: str | None  #: a `mailto:` URL
    text: str
    html: str

    def lines(self) -> list[tuple[str, str, bytes]]:
        """The common headers: name, value for people, bytes. Raises ValueError for a value that fits no header."""
        made = [("From", shown(self.sender), headers.mailbox("From", self.sender))]
        if self.reply_to:
            made.append(("Reply-To", shown(self.reply_to), headers.mailbox("Reply-To", self.reply_to)))
        made.append(("Subject", self.subject, headers.words("Subject", self.subject)))
        fixed = {
            "Date": format_datetime(self.date),
            "MIME-Version": "1.0",
            "List-Id": f"<{self.list_id}>" if self.list_id else "",  # RFC 2919
            "List-Unsubscribe": f"<{self.unsubscribe}>" if self.unsubscribe else "",  # RFC 2369 §3.2
            "Auto-Submitted": "auto-generated",  # RFC 3834 §5: no holiday notices back
        }
        return made + [(name, value, headers.literal(name, value)) for name, value in fixed.items() if value]

    def content(self) -> bytes:
        """The common headers and the body."""
        parts = [part(self.text, "plain"), part(self.html, "html")]
        # `=_` can stand neither in quoted-printable nor in base64 (RFC 2045 §6.7), so no part holds the boundary.
        boundary = f"=_{hashlib.sha256(b''.join(parts)).hexdigest()[:32]}"
        kind = headers.literal("Content-Type", f'multipart/alternative; boundary="{boundary}"')
        body = b"".join(f"--{boundary}\r\n".encode() + one + b"\r\n" for one in parts) + f"--{boundary}--\r\n".encode()
        return b"".join(line for _, _, line in self.lines()) + kind + b"\r\n" + body


def part(text: str, subtype: str) -> bytes:
    """A text part in the smaller of the two encodings that every server carries."""
    made = {cte: _part(text, subtype, cte) for cte in ("quoted-printable", "base64")}
    if b"\nFrom " in made["quoted-printable"]:  # some servers write `>From ` there (RFC 2049 §3)
        return made["base64"]
    return min(made.values(), key=len)


def _part(text: str, subtype: str, cte: str) -> bytes:
    made = MIMEPart(policy=_POLICY)
    made.set_content(text, subtype=subtype, charset="utf-8", cte=cte)
    return made.as_bytes()


def message_id(identity: str, recipient: str, domain: str) -> str:
    """The same for every attempt of one delivery, different for every other delivery."""
    return f"<{hashlib.sha256(f'{identity}/{recipient}'.encode()).hexdigest()[:32]}@{domain}>"


def personal(meta: Mapping[str, str], recipient: Mailbox) -> bytes:
    """The headers that belong to one recipient; ValueError for an address or name that fits no header."""
    to = headers.mailbox("To", recipient)
    number = message_id(meta["identity"], recipient.address, meta["sender"].rpartition("@")[2])
    return to + headers.literal("Message-ID", number)


def shown(box: Mailbox) -> str:
    """For people: `Name <address>`."""
    return f"{box.name} <{box.address}>" if box.name else box.address
