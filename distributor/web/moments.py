"""A time as a form asks for it: wall time and zone from pickers, or in the words of the command line."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from distributor import instants
from distributor.embargo import Embargo, zone_names


@lru_cache(maxsize=1)
def zones() -> list[str]:
    """The zones that are offered: places, not abbreviations."""
    places = (name for name in zone_names() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [*sorted(places), "UTC"]


def asked(given: Mapping[str, Any]) -> str:
    """What a form with `moment` says, as `instants.zoned` reads it; the words go before the pickers. Empty: nothing."""
    words, wall, zone = (" ".join(str(given.get(name) or "").split())[:100] for name in ("at", "wall", "zone"))
    return words or (f"{wall.replace('T', ' ')} {zone}".strip() if wall else "")


def given(form: Mapping[str, Any], now: datetime, zone: str) -> Embargo | None:
    """The instant that a form names, in its own zone or in `zone`; None where it names none. Raises ActionError as the command
    line does. 'now' is in a minute: what is looked at and what is sealed have to be the same instant.
    """
    text = asked(form)
    if not text:
        return None
    at, written = instants.zoned("+1m" if text == "now" else text, now, "time")
    return Embargo(at, written or zone)


def picked(at: Embargo | None, zone: str) -> dict[str, Any]:
    """What the pickers show: `at`, or nothing yet in `zone`; in UTC where its zone is a mere offset. The words stay empty: they
    would go before what a person picks.
    """
    offered = zones()
    if at is None:
        return {"wall": "", "zone": zone if zone in offered else "UTC", "zones": offered}
    shown = at if at.zone in offered else Embargo(at.instant, "UTC")
    wall = shown.local().replace(tzinfo=None).isoformat(timespec="seconds").removesuffix(":00")
    return {"wall": wall, "zone": shown.zone, "zones": offered}
