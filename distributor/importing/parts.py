"""Recognisers: each looks at one paragraph and says what it is, or nothing."""

import re
from collections.abc import Mapping
from datetime import date

from distributor import embargo

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sept sep", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = rf"(?i:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?"
_DATE = rf"(?:\d{{1,2}}\s+{_MONTH}\s+\d{{4}}|{_MONTH}\s+\d{{1,2}},?\s+\d{{4}})"
_PLACE = r"(?P<place>[^\W\d_][^\n–—:;!?\"“]{1,60}?)"
_DASH = r"\s*(?:--|–|—|-)\s*"
#: The datelines of the wires as they print them.
_DATELINES = (
    re.compile(
        rf"^{_PLACE}\s*[-–—]\s*(?P<wire>[A-Z][\w .]+?(?:Newswire|Wire|OutReach))\s*[-–—]\s*(?P<date>{_DATE}){_DASH}",
        re.IGNORECASE,
    ),
    re.compile(rf"^{_PLACE},?\s+(?P<date>{_DATE})\s*/(?P<wire>[\w .-]+)/{_DASH}", re.IGNORECASE),
    re.compile(rf"^{_PLACE},?\s+(?P<date>{_DATE})\s*\((?P<wire>[\w .-]+)\){_DASH}", re.IGNORECASE),
    re.compile(rf"^{_PLACE}\s*/\s*(?P<wire>[A-Z][\w .]+?)\s*/\s*(?P<date>{_DATE})\s*/(?:{_DASH})?", re.IGNORECASE),
    re.compile(rf"^{_PLACE}\s*--\s*\((?P<wire>[A-Z][\w .]+?)\)\s*--\s*"),
    re.compile(rf"^(?P<place>[A-Z][A-Z .'’]+(?:,\s*[\w. ]{{2,30}})?)(?:,|\s+[-–—(])\s*(?P<date>{_DATE})\)?{_DASH}"),
)
_HASHTAGS = re.compile(r"^hash\s?tags?\s*:\s*", re.IGNORECASE)
_TAG = re.compile(r"[#＃]([^\s#＃,;，、]+?)(?=https?://|[\s#＃,;，、]|$)")
_URL = re.compile(r"https?://[^\s<>\"“”]+?(?=https?://|[\s<>\"“”]|$)")
_CAPTION = re.compile(r"^(?:photo caption|photo|caption|image|picture|圖片說明|圖片|图片)\s*[:：]\s*", re.IGNORECASE)
_CREDIT = re.compile(r"\s*\((?:photo(?: by)?|credit|source)\s*[:：]?\s*([^()]{2,80})\)\s*$", re.IGNORECASE)
_DISCLAIMER = re.compile(
    r"issuer is solely responsible for the content|本公告內容由發[布佈]者負責|內容由發行人獨自負責", re.IGNORECASE
)
_ABOUT = re.compile(r"^(?:about|關於|关于)\s+(?P<name>.{2,120}?)\s*[:：]?$", re.IGNORECASE)
_CONTACT = re.compile(
    r"^(?:media|press|investor|pr)?\s*(?:contacts?|enquiries|inquiries)\b[^:：]{0,30}[:：]?\s*(?P<rest>.*)$|^(?:傳媒查詢|媒體聯絡|媒体联系)\s*[:：]?\s*(?P<rest2>.*)$",
    re.IGNORECASE,
)
_NOTES = re.compile(r"^(?:notes? to editors?|editors?['’]? notes?|編輯備註|编者注)\s*[:：]?\s*", re.IGNORECASE)
_BYLINE = re.compile(r"^[•●*\-–]?\s*(?:written by|by|作者[:：])\s+(?P<name>\S.{1,80})$", re.IGNORECASE)
_EMBARGO = re.compile(
    r"^\W*(?:strictly\s+)?(?:under\s+)?embargo(?:ed)?\b.*|^\W*(?:for\s+immediate\s+release|即時發[布佈])\W*.*$",
    re.IGNORECASE,
)
LOST_LINK = re.compile(r"[^.\n]*\b(?:available at|visit|read more at|more at|found at)\s*[.,]\s*$", re.IGNORECASE)
_PHONE = re.compile(r"\+\d[\d\s().-]{6,20}\d")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def dateline(text: str) -> tuple[str, Mapping[str, str]] | None:
    """(the prefix as printed, its parts: place, and where given wire and ISO date), or None."""
    for pattern in _DATELINES:
        if match := pattern.match(text):
            parts = {name: value.strip() for name, value in match.groupdict().items() if value}
            if "date" in parts:
                parts["date"] = when(parts["date"]).isoformat()
            return match[0], parts
    return None


def when(text: str) -> date:
    """A written date; ValueError for one that does not exist."""
    words = re.findall(r"\w+", text.lower())
    month = next(_MONTHS[word] for word in words if word in _MONTHS)
    year, day = (
        int(next(word for word in words if word.isdigit() and (len(word) == 4) is long)) for long in (True, False)
    )
    return date(year, month, day)


def hashtags(text: str) -> tuple[list[str], list[str], str] | None:
    """(hashtags, links, what is neither) of a `Hashtag:` line, also where they run together; or None."""
    match = _HASHTAGS.match(text)
    if not match and not re.fullmatch(r"(?:[#＃][^\s#＃]+\s*){2,}", text):
        return None
    rest = text[match.end() :] if match else text
    links = _URL.findall(rest)
    without = _URL.sub(" ", rest)
    return _TAG.findall(without), links, _TAG.sub(" ", without).strip(" ,;")


def caption(text: str) -> tuple[str, str, str] | None:
    """(caption, credit, labels) of a labelled photo line, or None."""
    match = _CAPTION.match(text)
    if not match:
        return None
    words, name, label = credit(text[match.end() :])
    return words, name, f"{match[0].strip()} {label}".strip()


def credit(text: str) -> tuple[str, str, str]:
    """A caption, the credit in brackets at its end, and the label of that credit."""
    found = _CREDIT.search(text)
    if not found:
        return text.strip(), "", ""
    label = text[found.start() : found.start(1)] + text[found.end(1) :]
    return text[: found.start()].strip(), found[1].strip(), label.strip()


def is_disclaimer(text: str) -> bool:
    """Whether it says who is responsible for the content."""
    return len(text) < 300 and bool(_DISCLAIMER.search(text))


def about(text: str) -> str | None:
    """The name in a heading `About X`, or None."""
    match = _ABOUT.match(text)
    return match["name"] if match and len(text) < 130 and not text.endswith((".", "。")) else None


def contact(text: str) -> str | None:
    """What follows `Media contact:`, or None when it is no contact block."""
    match = _CONTACT.match(text)
    return (match["rest"] or match["rest2"] or "") if match else None


def reach(text: str) -> tuple[str | None, str | None, str]:
    """(email, phone, the other words) of a contact line."""
    email, phone = _EMAIL.search(text), _PHONE.search(text)
    rest = _PHONE.sub(" ", _EMAIL.sub(" ", text))
    return (email[0] if email else None), (phone[0].strip() if phone else None), rest


def notes(text: str) -> str | None:
    """What follows `Notes to editors:`, or None."""
    match = _NOTES.match(text)
    return text[match.end() :] if match else None


def byline(text: str) -> str | None:
    """The name in `Written by X`, or None."""
    match = _BYLINE.match(text)
    return match["name"] if match else None


def is_embargo(text: str) -> bool:
    """Whether it is an embargo line, or `FOR IMMEDIATE RELEASE`."""
    return len(text) < 200 and bool(_EMBARGO.match(text))


def _day(text: str) -> date | None:
    found = re.search(_DATE, text, re.IGNORECASE)
    try:
        return when(found[0]) if found else None
    except ValueError:
        return None


_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})\s*([ap]\.?m\.?)?\s*\(?([A-Z]{2,5})\)?", re.IGNORECASE)


def instant(text: str) -> tuple[str | None, str]:
    """(the instant in our spelling, why): only where time, date and zone leave no doubt."""
    clock, day = _CLOCK.search(text), _day(text)
    if re.search(r"immediate|即時", text, re.IGNORECASE):
        return None, "to be released at once: no embargo"
    if not clock or day is None:
        return None, "no time, date and zone that leave no doubt: set embargoed_until yourself"
    hour, minute, half, abbreviation = clock.groups()
    if half and int(hour) == 12:
        return None, "12 o'clock a.m. or p.m. is read as noon and as midnight: set embargoed_until yourself"
    hours = int(hour) + (12 if half and half.lower().startswith("p") else 0)
    zone = embargo.place_of(abbreviation.upper())
    if zone is None:
        return None, f"'{abbreviation}' does not name one time zone: set embargoed_until yourself"
    written = f"{day.isoformat()} {hours:02}:{minute} {zone}"
    try:
        local = embargo.parse(written).local()
    except embargo.EmbargoError as error:
        return None, str(error)
    if abbreviation.upper() not in (local.tzname(), "UTC", "GMT", "ET", "CT", "MT", "PT"):
        return (
            None,
            f"{abbreviation} is not the time of {zone} on that day ({local.tzname()}): set embargoed_until yourself",
        )
    return written, f"{abbreviation} read as {zone}"
