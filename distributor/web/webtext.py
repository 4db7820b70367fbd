"""A web page as paragraphs: plain words for the importer, and the same with links and emphasis as Markdown."""

import re
from dataclasses import dataclass, field

from lxml import etree, html

from distributor.errors import ActionError
from distributor.importing.write import escaped

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
_LINK = re.compile(r"(?:https?|mailto|tel):[^\s<>()\\\[\]]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading or list item."""

    plain: str  #: for the importer; list items with their bullet
    written: str  #: as the importer writes its words into a body
    rich: str  #: the same in Markdown with its markup


@dataclass(slots=True)
class _Pen:
    """The blocks so far, and the one that is being written."""

    blocks: list[Block] = field(default_factory=list)
    plain: str = ""
    rich: str = ""
    bullet: str = ""
    prefix: str = ""
    opened: list[tuple[int, int]] = field(default_factory=list)  #: where links and emphasis began, in plain and rich

    def close(self) -> None:
        """End the block."""
        words = " ".join(self.plain.split())
        if words:
            written = escaped(words)
            rich = " ".join(self.rich.split())
            # what starts a line has to be escaped in both; markup inside it takes care of itself
            rich = f"\\{rich}" if written.startswith("\\") and not rich.startswith(("\\", "*", "[")) else rich
            self.blocks.append(Block(self.bullet + words, written, self.prefix + rich))
        self.plain = self.rich = self.bullet = self.prefix = ""
        self.opened.clear()

    def say(self, text: str | None) -> None:
        """Words of the block."""
        said = re.sub(r"\s+", " ", text or "")
        self.plain += said
        self.rich += _inner(said)

    def mark(self) -> None:
        """A link or emphasis begins here."""
        self.opened.append((len(self.plain), len(self.rich)))

    def wrap(self, before: str, after: str) -> str:
        """It ends here: put marks around its words, not its spaces. Returns the words."""
        if not self.opened:  # a block began or ended inside it
            return ""
        plain, rich = self.opened.pop()
        inner = self.rich[rich:]
        if not inner.strip():
            return ""
        lead, trail = inner[: len(inner) - len(inner.lstrip())], inner[len(inner.rstrip()) :]
        self.rich = f"{self.rich[:rich]}{lead}{before}{inner.strip()}{after}{trail}"
        return " ".join(self.plain[plain:].split())


def blocks(page: str) -> list[Block]:
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
    return pen.blocks


def _begin(element: html.HtmlElement, pen: _Pen) -> None:
    tag = element.tag
    if tag in _BLOCKS and not (tag in ("p", "div") and pen.bullet and not pen.plain.strip()):
        pen.close()
    if tag in ("h2", "h3", "h4", "h5", "h6"):
        pen.prefix = f"{'#' * min(int(tag[1]), 4)} "
    elif tag == "li":
        pen.bullet = "• "
    elif tag in _EMPHASIS or tag == "a":
        pen.mark()


def _end(element: html.HtmlElement, pen: _Pen) -> None:
    tag = element.tag
    if tag in _BLOCKS:
        pen.close()
    elif tag in _EMPHASIS:
        pen.wrap(_EMPHASIS[tag], _EMPHASIS[tag])
    elif tag == "a":
        target = str(element.get("href") or "").strip()
        if not _LINK.fullmatch(target):
            pen.wrap("", "")
            return
        said = pen.wrap("[", f"]({target})")
        address = target.removeprefix("mailto:").removeprefix("tel:")
        if said and said not in (target, address):
            pen.plain = f"{pen.plain.rstrip()} ({address})"


def _inner(said: str) -> str:
    """Words inside a line as Markdown: nothing in them starts a block."""
    made = escaped(f"x{said}")
    return made[1:].replace("[", "\\[") if made.startswith("x") else made
