"""Changing one field of a release file's front matter and nothing else in it: comments, order and spelling stay."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from distributor import frontmatter
from distributor.errors import ActionError, ReleaseError

Value = str | list[Any] | dict[str, Any] | None
_TAIL = re.compile(r"(?:^(?:#[^\n]*|[ \t]*)(?:\n|\Z))*\Z", re.MULTILINE)
_FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_WIDE = 10**9


def values(source: str) -> dict[str, Any]:
    """The front matter's fields as they are written; nothing where it cannot be read."""
    try:
        return frontmatter.parse(source.encode("utf-8", "replace"), Path("release")).front
    except ReleaseError:
        return {}


def readable(source: str) -> bool:
    """Whether the text has front matter that can be read."""
    try:
        _read(source)
    except ActionError:
        return False
    return True


def set_field(source: str, name: str, value: Value) -> str:
    """The file with the top-level field `name` changed, added at the end of the front matter, or taken out (None). Comments
    inside the field stand above it then.

    Raises ActionError where the front matter cannot be read or is written so that a field cannot be told apart.
    """
    start, front = _split(source)
    written = "" if value is None else _written(name, value)
    span = _span(front, _compose(front), name)
    written = _comments(front[span[0] : span[1]]) + written if span else written
    changed = front[: span[0]] + written + front[span[1] :] if span else _with_end(front) + written
    return _proved(source, source[:start] + changed + source[start + len(front) :], name, value)


def set_in_list(source: str, name: str, index: int, changes: Mapping[str, str | None]) -> str:
    """The file with some keys of entry `index` of the list `name` changed, each where it stands; None takes a key out.

    Raises ActionError as `set_field` does, and where there is no such entry.
    """
    before = values(source).get(name)
    if not isinstance(before, list) or not 0 <= index < len(before) or not isinstance(before[index], dict):
        raise ActionError(f"there is no {name}[{index}] in the release file; look at its text")
    entry = {**before[index], **changes}
    after = [*before]
    after[index] = {key: value for key, value in entry.items() if value is not None}
    try:
        return _proved(source, _spliced(source, name, index, changes), name, after)
    except (ActionError, LookupError):
        return set_field(source, name, after)


def append_to_list(source: str, name: str, entry: dict[str, str] | str) -> str:
    """The file with one more entry at the end of the list `name`, which is made where there is none."""
    before = values(source).get(name)
    after = [*before, entry] if isinstance(before, list) else [entry]
    start, front = _split(source)
    span = _span(front, _compose(front), name)
    if span is None or not isinstance(before, list) or not before:
        return set_field(source, name, after)
    indent = re.search(r"\n([ ]*)-\s", front[span[0] : span[1]])
    lines = _entry(entry, indent[1] if indent else "  ")
    changed = _with_end(front[: span[1]]) + lines + front[span[1] :]
    try:
        return _proved(source, source[:start] + changed + source[start + len(front) :], name, after)
    except ActionError:  # a list on one line
        return set_field(source, name, after)


def arrange(source: str, name: str, order: Sequence[int]) -> str:
    """The file with the entries of the list `name` in another order, as they are written; one that `order` leaves out is gone,
    and an empty list stands where none is left. A comment above an entry goes with it. Raises ActionError as `set_field` does.
    """
    before = values(source).get(name)
    if not isinstance(before, list) or not set(order) <= set(range(len(before))):
        raise ActionError(f"there is no such {name} in the release file; look at its text")
    after, (start, front) = [before[index] for index in order], _split(source)
    try:
        changed = _arranged(front, name, order)
        return _proved(source, source[:start] + changed + source[start + len(front) :], name, after)
    except (ActionError, LookupError):
        return set_field(source, name, after)


def _split(source: str) -> tuple[int, str]:
    """Where the front matter's fields begin, and what stands there."""
    fences = list(_FENCE.finditer(source))
    if len(fences) < 2 or fences[0].start() != 0:
        raise ActionError("the release file has no front matter: begin with '---', fields, '---'")
    start = fences[0].end() + 1
    return start, source[start : max(start, fences[1].start())]


def _compose(front: str) -> yaml.MappingNode | None:
    try:
        node = yaml.compose(front, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        raise ActionError("the front matter cannot be read; mend it in the text first") from None
    if node is None:
        return None
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise ActionError("the front matter is not written as one 'name: value' a line; change the field in the text")
    return node


def _span(front: str, node: yaml.MappingNode | None, name: str) -> tuple[int, int] | None:
    """From the field's name to behind its value's line; comments and empty lines that follow stay with what follows."""
    pairs = node.value if node else []
    starts = [key.start_mark.index for key, _ in pairs]
    for at, (key, _) in zip(starts, pairs, strict=True):
        if key.value == name:
            end = min((other for other in starts if other > at), default=len(front))
            tail = _TAIL.search(front[at:end])
            return at, at + tail.start() if tail else end
    return None


def _spliced(source: str, name: str, index: int, changes: Mapping[str, str | None]) -> str:
    """The file with single values cut out and put in; LookupError where a key is not written on lines of its own."""
    start, front = _split(source)
    root = _compose(front)
    listed = next(value for key, value in (root.value if root else []) if key.value == name)
    entry = listed.value[index]
    there = {key.value: value for key, value in entry.value}
    edits: list[tuple[int, int, str]] = []
    for key, value in changes.items():
        if key in there and value is not None:
            node = there[key]
            if node.style in ("|", ">") or node.start_mark.line != node.end_mark.line:
                raise LookupError(key)
            edits.append((node.start_mark.index, node.end_mark.index, _on_one_line(value)))
        elif value is not None:
            last = max(node.end_mark.index for node in there.values())
            end = front.find("\n", last - 1) + 1
            if entry.flow_style or not end:
                raise LookupError(key)
            column = entry.value[0][0].start_mark.column
            edits.append((end, end, f"{' ' * column}{key}: {_on_one_line(value)}\n"))
        elif key in there:
            raise LookupError(key)
    after = front
    for begin, end, text in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        after = after[:begin] + text + after[end:]
    return source[:start] + after + source[start + len(front) :]


def _arranged(front: str, name: str, order: Sequence[int]) -> str:
    """The fields with whole lines of a list in another order; LookupError where its entries are not on lines of their own."""
    root = _compose(front)
    listed = next(value for key, value in (root.value if root else []) if key.value == name)
    span = _span(front, root, name)
    if listed.flow_style or span is None or not order:
        raise LookupError(name)
    lines = [f"{line}\n" for line in front[: span[1]].removesuffix("\n").split("\n")]
    first = listed.start_mark.line
    begins = [node.start_mark.line for node in listed.value]
    for place, before in enumerate(listed.value[:-1], start=1):
        begins[place] = min(begins[place], _behind(before))  # comments in between are about what follows
    ends = [*begins[1:], len(lines)]
    parts = ["".join(lines[begin:end]) for begin, end in zip(begins, ends, strict=True)]
    return "".join([*lines[:first], *(parts[index] for index in order), front[span[1] :]])


def _behind(node: yaml.Node) -> int:
    """The line behind the last word of a value."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _behind(last[1] if isinstance(last, tuple) else last)
    block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return int(node.end_mark.line) + (0 if block else 1)


def _proved(before: str, after: str, name: str, value: Value) -> str:
    """`after`, when reading it shows that the one field changed and nothing else did."""
    old, new = _read(before), _read(after)
    expected = {**old.front, name: value} if value is not None else {k: v for k, v in old.front.items() if k != name}
    if new.front != expected or new.body != old.body:
        raise ActionError(
            f"'{name}' cannot be changed here without touching what stands around it: change it in the text"
        )
    return after


def _read(source: str) -> frontmatter.Document:
    try:
        return frontmatter.parse(source.encode("utf-8", "replace"), Path("release"))
    except ReleaseError as error:
        raise ActionError(f"the release file cannot be read: {error.problems[0].text}; mend it in the text") from None


def _written(name: str, value: str | list[Any] | dict[str, Any]) -> str:
    if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        return f"{name}:\n" + "".join(_entry(entry, "  ") for entry in value)
    return f"{name}: {_on_one_line(value)}\n"


def _entry(entry: Mapping[str, Any] | str, indent: str) -> str:
    if isinstance(entry, str) or not entry:
        return f"{indent}- {_on_one_line(entry)}\n"
    return f"{indent}- " + f"{indent}  ".join(f"{key}: {_on_one_line(value)}\n" for key, value in entry.items())


def _comments(field: str) -> str:
    """The comments inside a field, each on a line of its own: what stands between two tokens and is no space."""
    at, found = 0, list[str]()
    for token in yaml.scan(field, Loader=yaml.SafeLoader):
        found += re.findall(r"#[^\n]*", field[at : token.start_mark.index])
        at = max(at, token.end_mark.index)
    return "".join(f"{comment.rstrip()}\n" for comment in found)


def _with_end(front: str) -> str:
    return front if not front or front.endswith("\n") else f"{front}\n"


def _on_one_line(value: Any) -> str:
    """As YAML, quoted where it would read as something else. A line break becomes an escape."""
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    made = yaml.safe_dump(
        value, allow_unicode=True, sort_keys=False, width=_WIDE, default_flow_style=True, default_style=style
    )
    return made.removesuffix("...\n").rstrip("\n")
