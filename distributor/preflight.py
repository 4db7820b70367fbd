"""What a wire editor would say about a release before it goes: findings on its facts and words."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from distributor import embargo, embargo_check, language_check
from distributor.contract import Finding, Severity
from distributor.importing import LOST_LINK, DroppedLine
from distributor.markdown import parsed
from distributor.plain import normalize
from distributor.release import LanguageVersion, Release

_PLACEHOLDER = re.compile(r"\b(TKTK|TK|XXX+|lorem ipsum|TBC|TBD)\b|\[(?:insert|name|date)[^\]]{0,200}\]", re.IGNORECASE)
_LOST_LINK = re.compile(
    r"\b(?:available at|visit|read more at|see|click|here|website at|at:)\s*[.,;](?=\s|$)", re.IGNORECASE
)


def check(
    release: Release, now: datetime, lift: datetime | None = None, folders: Sequence[Path] | None = None
) -> list[Finding]:
    """Every finding on the release itself, the most severe first. `lift`: when it goes out, where that is fixed;
    `folders`: the site's templates, where its fixed words lie.
    """
    found = [*embargo_check.check(release, lift, now), *_facts(release, now), *language_check.check(release, folders)]
    for text in release.languages:
        found += (replace(one, lang=text.lang) for one in _words(text, main=text is release.main))
    order = list(Severity)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def imported(dropped: Iterable[DroppedLine]) -> list[Finding]:
    """Findings on what an import had to leave out."""
    return [
        _warning("link-lost", f"line {line.line}: a link was lost: '{line.text[-60:]}'", "links")
        for line in dropped
        if line.reason == LOST_LINK
    ]


def _error(code: str, text: str, field: str | None = None) -> Finding:
    return Finding(severity=Severity.error, code=code, text=text, field=field)


def _warning(code: str, text: str, field: str | None = None) -> Finding:
    return Finding(severity=Severity.warning, code=code, text=text, field=field)


def _note(code: str, text: str, field: str | None = None) -> Finding:
    return Finding(severity=Severity.note, code=code, text=text, field=field)


def _facts(release: Release, now: datetime) -> Iterator[Finding]:
    lift = release.embargoed_until
    if lift is None:
        yield _note("embargo-missing", "no embargo: it goes out at the moment it is scheduled for", "embargoed_until")
    else:
        if lift.instant <= now:
            yield _warning("embargo-past", f"the embargo was over on {lift.spelled()}", "embargoed_until")
        if warning := embargo.zone_warning(lift.zone):
            yield _warning("zone-abbreviation", warning, "embargoed_until")
        if lift.instant > now + timedelta(days=3650):
            yield _warning("embargo-far", f"the embargo ends only on {lift.spelled()}", "embargoed_until")
    if not any(release.media_contacts()):
        yield _error("contact-missing", "no press contact: add contacts with an email or a phone", "contacts")
    for listing in release.issuer.listings:
        if not listing.isin:
            yield _note("isin-missing", f"{listing.exchange}:{listing.ticker} has no ISIN", "issuer.listings")
    if release.issuer.listings and release.regulatory is None:
        yield _warning(
            "regulatory-missing", "a listed issuer should say whether this is inside information", "regulatory"
        )
    if release.issuer.name == "Unknown issuer":
        yield _error("issuer-unknown", "the importer found no issuer: say who is responsible", "issuer.name")


def _words(text: LanguageVersion, *, main: bool) -> Iterator[Finding]:
    yield from _headline(text)
    if text.dateline is None:
        yield _warning("dateline-missing", f"no dateline ({text.lang}): add dateline with a city", "dateline")
    if not text.summary:
        yield _note("summary-missing", f"no summary ({text.lang}): feeds and mail use the first paragraph", "summary")
    elif len(text.summary.split()) > 45:
        yield _warning(
            "summary-long", f"the summary has {len(text.summary.split())} words; keep it under 45", "summary"
        )
    if not text.boilerplate and main:
        yield _note("boilerplate-missing", "no boilerplate: editors expect an 'About' paragraph", "boilerplate")
    if text.lang == "zh":
        yield _warning("language-bare", "'zh' does not say which script: write zh-Hant or zh-Hans", "lang")
    for quote in text.quotes:
        if not quote.title:
            yield _note("speaker-untitled", f"{quote.speaker} is quoted without a title", "body")
    yield from _media(text)
    yield from _body(text)


def _headline(text: LanguageVersion) -> Iterator[Finding]:
    length = len(text.headline)
    if length > 110:
        more = "" if text.short_headline else "; a short_headline serves posts and text messages"
        yield _warning(
            "headline-long", f"the headline has {length} characters; editors and search cut after 110{more}", "headline"
        )
    if length > 15 and len(re.findall("[A-Z]", text.headline)) > 1 and not re.search("[a-z]", text.headline):
        yield _warning("headline-capitals", "the headline is all capitals; wires refuse that", "headline")
    if text.headline.endswith(("!", "！")):
        yield _warning(
            "headline-exclamation", "the headline ends with an exclamation mark; wires refuse that", "headline"
        )


def _media(text: LanguageVersion) -> Iterator[Finding]:
    captions: set[str] = set()
    for index, media in enumerate(text.media):
        field = f"media[{index}]"
        if not (media.file or media.url):
            yield _error(
                "media-file-missing", "no file: put the photo beside the release and add 'file:'", f"{field}.file"
            )
        if media.kind == "photo" and not media.caption:
            yield _error("caption-missing", "a photo needs a caption", f"{field}.caption")
        if media.kind == "photo" and not media.alt:
            yield _error(
                "alt-missing", "a photo needs an alt text: what it shows, for who cannot see it", f"{field}.alt"
            )
        if media.caption and media.caption in captions:
            yield _warning("caption-twice", "the same caption stands twice", f"{field}.caption")
        captions.add(media.caption or "")


def _body(text: LanguageVersion) -> Iterator[Finding]:
    paragraphs = [normalize(part) for part in parsed(text.body).paragraphs]
    if not paragraphs:
        yield _error("body-missing", f"no body ({text.lang}): write at least one paragraph", "body")
    seen: set[str] = set()
    for number, paragraph in enumerate(paragraphs, start=1):
        if len(paragraph) > 40 and paragraph in seen:
            yield _warning("paragraph-twice", f"paragraph {number} repeats an earlier one: '{paragraph[:50]}…'", "body")
        seen.add(paragraph)
    everything = {"body": "\n\n".join(paragraphs), "boilerplate": text.boilerplate or "", "headline": text.headline}
    for field, words in everything.items():
        if found := _PLACEHOLDER.search(words):
            yield _error("placeholder", f"'{found[0]}' looks like a placeholder", field)
        if lost := _LOST_LINK.search(words):
            said = re.split(r"[.\n]", words[max(lost.start() - 60, 0) : lost.start()])[-1] + lost[0]
            yield _warning("link-lost", f"a link seems to be lost here: '{said.strip()[-60:]}'", field)
    if "’" in text.headline and "'" in everything["body"] and "’" not in everything["body"]:
        yield _note("apostrophes-mixed", "the headline has curly apostrophes, the body straight ones", "headline")
