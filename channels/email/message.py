"""The mail itself: headers by our own writer, two parts by the standard library, the same bytes every time.

A mail is a common part with slots, and personal headers in front of it. Nothing in it is longer than 998 bytes a line or
beyond ASCII, but for an address that is so itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import MIMEPart
from email.utils import format_datetime

from distributor.contract import MediaFile
from distributor.mailbox import Mailbox

from . import headers, slots
from .slots import Marks, Slot

_POLICY = policy.SMTP.clone(max_line_length=76)  # RFC 2045 §6.7; the default 78 makes lines that are too long


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What one mail holds for every recipient."""

    sender: Mailbox
    reply_to: Mailbox | None
    subject: str
    date: datetime  #: the planned instant, so that a repeat is recognised by Message-ID and Date
    list_id: str | None
    unsubscribe: str | None  #: a `mailto:` URL; None where each mail has a header of its own
    feedback: str | None  #: Feedback-ID: what a mailbox provider sums complaints up by
    text: str
    html: str
    marks: Marks  #: what stands in `text` and `html` for a recipient's own
    photos: tuple[MediaFile, ...] = ()  #: shown by `cid:` in the HTML

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
            "Feedback-ID": self.feedback or "",  # Google, "Set up feedback loops": the last field is the sender's own
            "Auto-Submitted": "auto-generated",  # RFC 3834 §5: no holiday notices back
        }
        return made + [(name, value, headers.literal(name, value)) for name, value in fixed.items() if value]

    def content(self) -> bytes:
        """The common headers and the body."""
        html = part(self.html, "html", self.marks)
        if self.photos:  # RFC 2387
            shown_in = [html, *(_photo(file, self.sender.domain) for file in self.photos)]
            html = _joined("related", shown_in, '; type="text/html"')
        whole = _joined("alternative", [part(self.text, "plain", self.marks), html])
        return b"".join(line for _, _, line in self.lines()) + whole


def _joined(subtype: str, parts: list[bytes], more: str = "") -> bytes:
    """Several parts as one. `=_` can stand neither in quoted-printable nor in base64 (RFC 2045 §6.7), so no part holds the
    boundary.
    """
    boundary = f"=_{hashlib.sha256(b''.join(parts)).hexdigest()[:32]}"
    kind = headers.literal("Content-Type", f'multipart/{subtype}; boundary="{boundary}"{more}')
    body = b"".join(f"--{boundary}\r\n".encode() + one + b"\r\n" for one in parts) + f"--{boundary}--\r\n".encode()
    return kind + b"\r\n" + body


def cid(file: MediaFile, domain: str) -> str:
    """The name by which the HTML shows a photo that travels in the mail (RFC 2392)."""
    return f"{file.sha256[:24]}@{domain}"


def _photo(file: MediaFile, domain: str) -> bytes:
    made = MIMEPart(policy=_POLICY)
    kind, _, subtype = file.content_type.partition("/")
    made.set_content(
        file.data, kind, subtype, disposition="inline", filename=file.name, cid=f"<{cid(file, domain)}>", cte="base64"
    )
    return made.as_bytes()


def part(text: str, subtype: str, marks: Marks) -> bytes:
    """A text part in the smaller of the two encodings that every server carries; in quoted-printable where it has slots."""
    pieces = marks.split(text)
    if any(isinstance(one, Slot) for one in pieces):
        kind = headers.literal("Content-Type", f'text/{subtype}; charset="utf-8"')
        return (
            kind
            + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            + slots.encoded(pieces, "h" if subtype == "html" else "t")
        )
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
    return f"<{hashlib.sha256(f'{identity}/{recipient}'.encode(errors='surrogatepass')).hexdigest()[:32]}@{domain}>"


def personal(meta: Mapping[str, str], recipient: Mailbox, number: str, unsubscribe: str) -> bytes:
    """The headers that belong to one recipient; ValueError for an address or name that fits no header. `number` is the
    Message-ID; `unsubscribe` is a web address that takes a POST (RFC 8058 §3.1), or empty.
    """
    made = headers.mailbox("To", recipient)
    made += headers.literal("Message-ID", number)
    if unsubscribe:
        mailto = f", <{meta['mailto']}>" if meta.get("mailto") else ""
        made += headers.literal("List-Unsubscribe", f"<{unsubscribe}>{mailto}")
        made += headers.literal("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    return made


def shown(box: Mailbox) -> str:
    """For people: `Name <address>`."""
    return f"{box.name} <{box.address}>" if box.name else box.address
