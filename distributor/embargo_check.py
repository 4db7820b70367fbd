"""What a release says of an embargo in its words, held against the embargo that it has: findings of preflight.

The rule: a text that speaks of an embargo and has none never goes out unasked, however the release came to be.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import Enum

from pydantic import BaseModel

from distributor import agreed, embargo, notices
from distributor.contract import Finding, Severity
from distributor.embargo import Embargo
from distributor.importing.dateline import opening
from distributor.markdown import parsed
from distributor.notices import Notice
from distributor.release import LanguageVersion, Release

#: Fields that hold no words of an author: names in machine form, addresses, and what is about the embargo itself.
_NO_WORDS = frozenset(
    {
        "id", "lang", "url", "email", "phone", "file", "sha256", "lei", "isin", "code", "scheme", "exchange", "ticker",
        "style", "kind", "urgency", "embargo_note", "no_embargo", "approvals", "channels", "lists", "tags",
    }
)  # fmt: skip
_MOST = 5
#: Warnings that no page may fold away.
MUST_BE_SEEN = frozenset({"embargo-none-said", "embargo-unread", "embargo-broken"})
#: The date line of the earth: a day that has begun nowhere yet lies in the future (UTC+14, Kiritimati).
_FIRST_MIDNIGHT = timedelta(hours=14)
Place = tuple[str, str | None]  #: the field, and the language of its text


def check(release: Release, lift: datetime | None, now: datetime) -> Iterator[Finding]:
    """Findings on words of an embargo and on a dateline of another day. `lift`: when it goes out, where that is fixed."""
    if release.embargoed_until and release.no_embargo:
        yield _finding(
            "embargo-contradiction",
            f"it says that there is no embargo ('{release.no_embargo[:60]}'), and it has one: take one of the two out",
            "no_embargo",
        )
    found = _said(release)
    broken = release.broken_embargo
    if release.embargoed_until is None:
        yield from _without(release, found)
    else:
        yield from _compared(release, broken.until if broken else release.embargoed_until, found)
    if broken and release.embargoed_until:
        text = agreed.broken_words(release.embargoed_until, broken.until, broken.reason)
        yield _finding("embargo-broken", text, "embargoed_until", Severity.warning)
    yield from _datelines(release, lift or now)


def _finding(code: str, text: str, field: str, severity: Severity = Severity.error, lang: str | None = None) -> Finding:
    return Finding(severity=severity, code=code, text=text, field=field, lang=lang)


def _said(release: Release) -> list[tuple[Place, Notice]]:
    """Every notice of the release, those that two languages share once."""
    seen: dict[tuple[str, str], tuple[Place, Notice]] = {}
    for (field, lang), text in _texts(release):
        for notice in notices.find(text):
            seen.setdefault((field, notice.words), ((field, lang), notice))
    return list(seen.values())


def _texts(release: Release) -> Iterator[tuple[Place, str]]:
    for language in release.languages:
        yield from (((field, language.lang), text) for field, text in _strings(language))
    facts = {name: value for name, value in release if name != "languages"}
    yield from (((field, None), text) for field, text in _strings(facts))


def _strings(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text within a value, by its field as it stands in the file: `media[0].caption`."""
    if isinstance(value, str):
        if not isinstance(value, Enum):
            yield path, value
    elif isinstance(value, tuple | list):
        for index, one in enumerate(value):
            yield from _strings(one, f"{path}[{index}]")
    elif isinstance(value, BaseModel | Mapping):
        for name, one in value.items() if isinstance(value, Mapping) else value:
            if name not in _NO_WORDS:
                yield from _strings(one, f"{path}.{name}" if path else str(name))


def _without(release: Release, found: list[tuple[Place, Notice]]) -> Iterator[Finding]:
    """A release without an embargo: what speaks of one is an error, or answered by the author."""
    if release.no_embargo:
        where = ", ".join(dict.fromkeys(field for (field, _lang), _notice in found))
        about = f"; the text speaks of one in {where}" if where else ""
        text = f"the author says that there is no embargo: {release.no_embargo}{about}"
        yield _finding("embargo-none-said", text, "no_embargo", Severity.warning)
        return
    for (field, lang), notice in found[:_MOST]:
        read = notices.instant_of(notice.passage, lang or release.main.lang)
        right = _written(read) if read else embargo.EXAMPLE
        text = (
            f"this speaks of an embargo, and the release has none: '{notice.words}'. Write embargoed_until: {right}, "
            'or, where no embargo is meant, no_embargo: "why not"'
        )
        yield _finding("embargo-unclear", text, field, lang=lang)
    if release.embargo_note and not found:
        text = (
            f"the release speaks of an embargo ('{release.embargo_note[:60]}') but has none: set embargoed_until, "
            f"written as {embargo.EXAMPLE}, or take embargo_note out where there is no embargo"
        )
        yield _finding("embargo-unclear", text, "embargoed_until")


def _written(found: Embargo) -> str:
    return f"{found.local():%Y-%m-%d %H:%M} {found.zone}" if "/" in found.zone else str(found)


def _compared(release: Release, lift: Embargo, found: list[tuple[Place, Notice]]) -> Iterator[Finding]:
    """A release with an embargo: the words have to name the same instant."""
    for (field, lang), notice in found[:_MOST]:
        same = _names(notice.passage, lift, release.display_zones, lang or release.main.lang)
        if same is False:
            text = f"the text names another embargo than {lift.spelled()}: '{notice.words}'. Change one of the two"
            yield _finding("embargo-differs", text, field, lang=lang)
        elif same is None:
            text = (
                f"the text speaks of an embargo whose time could not be read: '{notice.words}'. Compare it with "
                f"{lift.spelled()}; everybody reads these words when it is out"
            )
            yield _finding("embargo-unread", text, field, Severity.warning, lang=lang)
    if release.embargo_note and _names(release.embargo_note, lift, release.display_zones, release.main.lang) is False:
        text = f"the note names another embargo than {lift.spelled()}: '{release.embargo_note[:90]}'. Change one of the two"
        yield _finding("embargo-differs", text, "embargo_note")


def _names(passage: str, lift: Embargo, zones: Iterable[str], lang: str) -> bool | None:
    """Whether a passage names the instant of the embargo; None where that cannot be told. A time without a zone is read in
    the embargo's own zone, in UTC and in those that the release shows; a date without a year has the embargo's.
    """
    shown = dict.fromkeys((lift.zone, "UTC", *zones))
    years = {zone: lift.instant.astimezone(embargo.zone_of(zone)).year for zone in shown}
    if read := notices.instant_of(passage, lang, year=years[lift.zone]):
        return read.instant == lift.instant
    read_in = [one for zone in shown if (one := notices.instant_of(passage, lang, zone, years[zone]))]
    if read_in:
        return any(one.instant == lift.instant for one in read_in)
    day = notices.date_of(passage, lang, years[lift.zone])
    if day is None:
        return None
    return None if day in {lift.instant.astimezone(embargo.zone_of(zone)).date() for zone in shown} else False


def _datelines(release: Release, lift: datetime) -> Iterator[Finding]:
    """A dateline of a day that has begun nowhere when the release goes out."""
    latest = (lift + _FIRST_MIDNIGHT).date()
    seen: set[date] = set()
    for text in release.languages:
        for field, day in _days(text):
            if day > latest and day not in seen:
                seen.add(day)
                words = (
                    f"the dateline says {day.isoformat()}, and it goes out on {embargo.spell(lift, release.zone)}: "
                    "set embargoed_until to that day, or the dateline's date right"
                )
                severity = Severity.warning if release.broken_embargo else Severity.error
                yield _finding("dateline-future", words, field, severity, lang=text.lang)


def _days(text: LanguageVersion) -> Iterator[tuple[str, date]]:
    if text.dateline and text.dateline.date:
        yield "dateline.date", text.dateline.date
    first = next(iter(parsed(text.body).paragraphs), "")
    if (printed := opening(first, first=True)) and (day := printed.fields.get("date")):
        yield "body", date.fromisoformat(day)
