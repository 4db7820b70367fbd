"""The languages of the desk: catalogs in `locale/`, read when the desk starts; a file more is a language more."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

_FOLDER = Path(__file__).parent / "locale"
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Speech:
    """One language of the interface."""

    lang: str
    _catalog: NullTranslations

    @classmethod
    def of(cls, lang: str) -> "Speech":
        """The language, or English where there is no catalog for it."""
        return _speech(lang if lang in languages() else ENGLISH)

    def say(self, text: str) -> str:
        """The text in this language; as it is where nobody translated it."""
        return self._catalog.gettext(text) if text else ""


@cache
def languages() -> tuple[str, ...]:
    """Language tags (BCP 47) that the interface speaks."""
    found = sorted(path.parent.parent.name.replace("_", "-") for path in _FOLDER.glob("*/LC_MESSAGES/desk.po"))
    return (ENGLISH, *found)


@cache
def _speech(lang: str) -> Speech:
    if lang == ENGLISH:
        return Speech(lang, NullTranslations())
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    made = io.BytesIO()
    with (_FOLDER / lang.replace("-", "_") / "LC_MESSAGES" / "desk.po").open("rb") as source:
        write_mo(made, read_po(source))
    made.seek(0)
    return Speech(lang, GNUTranslations(made))


def choose(wanted: Iterable[str]) -> str:
    """The first of some language tags that the interface speaks; a `zh-HK` reads Traditional Chinese."""
    regions = {"zh-HK": "zh-Hant", "zh-TW": "zh-Hant", "zh-MO": "zh-Hant"}
    for tag in wanted:
        for known in languages():
            if regions.get(tag, tag).casefold().startswith(known.casefold()):
                return known
    return ENGLISH


def accepted(header: str) -> list[str]:
    """The tags of an Accept-Language header (RFC 9110 §12.5.4), as they stand: browsers sort them."""
    return [part.partition(";")[0].strip() for part in header[:200].split(",")]
