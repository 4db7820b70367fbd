"""A web page as paragraphs: plain words for the importer, which can be written with their links and emphasis as Markdown."""

import re
from dataclasses import dataclass, field

from lxml import etree, html

from distributor import plain
from distributor.errors import ActionError
from distributor.importing.write import escaped
from distributor.markdown import Body

_BLOCKS = frozenset(
    {
        "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "pre", "td", "th", "tr", "table", "ul", "ol",
        "section", "article", "header", "footer", "figure", "figcaption", "address", "dl", "dt", "dd", "main", "aside", "nav",
        "body", "html", "hr", "form", "fieldset", "br",
    }
)  # fmt: skip
_SKIPPED = frozenset(
    {
        "script", "style", "head", "title", "template", "noscript", "iframe", "object", "svg", "math", "select", "button",
        "textarea",
    }
)  # fmt: skip
_EMPHASIS = {"strong": "**", "b": "**", "em": "*", "i": "*"}
_NO_CELL = ("table", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "pre")
_LONGEST_CELL, _MOST_MARKS = 300, 1_000
_LINK = re.compile(r"(?:https?|mailto|tel):[^\s<>()\\\[\]]+", re.IGNORECASE)
_ESCAPED = re.compile(r"[\\_`\[\]]|(?<!\s)\*|\*(?!\s)|<(?=[A-Za-z/!?])|&(?=#?\w{1,32};)")


@dataclass(frozen=True, slots=True)
class Mark:
    """A link or emphasis: what stands before and behind some words in Markdown."""

    start: int  #: in the block's words
    end: int
    before: str
    after: str
    rest: int  #: where the address ends that the plain words of a link have behind them; else `end`


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading, list item or row of a table."""

    words: str  #: plain, a link with its address behind it
    bullet: str
    prefix: str  #: of a heading
    marks: tuple[Mark, ...]

    def stressed(self) -> tuple[str, ...]:
        """The words that are emphasised, where others are not."""
        found = (self.words[one.start : one.end].strip() for one in self.marks if one.before != "[")
        return tuple(words for words in found if words != self.words)

    def written(self, text: str) -> str | None:
        """What is left of the words, at their begin or end, as Markdown with its markup; None where it cannot have any: the
        words are others, or would not read back as they are.
        """
        at = 0 if self.words.startswith(text) else len(self.words) - len(text) if self.words.endswith(text) else -1
        marks = [one for one in (_cut(mark, at, text) for mark in self.marks) if one]
        if at < 0 or len(marks) > _MOST_MARKS:
            return None
        made = _marked(text, marks) if marks else escaped(text)
        made = self.prefix + made if text == self.words else made
        return made if not marks or Body(made).paragraphs == (text,) else None


def _cut(mark: Mark, at: int, text: str) -> Mark | None:
    """The mark within `text`, which begins at `at`: around words, neither around spaces nor between a letter and a sign that
    Markdown would keep it from closing at.
    """
    start, end, rest = max(mark.start - at, 0), min(mark.end - at, len(text)), mark.rest - at
    link = mark.before == "["
    if link and (start != mark.start - at or rest > len(text)):
        return None
    before, behind = text[start - 1 : start], text[end : end + 1]
    while start < end and (text[start].isspace() or (before.isalnum() and _sign(text[start]) and not link)):
        start, before = start + 1, text[start]
    while end > start and (text[end - 1].isspace() or (behind.isalnum() and _sign(text[end - 1]) and not link)):
        end, behind = end - 1, text[end - 1]
    return Mark(start, end, mark.before, mark.after, rest if mark.rest > mark.end else end) if start < end else None


def _sign(char: str) -> bool:
    return not char.isalnum() and not char.isspace()


def _marked(text: str, marks: list[Mark]) -> str:
    """Markdown of a line: marks that end at a place stand before those that begin there, inner ones within outer ones."""
    events = [(one.end, 0, -one.start, number, one.after, one.rest) for number, one in enumerate(marks)]
    events += [(one.start, 1, -one.end, -number, one.before, one.start) for number, one in enumerate(marks)]
    made, at = [], 0
    for place, _, _, _, sign, on in sorted(events):
        image = sign == "[" and text[at:place].endswith("!")  # which a link behind the sign would become
        made += [_inner(text[at : place - image]), "\\!" * image, sign]
        at = max(at, place, on)
    line = "".join([*made, _inner(text[at:])])
    line = re.sub(r"^(\d{1,9})([.)])(?=\s)", r"\1\\\2", line)
    return f"\\{line}" if escaped(text).startswith("\\") and not line.startswith(("\\", "*", "[")) else line


def _inner(said: str) -> str:
    return _ESCAPED.sub(r"\\\g<0>", said)


@dataclass(slots=True)
class _Pen:
    """The blocks so far, and the one that is being written."""

    blocks: list[Block] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    size: int = 0  #: of the pieces together; they have no two spaces in a row and none at their begin
    spaced: bool = True  #: whether they end with a space, or there are none
    marks: list[Mark] = field(default_factory=list)
    opened: list[tuple[str, int, int]] = field(default_factory=list)  #: sign, place and piece where marks began
    bullet: str = ""
    prefix: str = ""
    cells: int | None = None  #: in the row of a table that is being written; None outside
    tables: int = 0

    def close(self) -> None:
        """End the block; emphasis goes on in the next one."""
        for sign, start, _ in reversed(self.opened):
            self._mark(sign, sign[::-1], start, self.size)
        words = "".join(self.pieces).rstrip()
        if words and (self.cells is None or words.strip("| ")):
            self.blocks.append(Block(words, self.bullet, self.prefix, tuple(self.marks)))
        self.bullet = self.prefix = ""
        self.size, self.spaced, self.pieces, self.marks = 0, True, [], []
        self.opened = [(sign if sign != "[" else "", 0, 0) for sign, _, _ in self.opened]

    def say(self, text: str | None) -> None:
        """Words of the block."""
        said = re.sub(r"\s+", " ", plain.normalize(text or ""))
        said = said[1:] if self.spaced and said.startswith(" ") else said
        if said:
            self.pieces.append(said)
            self.size += len(said)
            self.spaced = said.endswith(" ")

    def begin(self, sign: str) -> None:
        """A link (`[`) or emphasis begins here; of emphasis within the same emphasis nothing is written."""
        inside = any(one == sign for one, _, _ in self.opened)
        self.opened.append(("" if inside else sign, self.size, len(self.pieces)))

    def end(self, target: str = "") -> None:
        """It ends here. A link's address is said behind its words, unless they are the address."""
        sign, start, piece = self.opened.pop()
        if sign != "[":
            self._mark(sign, sign[::-1], start, self.size)
            return
        said = "".join(self.pieces[piece:]).strip()
        if not said or not _LINK.fullmatch(target):
            return
        end, address = self.size, target.removeprefix("mailto:").removeprefix("tel:")
        if said not in (target, address):
            if self.spaced:
                self.pieces[-1] = self.pieces[-1][:-1]
                self.size = end = end - 1
                self.spaced = False
            self.say(f" ({address})")
        self.marks.append(Mark(start, end, "[", f"]({target})", self.size))

    def _mark(self, before: str, after: str, start: int, end: int) -> None:
        if self.marks and (last := self.marks[-1]).before == before and last.end == start:
            self.marks[-1] = Mark(last.start, end, before, after, end)
        elif before and before != "[" and start < end:
            self.marks.append(Mark(start, end, before, after, end))


@dataclass(frozen=True, slots=True)
class Page:
    """What is on a page."""

    blocks: tuple[Block, ...]
    tables: int  #: whose rows became a line each


def read(page: str) -> Page:
    """The page's words in their order; raises ActionError where there is none."""
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    pen = _Pen()
    try:
        root = html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError):
        raise ActionError("there is no text in it: paste the release, or choose a file") from None
    stack: list[tuple[html.HtmlElement, bool]] = [(root, False)]  # no recursion: pages are nested as deep as they like
    while stack:
        element, ends = stack.pop()
        if ends:
            _end(element, pen)
            pen.say(element.tail)
        elif not isinstance(element.tag, str) or element.tag in _SKIPPED:
            pen.say(element.tail)
        else:
            _begin(element, pen)
            pen.say(element.text)
            stack.append((element, True))
            stack.extend((child, False) for child in reversed(element))
    pen.close()
    return Page(tuple(pen.blocks), pen.tables)


def _begin(element: html.HtmlElement, pen: _Pen) -> None:
    tag = element.tag
    if tag in _BLOCKS and pen.cells is not None:
        pen.say(" | " if tag in ("td", "th") and pen.cells else " ")
        pen.cells += tag in ("td", "th")
    elif tag in _BLOCKS and not (tag in ("p", "div") and pen.bullet and not pen.size):
        pen.close()
    if tag in ("h2", "h3", "h4", "h5", "h6"):
        pen.prefix = f"{'#' * min(int(tag[1]), 4)} "
    elif tag == "li":
        pen.bullet = "• "
    elif tag == "tr" and element.get("data-row") is not None:
        pen.bullet, pen.cells = "• ", 0
    elif tag == "table" and _is_data(element):
        pen.tables += 1
        for row in element.iter("tr"):
            row.set("data-row", "")
    elif sign := "[" if tag == "a" else _emphasis(element):
        pen.begin(sign)


def _end(element: html.HtmlElement, pen: _Pen) -> None:
    tag = element.tag
    if tag in _BLOCKS and (pen.cells is None or tag == "tr"):
        pen.close()
        pen.cells = None
    elif tag in _BLOCKS:
        pen.say(" ")
    elif tag == "a":
        pen.end(str(element.get("href") or "").strip())
    elif _emphasis(element):
        pen.end()


def _emphasis(element: html.HtmlElement) -> str:
    """The sign of an element that is bold or italic by its name or its style; empty for any other."""
    if element.tag != "span" and element.tag not in _EMPHASIS:
        return ""
    if not (style := str(element.get("style") or "")[:1_000].lower().replace(" ", "")):
        return _EMPHASIS.get(element.tag, "")
    weight = re.search(r"font-weight:(?:(bold|[6-9]00)|)", style)
    slant = re.search(r"font-style:(?:(italic|oblique)|)", style)
    bold = bool(weight[1]) if weight else element.tag in ("strong", "b")
    italic = bool(slant[1]) if slant else element.tag in ("em", "i")
    return "**" * bold + "*" * italic


def _is_data(table: html.HtmlElement) -> bool:
    """Whether a table holds facts in short cells; many hold the layout of a page."""
    if next(table.iterdescendants(*_NO_CELL), None) is not None:
        return False
    cells = [sum(len(cell.text_content()) > _LONGEST_CELL for cell in row.iter("td", "th")) for row in table.iter("tr")]
    return not any(cells) and any(len(row.findall("td")) + len(row.findall("th")) > 1 for row in table.iter("tr"))
