"""Field types of the release and of the config: what a person writes, checked and normalised on the way in."""

import re
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from distributor import plain
from distributor.embargo import Embargo, EmbargoError, known_zone, parse
from distributor.rate import Rate

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|\d{3}))?(-([A-Za-z0-9]{5,8}|\d[A-Za-z0-9]{3}))*")
_RATE = re.compile(r"(\d+)\s*/\s*(\d*[a-z0-9]+)(?:\s+burst\s+(\d+))?", re.IGNORECASE)
_DURATION = re.compile(r"(-)?(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+(?:\.\d+)?)s)?")


def _prose(text: str) -> str:
    text = plain.normalize(text)
    if found := plain.control_character(text):
        raise ValueError(f"holds the control character {found[1]}; remove it")
    if tag := plain.markup(text):
        raise ValueError(
            f"holds HTML ({tag[1]!r}); this is plain text and every channel adds its own markup: "
            "write the words without the tag"
        )
    return text.strip()


def _line(text: str) -> str:
    text = _prose(text)
    if "\n" in text:
        raise ValueError("must stay on one line; remove the line break")
    return re.sub(r"[ \t\u00a0]+", " ", text)


def language_tag(text: str) -> str:
    """A BCP 47 tag in its usual case (`zh-hant-hk` → `zh-Hant-HK`); ValueError for anything else (RFC 5646 §2.1)."""
    if not _TAG.fullmatch(text):
        raise ValueError(f"'{text}' is not a language tag (BCP 47); write en, zh-Hant or pt-BR")
    first, *rest = text.replace("_", "-").split("-")
    cased = [part.title() if len(part) == 4 else part.upper() if len(part) == 2 else part.lower() for part in rest]
    return "-".join([first.lower(), *cased])


def _address(text: str) -> str:
    if re.search(r"[\r\n\x00]", text):
        raise ValueError("holds a line break or NUL; an address is one line")
    try:
        return validate_email(text.strip(), check_deliverability=False, test_environment=True, strict=True).normalized
    except EmailNotValidError as error:
        raise ValueError(f"'{text}' is not an e-mail address: {error}") from None


def page_url(text: str) -> str:
    """Return an https URL of a page; ValueError otherwise. On this machine itself http is let pass, for trials."""
    url = web_url(text)
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError(f"'{url}' must begin with https://")
    return url


def page_pattern(text: str) -> str:
    """Return the address of a release's page with `{id}` in it, and `{lang}` where each language has its own."""
    left = text.replace("{id}", "id").replace("{lang}", "en")
    page_url(left)
    if "{id}" not in text or "{" in left or "}" in left:
        raise ValueError(f"'{text}' must hold {{id}}, may hold {{lang}} and nothing else in braces")
    return text.strip()


def web_url(text: str) -> str:
    """An absolute http(s) URL without credentials or spaces; ValueError otherwise."""
    text = _line(text)
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError as error:
        raise ValueError(f"'{text}' is not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not host or " " in text:
        raise ValueError(f"'{text}' is not a web address; write https://…")
    if parts.username or parts.password:
        raise ValueError("a URL must not hold a user name or password")
    return text


def _phone(text: str) -> str:
    digits = re.sub(r"[\s().\-]", "", text)
    if not re.fullmatch(r"\+[1-9]\d{6,14}", digits):
        raise ValueError(f"'{text}' is not an international number; write +852 2123 4567")
    return _line(text)


def _lei(text: str) -> str:
    code = text.strip().upper()
    if not re.fullmatch(r"[A-Z0-9]{18}\d{2}", code) or int("".join(str(int(c, 36)) for c in code)) % 97 != 1:
        raise ValueError(f"'{text}' is not an LEI: 20 characters whose check digits agree (ISO 17442)")
    return code


def _isin(text: str) -> str:
    code = text.strip().upper()
    digits = [int(d) for c in code for d in str(int(c, 36))] if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{9}\d", code) else [1]
    doubled = (sum(divmod(2 * d, 10)) if i % 2 else d for i, d in enumerate(reversed(digits)))
    if sum(doubled) % 10:
        raise ValueError(f"'{text}' is not an ISIN: 12 characters whose check digit agrees (ISO 6166)")
    return code


def hashtag(text: str) -> str:
    """One hashtag without its `#`; ValueError for spaces or nothing but punctuation."""
    tag = _line(text).lstrip("#\uff03").strip()
    if not tag or not re.search(r"[^\W_]", tag):
        raise ValueError(f"'{text}' is no hashtag; write a word without '#'")
    if re.search(r"[\s#\uff03]", tag):
        raise ValueError(f"'{text}' is more than one hashtag; write them as a list")
    return tag


def _hashtags(tags: tuple[str, ...]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for tag in tags:
        kept.setdefault(tag.casefold(), tag)
    return tuple(kept.values())


_LONGEST = timedelta(days=3_660)


def duration(text: Any) -> Any:
    """`90s`, `15m`, `6h`, `1d`, `1h30m`, `-1d` → timedelta; ValueError for anything else."""
    if not isinstance(text, str):
        return text
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()[1:]):
        raise ValueError(f"'{text}' is not a duration; write 90s, 15m, 6h or 1d")
    days, hours, minutes, seconds = (float(group or 0) for group in found.groups()[1:])
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        length = timedelta.max
    if length > _LONGEST:
        raise ValueError(f"'{text}' is longer than {_LONGEST.days} days")
    return -length if found[1] else length


def spelled(length: timedelta) -> str:
    """A duration as `duration` reads it: `1h30m`, `-1d`, `0s`."""
    rest, text = abs(length), ""
    for unit, of_it in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1))):
        count, rest = divmod(rest, of_it)
        text += f"{count}{unit}" if count else ""
    if rest or not text:
        text += f"{rest.total_seconds():f}".rstrip("0").rstrip(".") + "s"
    return f"-{text}" if length < timedelta() else text


def rate(text: Any) -> Any:
    """`300/5m`, `20/s`, `20/s burst 5` → Rate; ValueError for anything else. Half of it may go at once by default."""
    if not isinstance(text, str):
        return text
    found = _RATE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"'{text}' is not a rate; write 20/s, 300/5m or '300/5m burst 30'")
    count, unit, burst = int(found[1]), found[2], found[3]
    per = duration(unit if unit[0].isdigit() else f"1{unit}")
    bursting = int(burst) if burst else max(1, count // 2)
    if not (0 < bursting <= count) or per <= timedelta():
        raise ValueError(f"'{text}' is not a rate; the burst is between 1 and the count, and the time is longer than 0")
    return Rate(count, per, bursting)


def _embargo(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse(value)
    except EmbargoError as error:
        raise ValueError(str(error)) from None


def _zone(text: str) -> str:
    try:
        return known_zone(text.strip())
    except EmbargoError as error:
        raise ValueError(str(error)) from None


Line = Annotated[str, StringConstraints(min_length=1), AfterValidator(_line)]
Prose = Annotated[str, StringConstraints(min_length=1), AfterValidator(_prose)]
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Slug = Annotated[str, StringConstraints(pattern=SLUG, min_length=3, max_length=80)]
Zone = Annotated[str, AfterValidator(_zone)]
Language = Annotated[str, AfterValidator(language_tag)]
Address = Annotated[str, AfterValidator(_address)]
Url = Annotated[str, AfterValidator(web_url)]
PageUrl = Annotated[str, AfterValidator(page_url)]
PagePattern = Annotated[str, AfterValidator(page_pattern)]
Phone = Annotated[str, AfterValidator(_phone)]
Lei = Annotated[str, AfterValidator(_lei)]
Isin = Annotated[str, AfterValidator(_isin)]
Hashtags = Annotated[tuple[Annotated[str, AfterValidator(hashtag)], ...], AfterValidator(_hashtags)]
_SPELLED = PlainSerializer(spelled, return_type=str, when_used="json-unless-none")
Duration = Annotated[timedelta, BeforeValidator(duration), Field(ge=timedelta()), _SPELLED]
RateLimit = Annotated[Rate, BeforeValidator(rate)]
Offset = Annotated[timedelta, BeforeValidator(duration), _SPELLED]
Instant = Annotated[Embargo, BeforeValidator(_embargo), PlainSerializer(str, return_type=str)]


class BrokenEmbargo(BaseModel):
    """An embargo that a person broke expressly; never written in a release file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    until: Instant  #: as it was agreed before
    reason: Prose


def unsaid() -> Any:
    """An optional field that is left out of the JSON where it is not said: what an earlier version sealed keeps its digest."""
    return Field(default=None, exclude_if=lambda value: value is None)
