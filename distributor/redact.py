"""Nothing secret in a log, a reason or a message: the values of known secrets, and what looks like one."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping

from distributor.settings import Secret

_MARK = "[redacted]"
_LOOKS_SECRET = re.compile(
    r"(?<=://)[^/@\s:]+:[^/@\s]+(?=@)"  # user:password@ in a URL
    r"|(?<=Bearer )[\w.~+/=-]+|(?<=Basic )[\w.~+/=-]+"  # RFC 6750, RFC 7617
    r"|(?<=/bot)\d+:[\w-]{20,}"  # Telegram puts the token into the path
    r"|(?<=hooks\.slack\.com/services/)[\w/]+|(?<=/api/webhooks/)\d+/[\w-]+"  # an address that is the credential
    r"|(?<=[?&])(?:access_token|token|key|sig|secret|password)=[^&\s]+",
    re.IGNORECASE,
)
#: Without one of these nothing above can be there; most lines have none.
_HINTS = ("://", "earer ", "asic ", "/bot", "services/", "webhooks/", "?", "&")


class Redactor:
    """Call it with any text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets` are values that must never be shown; very short ones would blot out common words and are left."""
        self._secrets: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Know more values. Those that were known stay so: a log may still name a secret that was just rotated."""
        self._secrets |= {value for value in secrets if len(value) >= 6}
        known = sorted(self._secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """The text without its secrets."""
        if self._known:
            text = self._known.sub(_MARK, text)
        lower = text.lower()
        return _LOOKS_SECRET.sub(_MARK, text) if any(hint in lower for hint in _HINTS) else text


def of(channels: Mapping[str, object]) -> Redactor:
    """Knows the secrets of the configured channels, as far as they are set now."""
    return Redactor(values(channels))


def values(channels: Mapping[str, object]) -> list[str]:
    """Return the secrets of the configured channels, as far as they are set now."""
    return [value.reveal() for channel in channels.values() for value in _secrets(channel)]


def _secrets(found: object) -> Iterator[Secret]:
    """Every secret that is set, also in the entries of a list (`servers`)."""
    if isinstance(found, Secret):
        if not found.missing():
            yield found
    elif isinstance(found, tuple):
        for one in found:
            yield from _secrets(one)
    elif dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            yield from _secrets(getattr(found, field.name, None))
