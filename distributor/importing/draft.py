"""The order of reading: what stands above the body, what stands below it, and what is left is the body."""

import re
from dataclasses import dataclass

from distributor.importing import parts
from distributor.importing.lines import DroppedLine, Findings, Guess, Paragraph, paragraphs
from distributor.importing.recognise import Reading, below, captions, dateline, fits, is_label
from distributor.importing.write import body_markdown, release_file
from distributor.quotes import find_quotes


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A release file made from plain text."""

    id: str
    markdown: str  #: the file's content
    guesses: tuple[Guess, ...]
    dropped: tuple[DroppedLine, ...]


def draft(text: str, *, id: str | None = None, lang: str | None = None) -> Draft:  # noqa: A002  the field's own name
    """Read `text` as a release. Never fails: what is not recognised stays in the body, or is listed as dropped."""
    found = Findings()
    reading = Reading(paragraphs(text, found), found)
    _embargo(reading)
    _headline(reading)
    _disclaimer_and_boilerplate(reading)
    _about(reading)
    below(reading)
    captions(reading)
    dateline(reading)
    front = reading.front
    front["lang"] = lang or _language(text)
    front["id"] = id or _slug(front["headline"])
    if "issuer" not in front:
        front["issuer"] = {"name": front.get("byline") or "Unknown issuer"}
        found.guess("issuer", front["issuer"]["name"], 1, "the text names none: say who is responsible")
    _quotes(reading)
    body = body_markdown(reading.rest)
    found.dropped.sort(key=lambda one: one.line)
    markdown = release_file(front, found.dropped, body)
    return Draft(id=front["id"], markdown=markdown, guesses=tuple(found.guesses), dropped=tuple(found.dropped))


def _embargo(reading: Reading) -> None:
    for index, paragraph in enumerate(reading.rest[:4]):
        if not parts.is_embargo(paragraph.text):
            continue
        spelled, why = parts.instant(paragraph.text)
        if spelled:
            reading.front["embargoed_until"] = spelled
            reading.found.guess("embargoed_until", spelled, paragraph.line, why)
        taken = reading.take(index)
        reading.found.drop(taken.line, taken.text, f"the embargo line: {why}")
        return


def _headline(reading: Reading) -> None:
    found, rest = reading.found, reading.rest
    index = next((i for i, p in enumerate(rest) if fits(p.text) and not parts.hashtags(p.text)), None)
    if index is None:
        reading.front["headline"] = "Untitled"
        found.guess("headline", "Untitled", 1, "there is no line that could be one")
        return
    paragraph = reading.take(index)
    if len(paragraph.text) > 250:  # running text: only its first sentence can serve
        rest.insert(index, paragraph)
        reading.front["headline"] = "Untitled"
        found.guess("headline", "Untitled", paragraph.line, "the text starts with a paragraph, not with a headline")
        return
    reading.front["headline"] = paragraph.text
    found.guess("headline", paragraph.text, paragraph.line, "the first line")
    for offset in (0, 1):
        if len(rest) > index + offset and (name := parts.byline(rest[index + offset].text)) and fits(name):
            taken = reading.take(index + offset)
            reading.front["byline"] = name
            found.guess("byline", name, taken.line, "it says who wrote it")
            found.drop(taken.line, taken.text[: len(taken.text) - len(name)], "the label of the byline")
            break
    _subheadline(reading, index)


def _subheadline(reading: Reading, index: int) -> None:
    rest = reading.rest
    if len(rest) <= index + 1:
        return
    text = rest[index].text
    is_short = 10 < len(text) < 160 and not re.search(r"[.。:：\"”」]$", text) and len(rest[index].lines) == 1
    if (
        is_short
        and len(rest[index + 1].text) > len(text)
        and not parts.dateline(text)
        and fits(text)
        and not is_label(text)
    ):
        taken = reading.take(index)
        reading.front["subheadline"] = taken.text
        reading.found.guess(
            "subheadline", taken.text, taken.line, "a short line without a full stop under the headline"
        )


def _disclaimer_and_boilerplate(reading: Reading) -> None:
    """The disclaimer; and behind it, as Media OutReach prints it, the issuer's name alone and its boilerplate."""
    found, rest = reading.found, reading.rest
    index = next((i for i, p in enumerate(rest) if parts.is_disclaimer(p.text) and fits(p.text)), None)
    if index is None:
        return
    taken = reading.take(index)
    reading.front["disclaimer"] = taken.text
    found.guess("disclaimer", taken.text, taken.line, "it says who is responsible for the content")
    if (
        index < len(rest)
        and len(rest[index].text) < 120
        and not rest[index].text.endswith((".", "。"))
        and not is_label(rest[index].text)
    ):
        name = reading.take(index)
        if not fits(name.text):
            rest.insert(index, name)
            return
        reading.front["issuer"] = {"name": name.text}
        found.guess("issuer", name.text, name.line, "a name alone behind the disclaimer")
        _boilerplate(reading, index)


def _about(reading: Reading) -> None:
    if "boilerplate" in reading.front:
        return
    for index, paragraph in enumerate(reading.rest):
        heading = paragraph.lines[0]
        name = parts.about(heading)
        if name is None or not fits(heading):
            continue
        reading.front.setdefault("issuer", {"name": name})
        reading.found.guess("issuer", name, paragraph.line, "the heading of the boilerplate")
        reading.found.drop(paragraph.line, heading, "the heading of the boilerplate; every channel makes its own")
        if len(paragraph.lines) > 1:
            reading.rest[index] = Paragraph(paragraph.lines[1:], paragraph.line + 1)
        else:
            reading.take(index)
        _boilerplate(reading, index)
        return


def _boilerplate(reading: Reading, index: int) -> None:
    texts: list[str] = []
    line = reading.rest[index].line if index < len(reading.rest) else 1
    while index < len(reading.rest) and not is_label(reading.rest[index].text) and fits(reading.rest[index].text):
        paragraph = reading.take(index)
        lost = parts.LOST_LINK.search(paragraph.text)
        if lost:
            reading.found.guess("boilerplate", lost[0].strip(), paragraph.line, "a link was lost here: put it back")
        if lost and texts and lost[0].strip() == paragraph.text:  # a closing sentence, no paragraph of its own
            texts[-1] += f" {paragraph.text}"
        else:
            texts.append(paragraph.text)
    if len(" ".join(texts).split()) < 2:  # a single word would be read as the name of a house text
        reading.rest[index:index] = [Paragraph([text], line) for text in texts]
    else:
        reading.front["boilerplate"] = "\n\n".join(texts)
        count = f"{len(texts)} paragraph{'s' if len(texts) != 1 else ''}"
        reading.found.guess("boilerplate", count, line, "what follows the issuer's name")


def _quotes(reading: Reading) -> None:
    for quote in find_quotes([paragraph.text for paragraph in reading.rest]):
        line = reading.rest[quote.paragraph].line
        who = ", ".join(part for part in (quote.speaker, quote.title, quote.org) if part)
        reading.found.guess(
            "quote", f"{who}: {quote.text}", line, "somebody is named as saying it; it stays in the body"
        )


def _slug(headline: str) -> str:
    words = re.findall(r"[a-z0-9]+", headline.lower().replace("'", "").replace("’", ""))
    slug = ""
    for word in words:
        if len(slug) + len(word) > 58:
            break
        slug += f"-{word}" if slug else word[:58]
    return slug if len(slug) >= 3 else "imported-release"


def _language(text: str) -> str:
    """By script; Chinese by the characters that only one of its scripts has."""
    sample = text[:5000]
    if re.search(r"[\u3040-\u30ff]", sample):
        return "ja"
    if re.search(r"[\uac00-\ud7af]", sample):
        return "ko"
    if len(re.findall(r"[\u4e00-\u9fff]", sample)) > len(sample) / 10:
        simplified = len(re.findall("[们国为发说这个时会进对开关务过员长业区]", sample))
        traditional = len(re.findall("[們國為發說這個時會進對開關務過員長業區]", sample))
        return "zh-Hans" if simplified > traditional else "zh-Hant"
    return "en"
