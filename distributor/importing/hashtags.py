"""A line of hashtags, also where hashtags and addresses run together without a space."""

import re
from dataclasses import dataclass, field

from distributor import fields

_LABEL = re.compile(r"(?:hash\s?tags?|主題標籤|標籤|标签|ハッシュタグ)\s*[:：]\s*", re.IGNORECASE)
_STOP = r"\s#＃,，、;；|｜<>\"“”"
_PART = re.compile(
    rf"(?P<url>https?://(?:(?!https?://)[^{_STOP}])+)|[#＃](?P<tag>(?:(?!https?://)[^{_STOP}])+)|(?P<word>[^{_STOP}]+)",
    re.IGNORECASE,
)
#: A bar that a site encoded into the address before it.
_ENCODED_BAR = re.compile(r"(?:%EF%BD%9C)+$", re.IGNORECASE)


@dataclass(slots=True)
class TagLine:
    """What a line of hashtags holds."""

    label: str
    tags: list[str] = field(default_factory=list)  #: without `#`
    links: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  #: neither, or there twice


def read(text: str) -> TagLine | None:
    """A `Hashtag:` line, or one of nothing but hashtags and addresses; None for any other text."""
    label = _LABEL.match(text)
    if len(text) > 2000 or not (label or re.match(r"[#＃]\w", text)):
        return None
    line = TagLine(label=label[0].strip() if label else "")
    parts = list(_PART.finditer(text, label.end() if label else 0))
    plain_words = [part["word"] for part in parts if part["word"]]
    tagged = [part["tag"] for part in parts if part["tag"]]
    if not label and (plain_words or len(tagged) < 2):
        return None
    for part in parts:
        if part["url"]:
            _add_link(line, part["url"])
        elif part["tag"] or not tagged:  # `Hashtag: Ferry, Harbour`: a list without any `#`
            _add_tag(line, part["tag"] or part["word"])
        else:
            line.left.append(part["word"])
    return line if line.tags or line.links or label else None


def _add_tag(line: TagLine, text: str) -> None:
    tag = text.rstrip(".:")
    try:
        tag = fields.hashtag(tag)
    except ValueError:
        line.left.append(text)
        return
    if tag.casefold() in (known.casefold() for known in line.tags):
        line.left.append(tag)
    else:
        line.tags.append(tag)


def _add_link(line: TagLine, text: str) -> None:
    url = _ENCODED_BAR.sub("", text).rstrip(".")
    line.left += [text[len(url) :]] if len(url) < len(text.rstrip(".")) else []
    try:
        line.links.append(fields.web_url(url))
    except ValueError:
        line.left.append(url)
