"""Mail addresses as a person writes them in a config: `Name <local@domain>`."""

import re
import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from distributor.plain import normalize

_FORM = re.compile(r'(?:"(?P<quoted>[^"<>]*)"|(?P<name>[^"<>]*?))\s*<(?P<address>[^<>]*)>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One address with its display name."""

    address: str  #: the domain in A-labels (RFC 5890), the local part in the case it was written in
    name: str = ""

    @property
    def domain(self) -> str:
        """What stands after the `@`."""
        return self.address.rpartition("@")[2]

    @property
    def needs_smtputf8(self) -> bool:
        """Whether every server on the way has to support SMTPUTF8 (RFC 6531)."""
        return not self.address.isascii()

    @property
    def key(self) -> str:
        """Equal for two spellings that reach the same person: no server in use tells local parts apart by case."""
        return self.address.casefold()


def unfit(text: str) -> str | None:
    """The name of the first character that cannot stand in a header (RFC 5322 §2.2; line ends of Unicode), or None."""
    if text.isascii() and text.isprintable():
        return None
    bad = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), None)
    return f"U+{ord(bad):04X}" if bad else None


def parse(text: str) -> Mailbox:
    """Read `Name <local@domain>` or a bare address; ValueError says what is wrong with it."""
    if bad := unfit(text):
        raise ValueError(f"{text!r} holds the control character {bad}; an address is one line")
    found = _FORM.fullmatch(text.strip())
    if found:
        name = (found["quoted"] if found["quoted"] is not None else found["name"]).strip()
        return Mailbox(address=ascii_domain(found["address"].strip()), name=" ".join(normalize(name).split()))
    return Mailbox(address=ascii_domain(text.strip()))


def ascii_domain(address: str) -> str:
    """The address with its domain in A-labels (RFC 5891 §4.4); ValueError when it is none (RFC 5321 §4.1.2)."""
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError as error:
        raise ValueError(f"'{address}' is not an e-mail address: {error}; write Name <name@domain>") from None
    return f"{found.local_part}@{found.ascii_domain}"
