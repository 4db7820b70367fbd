"""X's own reading of a post: what it makes live, and how it counts (docs.x.com, "Counting characters"; the public rules of
twitter-text 3, config version 3).
"""

import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import resources

import regex

from distributor.text.entities import Found, apart

LONGEST_URL = 4096
_LONGEST_LABEL = 63
_LONGEST_SLUG = 40  #: of a t.co link
_MOST_LABELS = 10  #: a chain of more costs more time than it is worth

_SPACE = r"\t-\r \x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_DIRECTION = r"\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
_INVALID = r"\ufffe\ufeff\uffff"
_PUNCTUATION = r"!'#%&()*+,\\\-./:;<=>?@\[\]^_{|}~$"
_LATIN = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\xff\u0100-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b"
    r"\u02bb\u0300-\u036f\u1e00-\u1eff"
)
_NAME = rf"[^{_PUNCTUATION}{_SPACE}{_DIRECTION}{_INVALID}]"
_LABEL = rf"(?={_NAME})(?>(?:{_NAME}|-)+)(?<={_NAME})\."
_SUBLABEL = rf"(?={_NAME})(?>(?:{_NAME}|[_-])+)(?<={_NAME})\."
_TLD = r"(?:\L<tlds>(?=[^0-9a-zA-Z@+-]|$)|xn--[-0-9a-z]+)"
_PATH_CHARACTER = rf"[a-z0-9\u0400-\u04ff!*';:=+,.$/%#\[\]\-\u2013_~@|&{_LATIN}]"
_PARENS = rf"\((?:{_PATH_CHARACTER}+|{_PATH_CHARACTER}*\({_PATH_CHARACTER}+\){_PATH_CHARACTER}*)\)"
_PATH_END = rf"(?:[a-z0-9\u0400-\u04ff+\-=_#/{_LATIN}]|{_PARENS})"
_PATH = rf"/(?:{_PATH_CHARACTER}*(?:{_PARENS}{_PATH_CHARACTER}*)*{_PATH_END}|@{_PATH_CHARACTER}+/)*"
_QUERY = r"\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/]"

_WORD = (
    r"[\p{L}\p{M}\p{Nd}_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\xb7]"
)
_TAG = regex.compile(
    rf"(?s:^|[\ufe0e\ufe0f]|(?!{_WORD}|&).)([#＃](?![\ufe0f\u20e3])(?>{_WORD}*[\p{{L}}\p{{M}}]{_WORD}*))"
)
_NO_TAG_BEFORE = regex.compile("[#＃]|://")
_MENTION = regex.compile(
    r"(?:^|[^a-zA-Z0-9_!#$%&*@＠]|(?:^|[^a-zA-Z0-9_+~.-])[rR][tT]:?)"
    r"([@＠][a-zA-Z0-9_]{1,20}+(?:/[a-zA-Z][a-zA-Z0-9_-]{0,24}+)?+)"
)
_NO_MENTION_BEFORE = regex.compile(rf"[@＠{_LATIN}]|://")
_CASHTAG = regex.compile(
    rf"(?:^|[{_SPACE}])(\$[a-z]{{1,6}}(?:[._][a-z]{{1,2}})?)(?=$|[\s\ufeff]|[{_PUNCTUATION}])", regex.IGNORECASE
)
_TCO = regex.compile(rf"https?://t\.co/([a-z0-9]+)(?:{_QUERY})?", regex.IGNORECASE)

#: Weights of code points (config version 3, in hundredths): 1 in these ranges, else 2.
_LIGHT = regex.compile(r"[\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
#: Pairs of regional indicators that are a flag (CLDR; the regions of Unicode's emoji-sequences).
_REGIONS = (
    "AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA "
    "CC CD CF CG CH CI CK CL CM CN CO CP CQ CR CU CV CW CX CY CZ DE DG DJ DK DM DO DZ EA EC EE EG EH ER ES ET EU FI FJ FK "
    "FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR IS IT "
    "JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP "
    "MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE "
    "RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR TT "
    "TV TW TZ UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)
_FLAGS = ["".join(chr(0x1F1E6 + ord(letter) - 65) for letter in region) for region in _REGIONS.split()]
_PICTURE = r"(?:\p{EPres}|[\p{Emoji}--[0-9#*]--\p{EPres}]\ufe0f?)"
_ONE = rf"{_PICTURE}\p{{EMod}}?(?:[\U000e0020-\U000e007e]+\U000e007f)?"
_EMOJI = regex.compile(
    rf"(?V1)\L<regions>|[0-9#*]\ufe0f?\u20e3|(?!\p{{RI}}){_ONE}(?:\u200d(?!\p{{RI}}){_ONE})*", regions=_FLAGS
)


@cache
def _tlds() -> frozenset[str]:
    lines = resources.files("distributor.text").joinpath("tlds.txt").read_text(encoding="utf-8").splitlines()
    known = {line for line in lines if line and not line.startswith("#")}
    return frozenset({*known, "example"})  # reserved for examples (RFC 2606), so that one is shown as the real thing


@cache
def _url() -> "regex.Pattern[str]":
    before = rf"[^A-Za-z0-9@＠$#＃{_INVALID}]|^"
    domain = rf"(?:{_SUBLABEL}){{0,{_MOST_LABELS}}}{_LABEL}{_TLD}"
    pattern = rf"({before})((https?://)?({domain})(?::[0-9]+)?({_PATH})?(?:{_QUERY})?)"
    return regex.compile(pattern, regex.IGNORECASE, tlds=_tlds())


@cache
def _ascii_domain() -> "regex.Pattern[str]":
    return regex.compile(rf"(?:[\-a-z0-9{_LATIN}]+\.)+{_TLD}", regex.IGNORECASE, tlds=_tlds())


def urls(text: str) -> list[Found]:
    """The links that X makes, also of host names without https://."""
    return list(_urls(text)) if "." in text else []


def _urls(text: str) -> Iterator[Found]:
    for found in _url().finditer(text):
        before, url, scheme, domain, path = found.groups()
        if not _resolvable(url, scheme, domain):
            continue
        start, end = found.span(2)
        if scheme:
            if short := _TCO.match(url):
                if len(short[1]) > _LONGEST_SLUG:
                    continue
                end = start + len(short[0])
            yield Found(start=start, end=end, kind="link", text=text[start:end])
        elif not before or before not in "-_./":
            hosts = [(start + host.start(), start + host.end()) for host in _ascii_domain().finditer(domain)]
            for number, (first, last) in enumerate(hosts, start=1):
                last = end if path and number == len(hosts) else last  # noqa: PLW2901
                yield Found(start=first, end=last, kind="link", text=text[first:last])


def _resolvable(url: str, scheme: str | None, domain: str) -> bool:
    if domain[:4] == "xn--" and not _ascii_domain().search(domain):
        return False
    for label in domain.split("."):
        ascii_ = label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
        if not 0 < len(ascii_) <= _LONGEST_LABEL:
            return False
    return len(url) + (0 if scheme else len("https://")) <= LONGEST_URL


def hashtags(text: str) -> list[Found]:
    """The hashtags that X makes live; one inside a link is none."""
    return [found for found in apart([*_tags(text), *urls(text)]) if found.kind == "hashtag"]


def _tags(text: str) -> list[Found]:
    return [
        Found(start=m.start(1), end=m.end(1), kind="hashtag", text=m[1])
        for m in _TAG.finditer(text)
        if not _NO_TAG_BEFORE.match(text, m.end())
    ]


def mentions(text: str) -> list[Found]:
    """The accounts and lists that X makes live."""
    return [
        Found(start=m.start(1), end=m.end(1), kind="mention", text=m[1])
        for m in _MENTION.finditer(text)
        if not _NO_MENTION_BEFORE.match(text, m.end())
    ]


def cashtags(text: str) -> list[Found]:
    """The ticker symbols that X makes live (`$AAPL`)."""
    return [Found(start=m.start(1), end=m.end(1), kind="cashtag", text=m[1]) for m in _CASHTAG.finditer(text)]


def live(text: str) -> list[Found]:
    """Everything that X makes live in a text."""
    return apart([*urls(text), *_tags(text), *mentions(text), *cashtags(text)])


def weight(text: str, *, per_url: int = 23, whole_emoji: bool = True) -> int:
    """The weighted length: NFC; a link 23, an emoji 2, a code point 1 or 2. Without `whole_emoji` the code points of an emoji
    count one by one, as before config version 3.
    """
    text = unicodedata.normalize("NFC", text)
    count = _plain_weight if whole_emoji else _each
    total, position = 0, 0
    for link in urls(text):
        if link.start >= position:
            total += count(text[position : link.start]) + per_url
            position = link.end
    return total + count(text[position:])


def _plain_weight(text: str) -> int:
    total, position = 0, 0
    for emoji in _EMOJI.finditer(text):
        total += _each(text[position : emoji.start()]) + 2
        position = emoji.end()
    return total + _each(text[position:])


def _each(text: str) -> int:
    return 2 * len(text) - len(_LIGHT.findall(text))


def is_valid(text: str, *, limit: int = 280, whole_emoji: bool = True) -> bool:
    """Whether X takes the text: not empty, within the limit, and without U+FFFE, U+FEFF and U+FFFF."""
    return 0 < weight(text, whole_emoji=whole_emoji) <= limit and not regex.search(f"[{_INVALID}]", text)
