"""One release file split in two: YAML front matter and Markdown body, with the line of every field.

Only a safe part of YAML is read: mappings, lists and text. There are no tags, anchors or types, so that `no` stays the
language of Norway, `12:30` a time and a billion laughs an error.
"""

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from distributor import plain, validation, yamltraps
from distributor.errors import Problem, ReleaseError

MAX_FILE = 1_000_000
MAX_FRONT = 64_000  #: bytes of the front matter: YAML takes its time, and a preview reads it at every key
_DEEPEST = 8
#: libyaml where it is there: many times faster, with the same fields and lines.
_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
Lines = dict[validation.Path, int]


@dataclass(frozen=True, slots=True)
class Document:
    """One file, split and parsed but not yet checked."""

    path: Path
    front: dict[str, Any]
    lines: Lines
    body: str
    body_line: int

    def fail(self, text: str, *field: str | int) -> ReleaseError:
        """The error for a mistake in this file, with the line of `field` or of its nearest parent."""
        line = next((self.lines[field[:n]] for n in range(len(field), 0, -1) if field[:n] in self.lines), None)
        return ReleaseError(Problem(text=text, file=str(self.path), line=line, field=validation.dotted(field) or None))


def load(path: Path) -> Document:
    """Split and parse one file; raises ReleaseError naming file and line."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ReleaseError(Problem(text=f"cannot be read: {error.strerror}", file=str(path))) from None
    return parse(raw, path)


def parse(raw: bytes, path: Path) -> Document:
    """Split and parse the bytes of a file that `path` names, whether they lie there already or not; raises as `load`."""
    name = str(path)
    if len(raw) > MAX_FILE:
        size = f"{len(raw) / 1e6:.1f} MB; a release is at most {MAX_FILE / 1e6:.0f} MB of text"
        raise ReleaseError(Problem(text=f"is {size} (photos and documents go beside it, as media)", file=name))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ReleaseError(Problem(text="is not UTF-8; save it as UTF-8", file=name, line=line)) from None
    text = text.replace("\r\n", "\n")
    if found := plain.control_character(text):
        line = text.count("\n", 0, found[0]) + 1
        raise ReleaseError(Problem(text=f"holds the control character {found[1]}; remove it", file=name, line=line))
    fences = list(_FENCE.finditer(text))
    if not fences or fences[0].start() != 0 or len(fences) < 2:
        raise ReleaseError(
            Problem(
                text="has no front matter: begin with a line '---', then fields such as 'id:' and 'headline:', "
                "then a line '---', then the body (or use 'distributor import' for plain text)",
                file=name,
                line=1,
            )
        )
    front_text = text[fences[0].end() : fences[1].start()]
    if (length := len(front_text.encode())) > MAX_FRONT:
        most = f"at most {MAX_FRONT // 1000} kB are read; long texts belong into the body"
        raise ReleaseError(Problem(text=f"has {length // 1000} kB of front matter; {most}", file=name, line=1))
    front, lines = _front_matter(front_text, name)
    body_line = text.count("\n", 0, fences[1].end()) + 2
    return Document(path, front, lines, text[fences[1].end() :].removeprefix("\n"), body_line)


def _front_matter(text: str, name: str) -> tuple[dict[str, Any], Lines]:
    try:
        node = _root(text, name)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else None
        raise ReleaseError(yamltraps.meant(text, line, name, error.problem or str(error))) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ReleaseError(Problem(text=f"is not YAML: {error}", file=name)) from None
    lines: Lines = {}
    if node is None:
        return {}, lines
    if not isinstance(node, yaml.MappingNode):
        words = "the front matter must be fields, one 'name: value' a line"
        raise ReleaseError(yamltraps.meant(text, 0, name, words))
    if lost := yamltraps.cut(text, node, name):
        raise ReleaseError(*lost)
    value = _value(node, (), lines, name)
    return value, lines


def _root(text: str, name: str) -> yaml.Node | None:
    """The top node. What libyaml refuses, or takes for its tabs, PyYAML has the last word on: it names the line."""
    if "\t" not in text:
        with contextlib.suppress(yaml.YAMLError):
            return _composed(text, name, _FAST)
    return _composed(text, name, yaml.SafeLoader)


def _composed(text: str, name: str, loader: Any) -> yaml.Node | None:
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else None
            raise ReleaseError(Problem(text="is nested too deep", file=name, line=line))
        line = event.start_mark.line if event.start_mark else None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ReleaseError(yamltraps.meant(text, line, name, "anchors and aliases (& and *) are not read"))
        if tag := getattr(event, "tag", None):
            raise ReleaseError(yamltraps.meant(text, line, name, f"the tag {tag} is not read"))
    return yaml.compose(text, Loader=loader)


def _value(node: yaml.Node, path: validation.Path, lines: Lines, name: str) -> Any:
    line = node.start_mark.line + 1  # the fence is line 1 and the text after it starts with its line end
    lines.setdefault(path, line)
    if isinstance(node, yaml.ScalarNode):
        if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
            raise ReleaseError(Problem(text=f"the tag {node.tag} is not read", file=name, line=line))
        return None if not node.style and node.value in ("", "~", "null") else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), lines, name) for index, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode) or node.tag != "tag:yaml.org,2002:map":
        raise ReleaseError(Problem(text=f"the tag {node.tag} is not read", file=name, line=line))
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        key = str(key_node.value)
        if key in found:
            raise ReleaseError(Problem(text="is there twice", file=name, line=key_line, field=key))
        lines[(*path, key)] = key_line
        found[key] = _value(value_node, (*path, key), lines, name)
    return found
