"""The body: Markdown in; HTML, plain text and paragraphs out.

Raw HTML is never passed through (`html` is off), and links other than http, https, mailto and tel stay text.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from distributor import plain

_SAFE_LINK = re.compile(r"^(https?:|mailto:|tel:)", re.IGNORECASE)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
    parser.validateLink = lambda url: bool(_SAFE_LINK.match(url))  # type: ignore[method-assign]  # its own hook
    return parser


_PARSER = _parser()
_UNJOINED = _parser().disable("text_join")


@dataclass(frozen=True)
class Body:
    """A parsed body. Headings start at `h2`: the headline is the page's only `h1`."""

    source: str

    @cached_property
    def _tokens(self) -> list[Token]:
        tokens = _PARSER.parse(self.source)
        for token in tokens:
            if token.type in ("heading_open", "heading_close"):
                token.tag = f"h{min(6, max(2, int(token.tag[1:]) + (1 if token.tag == 'h1' else 0)))}"
        return tokens

    @cached_property
    def html(self) -> str:
        """Escaped HTML of known elements only."""
        return str(_PARSER.renderer.render(self._tokens, _PARSER.options, {})).strip()

    @cached_property
    def plain(self) -> str:
        """Plain text, blocks parted by an empty line, every link as `text (https://…)`."""
        return "\n\n".join(self.paragraphs)

    @cached_property
    def paragraphs(self) -> tuple[str, ...]:
        """The plain text block by block."""
        blocks = (_block(node) for node in SyntaxTreeNode(self._tokens).children)
        return tuple(block for block in blocks if block)

    def markup(self) -> tuple[int, str] | None:
        """The 1-based line and the text of the first HTML tag that was written as text, outside code; or None."""
        for token in _UNJOINED.parse(self.source):
            # An escaped character (`\\<script>`, `&lt;`) is a token of its own here: it was meant as text.
            text = "".join(c.content if c.type == "text" else "\ufffc" for c in token.children or [])
            if found := plain.markup(text):
                return (token.map[0] + 1 if token.map else 1), found[1]
        return None

    def unsafe_links(self) -> list[str]:
        """Links as written whose scheme is refused, such as `javascript:`."""
        return re.findall(r"\]\(\s*<?((?:javascript|data|vbscript|file):[^)\s>]*)", self.source, re.IGNORECASE)


@lru_cache(maxsize=16)  # every channel asks for the same few
def parsed(source: str) -> Body:
    """The body of a text, parsed once."""
    return Body(source)


def _block(node: SyntaxTreeNode, indent: str = "") -> str:
    if node.type in ("paragraph", "heading"):
        return "".join(_inline(child) for child in node.children)
    if node.type == "blockquote":
        return "\n\n".join(_block(child) for child in node.children)
    if node.type in ("bullet_list", "ordered_list"):
        return "\n".join(_items(node, indent))
    if node.type in ("code_block", "fence"):
        return node.content.rstrip("\n")
    if node.type == "hr":
        return "* * *"
    if node.type == "table":
        return "\n".join(_row(row) for part in node.children for row in part.children)
    return "".join(_block(child) for child in node.children) if node.children else ""


def _items(node: SyntaxTreeNode, indent: str) -> list[str]:
    start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    lines = []
    for number, item in enumerate(node.children):
        mark = f"{start + number}. " if start is not None else "- "
        inner = "\n".join(_block(child, indent + "  ") for child in item.children)
        lines.append(f"{indent}{mark}{inner}")
    return lines


def _row(row: SyntaxTreeNode) -> str:
    return " | ".join("".join(_inline(child) for child in cell.children) for cell in row.children)


def _inline(node: SyntaxTreeNode) -> str:
    if node.type in ("text", "code_inline"):
        return node.content
    if node.type == "softbreak":
        return " "
    if node.type == "hardbreak":
        return "\n"
    if node.type == "image":
        return str(node.content)
    inner = "".join(_inline(child) for child in node.children)
    if node.type == "link":
        target = str(node.attrs.get("href", ""))
        address = target.removeprefix("mailto:").removeprefix("tel:")
        return inner if inner in (target, address) else f"{inner} ({address})"
    return inner


def paragraphs_html(text: str) -> str:
    """Plain text (boilerplate, disclaimer) as escaped paragraphs."""
    parts = [part.strip() for part in re.split(r"\n{2,}", text.strip())]
    return "\n".join("<p>" + escape(part, quote=False).replace("\n", "<br>\n") + "</p>" for part in parts if part)
