"""What is one recipient's own in a mail that is built once for everybody.

A template writes `recipient.name`, and what it gets is a mark. Where the marks came out, the encoded mail has slots, and each
is filled for each recipient in the encoding of its place: a mail for one of a million costs microseconds.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email import quoprimime
from functools import lru_cache
from html import escape

from distributor.errors import ConfigError

NAMES = {"n": "name", "a": "address", "u": "unsubscribe"}  #: letter of the slot → what fills it
_SLOT = re.compile(rb"\x00([nau])([th])")  # a mail holds no NUL: headers refuse it, parts are encoded
_PLAIN = re.compile(r"(?:[!-<>-~](?:[ !-<>-~]{0,68}[!-<>-~])?)?")  #: what quoted-printable leaves as it is


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one value."""

    letter: str


@dataclass(frozen=True, slots=True)
class Marks:
    """What templates get in place of a recipient's own values. `stem` stands nowhere in the release."""

    stem: str

    @classmethod
    def beside(cls, text: str) -> "Marks":
        """Marks that cannot stand in `text`: they hold its hash."""
        return cls(f"q{hashlib.sha256(text.encode()).hexdigest()[:20]}")

    def of(self, name: str) -> str:
        """The mark of `name`, letters and digits only."""
        letter = next(letter for letter, known in NAMES.items() if known == name)
        return f"{self.stem}{letter}z"

    def split(self, text: str) -> list[str | Slot]:
        """The text and its slots in turn. Raises ConfigError where a template changed a mark."""
        parts = re.split(f"{self.stem}([nau])z", text)
        for part in parts[::2]:
            if self.stem in part.casefold():
                raise ConfigError(
                    "a template changes recipient.name, recipient.address or unsubscribe; print it as it is"
                )
        return [Slot(part) if at % 2 else part for at, part in enumerate(parts) if part]

    def filled(self, text: str, values: Mapping[str, str], form: Callable[[str], str] = str) -> str:
        """The text with one recipient's values, for people."""
        return "".join(form(values[NAMES[one.letter]]) if isinstance(one, Slot) else one for one in self.split(text))


def quoted(text: str) -> bytes:
    """Quoted-printable (RFC 2045 §6.7) with CRLF line ends, room for a soft break at its end, and nothing that a mail server
    changes on its way.
    """
    octets = text.encode().decode("latin-1")
    made = quoprimime.body_encode(octets.replace("\r\n", "\n"), maxlinelen=75, eol="\r\n")
    # Some servers write `>From ` at the start of a line (RFC 2049 §3).
    return re.sub(r"^From ", "=46=\r\nrom ", made, flags=re.MULTILINE).encode("ascii")


def encoded(parts: Sequence[str | Slot], form: str) -> bytes:
    """Quoted-printable with slots, each between soft line breaks; `form` is `t`ext or `h`tml."""
    made = b""
    for one in parts:
        if isinstance(one, Slot):
            made += b"" if not made or made.endswith(b"\n") else b"=\r\n"
            made += f"\0{one.letter}{form}=\r\n".encode()
        else:
            made += quoted(one)
    return made


@dataclass(frozen=True, slots=True)
class Opened:
    """A mail without one recipient's own: the common headers, and the body as (bytes, letter, form) in turn."""

    head: bytes
    body: tuple[tuple[bytes, str, str], ...]  #: the last has no slot


@lru_cache(maxsize=64)
def opened(content: bytes) -> Opened:
    """The content, taken apart once."""
    head, _, body = content.partition(b"\r\n\r\n")
    found = _SLOT.split(body)
    letters, forms = ([*(part.decode() for part in found[at::3]), ""] for at in (1, 2))
    return Opened(head=head + b"\r\n", body=tuple(zip(found[::3], letters, forms, strict=True)))


def fill(content: bytes, values: Mapping[str, str]) -> bytes:
    """The body for one recipient."""
    return b"".join(
        part
        for fixed, letter, form in opened(content).body
        for part in (fixed, value(values, letter, form) if letter else b"")
    )


def value(values: Mapping[str, str], letter: str, form: str) -> bytes:
    """One value in quoted-printable, in HTML or plain text; it ends before a soft break."""
    text = values[NAMES[letter]]
    text = escape(text) if form == "h" else text
    return text.encode() if _PLAIN.fullmatch(text) else quoted(text)
