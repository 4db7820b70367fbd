"""Whether each language version is in its language, and has fixed words: findings of preflight."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import regex

from distributor import cldr, words
from distributor.contract import Finding, Severity
from distributor.release import LanguageVersion, Release

#: Scripts by their name in Unicode, of languages that are written in more than one (ISO 15924 has one code for each mix).
_MIXED = {
    "Jpan": r"\p{Han}\p{Hiragana}\p{Katakana}",
    "Kore": r"\p{Hangul}\p{Han}",
    "Hans": r"\p{Han}\p{Bopomofo}",
    "Hant": r"\p{Han}\p{Bopomofo}",
}
_SCRIPT = r"\p{{Script={}}}"
#: Letters of another script that are no name or abbreviation any more.
_MANY = 8
#: A headline of fewer letters may be a name that reads the same in two languages.
_LONG = 20


def check(release: Release, folders: Sequence[Path] | None = None) -> Iterator[Finding]:
    """Find headlines in another language than their version's, and languages without fixed words.

    `folders` are the site's template folders; the shipped ones where none are given.
    """
    for text in release.languages:
        if not words.known(text.lang, folders or words.SHIPPED):
            yield _unspoken(text)
        if other := _copied(text, release):
            said = f"the {text.lang} version has the headline of the {other.lang} version: translate it"
            yield _error("headline-untranslated", said, text)
        elif strange := _strange(text):
            yield _error("headline-language", strange, text)


def _unspoken(text: LanguageVersion) -> Finding:
    said = (
        f"there are no fixed words in '{text.lang}': mails and pages say 'FOR IMMEDIATE RELEASE' and the like in English; "
        f"add templates/words/{text.lang}.toml to the site (a copy of the shipped en.toml, translated)"
    )
    return Finding(severity=Severity.warning, code="words-missing", text=said, field="lang", lang=text.lang)


def _error(code: str, said: str, text: LanguageVersion) -> Finding:
    return Finding(severity=Severity.error, code=code, text=said, field="headline", lang=text.lang)


def _copied(text: LanguageVersion, release: Release) -> LanguageVersion | None:
    """The version whose headline this one still has. Two varieties of one language may well share it."""
    if text is release.main or sum(map(str.isalpha, text.headline)) < (_LONG if text.headline.isascii() else _MANY):
        return None
    own = text.lang.split("-")[0]
    for other in release.languages:
        if other is text:
            return None
        if other.lang.split("-")[0] != own and _plain(other.headline) == _plain(text.headline):
            return other
    return None


def _plain(headline: str) -> str:
    return " ".join(headline.casefold().split())


def _strange(text: LanguageVersion) -> str:
    """What is wrong with the script of a headline: it has many letters, and none of those that its language is written in."""
    script = cldr.script(text.lang)
    if not script:
        return ""
    letters = "".join(one for one in text.headline if one.isalpha())
    try:
        own = regex.search(f"[{_MIXED.get(script) or _SCRIPT.format(script)}]", letters)
    except regex.error:  # a script that Unicode has no letters of
        return ""
    if own or len(letters) < (_MANY if letters.isascii() else 2):
        return ""
    return f"the headline of the {text.lang} version is not written in the script of '{text.lang}': translate it, or mend 'lang'"
