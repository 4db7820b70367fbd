"""What YAML reads otherwise than a writer of prose means it, and the spelling in quotes that says what was meant.

YAML 1.2.2: ` #` begins a comment (§6.6), `: ` a mapping (§7.4), and @ * & ! % ` | > - ? [ { at the start of a value mean
something (§5.3). In prose they are words, so a value that loses some of them is refused instead of cut.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from distributor import validation
from distributor.errors import Problem

#: Fields of numbers, times, addresses and names in machine form: a comment behind their value cuts no words.
_MACHINE_TOP = frozenset(
    {
        "id", "version", "kind", "embargoed_until", "display_zones", "expires_at", "late", "catch_up_within", "urgency",
        "lang", "channels", "approvals", "translation_of", "audiences",
    }
)  # fmt: skip
_MACHINE = frozenset(
    {
        "url", "email", "phone", "file", "kind", "width", "height", "sha256", "lei", "isin", "exchange", "ticker", "date",
        "style", "audience", "embargo_only", "class", "version", "scheme", "code", "contains_inside_information",
    }
)  # fmt: skip
#: Single texts: a list or mapping in their place is a text that begins with a bracket or holds a colon.
_TEXTS = frozenset(
    {
        "headline", "subheadline", "short_headline", "slugline", "summary", "byline", "boilerplate", "disclaimer", "notes_to_editors",
        "embargo_note", "no_embargo", "ednote", "genre", "caption", "alt", "credit", "rights", "name", "role", "org", "title",
        "text", "city", "region", "country", "legal_name", "credit_line",
    }
)  # fmt: skip
_LISTS = frozenset({"keywords", "hashtags", "regions"})
_FIELD = re.compile(r"(?P<indent>[ ]*)(?P<dash>(?:-[ ]+)*)(?P<key>[A-Za-z_][\w-]*):(?P<gap>[ \t]+|$)(?P<value>.*)")
_GLUED = re.compile(r"(?P<key>[A-Za-z_][\w-]*):(?=\S)(?P<value>.*)")
_BLOCK = re.compile(r"[|>][-+0-9]{0,2}[ \t]*(?:#.*)?")
_PAIR = re.compile(r"\s*([A-Za-z_][\w-]*):\s+(.*\S)\s*", re.DOTALL)
_SPLIT = re.compile(r"""\s*,\s*(?=(?:[^"]*"[^"]*")*[^"]*$)""")


#: A quote that is no apostrophe.
_INNER = {mark: re.compile(rf"(?<!\w){mark}|{mark}(?!\w)") for mark in "'\""}


def quoted(text: str) -> str:
    """A text in the quotes in which YAML reads exactly it (§7.3)."""
    text = " ".join(text.replace("\t", " ").split())
    if len(text) > 2 and text[0] == text[-1] and text[0] in "'\"" and not _INNER[text[0]].search(text[1:-1]):
        text = text[1:-1]  # 'Don't stop': the outer ones were meant as quotes
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def cut(text: str, root: Any, file: str) -> list[Problem]:
    """What a head that YAML could read has lost of its words, in the order of the file."""
    return list(_cut(text.split("\n"), root, (), file, 0))


def _cut(lines: list[str], node: Any, path: validation.Path, file: str, column: int) -> Iterator[Problem]:
    """`column` is where the field's name stands, or the dash of an entry."""
    words = _is_words(path)
    if isinstance(node, yaml.ScalarNode):
        if words and node.style not in ("|", ">") and (lost := _comment(lines, node, column)):
            meant = " ".join([_source(lines, node), lost])
            text = f"' #' begins a comment in YAML, and '{lost}' would be lost. Write it in quotes: {_spelled(path, quoted(meant))}"
            text += ", or move a comment to a line of its own"
            yield _problem(text, file, node, path)
        return
    if words and _is_text(path):
        text = f"this is text, and YAML reads something else. Write it in quotes: {_spelled(path, quoted(_source(lines, node)))}"
        yield _problem(text, file, node, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _cut(lines, item, (*path, index), file, max(0, item.start_mark.column - 2))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if node.flow_style and _is_empty(value) and value.start_mark.column == key.end_mark.column:
                text = f"a comma ends a value between brackets, so '{key.value}' would be a field of its own. "
                text += f"Write it in quotes: {_spelled(path, flow(_source(lines, node)) or 'each text')}"
                yield _problem(text, file, key, path)
            else:
                yield from _cut(lines, value, (*path, str(key.value)), file, key.start_mark.column)


def _is_words(path: validation.Path) -> bool:
    names = [step for step in path if isinstance(step, str)]
    if not names or names[0] in _MACHINE_TOP or names[-1] in _MACHINE:
        return False
    return len(names) > 1 or names[0] not in ("issuer", "contacts")  # a name from the house


def _is_text(path: validation.Path) -> bool:
    """Whether a single text stands there: of the field itself, an entry of a list of texts, or of a network."""
    if len(path) == 2 and path[0] in ("social", *_LISTS):
        return True
    return path[-1] in _TEXTS


def _is_empty(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value == ""


def _comment(lines: list[str], node: Any, column: int) -> str:
    """The comment behind a value on its line, or, behind a plain one, in the place where its next line would stand."""
    at = node.end_mark
    behind = lines[at.line][at.column :] if at.line < len(lines) else ""
    if found := re.fullmatch(r"[ \t]*(#.*?)\s*", behind):
        return found[1]
    if node.style or behind.strip() or at.line + 1 >= len(lines) or _is_empty(node):
        return ""
    below = re.fullmatch(r"([ \t]+)(#[^\s#].*?)\s*", lines[at.line + 1])
    return below[2] if below and len(below[1]) > column else ""


def _source(lines: list[str], node: Any) -> str:
    """A value as it is written, on one line."""
    begin, end = node.start_mark, node.end_mark
    if begin.line == end.line:
        return str(lines[begin.line][begin.column : end.column]).strip()
    last = lines[end.line][: end.column] if end.line < len(lines) else ""
    parts = [lines[begin.line][begin.column :], *lines[begin.line + 1 : end.line], last]
    return " ".join(part.strip() for part in parts if part.strip())


def _spelled(path: validation.Path, value: str) -> str:
    key = path[-1] if path else ""
    return f"- {value}" if isinstance(key, int) else f"{key}: {value}"


def _problem(text: str, file: str, node: Any, path: validation.Path) -> Problem:
    return Problem(text=text, file=file, line=node.start_mark.line + 1, field=validation.dotted(path) or None)


def flow(value: str) -> str | None:
    """A value between brackets with its texts in quotes, where YAML can read it then."""
    made = re.sub(r"\{[^{}]*\}", lambda found: _mapping(found[0]), value)
    if made.startswith("[") and "{" not in made:
        parts = _SPLIT.split(made.strip("[] "))
        made = "[" + ", ".join(part if _reads(part, inside=True) else quoted(part) for part in parts) + "]"
    return made if _reads(made) else None


def _mapping(text: str) -> str:
    pairs: list[list[str]] = []
    for part in _SPLIT.split(text[1:-1].strip()):
        if found := _PAIR.fullmatch(part):
            pairs.append([found[1], found[2]])
        elif pairs:
            pairs[-1][1] += f", {part}"
    safe = re.compile(r"[\w/+.@-]+|\"[^\"]*\"|'[^']*'|\[[^\[\]]*\]")
    return "{" + ", ".join(f"{key}: {one if safe.fullmatch(one) else quoted(one)}" for key, one in pairs) + "}"


def _reads(value: str, *, inside: bool = False) -> bool:
    """Whether YAML takes a value as it is, without a tag, an anchor, or a part that is lost."""
    text = f"key: [{value}]\n" if inside else f"key: {value}\n"
    try:
        events = list(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        return False
    return not any(
        isinstance(one, yaml.AliasEvent) or getattr(one, "anchor", None) or getattr(one, "tag", None) for one in events
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """One `name: value` of a head, as far as it can be told without YAML."""

    number: int  #: from 0, as YAML's marks count
    path: validation.Path
    value: str


def meant(text: str, line: int | None, file: str, why: str) -> Problem:
    """The problem for a head that YAML cannot read: the field at `line` (from 0), and its spelling in quotes."""
    lines = text.split("\n")
    if line is not None and (glued := next(filter(None, map(_GLUED.fullmatch, lines)), None)):
        words = f"a colon needs a space behind it. Write {glued['key']}: {glued['value']}"
        return Problem(text=words, file=file, line=lines.index(glued[0]) + 1, field=glued["key"])
    broken = [one for one in _scanned(lines) if one.value and not _reads(one.value) and not _goes_on(one.value)]
    near = [one for one in broken if line is None or one.number <= line]
    if near:
        found = near[-1]
        whole = " ".join([found.value, *_continued(lines, found)])
        brackets = found.value[:1] in "[{" and found.value[-1:] in "]}" and not _is_text(found.path)
        spelled = (flow(found.value) if brackets else None) or quoted(whole)
        words = f"{_reason(found.value, why)}. Write it in quotes: {_spelled(found.path, spelled)}"
        return Problem(text=words, file=file, line=found.number + 1, field=validation.dotted(found.path))
    if line is not None and (loose := _loose(lines, line)):
        return Problem(text=loose[1], file=file, line=loose[0] + 1)
    hint = " (a value with ': ' or a leading '@', '#' or quote needs quotes around it)"
    return Problem(text=f"is not YAML: {why}{hint}", file=file, line=None if line is None else line + 1)


def _reason(value: str, why: str) -> str:
    """Why YAML reads a value otherwise than it is meant, in the words of a writer."""
    if value[0] in "'\"":
        return "in YAML a value in quotes ends with its second quote, and more follows"
    if value[0] in "&*!":
        return f"a value that begins with '{value[0]}' means something else in YAML ({why})"
    if value[0] in "@`%|>?,]}" or value.startswith("- "):
        return f"a value that begins with '{value[0]}' means something else in YAML"
    if value[0] not in "[{" and (": " in value or value.endswith(":")):
        return "': ' begins a field of its own in YAML"
    return f"YAML reads this otherwise than it is meant ({why})"


def _continued(lines: list[str], found: "_Line") -> Iterator[str]:
    """The lines on which a value goes on."""
    for row in lines[found.number + 1 :] if found.value[:1] not in "[{" else ():
        if not row.startswith(" ") or not row.strip() or _FIELD.fullmatch(row) or row.strip().startswith("- "):
            return
        yield row.strip()


def _goes_on(value: str) -> bool:
    """Whether a list or mapping between brackets goes on on the next line."""
    return value[:1] in "[{" and any(value.count(begin) > value.count(end) for begin, end in ("[]", "{}"))


def _scanned(lines: list[str]) -> Iterator[_Line]:
    """Every `name: value` on a line of its own, with its place; the lines of a text block (`|`, `>`) are none."""
    above: list[tuple[int, validation.Path]] = []
    counts: dict[validation.Path, int] = {}
    block = -1
    for number, row in enumerate(lines):
        indent = len(row) - len(row.lstrip(" "))
        if not row.strip() or (block >= 0 and indent > block):
            continue
        block = -1
        found = _FIELD.fullmatch(row)
        item = re.fullmatch(r"(\s*-[ ]+)(.*)", row)
        if not found and not item:
            continue
        column = indent if not found else len(found["indent"]) + len(found["dash"])
        while above and above[-1][0] >= column:
            above.pop()
        parent = above[-1][1] if above else ()
        if item:  # the name above it is that of a list
            while above and above[-1][0] > indent:
                above.pop()
            parent = above[-1][1] if above else ()
            parent = parent[:-1] if parent and isinstance(parent[-1], int) else parent
            counts[parent] = counts.get(parent, -1) + 1
            parent = (*parent, counts[parent])
            above.append((indent, parent))
        path = (*parent, found["key"]) if found else parent
        value = (found["value"] if found else item[2] if item else "").strip()
        if found:
            above.append((column, path))
        if _BLOCK.fullmatch(value):
            block = column
        elif value:
            yield _Line(number, path, value)


def _loose(lines: list[str], line: int) -> tuple[int, str] | None:
    """A line that belongs to no field: most often the second line of a value."""
    for number in range(min(line, len(lines) - 1), 0, -1):
        if not lines[number].strip() or _FIELD.fullmatch(lines[number]):
            continue
        start = next((at for at in range(number, 0, -1) if _FIELD.fullmatch(lines[at])), 0)
        above = _FIELD.fullmatch(lines[start])
        if above and above["value"]:
            whole = " ".join([above["value"], *(row.strip() for row in lines[start + 1 : number + 1])])
            return number, f"this line belongs to no field. Write it in quotes: {above['key']}: {quoted(whole)}"
        return number, "this line belongs to no field: put the text behind the name of a field, on one line"
    return None
