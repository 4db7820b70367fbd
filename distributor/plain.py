"""What may stand in a text field: Unicode text, no control characters, no markup."""

import re
import unicodedata
from collections.abc import Callable

# Directional controls (Unicode TR #9) can show a reader another order than the bytes have.
_BIDI = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"))
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\x85]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]")
# Of what a program prints: C0 without tab and line feed, DEL, C1, separators of lines, embeddings and overrides.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]")
_ELEMENTS = (
    "a abbr address applet area article aside audio b base big blockquote body br button canvas caption center cite "
    "code col data dd del details dialog div dl dt em embed fieldset figcaption figure font footer form frame "
    "frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link main map mark "
    "marquee math menu meta noscript object ol option p param picture pre q s samp script section select small "
    "source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title "
    "tr track tt u ul var video wbr"
)
# A tag of a known element only: `<UPWEST LABS>` is what a writer may well put in a sentence.
_MARKUP = re.compile(rf"</?(?:{'|'.join(_ELEMENTS.split())})(?=[\s/>])[^<>]*>?|<!--|<!doctype", re.IGNORECASE)


def normalize(text: str) -> str:
    """NFC, LF line ends, no byte order mark, no directional controls (they are not needed: every renderer sets
    the direction per paragraph).
    """
    text = _LINE_ENDS.sub("\n", text.replace("\ufeff", ""))
    return unicodedata.normalize("NFC", text.translate(_BIDI))


def control_character(text: str) -> tuple[int, str] | None:
    """The index and the name of the first character that no channel can carry, or None."""
    found = _CONTROL.search(text)
    if not found:
        return None
    return found.start(), f"U+{ord(found[0]):04X}"


def markup(text: str) -> tuple[int, str] | None:
    """The index and the text of the first HTML tag, comment or doctype, or None."""
    found = _MARKUP.search(text)
    return (found.start(), found[0]) if found else None


def visible(text: str, escape: Callable[[str], str] | None = None) -> str:
    r"""The text with its control characters spelled out (`\x1b`), so that it steers no terminal and forges no line.

    Line ends and tabs stay, and so do the isolates that text in two directions needs (Unicode TR #9); overrides do not.
    """
    spell = escape or (lambda found: found.encode("unicode_escape").decode())
    return _UNSEEN.sub(lambda found: spell(found[0]), text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The text as one visible line: line ends and tabs are spaces."""
    return visible(" ".join(text.split()) if any(mark in text for mark in "\n\r\t") else text)


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 delivery`, `2 deliveries`, `1,200 mails`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
