"""The release file: front matter that a person can read and go on with, and a body that reads back word for word."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

import yaml

from distributor.importing.lines import Book, DroppedLine, Paragraph

_ORDER = (
    "id", "embargoed_until", "embargo_note", "lang", "headline", "subheadline", "byline", "issuer", "distributor", "dateline",
    "contacts", "media", "hashtags", "links", "boilerplate", "disclaimer", "notes_to_editors",
)  # fmt: skip
#: Bytes. A release file may have 1,000,000 (frontmatter.MAX_FILE) and its front matter 64,000; fields need room.
MAX_BODY, _MAX_COMMENTS = 500_000, 16_000
#: How a paragraph's words are written, by its line and the words of it that are left.
Writer = Callable[[int, str], str]
_DEFINITE_BULLETS = frozenset("•●▪◦‣⁃∙")

# What starts a block in Markdown (CommonMark 0.31, sections 4.1 to 5.3), each with the character to escape.
_BLOCK_START = re.compile(r"#{1,6}(?=\s|$)|[-+*](?=\s|$)|>|~~~|(?:[-*_]\s*){3,}$|\[(?=.*\]:)")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
# What starts something within a line (section 6): escapes, emphasis, tags and autolinks, entities, links.
_INLINE = re.compile(r"\\(?=[!-/:-@\[-`{-~])|\*+|_+|<(?=[A-Za-z/!?])|&(?=#?\w{1,32};)|(?<=\])\(")


def body_markdown(paragraphs: Iterable[Paragraph], written: Writer) -> str:
    """Paragraphs as Markdown that reads back as the same words; bulleted paragraphs become lists."""
    blocks = []
    for mark, group in groupby(paragraphs, key=lambda paragraph: paragraph.mark):
        run = list(group)
        if mark in _DEFINITE_BULLETS or (mark and len(run) > 1):
            blocks.append("\n".join(f"- {written(one.line, one.text)}" for one in run))
        else:  # a single dash may be a speaker's, a single asterisk a footnote's
            blocks += [written(one.line, one.printed) for one in run]
    return "\n\n".join(blocks)


def escaped(text: str) -> str:
    """One line of text as Markdown, with no more backslashes than it takes."""
    pairs = {mark for mark in "*_" if text.count(mark) > 1}  # one alone has nothing to pair with
    line = _INLINE.sub(lambda found: _inline(found, text, pairs), text)
    if "`" in text.replace("`", "", 1):  # one alone means nothing
        line = line.replace("`", "\\`")
    if _BLOCK_START.match(text):
        return line if line.startswith("\\") else f"\\{line}"
    return _NUMBERED.sub(r"\1\\\2", line, count=1) if _NUMBERED.match(text) else line


def _inline(found: re.Match[str], text: str, pairs: set[str]) -> str:
    run = found[0]
    if run[0] not in "*_":
        return f"\\{run}"
    before, after = text[max(found.start() - 1, 0) : found.start()], text[found.end() : found.end() + 1]
    if run[0] not in pairs or (not before.strip() and not after.strip()):
        return run  # between spaces it emphasises nothing (section 6.2)
    if run[0] == "_" and before.isalnum() and after.isalnum():
        return run
    return "".join(f"\\{char}" for char in run)


def plainly(line: int, text: str) -> str:  # noqa: ARG001  a Writer
    """Words without any markup, wherever they stood."""
    return escaped(text)


def fitting(paragraphs: Iterable[Paragraph], book: Book, written: Writer) -> list[Paragraph]:
    """The paragraphs that a release file has room for; the others go into the book."""
    kept, size = [], 0
    for paragraph in paragraphs:
        size += len(written(paragraph.line, paragraph.printed).encode()) + 2
        if size <= MAX_BODY:
            kept.append(paragraph)
        else:
            book.drop(paragraph.line, paragraph.printed, f"a body of more than {MAX_BODY // 1000} kB is no release")
    return kept


def release_file(front: Mapping[str, Any], dropped: Iterable[DroppedLine], body: str) -> str:
    """The whole file: what was dropped as comments, the fields, the body."""
    fields = "".join(_field(name, front[name]) for name in _ORDER if name in front)
    return f"---\n{_comments(dropped)}{fields}---\n{body}\n"


def _comments(dropped: Iterable[DroppedLine]) -> str:
    lines, room, more = [], _MAX_COMMENTS, 0
    for one in dropped:
        line = f"# dropped, line {one.line}: {one.text}  ({one.reason})\n"
        room -= len(line.encode())
        if room >= 0:
            lines.append(line)
        else:
            more += 1
    return "".join(lines) + (f"# and {more} more, for which there is no room here\n" if more else "")


def _field(name: str, value: Any) -> str:
    if isinstance(value, str) and (name in ("boilerplate", "disclaimer", "notes_to_editors") or "\n" in value):
        return f"{name}: |\n" + "".join(f"  {line}\n" if line else "\n" for line in value.split("\n"))
    if isinstance(value, str):
        return f"{name}: {_inline_yaml(value)}\n"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{name}:\n" + "".join(_entry(entry) for entry in value)
    return f"{name}: {_inline_yaml(value)}\n"


def _entry(entry: Mapping[str, str]) -> str:
    lines = [f"{key}: {_inline_yaml(value)}\n" for key, value in entry.items()]
    return "  - " + "    ".join(lines)


def _inline_yaml(value: Any) -> str:
    """On one line, quoted where YAML would read something else."""
    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=10**9, default_flow_style=True)
    return text.removesuffix("...\n").rstrip("\n")
