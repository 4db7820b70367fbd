"""Who is quoted in a text, in which capacity, and what they said.

Only what the text itself says is found: a quotation without a named speaker (`the so-called "super app"`) is none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_PAIRS = {'"': '"', "“": "”", "「": "」", "『": "』", "«": "»", "„": "“"}
#: Stands for a quoted span while the words around it are read.
_SPAN = "\ufffc"
_VERB = (
    r"(?:said|says|added|adds|commented|comments|explained|explains|noted|notes|stated|states|remarked|remarks|"
    r"continued|continues|concluded|concludes|told\s+\w+)"
)
_TITLED = r"(?:(?:Dr|Prof|Professor|Mr|Mrs|Ms|Mx|Sir|Dame|Lord|Lady|Ir|Hon|The\s+Hon)\.?\s+)*"
_UPPER = r"[^\W\d_a-zß-öø-ÿ]"
_NAME = rf"{_TITLED}{_UPPER}[\w'’.-]*(?:\s+(?:{_UPPER}[\w'’.-]*|de|da|del|di|van|von|der|den|bin|binti|al|la|le|du|dos)){{0,5}}"
_ROLE = r"(?P<role>[^\ufffc;:!?]{2,160}?)"
_FORMS = tuple(
    re.compile(form)
    for form in (
        # Albert Wong, CEO of HKSTP, said, "…"
        rf"(?:^|[.!?]\s+)(?P<name>{_NAME}),\s+{_ROLE},\s+(?:has\s+)?{_VERB}\b[^.!?{_SPAN}]{{0,80}}{_SPAN}",
        # "…," said Helen Au, Chief Executive of Tidewater Ferries. "…"
        rf"{_SPAN},?\s+{_VERB}\s+(?P<name>{_NAME})(?:,\s+{_ROLE})?\s*(?:[.!?,;:—–-]\s*{_SPAN}|\.(?:\s|$)|\s*$)",
        # "…," Helen Au, Chief Executive of Tidewater Ferries, said.
        rf"{_SPAN},?\s+(?P<name>{_NAME})(?:,\s+{_ROLE},)?\s+{_VERB}\b",
        # Helen Au said: "…"
        rf"(?:^|[.!?]\s+)(?P<name>{_NAME})\s+{_VERB}\b[^.!?{_SPAN}]{{0,80}}{_SPAN}",
    )
)
_PRONOUN = re.compile(
    rf"{_SPAN},?\s+(?:(?:he|she|they)\s+{_VERB}\b|{_VERB}\s+(?:he|she|they)\b)|^(?:He|She|They)\s+(?:also\s+)?{_VERB}\b[^{_SPAN}]{{0,60}}{_SPAN}"
)
#: `— Helen Au, Chief Executive, Tidewater Ferries`
_LINE = re.compile(rf"\s*(?:—|–|--|―)\s*(?P<name>{_NAME})(?:,\s+(?P<role>.{{2,160}}))?\s*")
#: `CEO Albert Wong`: a title before the name.
_TITLES = (
    r"(?:(?:Group|Deputy|Acting|Managing|Executive|Chief|Vice|Senior)\s+)*"
    r"(?:CEO|CFO|COO|CTO|Chairman|Chairwoman|Chairperson|Chair|President|Director|Officer|Executive|Secretary|Minister|"
    r"Founder|Co-[Ff]ounder|Manager|Spokesperson|Spokesman|Spokeswoman)"
)
_TITLE_FIRST = re.compile(rf"(?:(?P<org>\S.*?)(?:['’]s?)?\s+)??(?P<title>{_TITLES})\s+(?P<name>{_NAME})")
#: A title whose `of` names the field and not the house: `Director of Marine Acoustics`.
_OF_A_FIELD = re.compile(
    r"(?<!Managing )(?<!Executive )(?:Director|Head|Manager|Professor|Secretary|Minister|Vice[ -]President|VP|Officer|Lead)$"
)

_SAY = r"(?:說道|表示|指出|強調|補充|回應|說|稱|表明|强调|补充|回应|说道|说|称|述べ|語)"
_WHO = r"(?P<who>[^\s，。、：；,.:;!?！？\ufffc][^，。、：；,.:;!?！？\ufffc]{1,40}?)"
_HAN = (
    re.compile(
        rf"(?:^|[，。；！？\s]){_WHO}(?:進一步|亦|又|则|則|並|并|还|還)?{_SAY}[^。\ufffc]{{0,12}}?[：:，,]?\s*{_SPAN}"
    ),
    re.compile(rf"{_SPAN}[，,]?\s*{_WHO}{_SAY}"),
)
_HAN_TITLE = re.compile(
    r"(?P<org>.*?)(?P<title>(?:集團|副|執行|执行|高級|首席)?(?:行政總裁|行政总裁|首席執行官|首席执行官|董事總經理|董事长|董事長|總裁|总裁|"
    r"主席|總監|总监|總經理|总经理|經理|经理|主任|院長|院长|發言人|发言人|局長|局长|教授))\s*(?P<name>[^\s].{1,12})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of one speaker."""

    text: str  #: without quotation marks; paragraphs parted by an empty line
    speaker: str
    title: str = ""
    org: str = ""
    paragraph: int  #: index of the paragraph that it starts in


@dataclass(frozen=True, slots=True)
class _Marked:
    """A paragraph with a sign in place of every quoted span."""

    skeleton: str
    spans: tuple[str, ...]
    open: bool  #: the last span goes on in the next paragraph

    @property
    def words(self) -> str:
        """The spans as one text, without short ones that only name something."""
        spoken = [span for span in self.spans if re.search(r"[.!?,。！？，…]$", span) or len(span.split()) > 3]
        return " ".join(span.rstrip(",，") for span in spoken or self.spans)


@lru_cache(maxsize=16)  # every channel asks for the same few
def quotes_in(body: str) -> tuple[Quote, ...]:
    """The quotes of a body in Markdown."""
    return find_quotes([part.strip().removeprefix("> ") for part in body.split("\n\n")])


def find_quotes(paragraphs: Sequence[str]) -> tuple[Quote, ...]:
    """The quotes whose speaker the text names, in order.

    Knows attributions in English prose, `— Name, Title, Org` under a quotation, and best-effort Chinese; straight and
    curly quotation marks; quotations over several paragraphs, each of which opens a mark again.
    """
    found: list[Quote] = []
    index = 0
    while index < len(paragraphs):
        start, marked = index, _marked(paragraphs[index])
        texts = [marked.words]
        while marked.open and index + 1 < len(paragraphs) and paragraphs[index + 1][:1] in _PAIRS:
            index += 1
            further = _marked(paragraphs[index])
            texts.append(further.words)
            marked = _Marked(f"{marked.skeleton.rstrip(_SPAN)}{further.skeleton}", further.spans, further.open)
        index += 1
        following = paragraphs[index] if index < len(paragraphs) else ""
        last = found[-1] if found else None
        if marked.spans and (who := _speaker(marked.skeleton, following, last)):
            text = "\n\n".join(text for text in texts if text)
            found.append(Quote(text=text, speaker=who[0], title=who[1], org=who[2], paragraph=start))
    return tuple(found)


def _marked(paragraph: str) -> _Marked:
    skeleton, spans, start, close = "", [], 0, ""
    for index, char in enumerate(paragraph):
        if close:
            if char == close:
                spans.append(paragraph[start:index].strip())
                skeleton, close = f"{skeleton}{_SPAN}", ""
        elif char in _PAIRS and not (char == '"' and paragraph[index - 1 : index].isdigit()):
            start, close = index + 1, _PAIRS[char]
        else:
            skeleton += char
    if not close:
        return _Marked(skeleton, tuple(spans), open=False)
    spans.append(paragraph[start:].strip())
    return _Marked(f"{skeleton}{_SPAN}", tuple(spans), open=True)


def _speaker(skeleton: str, following: str, last: Quote | None) -> tuple[str, str, str] | None:
    """(name, title, organisation) of who says the spans of a paragraph, or None."""
    *above, line = skeleton.split("\n")
    signed = _LINE.fullmatch(line) if above else None
    if not signed and re.fullmatch(rf"\s*(?:{_SPAN}\s*)+", skeleton):
        signed = _LINE.fullmatch(following)
    if signed:
        return (signed["name"], *_capacity(signed["role"] or ""))
    for form in _FORMS:
        if found := form.search(skeleton):
            return _person(found["name"], found.groupdict().get("role") or "", last)
    if last and _PRONOUN.search(skeleton):
        return last.speaker, last.title, last.org
    return next(_han(skeleton), None)


def _person(name: str, role: str, last: Quote | None) -> tuple[str, str, str] | None:
    if name in ("He", "She", "They", "It", "We", "I", "The", "A"):
        return (last.speaker, last.title, last.org) if last and name in ("He", "She", "They") else None
    if last and not role and name != last.speaker and name in last.speaker.split():
        return last.speaker, last.title, last.org  # `Wong added`
    name = name.rstrip(".")
    titled = _TITLE_FIRST.fullmatch(name)
    if titled and not role:
        return titled["name"], titled["title"], titled["org"] or ""
    return (name, *_capacity(role))


def _capacity(role: str) -> tuple[str, str]:
    """`CEO of HKSTP` → (`CEO`, `HKSTP`); a clause behind it (`…, at the opening`) is no part of it."""
    first, *more = (part.strip() for part in role.strip(" ,.").split(", "))
    names = [part for part in more if part[:1].isupper() or not part[:1].isalpha() or not part.isascii()]
    joined = re.split(r"\s+at\s+", first, maxsplit=1)
    if len(joined) == 2:
        return joined[0], _house(", ".join([joined[1], *names]))
    if names:
        return ", ".join([first, *names[:-1]]), _house(names[-1])
    title, _, org = first.partition(" of ")
    if not org or _OF_A_FIELD.search(title):
        return first, ""
    return title, _house(org)


def _house(name: str) -> str:
    return name.removeprefix("the ").removeprefix("The ").strip()


def _han(skeleton: str) -> Iterator[tuple[str, str, str]]:
    for form in _HAN:
        if not (found := form.search(skeleton)) or not re.search("[\u3400-\u9fff]", found["who"]):
            continue
        parts = _HAN_TITLE.fullmatch(found["who"])
        yield (parts["name"], parts["title"], parts["org"]) if parts else (found["who"], "", "")
