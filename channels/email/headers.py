"""Header lines as bytes, by our own rules.

The standard library's refolder turns a long structured header (`List-Unsubscribe`) into encoded-words, which no mail
program reads as a link (CPython #85725). Here only words for people are encoded and folded.
"""

import base64
import re
from collections.abc import Callable, Iterator

from distributor.mailbox import Mailbox, unfit

_WIDTH = 76  #: of a folded line, without its line end (RFC 2047 §2; RFC 5322 §2.1.1 allows 78)
_LONGEST = 998  #: of any line, without its line end (RFC 5322 §2.1.1)
_WORD = 75  #: an encoded-word (RFC 2047 §2)
_PLAIN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")  # RFC 2047 §5 (3)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LONGEST_PHRASE = 50  #: characters of a name that stays as it is; a longer one is encoded, which can be folded


def literal(name: str, value: str) -> bytes:
    """A structured header on one line, never folded or encoded; ValueError when it is not ASCII or too long."""
    line = f"{name}: {_clean(name, value)}"
    if len(line) > _LONGEST:
        raise ValueError(f"{name} has {len(line)} characters; a header line holds {_LONGEST}")
    return line.encode("ascii") + b"\r\n"


def words(name: str, value: str) -> bytes:
    """A header of words (Subject): ASCII folded at its spaces, anything else as encoded-words."""
    value = _clean(name, value)
    parts = value.split(" ")
    plain = value.isascii() and "=?" not in value and "" not in parts and max(map(len, parts)) < _WIDTH - len(name) - 1
    return _folded(name, parts if plain or not value else list(_encoded(name, value)))


def mailbox(name: str, box: Mailbox) -> bytes:
    """A header of one address. A local part beyond ASCII stands as UTF-8 (RFC 6532 §3.2)."""
    if re.search(r"[<>\s]", _clean(name, box.address)):
        raise ValueError(f"{name} holds more than an address: {box.address!r}")
    return _folded(name, [*_phrase(name, _clean(name, box.name)), f"<{box.address}>"])


def _clean(name: str, value: str) -> str:
    """The value, or ValueError: a line break would begin a header of somebody else's choice."""
    if bad := unfit(value):
        raise ValueError(f"{name} holds the control character {bad}")
    return value


def _phrase(name: str, value: str) -> list[str]:
    """A display name as atoms, a quoted string or encoded-words (RFC 5322 §3.2.5)."""
    if not value:
        return []
    if not value.isascii() or "=?" in value or len(value) > _LONGEST_PHRASE:
        return list(_encoded(name, value))
    if _ATOMS.fullmatch(value):
        return value.split(" ")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


def _folded(name: str, parts: list[str]) -> bytes:
    """The parts with one space between, folded before a part that would pass the width."""
    lines = [f"{name}:"]
    for part in parts:
        if len(lines[-1]) + 1 + len(part) > _WIDTH and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {part}"
    return "\r\n".join(lines).encode() + b"\r\n"


def _encoded(name: str, text: str) -> Iterator[str]:
    """RFC 2047 encoded-words of at most 75 characters, in the shorter of the two encodings.

    A character is never split between two words (§5), since each is decoded by itself.
    """
    quoted = "".join(map(_q, text))
    as_q = len(quoted) <= len(text.encode()) * 4 / 3
    size: Callable[[str], int] = (lambda run: len("".join(map(_q, run)))) if as_q else _b_size
    room = min(_WORD, _WIDTH - len(f"{name}: ")) - len("=?utf-8?b??=")
    run = ""
    for character in text:
        if size(run + character) > room:
            yield _word(run, as_q=as_q)
            run = ""
        run += character
    yield _word(run, as_q=as_q)


def _word(run: str, *, as_q: bool) -> str:
    if as_q:
        return f"=?utf-8?q?{''.join(map(_q, run))}?="
    return f"=?utf-8?b?{base64.b64encode(run.encode()).decode()}?="


def _q(character: str) -> str:
    return "".join("_" if b == 0x20 else chr(b) if b in _PLAIN_Q else f"={b:02X}" for b in character.encode())


def _b_size(run: str) -> int:
    return -(-len(run.encode()) // 3) * 4
