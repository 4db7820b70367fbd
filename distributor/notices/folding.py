"""One spelling for every way of writing a word: the text as the table of embargo words compares it."""

import html
import re
import unicodedata
from functools import lru_cache

#: Marks that may be left out or added without another word: Latin, Greek and Cyrillic accents (U+0300), Hebrew and
#: Arabic vowel signs, and the selectors of presentation forms.
_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1-\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\ufe00-\ufe0f]"
)
_SAME = {
    "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ς": "σ",
    "ى": "ي", "ی": "ي", "ة": "ه", "ک": "ك", "ٱ": "ا", "ـ": "",
    "’": "'", "‘": "'", "ʼ": "'", "´": "'", "‛": "'", "′": "'",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
}  # fmt: skip
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>]+|(?<=\])\([^()\s]*\)|[^\s<>@]{1,64}@[^\s<>@]{1,255}\.\w{2,24}", re.IGNORECASE
)
#: Emphasis, code, escapes and footnote marks of Markdown, which may stand within a word.
_MARKUP = str.maketrans({"*": None, "`": None, "~": None, "\\": None, "_": " "})
_SPACED = re.compile(r"(?<!\w)\w(?:[ \u00a0]\w){4,}(?!\w)")
_BROKEN = re.compile(r"(?<=[^\W\d_])-[ \t]*\n[ \t]*(?=[^\W\d_])")


class _Folds(dict[int, str]):
    """What stands for a character, found when it is first met. `keep` leaves the case as it is."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if unicodedata.category(char) == "Cf":  # zero width, soft hyphen, directional marks
            made = ""
        elif 0xAC00 <= code <= 0xD7A3:  # a Hangul syllable stays one
            made = char
        elif char.isdecimal():
            made = str(unicodedata.decimal(char))
        else:
            made = self._letters(char)
        self[code] = made
        return made

    def _letters(self, char: str) -> str:
        parts = _MARKS.sub("", unicodedata.normalize("NFKD", char))
        if not self._keep:
            parts = _MARKS.sub("", unicodedata.normalize("NFKD", parts.casefold()))
        same = "".join(_SAME.get(one, _upper(one)) for one in parts)
        return unicodedata.normalize("NFC", same) if char > "\u3000" else same


def _upper(char: str) -> str:
    """`Ø` as `O`; any other character as it is."""
    small = _SAME.get(char.lower()) if char.isupper() else None
    return char if small is None else small.upper()


_FOLDED, _KEPT = _Folds(keep=False), _Folds(keep=True)


def letters(text: str) -> str:
    """Each character as it is compared: no case, accent, width or invisible character; digits in ASCII. Keeps lines."""
    return text.translate(_FOLDED)


@lru_cache(maxsize=64)
def folded(text: str) -> str:
    """A text without Markdown's marks, addresses, letterspacing and hyphens at line ends, in `letters`."""
    plain = unicodedata.normalize("NFC", _unmarked(text).translate(_FOLDED))  # half-width kana come in two
    return _SPACED.sub(lambda found: re.sub(r"\s", "", found[0]), plain)


def cased(text: str) -> str:
    """As `folded`, with the case kept, for who reads names of time zones."""
    return _unmarked(text).translate(_KEPT)


def _unmarked(text: str) -> str:
    text = html.unescape(text) if "&" in text else text
    return _BROKEN.sub("", _ADDRESS.sub(" ", text).translate(_MARKUP))
