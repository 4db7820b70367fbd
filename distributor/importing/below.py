"""What stands in and below the body: captions, hashtags, links, disclaimer, boilerplate, notes and contacts."""

import re

from pydantic import ValidationError

from distributor.importing import contacts, hashtags, labels
from distributor.importing.lines import LOST_LINK
from distributor.importing.reading import Reading, starts_section
from distributor.release import Link, Media

_LONGEST_CAPTION, _LONGEST_NAME, _LONGEST_PROSE = 800, 120, 20_000
_MOST_MEDIA, _MOST_LINKS, _MOST_CONTACTS = 20, 30, 20
#: What the reader would take for the name of a text in the config.
_REFERENCE = re.compile(r"[A-Za-z0-9]+([-_][A-Za-z0-9]+)*")


def parts(reading: Reading) -> None:
    """Go through the text once; whatever no recogniser takes stays in the body."""
    index = 0
    while reading.at(index):
        if not any(
            recognise(reading, index)
            for recognise in (
                _caption,
                _credit,
                _hashtags,
                _link,
                _disclaimer,
                _about,
                _source,
                _notes,
                _contacts,
                _lost_link,
            )
        ):
            index += 1


def _caption(reading: Reading, index: int) -> bool:
    """`Photo: …`, and a paragraph printed twice in a row: as the picture's alternative text and as its caption."""
    paragraph = reading.rest[index]
    labelled = labels.caption(paragraph.text)
    if not labelled and not (paragraph.doubled and index and _could_be_caption(reading, paragraph.text)):
        return False
    text, url = labels.address_at_end(labelled.text) if labelled else (paragraph.text, "")
    text, credit = labels.credit(text)
    photo = {"kind": "photo", "url": url, "caption": text, "credit": credit.text if credit else ""}
    photo = {key: value for key, value in photo.items() if value}
    if not text or not _is_media(reading, photo):
        return False
    reading.add("media", photo)
    reading.take(index, "media", text, "its label" if labelled else "it is printed twice in a row")
    if labelled:
        reading.book.drop(paragraph.line, labelled.label, "the label of a caption")
    if credit:
        reading.book.drop(paragraph.line, credit.label, "the label of a credit")
    return True


def _could_be_caption(reading: Reading, text: str) -> bool:
    return not (re.match('["“「]', text) or starts_section(text) or "boilerplate" in reading.front)


def _is_media(reading: Reading, photo: dict[str, str]) -> bool:
    size = sum(map(len, photo.values()))
    if len(reading.front.get("media", ())) >= _MOST_MEDIA or size > _LONGEST_CAPTION or size * 4 > reading.room():
        return False
    try:
        Media.model_validate(photo)
    except ValidationError:
        return False
    return all(labels.fits(value) for value in photo.values())


def _credit(reading: Reading, index: int) -> bool:
    """A credit alone on its line belongs to the photo above it."""
    text, credit = labels.credit(reading.rest[index].text)
    media = reading.front.get("media", ())
    if text or not credit or not media or "credit" in media[-1] or not labels.fits(credit.text):
        return False
    media[-1]["credit"] = credit.text
    taken = reading.take(index, "media", credit.text, "a credit under the caption")
    reading.book.drop(taken.line, credit.label, "the label of a credit")
    return True


def _hashtags(reading: Reading, index: int) -> bool:
    paragraph = reading.rest[index]
    line = hashtags.read(paragraph.text)
    if not line or "hashtags" in reading.front or not _has_room(reading, paragraph.text):
        return False
    if not (line.tags or line.links):
        following = reading.at(index + 1)
        more = (
            hashtags.read(f"{paragraph.text} {following.text}") if following and line.label == paragraph.text else None
        )
        if not (more and "#" in (following.text if following else "")):
            return False
        paragraph.text = f"{paragraph.text} {reading.rest.pop(index + 1).text}"
        line = more
    if line.tags:
        reading.front["hashtags"] = line.tags
    for url in line.links[:_MOST_LINKS]:
        reading.add("links", {"url": url})
        reading.book.guess("links", url, paragraph.line, "an address among the hashtags")
    reading.take(index, "hashtags", " ".join(line.tags), "a line of hashtags")
    reading.book.drop(paragraph.line, line.label, "the label of the hashtags")
    reading.book.drop(paragraph.line, " ".join(line.left), "no hashtag, or one that is there already")
    kept = [*line.tags, *line.links[:_MOST_LINKS], line.label, *line.left]
    reading.book.drop_lost(paragraph.line, paragraph.text, kept, "words that ran together here; they were parted")
    return True


def _link(reading: Reading, index: int) -> bool:
    """`Read more at https://…`; `Photo - https://…` is a photo that is on the web already."""
    paragraph = reading.rest[index]
    found = labels.link(paragraph.text)
    if not found or len(reading.front.get("links", ())) >= _MOST_LINKS or not _has_room(reading, paragraph.text):
        return False
    kind = {"photo": "photo", "image": "photo", "video": "video"}.get(found.label.strip(" :-–—").lower())
    title = re.sub(r"\s+(?:at|here|on|visit)$", "", found.label.strip(" :：-–—"), flags=re.IGNORECASE)
    entry = {"url": found.text, **({"kind": kind} if kind else {"title": title} if title else {})}
    try:
        _ = Media.model_validate(entry) if kind else Link.model_validate(entry)
    except ValidationError:
        return False
    if kind and not _is_media(reading, entry):
        return False
    reading.add("media" if kind else "links", entry)
    reading.take(index, "media" if kind else "links", found.text, "an address alone, or behind its label")
    reading.book.drop_lost(paragraph.line, paragraph.text, entry.values(), "the label of a link")
    return True


def _disclaimer(reading: Reading, index: int) -> bool:
    """The disclaimer; and behind it, as Media OutReach prints it, the issuer's name alone and its boilerplate."""
    text = reading.rest[index].text
    if "disclaimer" in reading.front or not labels.is_disclaimer(text) or not _is_prose(text):
        return False
    reading.front["disclaimer"] = text
    reading.take(index, "disclaimer", text, "it says who answers for the content")
    name, below = reading.at(index), reading.at(index + 1)
    if (
        name and below and "boilerplate" not in reading.front and not name.mark and _is_name(name.text)
        and len(below.text) > len(name.text) and not starts_section(below.text) and _is_prose(below.text)
    ):  # fmt: skip
        _issuer(reading, name.text, name.line, "a name alone under the disclaimer, above its boilerplate")
        reading.rest.pop(index)
        _boilerplate(reading, index)
    return True


def _is_name(text: str) -> bool:
    return (
        len(text) <= _LONGEST_NAME
        and not re.search(r"[.!?。！？:：]$", re.sub(r"\b(?:Inc|Ltd|Co|Corp|plc|S\.A|LLC)\.$", "", text))
        and not starts_section(text)
        and labels.fits(text)
    )


def _issuer(reading: Reading, name: str, line: int, why: str) -> None:
    if "issuer" in reading.front:
        reading.book.drop(line, name, "the issuer is named already")
        return
    reading.front["issuer"] = {"name": name}
    reading.book.guess("issuer", name, line, why)


def _about(reading: Reading, index: int) -> bool:
    paragraph = reading.rest[index]
    found = labels.about(paragraph.text)
    below = reading.at(index + 1)
    if (
        not found or paragraph.mark or "boilerplate" in reading.front or not labels.fits(found.text)
        or not below or starts_section(below.text) or not _is_prose(below.text)
    ):  # fmt: skip
        return False
    reading.rest.pop(index)
    _issuer(reading, found.text, paragraph.line, "the heading of the boilerplate")
    reason = "the heading of the boilerplate; every channel makes its own"
    reading.book.drop_label(paragraph.line, paragraph.text, found.label, found.text, reason)
    _boilerplate(reading, index)
    return True


def _source(reading: Reading, index: int) -> bool:
    paragraph = reading.rest[index]
    found = labels.source(paragraph.text)
    if not found or not labels.fits(found.text):
        return False
    reading.rest.pop(index)
    _issuer(reading, found.text, paragraph.line, "the source line under the text")
    reading.book.drop(paragraph.line, found.label, "the label of the source")
    return True


def _boilerplate(reading: Reading, index: int) -> None:
    line = reading.rest[index].line
    texts = _section(reading, index)
    if not texts:
        return
    reading.front["boilerplate"] = "\n\n".join(texts)
    count = f"{len(texts)} paragraph{'s' if len(texts) > 1 else ''}"
    reading.book.guess("boilerplate", count, line, "what follows the issuer's name")


def _notes(reading: Reading, index: int) -> bool:
    paragraph = reading.rest[index]
    found = labels.notes(paragraph.text)
    if (
        not found
        or "notes_to_editors" in reading.front
        or not _has_room(reading, found.text)
        or len(found.text) > _LONGEST_PROSE
    ):
        return False
    below = reading.at(index + 1)
    if not found.text and (not below or starts_section(below.text) or not _is_prose(below.text)):
        return False
    reading.rest.pop(index)
    texts = ([found.text] if found.text else []) + _section(reading, index)
    reading.book.drop(paragraph.line, found.label, "the label of the notes")
    if not texts:
        return True
    reading.front["notes_to_editors"] = "\n\n".join(texts)
    reading.book.guess("notes_to_editors", texts[0], paragraph.line, "its label")
    return True


def _section(reading: Reading, index: int) -> list[str]:
    """Take the paragraphs from `index` to the next labelled part."""
    texts: list[str] = []
    size, room = 0, min(_LONGEST_PROSE, reading.room() // 2)
    while paragraph := reading.at(index):
        text = paragraph.printed
        size += len(text.encode())
        if starts_section(paragraph.text) or not labels.fits(text) or size > room:
            break
        if _lost_link(reading, index) and reading.at(index) is not paragraph:
            continue
        texts.append(paragraph.printed)
        reading.rest.pop(index)
    return texts


def _has_room(reading: Reading, text: str) -> bool:
    return labels.fits(text) and len(text.encode()) <= reading.room()


def _is_prose(text: str) -> bool:
    return labels.fits(text) and not _REFERENCE.fullmatch(text) and len(text) <= _LONGEST_PROSE


def _contacts(reading: Reading, index: int) -> bool:
    if (
        contacts.heading(reading.rest[index].text) is None
        or len(reading.front.get("contacts", ())) >= _MOST_CONTACTS
        or reading.room() < 4_000
    ):
        return False
    length = contacts.block_length(reading.rest[index : index + 60])
    block = reading.rest[index : index + length]
    del reading.rest[index : index + length]
    for contact in contacts.read(block, reading.book):
        reading.add("contacts", contact)
    return True


def _lost_link(reading: Reading, index: int) -> bool:
    """`More information is available at .`: without its link the sentence says nothing."""
    paragraph = reading.rest[index]
    lost = labels.lost_link(paragraph.text)
    if not lost:
        return False
    reading.book.guess("links", lost, paragraph.line, "a link stood here and was lost in the copying: put it back")
    reading.book.drop(paragraph.line, lost, LOST_LINK)
    paragraph.text = paragraph.text[: paragraph.text.rindex(lost)].strip()
    if not paragraph.text:
        reading.rest.pop(index)
    return True
