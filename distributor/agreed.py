"""What was agreed with a sealed version beyond its words, read from its snapshot: facts for status, reports and boards."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from distributor import zonerules
from distributor.embargo import Embargo, EmbargoError, parse

#: Only snapshots that hold one of these are parsed: `status` looks at every release.
_TOLD = re.compile(r'"(?:no_embargo|broken_embargo)":')
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def facts(snapshot: str) -> Mapping[str, Any]:
    """The fields of a snapshot that are told wherever its deliveries are; empty where there is nothing to tell."""
    return json.loads(zonerules.restated(snapshot)) if _TOLD.search(snapshot) else {}


def remarks(snapshot: str) -> list[str]:
    """What everybody who looks at the release is told, in sentences."""
    known = facts(snapshot)
    found = [f"no embargo, says the author: {reason}"] if (reason := known.get("no_embargo")) else []
    if broken := known.get("broken_embargo"):
        found.append(_broken(known["embargoed_until"], broken["until"], broken["reason"]))
    return found


def _broken(lift: str, until: str, reason: str) -> str:
    now, before = _read(lift), _read(until)
    if not (now and before):  # the rules of the zone changed since: as it was written
        return f"the embargo of {until} was broken: out at {lift}: {reason}"
    return broken_words(now, before, reason)


def broken_words(lift: Embargo, until: Embargo, reason: str) -> str:
    """The sentence that says of a release that its embargo is broken."""
    how_much = earlier(until.instant - lift.instant)
    return f"EMBARGO BROKEN: out at {lift.spelled()} instead of {until.spelled()}, {how_much}. Reason: {reason}"


def earlier(length: timedelta) -> str:
    """How much earlier, in the largest whole unit: `1,190 days EARLIER`."""
    seconds = max(1, round(length.total_seconds()))
    for name, size in _UNITS:
        if seconds >= size:
            number = seconds // size
            return f"{number:,} {name}{'s' if number != 1 else ''} EARLIER"
    return "EARLIER"


def embargo_of(snapshot: str) -> Embargo | None:
    """The embargo that was agreed with a sealed version: of one that was broken, the embargo before."""
    known = json.loads(zonerules.restated(snapshot))
    broken = known.get("broken_embargo")
    return _read(broken["until"] if broken else known.get("embargoed_until"))


def _read(text: str | None) -> Embargo | None:
    try:
        return parse(text) if text else None
    except EmbargoError:
        return None
