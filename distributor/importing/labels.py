"""Recognisers of labelled paragraphs: each looks at one text and says what it is, or None. None of them knows more."""

import re
from dataclasses import dataclass

from distributor import plain

END_MARK = re.compile(
    r"\W*(?:#\s?#\s?#|[-–—]\s*(?:ENDS?|ends?|Ends?)\s*[-–—]|ENDS?|Ends|[-–—]\s*(?:30|0)\s*[-–—]|[-–—(（]\s*[完終终]\s*[-–—)）])\W*"
)
_SITE = re.compile(r"(?:https?://)?(?:www\.)?[\w-]+(?:[.,][\w-]{2,}){1,3}[./]?", re.IGNORECASE)
_EMBARGO = re.compile(
    r"\W*(?:(?:press|media|news)\s+(?:release|statement|notice|information)\W+|新[聞闻]稿\W*)?"
    r"(?:(?:strictly\s+)?(?:private\W+)?(?:under\s+)?(?:strict\s+)?embargo(?:ed)?\b"
    r"|not\s+(?:for|to\s+be)\s+(?:released?|publication|published|broadcast)(?:\s+or\s+\w+)?\s+(?:before|until)\b"
    r"|hold\s+(?:for\s+release|until)\b|for\s+release\s*(?:[:：]|(?:on|at|after)\s+(?:\w+day\W+)?\d)"
    r"|即?禁[發发]|限[時时][發发][布佈]|(?:請勿|请勿|不得|嚴禁|严禁).{0,40}前\s*(?:[發发刊報报]|公[布佈開开]))",
    re.IGNORECASE,
)
_IMMEDIATE = re.compile(
    r"\W*(?:for\s+immediate\s+release|即時發[布佈]|即时发布|供即時發[布佈])\W*.{0,60}", re.IGNORECASE
)
_BYLINE = re.compile(
    r"(?:(?:written|posted|published)\s+by|作者\s*[:：]|文\s*[/／:：])\s*(?P<name>\S.{0,80})", re.IGNORECASE
)
_BY = re.compile(r"(?:BY|By)\s+(?P<name>[A-Z][^\W\d_].{0,70}[^.!?:,;])")
_ABOUT = re.compile(
    r"(?:about\s+(?-i:the\s+)?|關於\s*|关于\s*)(?P<name>\S.{0,118}?)\s*[:：]?|(?P<name_ja>\S.{0,60})について",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"\b(?:issuer|company) is solely responsible for (?:the )?contents?\b|(?:公告|新聞稿|新闻稿|內容|内容).{0,12}(?:獨自|全權|独自)?負?负?責|"
    r"^(?:disclaimer|免責聲明|免责声明)\s*[:：]",
    re.IGNORECASE,
)
_SOURCE = re.compile(r"SOURCE:?\s+(?P<name>\S.{1,110}\S)")
_NOTES = re.compile(
    r"(?:notes?\s+(?:to|for)\s+(?:the\s+)?editors?|editors?['’]?s?\s+notes?|編輯備註|編輯垂注|编者注|编者按)\s*(?:[:：]|$)\s*",
    re.IGNORECASE,
)
_CAPTION = re.compile(
    r"(?:(?:photo|image|picture)\s+captions?|photos?|captions?|images?|pictures?|圖片說明|圖片|相片|图片说明|图片|キャプション|写真|사진)"
    r"\s*(?:\d{1,2}\s*)?[:：]\s*",
    re.IGNORECASE,
)
_CREDIT = re.compile(
    r"\s*[(（]\s*(?:photo(?:\s+by|\s+credit|graph)?|credit|image(?:\s+credit)?|source|圖|图|攝影)(?:\s*[:：]\s*|\s+)(?P<in>[^()（）]{1,80})[)）]\s*$"
    r"|(?:^|\s+)(?:photo\s+credit|image\s+credit|credit)\s*[:：]\s*(?P<out>.{1,80})$",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?://[^\s<>\"“”「」（）]+[^\s<>\"“”「」（）.,;:!?)\]]", re.IGNORECASE)
_LINK = re.compile(
    r"(?P<title>(?:read|learn|find out|see)\s+more(?:\s+(?:about\s+.{1,60}?))?(?:\s+(?:at|here|on))?|(?:cision\s+)?view\s+"
    r"(?:original\s+|source\s+)?(?:content|version|release)[^:：]{0,60}|logo|photo|image|video|website|source|download[^:：]{0,60}"
    r"|multimedia|more\s+information(?:\s+at)?|for\s+more\s+information,?(?:\s+please)?(?:\s+visit)?|詳情|了解更多|查詢網站)"
    r"\s*[:：–—-]?\s*$",
    re.IGNORECASE,
)
#: `… is available at .`: the page's link did not survive the copying.
_LOST_LINK = re.compile(
    r"(?:^|(?<=[.!?]\s)|(?<=[。！？]))[^.!?。！？]{0,300}\b(?:at|here|on|via|visit|see)\s*(?:\s[.,]|[:：]\s*\.?)\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What stands behind a label, and the label as printed."""

    text: str
    label: str


def fits(text: str) -> bool:
    """Whether a plain field takes it: what looks like HTML has to stay in the body, where it is escaped."""
    return plain.markup(f"{text}\n") is None


def is_site_remnant(text: str) -> bool:
    """`ThePost,net.au`: a domain alone on its line, as the head of a page leaves it."""
    return bool(_SITE.fullmatch(text)) and any(char.isalpha() for char in text)


def is_embargo(text: str) -> bool:
    """An embargo line."""
    return len(text) <= 500 and bool(_EMBARGO.match(text))


def is_immediate(text: str) -> bool:
    """`FOR IMMEDIATE RELEASE`."""
    return bool(_IMMEDIATE.fullmatch(text))


def byline(text: str) -> Labelled | None:
    """`Written by The Post`; `By Ada Lam` only where it cannot be the start of a sentence."""
    found = _BYLINE.fullmatch(text) or (_BY.fullmatch(text) if len(text.split()) <= 8 else None)
    return Labelled(text=found["name"], label=text[: found.start("name")]) if found else None


def about(text: str) -> Labelled | None:
    """`About Tidewater Ferries` alone on its line."""
    found = _ABOUT.fullmatch(text) if len(text) <= 130 else None
    if not found:
        return None
    group = "name" if found["name"] else "name_ja"
    name = found[group]
    if (
        name[0].islower()
        or name[0].isdigit()
        or len(name.split()) > 12
        or re.search(r"[.!?。！？，]\s|[!?。！？,，;]$", name)
    ):
        return None
    return Labelled(text=name, label=text[: found.start(group)] + text[found.end(group) :])


def source(text: str) -> Labelled | None:
    """`SOURCE Marlow & Finch`: the issuer, as PR Newswire prints it under the text."""
    found = _SOURCE.fullmatch(text)
    return Labelled(text=found["name"], label=text[: found.start("name")]) if found else None


def is_disclaimer(text: str) -> bool:
    """Whether it says who answers for the content."""
    return len(text) <= 400 and bool(_DISCLAIMER.search(text))


def notes(text: str) -> Labelled | None:
    """`Notes to editors:`, with or without text behind it."""
    return _behind(_NOTES, text)


def caption(text: str) -> Labelled | None:
    """`Photo: …`."""
    return _behind(_CAPTION, text)


def _behind(label: re.Pattern[str], text: str) -> Labelled | None:
    found = label.match(text)
    return Labelled(text=text[found.end() :].strip(), label=found[0].strip()) if found else None


def credit(text: str) -> tuple[str, Labelled | None]:
    """A caption, and the credit at its end: `(Photo: Lo Wing-yan)`, `Credit: Lo Wing-yan`."""
    found = _CREDIT.search(text) if len(text) <= 2000 else None
    if not found:
        return text, None
    group = "in" if found["in"] else "out"
    name = found[group].strip()
    return text[: found.start()].strip(), Labelled(
        text=name, label=text[found.start() : found.start(group)].strip(" (（")
    )


def link(text: str) -> Labelled | None:
    """`Read more at https://…`, `Logo - https://…`: text is the address, label what stands before it."""
    found = _ADDRESS.search(text) if len(text) <= 500 else None
    if not found or re.search(r"\w", text[found.end() :]):
        return None
    title = text[: found.start()].strip()
    if title and not _LINK.fullmatch(title):
        return None
    return Labelled(text=found[0], label=title)


def address_at_end(text: str) -> tuple[str, str]:
    """A text and the web address it ends with, if any; one that runs on from a word stays with it."""
    tail = text[-500:]
    found = list(_ADDRESS.finditer(tail))
    if not found or re.search(r"\w", tail[found[-1].end() :]) or re.search(r"\w\Z", tail[: found[-1].start()]):
        return text, ""
    return text[: len(text) - len(tail) + found[-1].start()].strip(), found[-1][0]


def lost_link(text: str) -> str | None:
    """The last sentence, where the address that it announces is missing."""
    tail = text[-400:]
    found = _LOST_LINK.search(tail)
    return found[0].strip() if found and re.search(r"\w", found[0]) else None
