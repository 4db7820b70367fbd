"""Recognising what stands anywhere: hashtags, notes, contacts, captions, the dateline."""

import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from distributor import plain
from distributor.importing import parts
from distributor.importing.lines import Findings, Paragraph
from distributor.release import Contact


@dataclass(slots=True)
class Reading:
    """What has been recognised so far."""

    rest: list[Paragraph]
    found: Findings = field(default_factory=Findings)
    front: dict[str, Any] = field(default_factory=dict)

    def take(self, index: int) -> Paragraph:
        """Remove a paragraph from what is left."""
        return self.rest.pop(index)


def fits(text: str) -> bool:
    """Whether it can stand in a field; what holds markup stays in the body, where it is escaped."""
    return plain.markup(text) is None


def is_label(text: str) -> bool:
    """Whether it starts another part of the text."""
    return bool(
        parts.hashtags(text) or parts.about(text) or parts.caption(text) or text[:1] in "•●▪◦‣*-–"
        or parts.contact(text) is not None or parts.notes(text) is not None
    )  # fmt: skip


def below(reading: Reading) -> None:
    """Hashtags, notes and contacts, wherever they stand."""
    index = 0
    while index < len(reading.rest):
        paragraph = reading.rest[index]
        if _hashtags(reading, paragraph) or _notes(reading, paragraph) or _contact(reading, index):
            reading.rest.remove(paragraph)
        else:
            index += 1


def _hashtags(reading: Reading, paragraph: Paragraph) -> bool:
    line = parts.hashtags(paragraph.text)
    if line is None or not line[0] or "hashtags" in reading.front or not fits(paragraph.text):
        return False
    tags, links, rest = line
    good = [tag for tag in tags if re.search(r"[^\W_]", tag)]
    reading.front["hashtags"] = good
    reading.found.guess("hashtags", " ".join(good), paragraph.line, "a line of hashtags")
    if links:
        reading.front["links"] = [{"url": link} for link in links if re.match(r"https?://[\w.-]+", link)]
        reading.found.guess("links", " ".join(links), paragraph.line, "addresses among the hashtags")
    label = paragraph.text[: re.match(r"^[^#＃]*", paragraph.text).end()]  # type: ignore[union-attr]  # it matches any text
    reading.found.drop(paragraph.line, label, "the label of the hashtags")
    left = " ".join([rest.replace(label.strip(), ""), *(t for t in tags if t not in good), *_unlisted(links, reading)])
    reading.found.drop(paragraph.line, left, "neither a hashtag nor an address")
    _copies(reading, good, paragraph.line)
    return True


def _unlisted(links: list[str], reading: Reading) -> list[str]:
    listed = {entry["url"] for entry in reading.front.get("links", [])}
    return [link for link in links if link not in listed]


def _copies(reading: Reading, tags: list[str], line: int) -> None:
    """A hashtag that differs from an earlier one only in case is kept once in the release."""
    seen: set[str] = set()
    for tag in tags:
        if tag.casefold() in seen:
            reading.found.drop(line, tag, "the same hashtag again")
        seen.add(tag.casefold())
    reading.front["hashtags"] = list({tag.casefold(): tag for tag in reversed(tags)}.values())[::-1]


def _notes(reading: Reading, paragraph: Paragraph) -> bool:
    rest = parts.notes(paragraph.text)
    if not rest or not fits(rest) or "notes_to_editors" in reading.front:
        return False
    reading.front["notes_to_editors"] = rest
    reading.found.guess("notes_to_editors", rest, paragraph.line, "its label")
    reading.found.drop(paragraph.line, paragraph.text[: len(paragraph.text) - len(rest)], "the label of the notes")
    return True


def _contact(reading: Reading, index: int) -> bool:
    paragraph = reading.rest[index]
    if parts.contact(paragraph.lines[0]) is None or not fits(paragraph.text):
        return False
    email, phone, rest = parts.reach(" | ".join([parts.contact(paragraph.lines[0]) or "", *paragraph.lines[1:]]))
    if not (email or phone):
        return False
    words = [part for part in re.split(r"\s*[|,;]\s*", rest) if re.search(r"\w", part) and not _is_reach_label(part)]
    facts: dict[str, str] = dict(zip(("name", "role"), words, strict=False))
    facts |= {name: value for name, value in (("email", email), ("phone", phone)) if value}
    try:
        Contact.model_validate(facts)
    except ValidationError:
        return False
    reading.front.setdefault("contacts", []).append(facts)
    reading.found.guess(
        "contacts", ", ".join(facts.values()), paragraph.line, "a contact block with a way to reach somebody"
    )
    kept = re.findall(r"\w+", " ".join(facts.values()))
    left = [word for word in re.findall(r"\w+", paragraph.text) if word not in kept or kept.remove(word)]  # type: ignore[func-returns-value]  # remove gives None
    reading.found.drop(paragraph.line, " ".join(left), "labels and further words of the contact")
    return True


def _is_reach_label(part: str) -> bool:
    return bool(re.fullmatch(r"\W*(?:e-?mail|tel|phone|telephone|mobile|t|e|m|電郵|電話)\W*", part, re.IGNORECASE))


def captions(reading: Reading) -> None:
    """Labelled captions, and lines printed twice in a row: the picture's alt text and its caption."""
    index = 0
    while index < len(reading.rest):
        paragraph = reading.rest[index]
        if not fits(paragraph.text) or not (_twice(reading, index) or _labelled(reading, paragraph)):
            index += 1
        else:
            reading.rest.remove(paragraph)


def _twice(reading: Reading, index: int) -> bool:
    paragraph = reading.rest[index]
    half = len(paragraph.lines) // 2
    following = reading.rest[index + 1] if index + 1 < len(reading.rest) else None
    if half and paragraph.lines[:half] == paragraph.lines[half:]:
        text, copy = " ".join(paragraph.lines[:half]), paragraph.line + half
    elif following and following.text == paragraph.text:
        text, copy = paragraph.text, following.line
        reading.take(index + 1)
    else:
        return False
    reading.found.drop(copy, text, "printed twice")
    _photo(reading, *parts.credit(text), line=paragraph.line, why="it is printed twice in a row")
    return True


def _labelled(reading: Reading, paragraph: Paragraph) -> bool:
    read = parts.caption(paragraph.text)
    if not read or not read[0]:
        return False
    _photo(reading, *read, line=paragraph.line, why="its label")
    return True


def _photo(reading: Reading, caption: str, credit: str, label: str, *, line: int, why: str) -> None:
    photo = {"kind": "photo", "caption": caption}
    if credit:
        photo["credit"] = credit
    reading.found.drop(line, label, "the label of a caption or credit")
    reading.front.setdefault("media", []).append(photo)
    reading.found.guess("media", caption, line, why)


def dateline(reading: Reading) -> None:
    """The place and date that open the text leave the body for a field of their own."""
    for paragraph in reading.rest[:3]:
        try:
            read = parts.dateline(paragraph.text)
        except (ValueError, StopIteration):
            continue
        if not read or not fits(read[0]):
            continue
        prefix, facts = read
        city, _, region = facts["place"].partition(",")
        line = {"city": _titled(city.strip()), "region": region.strip(), "date": facts.get("date", "")}
        reading.front["dateline"] = {key: value for key, value in line.items() if value}
        reading.found.guess("dateline", facts["place"], paragraph.line, "the place and date that open the text")
        if "wire" in facts:
            reading.front["distributor"] = {"name": facts["wire"]}
            reading.found.guess("distributor", facts["wire"], paragraph.line, "the wire in the dateline")
        reading.found.drop(paragraph.line, prefix, "the dateline as printed; every channel makes its own")
        paragraph.lines = [paragraph.text[len(prefix) :].strip()]
        if not paragraph.lines[0]:
            reading.rest.remove(paragraph)
        return


_ACRONYMS = frozenset({"SAR", "USA", "UK", "UAE", "DC", "D.C."})


def _titled(city: str) -> str:
    """`HONG KONG SAR` → `Hong Kong SAR`."""
    return " ".join(word if word in _ACRONYMS or not word.isupper() else word.title() for word in city.split())
