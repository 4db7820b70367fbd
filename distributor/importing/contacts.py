"""Contact blocks: who may be asked, by which address and number."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from distributor.fields import Phone
from distributor.importing.lines import Book, Paragraph
from distributor.release import Contact

_HEADING = re.compile(
    r"(?:for\s+)?(?P<who>media|press|investors?|investor\s+relations|ir|pr|news|public\s+relations|further\s+information|"
    r"more\s+information)?[\s/&]*(?:and\s+\w+\s+)?(?:contacts?|enquir(?:y|ies)|inquir(?:y|ies))(?:\s+(?:information|details|persons?))?"
    r"\s*(?:[:：]\s*(?P<rest>.*)|$)|(?:傳媒查詢|傳媒聯絡|媒體聯絡|媒體查詢|新聞聯絡人?|媒体联系人?|媒体联络|联系人|聯絡人)\s*(?:[:：]\s*(?P<rest_zh>.*)|$)",
    re.IGNORECASE,
)
_PART = re.compile(
    r"(?P<email>[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+)|(?P<url>(?:https?://|www\.)[^\s,;|]+)"
    r"|(?P<fax>(?:fax|傳真|传真|f)\s*[:：.]\s*\+?[\d(][\d\s().\-]{5,24}\d)"
    r"|(?P<phone>(?<![\w.])\+?[\d(][\d\s().\-]{5,24}\d(?!\w))"
    r"|(?P<label>(?<!\w)(?:e-?mail|telephone|tel|phone|mobile|mob|cell|call|direct|office|web(?:site)?|whatsapp|name|title|role|t|m|e|p|w|o"
    r"|電郵|電話|手機|手提|姓名|邮箱|电话|手机|邮件)\.?\s*(?:[:：]|(?=\s*\+?\d[\d\s]{5}))|(?<!\w)(?:tel|e-?mail|phone)\.?(?=\s|$))"
    r"|(?P<text>(?:(?!\s[-–—|/·]\s|[,;|，；、（）()]|[\w.+%'-]+@|\s\+?\d[\d\s().\-]{6}).)+)"
    r"|(?P<gap>.)",
    re.IGNORECASE,
)
_PHONE: TypeAdapter[str] = TypeAdapter(Phone)
_MOST_PARAGRAPHS, _LONGEST = 40, 160


@dataclass(slots=True)
class _Person:
    """A contact as it grows."""

    line: int
    audience: str
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def reachable(self) -> bool:
        return "email" in self.facts or "phone" in self.facts


def heading(text: str) -> str | None:
    """What stands behind `Media contact:` or `Press contacts`, or None when it is no such heading."""
    found = _HEADING.fullmatch(text) if len(text) <= 500 else None
    return (found["rest"] or found["rest_zh"] or "").strip() if found else None


def block_length(paragraphs: Sequence[Paragraph]) -> int:
    """How many of `paragraphs`, of which the first has the heading, belong to its block: up to the last address or
    number before a text that is none of a contact's.
    """
    length = 1
    for index, paragraph in enumerate(paragraphs[:_MOST_PARAGRAPHS]):
        text = paragraph.text
        is_sentence = re.search(r"[!?。！？]$|\w{3}\.$", text) and not _reaches(text)
        if index and (len(text) > _LONGEST or is_sentence or heading(text) is not None):
            break
        if _reaches(text):
            length = index + 1
    return length


def _reaches(text: str) -> bool:
    return any(part.lastgroup in ("email", "phone", "fax", "url") for part in _PART.finditer(text))


def read(paragraphs: Sequence[Paragraph], book: Book) -> list[dict[str, str]]:
    """The contacts of one block; what has no place in one goes into the book with its reason.

    A number that is not international (E.164 with `+`) is dropped: nobody can tell its country for certain.
    """
    first = paragraphs[0]
    rest = heading(first.text) or ""
    label = first.text[: len(first.text) - len(rest)] if rest else first.text
    book.drop(first.line, label, "the heading of a contact")
    audience = "investor" if re.match(r"\W*(?:for\s+)?(?:investor|ir\b)", label, re.IGNORECASE) else "media"
    people = [_Person(first.line, audience)]
    for paragraph in [Paragraph(rest, first.line), *paragraphs[1:]]:
        parts = list(_parts(paragraph.text))
        for kind, text in parts:
            _put(people, kind, text, paragraph.line, book)
        book.drop_lost(paragraph.line, paragraph.text, [text for _, text in parts], "labels in a contact")
    return list(_valid(people, book))


def _parts(text: str) -> Iterator[tuple[str, str]]:
    for part in _PART.finditer(text):
        words = part[0].strip(" \t-–—|/·:：")
        if part.lastgroup not in (None, "gap", "label") and re.search(r"\w", words):
            yield str(part.lastgroup), part[0].strip() if part.lastgroup == "phone" else words


def _put(people: list[_Person], kind: str, text: str, line: int, book: Book) -> None:
    person = people[-1]
    if (kind == "text" and person.reachable) or (kind == "email" and "email" in person.facts):
        person = _Person(line, person.audience)
        people.append(person)
    if kind == "text":
        slot = next((name for name in ("name", "role", "org") if name not in person.facts), None)
        if slot and len(text) <= 120:
            person.facts[slot] = text
        else:
            book.drop(line, text, "a contact has no place for it")
    elif kind == "email":
        _put_email(person, text, line, book)
    elif kind == "phone":
        _put_phone(person, text, line, book)
    else:
        book.drop(line, text, "a contact has an e-mail address and a phone number, nothing else")


def _put_email(person: _Person, text: str, line: int, book: Book) -> None:
    try:
        Contact(email=text)
    except ValidationError as error:
        book.drop(line, text, _reason(error))
    else:
        person.facts["email"] = text


def _put_phone(person: _Person, text: str, line: int, book: Book) -> None:
    number = text
    if re.match(r"\+[\d\s]+\(0\)", text):  # +44 (0)20 …: the zero is dialled only without +44
        number = re.sub(r"\(0\)\s*", " ", text, count=1).replace("  ", " ")
        book.drop(line, "(0)", "the zero of a national number, which is not dialled after the country's")
    if "phone" in person.facts:
        book.drop(line, number, "a contact has one number, and this is a second one")
        return
    try:
        person.facts["phone"] = _PHONE.validate_python(number)
    except ValidationError as error:
        book.drop(line, number, _reason(error))


def _reason(error: ValidationError) -> str:
    return error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")


def _valid(people: Sequence[_Person], book: Book) -> Iterator[dict[str, str]]:
    for person in people:
        if not person.facts:
            continue
        words = ", ".join(person.facts.values())
        try:
            Contact.model_validate(person.facts)
        except ValidationError as error:
            book.drop(person.line, words, _reason(error))
            continue
        book.guess("contacts", words, person.line, "it stands in a block headed as a contact")
        extra = {"audience": person.audience} if person.audience != "media" else {}
        yield {**person.facts, **extra}
