"""The fields of a release as inputs of a form, and what was changed in them back into the text."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from distributor import embargo
from distributor.web import fronts
from distributor.web.drafts import MAIN

CONTACT = ("name", "role", "org", "email", "phone")
Fields = dict[str, str]
_WALL = re.compile(r"(\d{4}-\d\d-\d\d)[T\s]\s*(\d\d?:\d\d(?::\d\d)?)(?![\d:.]|\s*[ap]\.?\s?m\b)", re.IGNORECASE)
_ZONE = re.compile(r"(?<![\w/])[A-Za-z][\w+\-]*(?:/[\w+\-]+)+\]?$|(?<=:\d\d\s)[A-Z]{3,4}$")


def shown(sources: Mapping[str, str], house: Mapping[str, object]) -> Fields:
    """Every input by its name: `headline.main`, `hashtags.zh-Hant`, `wall` and `zone` of the embargo and `free` (`on` where the
    text has none), `no_embargo`, `contact.<name>` for the contacts of the house (`on` or empty), and `own.<number>.<part>` for the others,
    with an empty one at the end. What belongs to the main text is there where `sources` has it.
    """
    made: Fields = {}
    for key, source in sources.items():
        front = fronts.values(source)
        made[f"headline.{key}"] = _text(front.get("headline"))
        tags = front.get("hashtags")
        made[f"hashtags.{key}"] = (
            " ".join(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ""
        )
    if MAIN not in sources:
        return made
    lift = lifted(sources[MAIN])
    made["wall"], made["zone"] = _picked(lift)
    made["free"] = "" if lift else "on"
    made["no_embargo"] = _text(fronts.values(sources[MAIN]).get("no_embargo"))
    listed = _contacts(fronts.values(sources[MAIN]))
    for name in house:
        made[f"contact.{name}"] = "on" if name in listed else ""
    own = [entry for entry in listed if isinstance(entry, dict)]
    for number, entry in enumerate([*own, {}]):
        for part in CONTACT:
            made[f"own.{number}.{part}"] = _text(entry.get(part))
    return made


def lifted(source: str) -> str:
    """The embargo as it is written; empty where there is none."""
    return _text(fronts.values(source).get("embargoed_until")).strip()


def unread(source: str) -> str:
    """The embargo as it is written where it names no instant, so that the inputs cannot show it; else empty."""
    lift = lifted(source)
    try:
        return "" if not lift or embargo.parse(lift) else lift
    except embargo.EmbargoError:
        return lift


def typed(form: Mapping[str, Any]) -> tuple[Fields, Fields]:
    """What the inputs were when the form was made (`was` holds that), and what they are."""
    was = _was(form.get("was"))
    return was, {name: _text(form.get(name)).replace("\r\n", "\n") for name in was}


def applied(sources: Mapping[str, str], form: Mapping[str, Any]) -> dict[str, str]:
    """The texts with what a person changed in the inputs; what they did not touch stays as it stands in the text. Raises
    ActionError where a field cannot be changed there.
    """
    was, now = typed(form)
    changed = {name for name in was if now[name] != was[name]}
    made = dict(sources)
    for key in sources:
        if f"headline.{key}" in changed:
            made[key] = fronts.set_field(made[key], "headline", now[f"headline.{key}"].strip() or None)
        if f"hashtags.{key}" in changed:
            tags = [tag.lstrip("#") for tag in now[f"hashtags.{key}"].replace(",", " ").split() if tag.strip("#")]
            made[key] = fronts.set_field(made[key], "hashtags", tags or None)
    if MAIN in made and changed & {"wall", "zone", "free"}:
        made[MAIN] = _embargoed(made[MAIN], now, changed)
    if MAIN in made and "no_embargo" in changed:
        made[MAIN] = fronts.set_field(made[MAIN], "no_embargo", " ".join(now["no_embargo"].split()) or None)
    if MAIN in made and any(name.startswith(("contact.", "own.")) for name in changed):
        made[MAIN] = fronts.set_field(made[MAIN], "contacts", _people(made[MAIN], now, changed) or None)
    return made


def _embargoed(source: str, now: Fields, changed: set[str]) -> str:
    """The text with another embargo. A picker that is empty, or half filled in, which a browser calls empty, takes nothing away:
    only `free` does.
    """
    if "free" in changed and now["free"]:
        return fronts.set_field(source, "embargoed_until", None)
    there = _picked(lifted(source))
    wall, zone = now["wall"] or there[0], now["zone"].strip() or there[1]
    if not wall or (wall, zone) == there:
        return source
    return fronts.set_field(source, "embargoed_until", f"{wall.replace('T', ' ')} {zone}".strip())


def _people(source: str, now: Fields, changed: set[str]) -> list[Any]:
    """The contacts in their order: those of the house that are (still) wanted, the others with what was changed of them."""
    listed: list[Any] = []
    number = 0
    for entry in _contacts(fronts.values(source)):
        if isinstance(entry, str):
            if f"contact.{entry}" not in changed or now[f"contact.{entry}"] == "on":
                listed.append(entry)
            continue
        mine = {part: f"own.{number}.{part}" for part in CONTACT}
        kept = {**entry, **{part: now[name].strip() for part, name in mine.items() if name in changed}}
        number += 1
        if any(kept.get(part) for part in CONTACT):
            listed.append({part: value for part, value in kept.items() if value})
    for name in now:
        if (
            name in changed
            and name.startswith("contact.")
            and now[name] == "on"
            and name.removeprefix("contact.") not in listed
        ):
            listed.append(name.removeprefix("contact."))
    new = {part: now.get(f"own.{number}.{part}", "").strip() for part in CONTACT}
    if any(new.values()) and any(name.startswith(f"own.{number}.") for name in changed):
        listed.append({part: value for part, value in new.items() if value})
    return listed


def _contacts(front: Mapping[str, Any]) -> list[Any]:
    listed = front.get("contacts")
    return [entry for entry in listed if isinstance(entry, str | dict)] if isinstance(listed, list) else []


def _picked(lift: str) -> tuple[str, str]:
    """Wall time and zone for the inputs. Of what names no instant, so much as can be read of either."""
    try:
        found = embargo.parse(lift)
    except embargo.EmbargoError:
        zone = _ZONE.search(lift)
        return _wall(lift), zone[0].rstrip("]") if zone else ""
    wall = found.local().replace(tzinfo=None)
    return wall.isoformat(timespec="minutes" if not wall.second else "seconds"), found.zone


def _wall(lift: str) -> str:
    found = _WALL.match(lift)
    if not found:
        return ""
    clock = found[2].zfill(8 if found[2].count(":") == 2 else 5)
    try:
        return datetime.fromisoformat(f"{found[1]}T{clock}").strftime(f"%Y-%m-%dT{clock}")
    except ValueError:
        return ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _was(text: object) -> Fields:
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return (
        {str(name): value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
    )
