"""What stands above the body: site remnants, embargo, headline, byline, subheadline, dateline."""

import re

from distributor import notices, plain
from distributor.embargo import Embargo
from distributor.importing import dates, labels
from distributor.importing.dateline import opening
from distributor.importing.reading import Reading, starts_section

_LONGEST_HEADLINE, _LONGEST_SUBHEADLINE, _OPENING = 300, 220, 110
#: How many paragraphs at the top are looked at for any embargo line, and for a dateline; below, one has to name a date.
_TOP, _LONGEST_NOTE, _LONGEST_LINE = 6, 2000, 240


def remnants(reading: Reading) -> None:
    """End marks, lone marks, and what a page's head left before the headline."""
    index = 0
    while paragraph := reading.at(index):
        text = paragraph.printed
        if len(text) <= 20 and labels.END_MARK.fullmatch(text):
            reading.drop(index, "an end mark; every channel makes its own")
        elif index == 0 and (labels.is_site_remnant(text) or not re.search(r"\w", text)):
            reading.drop(index, "a remnant of the site it was copied from, before the headline")
        elif not re.search(r"\w", text):
            reading.drop(index, "a mark without words")
        else:
            index += 1


def embargo(reading: Reading) -> None:
    """`embargoed_until`, where it is one certain instant; two lines that disagree leave it open."""
    found: dict[str, str] = {}
    seen: list[str] = []
    index = 0
    while paragraph := reading.at(index):
        text, line = paragraph.printed, paragraph.line
        if index < _TOP and labels.is_immediate(text):
            reading.drop(index, "the release has no embargo unless embargoed_until says so")
        elif not _announces(text, top=index < _TOP):
            index += 1
        else:
            try:
                instant, why = _instant(text)
            except dates.Doubt as doubt:
                reading.book.guess("embargoed_until", text, line, f"not set: {doubt}")
                reading.drop(index, f"an embargo, but {doubt}: write embargoed_until yourself")
                found[text] = ""
                seen.append(text)
                continue
            spelled = _spelled(instant)
            reading.book.guess("embargoed_until", spelled, line, why)
            reading.drop(index, f"read as embargoed_until ({why})")
            found[instant.instant.isoformat()] = spelled
            seen.append(text)
    if len(found) == 1 and (only := next(iter(found.values()))):
        reading.front["embargoed_until"] = only
    elif len(found) > 1:
        reading.book.guess("embargoed_until", "; ".join(found), 1, "not set: the embargo lines do not agree")
    if (
        seen and "embargoed_until" not in reading.front
    ):  # preflight refuses a release that speaks of an embargo and has none
        note = " / ".join(seen)[:_LONGEST_NOTE]
        reading.front["embargo_note"] = re.sub("[<>]", " ", note) if plain.markup(note) else note


def _announces(text: str, *, top: bool) -> bool:
    """Whether a paragraph is a line about the embargo. Below the top it has to name a date as well."""
    if len(text) > _LONGEST_NOTE:
        return False
    dated = notices.date_of(text) is not None
    spoken = labels.is_embargo(text) or (len(text) <= _LONGEST_LINE and notices.opens(text, 8 if dated else 4))
    return spoken and (top or dated)


def _instant(text: str) -> tuple[Embargo, str]:
    """The instant of an embargo line in any language of the table, and how it was read. Raises Doubt as `dates.instant`."""
    try:
        return dates.instant(text)
    except dates.Doubt:
        read = notices.certain(text)
        return read, f"read as {read.zone}"


def _spelled(instant: Embargo) -> str:
    """`2024-01-25 09:00 Asia/Hong_Kong`: lines that name an hour twice in a year are not certain and never get here."""
    if instant.zone.startswith(("UTC+", "UTC-")):
        return str(instant)
    return f"{instant.local():%Y-%m-%d %H:%M} {instant.zone}"


def headline(reading: Reading) -> None:
    """The first line; or the opening words of a text that has no headline, which then stay in the body as well."""
    first = reading.at(0)
    if first is None:
        reading.front["headline"] = "Untitled release"
        reading.book.guess("headline", "Untitled release", 1, "the text has no words")
    elif (
        len(first.text) <= _LONGEST_HEADLINE
        and labels.fits(first.text)
        and not first.mark
        and not starts_section(first.text)
        and not opening(first.text, first=True)
    ):
        reading.front["headline"] = first.text
        reading.take(0, "headline", first.text, "the first line")
    else:
        words = _opening_words(first.text)
        reading.front["headline"] = words
        reading.book.guess(
            "headline", words, first.line, "the text opens without a headline: these are its first words"
        )


def _opening_words(text: str) -> str:
    bare = re.sub(r"<[^<>]*>", " ", text[:2000]).replace("<", " ")
    sentence = re.split(r"(?<=[.!?])\s|(?<=[。！？])", bare.strip(), maxsplit=1)[0]
    words = re.sub(r"\s+", " ", sentence).strip()
    if len(words) > _OPENING:
        words = words[:_OPENING].rsplit(" ", 1)[0] + "…"
    return words if re.search(r"\w", words) else "Untitled release"


def byline(reading: Reading) -> None:
    """`Written by The Post`, within the first lines."""
    for index in range(min(_TOP, len(reading.rest))):
        paragraph = reading.rest[index]
        found = labels.byline(paragraph.text)
        if found and labels.fits(found.text):
            reading.front["byline"] = found.text
            taken = reading.take(index, "byline", found.text, "it says who wrote it")
            reading.book.drop(taken.line, found.label, "the label of the byline")
            return


def subheadline(reading: Reading) -> None:
    """A short line without a full stop under the headline, with a longer paragraph under it."""
    first, below = reading.at(0), reading.at(1)
    if not first or not below or first.mark or first.doubled or below.mark:
        return
    text = first.text
    if (
        len(text) <= min(_LONGEST_SUBHEADLINE, len(below.text))
        and not re.search(r"[.:;,。：；，\"”」]$", text)
        and re.search(r"\w", text)
        and labels.fits(text)
        and not starts_section(text)
        and not opening(text, first=True)
        and not re.fullmatch(dates.DATE, text, re.IGNORECASE)
    ):
        reading.front["subheadline"] = text
        reading.take(0, "subheadline", text, "a short line without a full stop under the headline")


def dateline(reading: Reading) -> None:
    """The dateline leaves the body: every channel writes its own from the fields."""
    for index, paragraph in enumerate(reading.rest[:_TOP]):
        found = opening(paragraph.text, first=index == 0)
        if not found or paragraph.mark or not labels.fits(found.printed):
            continue
        reading.front["dateline"] = found.fields
        reading.book.guess("dateline", ", ".join(found.fields.values()), paragraph.line, "it opens the paragraph")
        if found.wire:
            reading.front["distributor"] = {"name": found.wire}
            reading.book.guess("distributor", found.wire, paragraph.line, "the wire that the dateline names")
        reading.book.drop(paragraph.line, found.printed, "the dateline as printed; every channel makes its own")
        paragraph.text = paragraph.text[len(found.printed) :].strip()
        if not re.search(r"\w", paragraph.text):
            reading.drop(index, "a mark without words") if paragraph.text else reading.rest.pop(index)
        return


def lone_date(reading: Reading) -> None:
    """A date alone under the headline; it completes a dateline that has none."""
    for index, paragraph in enumerate(reading.rest[:3]):
        if not re.fullmatch(dates.DATE, paragraph.text, re.IGNORECASE):
            continue
        try:
            day = dates.written_date(paragraph.text).isoformat()
        except ValueError:
            return
        line = reading.front.get("dateline", {})
        if line and "date" not in line:
            line["date"] = day
        reading.book.guess("dateline", day, paragraph.line, "a date alone on its line")
        reading.drop(index, "a date alone; the dateline has its own, or takes the embargo's")
        return
