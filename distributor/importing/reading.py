"""A text while it is read: what is left of it, and the fields found so far."""

from dataclasses import dataclass, field
from typing import Any

from distributor.importing import contacts, hashtags, labels
from distributor.importing.lines import Book, Paragraph

#: Bytes. The comments and whoever goes on writing need room in the front matter (frontmatter.MAX_FRONT) as well.
_MAX_FIELDS = 40_000


@dataclass(slots=True)
class Reading:
    """Recognisers take paragraphs out of `rest` and put fields into `front`."""

    rest: list[Paragraph]
    book: Book
    front: dict[str, Any] = field(default_factory=dict)

    def at(self, index: int) -> Paragraph | None:
        """The paragraph at `index`, or None behind the end."""
        return self.rest[index] if 0 <= index < len(self.rest) else None

    def room(self) -> int:
        """The bytes that the front matter has left for fields."""
        return _MAX_FIELDS - len(repr(self.front).encode())

    def take(self, index: int, name: str, value: str, why: str) -> Paragraph:
        """Remove the paragraph that became field `name`, and note the guess."""
        taken = self.rest.pop(index)
        self.book.guess(name, value, taken.line, why)
        return taken

    def drop(self, index: int, reason: str) -> None:
        """Remove a paragraph for good."""
        dropped = self.rest.pop(index)
        self.book.drop(dropped.line, dropped.printed, reason)

    def add(self, name: str, entry: dict[str, str]) -> None:
        """Append to a list field."""
        self.front.setdefault(name, []).append(entry)


def starts_section(text: str) -> bool:
    """Whether a paragraph opens a part of its own, so that notes or a boilerplate end above it."""
    return bool(
        labels.about(text)
        or labels.notes(text)
        or labels.source(text)
        or labels.caption(text)
        or labels.is_disclaimer(text)
        or labels.link(text)
        or contacts.heading(text) is not None
        or hashtags.read(text)
    )
