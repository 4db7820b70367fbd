"""What a person types for an instant."""

from datetime import datetime, timedelta

from distributor import embargo
from distributor.errors import ActionError
from distributor.fields import duration


def instant(text: str, now: datetime, option: str = "--at") -> datetime:
    """`now`, `+10s`, `+2h`, or an instant with its zone. Raises ActionError, which names the option."""
    return zoned(text, now, option)[0]


def zoned(text: str, now: datetime, option: str = "--at") -> tuple[datetime, str | None]:
    """`instant`, and the zone that was written, if one was."""
    if text == "now":
        return now, None
    try:
        if text.startswith("+"):
            length = duration(text[1:])
            assert isinstance(length, timedelta)
            return now + length, None
        found = embargo.parse(text)
    except ValueError as error:
        raise ActionError(f"{option}: {error}; or write 'now' or '+10m'") from None
    return found.instant, found.zone
