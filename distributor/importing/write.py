"""Writing the draft as a release file that a person can read and our reader reads back."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from distributor.importing.lines import DroppedLine, Paragraph
from distributor.markdown import Body

_ORDER = (
    "id", "embargoed_until", "lang", "headline", "subheadline", "byline", "issuer", "distributor", "dateline", "contacts",
    "media", "hashtags", "links", "boilerplate", "disclaimer", "notes_to_editors",
)  # fmt: skip
_BULLET = re.compile(r"^[•●▪◦‣]\s*|^[-–*]\s+")
_SPECIAL = re.compile(r"([\\`*_\[\]<>&|~!])")
_LINE_START = re.compile(r"^(\s*)(#{1,6}(?=\s|$)|[-+](?=\s|$)|=+\s*$|-+\s*$)")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


class _Dumper(yaml.SafeDumper):
    """Several paragraphs as a block, everything that could be read as something else in quotes."""


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text and not re.search(r"[^\S\n]\n|^\s", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)


def release_file(front: Mapping[str, Any], dropped: Iterable[DroppedLine], body: str) -> str:
    """The file: dropped lines as comments, the fields, the body."""
    ordered = {name: front[name] for name in _ORDER if name in front}
    fields = yaml.dump(ordered, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10**9)
    comments = [f"# left out, line {one.line}: {one.text}  ({one.reason})\n" for one in dropped]
    return f"---\n{''.join(comments)}{fields}---\n{body}\n"


def body_markdown(paragraphs: Iterable[Paragraph]) -> str:
    """Paragraphs as Markdown that reads back as the same words; bulleted lines become a list."""
    blocks: list[str] = []
    in_list = False
    for paragraph in paragraphs:
        bullet = _BULLET.match(paragraph.lines[0]) if len(paragraph.text) < 600 else None
        if bullet:
            text = paragraph.text[bullet.end() :]
            item = f"- {_escaped(text)}"
            if in_list:
                blocks[-1] += f"\n{item}"
            else:
                blocks.append(item)
        else:
            blocks.append(_escaped(paragraph.text))
        in_list = bool(bullet)
    return "\n\n".join(blocks)


def _escaped(text: str) -> str:
    """As little as is needed: nothing where Markdown reads the text back unchanged."""
    text = re.sub(r" {2,}", " ", text).strip()
    if text and Body(text).paragraphs == (text,) and Body(text).markup() is None and not _SPECIAL_LINK.search(text):
        return text
    text = _SPECIAL.sub(r"\\\1", text)
    text = _NUMBERED.sub(r"\1\\\2", text)
    return _LINE_START.sub(lambda found: f"{found[1]}\\{found[2]}", text)


_SPECIAL_LINK = re.compile(r"\]\(|`")
