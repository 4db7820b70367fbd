"""The order of reading: what stands above the body, what stands in and below it; what is left is the body."""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from distributor.errors import Problem, ReleaseError
from distributor.fields import Language, Slug
from distributor.importing import below, top
from distributor.importing.language import language, slug
from distributor.importing.lines import Book, DroppedLine, Guess, paragraphs
from distributor.importing.reading import Reading
from distributor.importing.write import Writer, body_markdown, fitting, plainly, release_file
from distributor.quotes import Quote, find_quotes
from distributor.release import Issuer

_LONGEST_QUOTED = 5000
_ID: TypeAdapter[str] = TypeAdapter(Slug)
_LANGUAGE: TypeAdapter[str] = TypeAdapter(Language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A release file made of plain text."""

    id: str
    markdown: str  #: the content of the file
    guesses: tuple[Guess, ...]  #: in the order of the text
    dropped: tuple[DroppedLine, ...]  #: likewise; as comments in the file too


def draft(
    text: str,
    *,
    id: str | None = None,  # noqa: A002  the field's own name
    lang: str | None = None,
    written: Writer = plainly,
) -> Draft:
    """Read `text` as a release. `id` and `lang` (BCP 47) replace what would be made of the headline and the script; `written`
    gives the Markdown of what is left in the body, from the number of its line and its words.

    Takes any text. Raises ReleaseError for an `id` or `lang` that no release can have.
    """
    book = Book()
    reading = Reading(paragraphs(text, book), book)
    for step in (
        top.remnants, top.embargo, top.headline, top.byline, top.subheadline, top.dateline, top.lone_date, below.parts,
    ):  # fmt: skip
        step(reading)
    front = reading.front
    front["lang"] = _checked(_LANGUAGE, "lang", lang) if lang is not None else language(text)
    front["id"] = _checked(_ID, "id", id) if id is not None else slug(front["headline"])
    reading.rest = fitting(reading.rest, book, written)
    _issuer(reading, _quotes(reading))
    book.guesses.sort(key=lambda guess: guess.line)
    book.dropped.sort(key=lambda dropped: dropped.line)
    return Draft(
        id=front["id"],
        markdown=release_file(front, book.dropped, body_markdown(reading.rest, written)),
        guesses=tuple(book.guesses),
        dropped=tuple(book.dropped),
    )


def _checked(kind: TypeAdapter[str], name: str, value: str) -> str:
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ReleaseError(Problem(text=f"'{value}': {reason}", field=name)) from None


def _quotes(reading: Reading) -> tuple[Quote, ...]:
    """Quotes stay in the body where they are; the guess names who speaks."""
    texts = [paragraph.printed if len(paragraph.text) <= _LONGEST_QUOTED else "" for paragraph in reading.rest]
    quotes = find_quotes(texts)
    for quote in quotes:
        who = ", ".join(part for part in (quote.speaker, quote.title, quote.org) if part)
        line = reading.rest[quote.paragraph].line
        reading.book.guess("quote", f"{who}: {quote.text}", line, "the text names who says it; it stays in the body")
    return quotes


def _issuer(reading: Reading, quotes: tuple[Quote, ...]) -> None:
    """A release has an issuer: where the text names none, its speaker's organisation, its writer, or a word that says
    so.
    """
    if "issuer" in reading.front:
        return
    org = next((contact["org"] for contact in reading.front.get("contacts", ()) if "org" in contact), "")
    quoted = next((quote for quote in quotes if quote.org), None)
    line = reading.rest[quoted.paragraph].line if quoted else 1
    for name, where, why in (
        (org, 1, "the text names no issuer: this is a contact's organisation"),
        (quoted.org if quoted else "", line, "the text names no issuer: this is a speaker's organisation"),
        (reading.front.get("byline", ""), 1, "the text names no issuer: this is its byline"),
        ("Unknown issuer", 1, "the text names no issuer: write who answers for it"),
    ):
        try:
            reading.front["issuer"] = {"name": Issuer(name=name).name}
        except ValidationError:
            continue
        reading.book.guess("issuer", name, where, why)
        return
