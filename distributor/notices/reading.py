"""The instant that a notice names, in the languages of the table, read by the importer's reader of dates."""

import re
from datetime import date
from functools import lru_cache

from distributor.embargo import Embargo
from distributor.importing import dates
from distributor.notices.folding import cased, letters
from distributor.notices.table import months, table

_ENGLISH = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_HAN = (
    (re.compile(r"(\d{4})\s*[년.]\s*(\d{1,2})\s*[월.]\s*(\d{1,2})\s*[일.]?(?:\s*\([월화수목금토일月火水木金土日]\))?"), r" \1年\2月\3日 "),
    (re.compile(r"(年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)\s*[(（【]?\s*(?:星期|週|周|礼拜|禮拜)?[一二三四五六日天月火水木金土](?:曜日?)?\s*[)）】]"), r"\1 "),
    (re.compile(r"(年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)\s*(?:星期|週|周)[一二三四五六日天]"), r"\1 "),
    (re.compile("午前|오전"), "上午"),
    (re.compile("午後|오후"), "下午"),
    (re.compile(r"정오|正午"), "中午12時"),
    (re.compile(r"(\d{1,2})\s*시(?:\s*(\d{1,2})\s*분)?"), lambda found: f"{found[1]}時" + (f"{found[2]}分" if found[2] else "")),
    (re.compile(r"[時时點点]正"), "時"),
    (re.compile(r"[時时點点]半"), "時30分"),
)  # fmt: skip
#: `10 Uhr`, `10h`, `10 h 30`, `17 heures`, `10.00 hod.`: the hour with a word, and with nothing else.
_HOUR = re.compile(
    r"(?<![\d:.])(\d{1,2})\s*(?:uhr|h|hrs?|heures?|horas|ore|uur|часов|часа|год|godz|godzin\w*|hod|hodin|klo|ura)\.?\s*(?::?([0-5]\d))?"
    r"(?![\d:])(?=\W|$)",
    re.IGNORECASE,
)
_AFTER_TIME = re.compile(
    r"(\d[:.]\d{2})\s*(?:uhr|h|hrs?|horas|heures|uur|hod|godz|klo|часов|ч|год|ore)\b\.?", re.IGNORECASE
)
_BEFORE_TIME = re.compile(
    r"\b(?:um|a las|alle(?: ore)?|ore|kl|kello|klo|godz|ob|v|saat|om|as|at|в|о|u)\b\.?\s*(?=\d{1,2}[:.]\d\d)",
    re.IGNORECASE,
)
#: A small word after a time that looks like an abbreviation of a zone: `10:00 et seulement`, `10:00 ist`.
_NO_ZONE = re.compile(
    r"(?<=\d)(\s+)(?=(?:et|ist|est|mit|nicht|niet|hat|bit|tot|met|at|st|set|uit|met|dat|det|mot|not|it|but)\b)"
)
_NUMERIC = (
    (re.compile(r"(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?!\d)"), "dmy"),
    (re.compile(r"(?<![\d/.])(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?!\d)"), "ymd"),
    (re.compile(r"(?<![\d/-])(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?!\d)"), "slash"),
)


def certain(text: str, lang: str = "en") -> Embargo:
    """The one instant that `text` names. Raises dates.Doubt with the reason for anything less than certain."""
    return dates.instant(_translated(text, lang, None))[0]


def instant_of(text: str, lang: str = "en", zone: str = "", year: int | None = None) -> Embargo | None:
    """The one instant that `text` names for certain; None for anything less.

    `zone` is read where the text names none, and `year` where its date has none.
    """
    plain = _translated(text, lang, year)
    for said in (plain, *([f"{plain} {zone}"] if zone else [])):
        try:
            return dates.instant(said)[0]
        except dates.Doubt:
            continue
    return None


def date_of(text: str, lang: str = "en", year: int | None = None) -> date | None:
    """The one date of `text`; None where it has none or several."""
    found = re.findall(dates.DATE, _translated(text, lang, year), re.IGNORECASE)
    try:
        days = {dates.written_date(one) for one in found}
    except ValueError:
        return None
    return days.pop() if len(days) == 1 else None


@lru_cache(maxsize=256)
def _translated(text: str, lang: str, year: int | None) -> str:
    """Dates, times and zones of any language of the table as `importing/dates.py` reads them."""
    plain = re.sub(r"[ \t]*\n[ \t]*", " ; ", cased(text))
    for form, zone in table().zones:
        plain = form.sub(f" {zone} ", plain)
    for pattern, instead in _HAN:
        plain = pattern.sub(instead, plain)
    plain = _HOUR.sub(lambda found: f"{found[1]}:{found[2] or '00'}", _AFTER_TIME.sub(r"\1", plain))
    plain = _NO_ZONE.sub(" ; ", _BEFORE_TIME.sub("", plain))
    for pattern, order in _NUMERIC:
        plain = pattern.sub(lambda found, order=order: _numeric(found, order, lang), plain)  # type: ignore[misc]
    return _named(plain, lang, year)


def _numeric(found: re.Match[str], order: str, lang: str) -> str:
    first, second, third = (int(group) for group in found.groups())
    if order == "ymd":
        return f"{first:04}-{second:02}-{third:02}"
    if order == "slash" and lang.split("-", maxsplit=1)[0] == "en" and first <= 12 and second <= 12 and first != second:
        return found[0]  # some read the month first
    day, month = (second, first) if order == "slash" and second > 12 else (first, second)
    return f"{third:04}-{month:02}-{day:02}"


def _named(plain: str, lang: str, year: int | None) -> str:
    """Dates with the name of a month, in English."""
    names = _months(lang.split("-", maxsplit=1)[0].lower())
    form = _dates_with(tuple(sorted(names, key=len, reverse=True)))

    def english(found: re.Match[str]) -> str:
        name = letters(found["name"] or found["name2"] or found["name3"])
        written = found["year"] or found["year2"] or found["year3"] or (str(year) if year else "")
        day = found["day"] or found["day2"] or found["day3"]
        return f" {int(day)} {_ENGLISH[names[name] - 1]} {written} "

    return form.sub(english, plain)


@lru_cache(maxsize=64)
def _dates_with(names: tuple[str, ...]) -> re.Pattern[str]:
    month = "|".join(re.escape(name) for name in names)
    of = r"(?:\s*(?:\.|er|º|o|°|-?го|st|nd|rd|th|-en|-e|e|ta)?\.?\s*(?:,\s*)?(?:de |d'|di |do |of |den |του |ב-?|ל-?)?\s*)"
    after = r"(?:\s*[.,]?\s*(?:de |del |do |d'|года |p\. )?\s*)"
    return re.compile(
        rf"(?<!\d)(?P<day>\d{{1,2}}){of}(?P<name>{month})(?!\w)(?:{after}(?P<year>\d{{4}})(?!\d)|\.?)"
        rf"|(?<!\d)(?P<year2>\d{{4}})\.?\s*(?:m\.|gada|ko)?\s*(?P<name2>{month})\.?\s*(?P<day2>\d{{1,2}})(?!\d)\.?"
        rf"|(?<!\w)(?P<name3>{month})\.?\s+(?P<day3>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(?P<year3>\d{{4}})(?!\d))?",
        re.IGNORECASE,
    )


@lru_cache(maxsize=64)
def _months(lang: str) -> dict[str, int]:
    """Names of months, those of `lang` before others; what two other languages read differently is left out."""
    merged: dict[str, set[int]] = {letters(name): {number} for number, name in enumerate(_ENGLISH, start=1)}
    for other in months().values():
        for name, number in other.items():
            merged.setdefault(name, set()).add(number)
    own = months().get({"nb": "no", "nn": "no"}.get(lang, lang), {})
    return {name: numbers.copy().pop() for name, numbers in merged.items() if len(numbers) == 1} | dict(own)
