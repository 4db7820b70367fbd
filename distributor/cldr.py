"""Dates and writing directions of every language that CLDR knows: the only room of the core that knows Babel."""

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

#: Scripts written from right to left, for languages that CLDR has no locale of (Unicode Bidi_Class R and AL).
_RIGHT_TO_LEFT = frozenset({"Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Mand", "Samr"})
#: A day of the month by itself in a date pattern (UTS 35): not in quotes, not doubled.
_DAY = re.compile(r"'[^']*'|(?<!d)d(?!d)")


def day(when: date, lang: str, form: str = "long", first: str = "") -> str:
    """Write a date in a language.

    `form` is a pattern or the name of one (`long`, `full`; UTS 35); `first` stands for the first of a month,
    as in `1er février`. A language that CLDR does not have gets ISO 8601.
    """
    from babel.dates import format_date

    known = locale(lang)
    if known is None:
        return f"{when:%Y-%m-%d}"
    pattern = known.date_formats[form].pattern if form in known.date_formats else form
    if first and when.day == 1:
        pattern = _DAY.sub(lambda found: f"'{first}'" if found[0] == "d" else found[0], pattern)
    return format_date(when, pattern, known)


@lru_cache(maxsize=200)
def direction(lang: str) -> str:
    """Return `rtl` or `ltr`, for the HTML `dir` attribute."""
    scripts = {part.title() for part in lang.split("-")[1:] if len(part) == 4}
    if scripts:  # the tag says it: `az-Arab`, `ku-Latn`
        return "rtl" if scripts & _RIGHT_TO_LEFT else "ltr"
    known = locale(lang)
    return "rtl" if known and known.character_order == "right-to-left" else "ltr"


def script(lang: str) -> str:
    """Return the script that a language is written in (ISO 15924), as its tag or CLDR's likely subtags say; or nothing."""
    from babel.core import get_global

    parts = lang.split("-")
    if named := next((part.title() for part in parts[1:] if len(part) == 4), ""):
        return named
    likely = get_global("likely_subtags")
    for tag in ("_".join([parts[0], *(part.upper() for part in parts[1:] if len(part) in (2, 3))]), parts[0]):
        if tag in likely:
            return next((part for part in likely[tag].split("_")[1:] if len(part) == 4), "")
    return ""


@lru_cache(maxsize=200)
def locale(lang: str) -> "Locale | None":
    """Return CLDR's locale for a BCP 47 tag or the nearest wider one, None where it has none."""
    from babel import Locale, UnknownLocaleError

    parts = [part for part in lang.split("-") if part != "x"]
    while parts:
        try:
            return Locale.parse("_".join(parts), sep="_")
        except (UnknownLocaleError, ValueError):
            parts.pop()
    return None
