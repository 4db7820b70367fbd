"""Who is quoted in a text, in which capacity, and what they said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_OPEN, _CLOSE = '"“「『', '"”」』'
_QUOTED = re.compile(rf"[{_OPEN}]([^{_OPEN}{_CLOSE}]{{2,}})[{_CLOSE}]?")
_VERBS = r"(?:said|says|added|adds|commented|explained|noted|stated|remarked|continued|concluded|told)"
_NAME = r"(?:(?:Dr|Prof|Professor|Mr|Mrs|Ms|Mx|Sir|Dame|The Hon)\.?\s+)?[^\W\d_a-z][\w'’.\-]*(?:\s+(?:[^\W\d_a-z][\w'’.\-]*|de|van|von|der|bin|al|la|da|du)){0,4}"
#: `Albert Wong, CEO of HKSTP, said, "…"`
_BEFORE = re.compile(rf"^(?P<name>{_NAME}),\s+(?P<role>[^\"“]{{2,120}}?),\s+{_VERBS}\b[^\"“]{{0,40}}[\"“]")
#: `"…," said Helen Au, Chief Executive of Tidewater Ferries.`
_AFTER = re.compile(
    rf"[\"”],?\s+(?:{_VERBS}\s+(?P<name>{_NAME})|(?P<name2>{_NAME})\s+{_VERBS})(?:,\s+(?P<role>[^.\"“]{{2,120}}))?"
)
#: `— Helen Au, Chief Executive, Tidewater Ferries`
_LINE = re.compile(rf"^\s*(?:—|–|--)\s*(?P<name>{_NAME})(?:,\s+(?P<role>.{{2,120}}))?\s*$")
#: `潮汐渡輪行政總裁區凱倫說：「…」` and `「…」維港研究所總監郭文深博士說`
_HAN_BEFORE = re.compile(r"(?P<who>[\u3400-\u9fff]{4,24}?)(?:說|表示|指出|稱|说|称|补充|補充)[：:，,]?\s*[「“『]")
_HAN_AFTER = re.compile(r"[」”』](?P<who>[\u3400-\u9fff]{4,24}?)(?:說|表示|指出|稱|说|称)")
_HAN_ROLE = re.compile(
    r"^(?P<org>.*?)(?P<title>行政總裁|行政总裁|首席執行官|总裁|總裁|主席|總監|总监|總經理|总经理|發言人|发言人)(?P<name>.{2,6})$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of one speaker."""

    text: str
    speaker: str
    title: str = ""
    org: str = ""
    paragraph: int  #: index of the paragraph it starts in


def find_quotes(paragraphs: Sequence[str]) -> tuple[Quote, ...]:
    """Quotes whose speaker the text names, in order. What it does not name is left alone."""
    found = []
    for number, paragraph in enumerate(paragraphs):
        following = paragraphs[number + 1] if number + 1 < len(paragraphs) else ""
        quote = _in_prose(number, paragraph) or _in_block(number, paragraph, following) or _in_han(number, paragraph)
        if quote:
            found.append(quote)
    return tuple(found)


def _in_prose(number: int, paragraph: str) -> Quote | None:
    match = _BEFORE.search(paragraph) or _AFTER.search(paragraph)
    words = _words(paragraph)
    if not match or not words:
        return None
    names = match.groupdict()
    title, org = _capacity(names.get("role") or "")
    return Quote(text=words, speaker=names["name"] or names.get("name2") or "", title=title, org=org, paragraph=number)


def _in_block(number: int, paragraph: str, following: str) -> Quote | None:
    """A quoted paragraph with its speaker on the last line, or in the next paragraph."""
    *lines, last = paragraph.split("\n")
    match = _LINE.match(last) if lines else None
    words = _words("\n".join(lines)) if match else _words(paragraph)
    if not match and paragraph[:1] in _OPEN:
        match = _LINE.match(following)
    if not match or not words:
        return None
    title, org = _capacity(match["role"] or "")
    return Quote(text=words, speaker=match["name"], title=title, org=org, paragraph=number)


def _in_han(number: int, paragraph: str) -> Quote | None:
    match = _HAN_BEFORE.search(paragraph) or _HAN_AFTER.search(paragraph)
    words = _words(paragraph)
    if not match or not words:
        return None
    role = _HAN_ROLE.match(match["who"])
    if not role:
        return Quote(text=words, speaker=match["who"], paragraph=number)
    return Quote(text=words, speaker=role["name"], title=role["title"], org=role["org"], paragraph=number)


def _words(paragraph: str) -> str:
    return " ".join(part.strip().rstrip(",，") for part in _QUOTED.findall(paragraph)).strip()


def _capacity(role: str) -> tuple[str, str]:
    """`CEO of HKSTP` → (`CEO`, `HKSTP`); `Director of Marine Acoustics at the Institute` → title and the Institute."""
    role = role.strip().rstrip(",")
    for joint in (" at ", ", "):
        if joint in role:
            title, _, org = role.rpartition(joint)
            return title.strip(), org.removeprefix("the ").strip()
    title, _, org = role.partition(" of ")
    return title.strip(), org.removeprefix("the ").strip()
