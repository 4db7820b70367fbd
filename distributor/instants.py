"""What a person types for `--at`."""

from datetime import datetime, timedelta

from distributor import embargo
from distributor.errors import ActionError
from distributor.fields import duration


def instant(text: str, now: datetime) -> datetime:
    """`--at`: `now`, `+10s`, `+2h`, or an instant with its zone. Raises ActionError."""
    return zoned(text, now)[0]


def zoned(text: str, now: datetime) -> tuple[datetime, str | None]:
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
        raise ActionError(f"--at: {error}; or write 'now' or '+10m'") from None
    return found.instant, found.zone
