"""The fixed words of a release in its language, and how it writes dates: one file per language in templates/words/.

A file of the site's own adds a language or changes some words of one that is shipped; docs/release.md shows it.
"""

import os
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from distributor import cldr
from distributor.embargo import letters, spell, zone_of
from distributor.errors import ConfigError, Problem, nearest
from distributor.site import BUILT_IN

FOLDER = "words"
#: The template folders of the program itself.
SHIPPED = (BUILT_IN / "templates",)
#: Chinese is written in two scripts, which its regions imply (CLDR, likely subtags).
_SCRIPTS = {"zh": "Hans", "zh-CN": "Hans", "zh-SG": "Hans", "zh-MY": "Hans", "zh-HK": "Hant", "zh-TW": "Hant", "zh-MO": "Hant", "yue": "Hant"}  # fmt: skip
#: Forms that only some languages have: how the first of a month is written, and what stands for "de " before a vowel.
_OPTIONAL = {"first": "", "elided": ""}
_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
#: A phone number as `+971 4 555 0100` or `(852) 2555-0142`; a range of years is none, and a tag is passed over.
_PHONE = re.compile(
    r"<[^>]{0,2000}>|(?:\+\d[\d()]{0,15}(?:[ \u00a0-][\d()]{1,15}){1,8}|\(?\d[\d()]{0,15}(?:[ \u00a0-][\d()]{1,15}){2,8})"
)
_VOWEL = re.compile("[aeiouyàâäæéèêëîïôöœùûü]", re.IGNORECASE)
_PARAGRAPH = re.compile(r"(<(?:p|li|h[1-6]|td|th))>((?:[^<]|<(?!/?(?:p|li|h[1-6]|td|th|ul|ol)\b))*)")
_TAGS = re.compile("<[^>]*>")
#: Hebrew, Arabic, Syriac, Thaana, N'Ko and their presentation forms.
_FROM_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")

direction = cldr.direction


def of(lang: str, issuer: str = "", folders: Sequence[Path] = SHIPPED) -> Mapping[str, str]:
    """Return the words for a language tag (BCP 47), English where the language has none.

    `folders` are the site's template folders, its own first. Raises ConfigError for a file that cannot be used.
    """
    spoken = _spoken(lang, tuple(folders), _stamps(lang, folders))
    name, elided = isolated(issuer, spoken["direction"]), spoken["elided"] and _VOWEL.match(issuer)
    return {
        key: (text.replace("de {issuer}", f"{spoken['elided']}{{issuer}}") if elided else text).replace(
            "{issuer}", name
        )
        for key, text in spoken.items()
    }


def known(lang: str, folders: Sequence[Path] = SHIPPED) -> bool:
    """Return whether there are words for a language, not only English ones."""
    return any(path.is_file() for tag in _chain(lang) for path in _files(tag, folders))


def day(when: date, lang: str, folders: Sequence[Path] = SHIPPED) -> str:
    """Write a date as releases in a language write it: `5 March 2030`, `1er février 2027`, `2030年3月5日`."""
    spoken = _spoken(lang, tuple(folders), _stamps(lang, folders))
    return cldr.day(when, lang, spoken["date"], spoken["first"])


def embargo(instant: datetime, zone: str, lang: str, folders: Sequence[Path] = SHIPPED) -> str:
    """Write an embargo in a language, with its wall time and zone and in UTC."""
    spoken = of(lang, "", folders)
    return spoken["embargo"].replace("{when}", _moment(instant, zone, lang, spoken))


def dateline(spoken: Mapping[str, str], place: str, when: str, form: str = "dateline") -> tuple[str, str, str]:
    """Return what stands before the place, the place, and what stands after it, with the date in it."""
    before, _, after = spoken[form].partition("{place}")
    return before.replace("{date}", when), isolated(place, spoken["direction"]), after.replace("{date}", when)


def both_ways(text: str, towards: str) -> str:
    """In text or HTML from right to left, keep the order of phone numbers, and of paragraphs in a language from left to right."""
    if towards != "rtl":
        return text
    turned = _PARAGRAPH.sub(
        lambda found: f'{found[1]} dir="ltr">{found[2]}' if _from_left(found[2]) else found[0], text
    )
    return _PHONE.sub(lambda found: found[0] if found[0].startswith("<") else ltr(found[0], towards), turned)


def _from_left(html: str) -> bool:
    shown = _TAGS.sub("", html)
    return bool(_LATIN.search(shown)) and not _FROM_RIGHT.search(shown)


def isolated(text: str | None, towards: str) -> str:
    """In text from right to left, keep a name of Latin letters together with its punctuation (FSI … PDI, UAX #9)."""
    return f"\u2068{text}\u2069" if text and towards == "rtl" and _LATIN.search(text) else text or ""


def ltr(text: str | None, towards: str) -> str:
    """In text from right to left, keep the order of a phone number or an address (LRI … PDI, UAX #9)."""
    return f"\u2066{text}\u2069" if text and towards == "rtl" else text or ""


def _moment(instant: datetime, zone: str, lang: str, spoken: Mapping[str, str]) -> str:
    if not spoken["moment"]:  # English: as everywhere in the program
        return spell(instant, zone)
    local, utc, towards = instant.astimezone(zone_of(zone)), instant.astimezone(UTC), spoken["direction"]
    form = "%H:%M:%S" if local.second else "%H:%M"
    there = letters(local, zone)
    if zone != "UTC":
        other = cldr.day(utc.date(), lang, "long", spoken["first"]) if utc.date() != local.date() else ""
        there += f" ({spoken['comma'].join(part for part in (other, ltr(f'{utc:{form}} UTC', towards)) if part)})"
    shown = {
        "{date}": cldr.day(local.date(), lang, "full", spoken["first"]),
        "{time}": f"{local:{form}}",
        "{zone}": there,
    }
    return re.sub(r"\{(?:date|time|zone)\}", lambda found: shown[found[0]], spoken["moment"])


@lru_cache(maxsize=200)
def _chain(lang: str) -> tuple[str, ...]:
    """From the widest tag with words to the tag itself: `pt-PT` → pt, pt-PT (RFC 4647 §3.4, lookup)."""
    parts = lang.split("-")
    script = _SCRIPTS.get("-".join(parts[:2])) or _SCRIPTS.get(parts[0])
    written = next((part.title() for part in parts[1:] if len(part) == 4), script)
    wider = ["-".join(parts[:length]) for length in range(1, len(parts) + 1)]
    if parts[0] in ("zh", "yue"):
        wider = [f"zh-{written}", *wider[1:]]
    return tuple(dict.fromkeys(wider))


def _files(tag: str, folders: Sequence[Path]) -> list[Path]:
    """The files of one tag, the built-in before the site's own."""
    return [folder / FOLDER / f"{tag}.toml" for folder in reversed(folders)] if _TAG.fullmatch(tag) else []


def _stamps(lang: str, folders: Sequence[Path]) -> tuple[tuple[int, int] | None, ...]:
    """When the files of a language changed: a page is made a thousand times, a file is written once a year."""
    return tuple(_stamp(str(path)) for tag in _chain(lang) for path in _files(tag, folders))


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  on the hot path
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=200)
def _spoken(lang: str, folders: tuple[Path, ...], _changed: object) -> Mapping[str, str]:
    """All words of a language in front of the English ones; with the forms that its dates have in CLDR where it has no file."""
    found = {**_OPTIONAL, **_english()}
    own = [path for tag in _chain(lang) for path in _files(tag, folders) if path.is_file()]
    if not own and not lang.startswith("en"):
        found["date"] = "long"
    for path in own:
        found |= _read(path, found.keys())
    return {**found, "direction": cldr.direction(lang)}


@lru_cache(maxsize=1)
def _english() -> Mapping[str, str]:
    return _read(BUILT_IN / "templates" / FOLDER / "en.toml", None)


def _read(path: Path, right: Collection[str] | None) -> dict[str, str]:
    """The words of one file; ConfigError names file, section and key, and the nearest of what is `right`."""
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(Problem(text=f"cannot be read as TOML: {error}", file=str(path))) from None
    found = {}
    for section, words in sections.items():
        if not isinstance(words, dict):
            raise ConfigError(
                Problem(text="write it under a section, such as [release]", file=str(path), field=section)
            )
        for key, text in words.items():
            field = f"[{section}] {key}"
            if right is not None and key not in right:
                problem = f"there is no word of this name{nearest(key, right)}"
                raise ConfigError(Problem(text=problem, file=str(path), field=field))
            if not isinstance(text, str):
                raise ConfigError(Problem(text='write it in quotes, as in "Photo"', file=str(path), field=field))
            found[key] = text
    return found
