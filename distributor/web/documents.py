"""Texts that people bring along: pasted, or a .txt, .md, .html or .docx file, judged by what is in it, as a draft."""

import io
import re
import zipfile
from dataclasses import dataclass, replace
from functools import cache

from distributor import frontmatter, importing
from distributor.errors import ActionError
from distributor.importing import Draft
from distributor.importing.write import plainly
from distributor.web import webtext
from distributor.web.webtext import Block

MAX_DOCUMENT = 20_000_000  #: bytes of an uploaded file
MAX_UNPACKED = 50_000_000  #: bytes of everything in a .docx
_MAX_RATIO, _MAX_PARTS = 200, 2000
_MAX_PAGE, _MAX_TAGS = 5_000_000, 200_000  #: characters and tags of HTML, of a page or made of a document
_MAX_TEXT = frontmatter.MAX_FILE * 9 // 10
_DAMAGED = "the document is damaged and cannot be read: save it again as .docx"
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype html|html|head|body|h[1-6]|p|div|article|meta)\b",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.IGNORECASE)
_FRONT = re.compile(r"---[ \t]*\n(?:.*\n)*?---[ \t]*(?:\n|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A text that was brought along, and what could not come with it."""

    text: str  #: plain, for the importer
    blocks: tuple[Block, ...] = ()  #: with their markup, one on every other line of the text
    left: tuple[str, ...] = ()  #: what was left out, a sentence each

    @property
    def is_release(self) -> bool:
        """Whether it is a release file already, with front matter."""
        return not self.blocks and bool(_FRONT.match(self.text))


def read(data: bytes) -> Brought:
    """The text in an uploaded file. Raises ActionError, saying what it is, for everything that is no text."""
    if len(data) > MAX_DOCUMENT:
        raise ActionError(f"the file has {len(data) / 1e6:.1f} MB; at most {MAX_DOCUMENT / 1e6:.0f} MB are taken")
    if data.startswith(b"PK\x03\x04"):
        return _docx(data)
    for magic, what in (
        (b"%PDF", "a PDF, which holds pages and no text to go on with: bring the document that it was made from"),
        (b"\xd0\xcf\x11\xe0", "an old Office document (.doc): save it as .docx"),
        (b"{\\rtf", "RTF: save it as .docx"),
    ):
        if data.startswith(magic):
            raise ActionError(f"this is {what}")
    if _HTML.match(data[:4000]):
        return _web(_decoded(data, _CHARSET.search(data[:4000])))
    return paste(_decoded(data))


def paste(text: str) -> Brought:
    """A pasted text; raises ActionError for none, and for one that is longer than a release can be."""
    if len(text.encode("utf-8", "replace")) > _MAX_TEXT:
        raise ActionError("this is too long for a release (1 MB): bring the release alone")
    if not text.strip():
        raise ActionError("there is no text in it: paste the release, or choose a file")
    return Brought(text=text.removeprefix("\ufeff").replace("\r\n", "\n"))


def draft(brought: Brought, *, lang: str | None = None) -> tuple[Draft, tuple[str, ...]]:
    """The text as a draft, and what was left out, a sentence each. Links, emphasis and headings of words that are in its
    body stay what they were.
    """
    kept: set[int] = set()

    @cache
    def written(line: int, text: str) -> str:
        made = brought.blocks[line // 2].written(text)
        if made is not None:
            kept.add(line // 2)
        return plainly(line, text) if made is None else made

    made = importing.draft(brought.text, lang=lang, written=written if brought.blocks else plainly)
    lost = [words for at, block in enumerate(brought.blocks) if at not in kept for words in block.stressed()]
    said = ", ".join(f"'{words[:40]}'" for words in lost[:3])
    more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
    plain = (f"bold or italics of {said}{more}: those words are in fields of plain text now",) if lost else ()
    return made, (*brought.left, *plain)


def _decoded(data: bytes, charset: re.Match[bytes] | None = None) -> str:
    tries = ["utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"]
    if charset:
        tries.append(charset[1].decode("ascii", "replace"))
    for name in tries:
        try:
            text = data.decode(name)
        except (UnicodeError, LookupError):
            continue
        if "\0" not in text:
            return text
    raise ActionError("this is no text: save it as UTF-8 text, HTML or .docx")


def _docx(data: bytes) -> Brought:
    _small_enough(data)
    import mammoth

    pictures: list[object] = []

    def left(image: object) -> list[object]:
        pictures.append(image)
        return []

    try:
        made = mammoth.convert_to_html(io.BytesIO(data), convert_image=left)
    except Exception:  # whatever a damaged document raises in three libraries: it is not taken
        raise ActionError(_DAMAGED) from None
    many = f"{len(pictures)} pictures" if len(pictures) > 1 else "a picture"
    brought = _web(str(made.value))
    return replace(brought, left=(f"{many}: upload them as photos", *brought.left)) if pictures else brought


def _small_enough(data: bytes) -> None:
    """Refuse what unpacks into more than a document holds. The directory's sizes bind: no more than that is ever read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise ActionError(_DAMAGED) from None
    if "word/document.xml" not in {part.filename for part in parts}:
        raise ActionError("this is an archive and no Word document: bring the text as .docx, .html, .md or .txt")
    whole = sum(part.file_size for part in parts)
    large = (part for part in parts if part.file_size > 100_000)
    tight = max((part.file_size / max(part.compress_size, 1) for part in large), default=0.0)
    if whole > MAX_UNPACKED or tight > _MAX_RATIO or len(parts) > _MAX_PARTS:
        raise ActionError(
            f"the document unpacks into more than {MAX_UNPACKED / 1e6:.0f} MB, or is packed too tight for a text: "
            "save it again without its pictures"
        )


def _web(page: str) -> Brought:
    tags = page.count("<")
    if len(page) > _MAX_PAGE or tags > _MAX_TAGS:
        raise ActionError(
            f"the page has {len(page) / 1e6:.1f} MB and {tags:,} tags; at most {_MAX_PAGE // 10**6} MB and {_MAX_TAGS:,} tags "
            "are taken: bring the release alone"
        )
    made = webtext.read(page)
    many = f"the form of {made.tables} tables" if made.tables > 1 else "the form of a table"
    left = (f"{many}: each row is an item of a list now, its cells parted by |",) if made.tables else ()
    brought = paste("\n\n".join(block.bullet + block.words for block in made.blocks))
    return replace(brought, blocks=made.blocks, left=left)
