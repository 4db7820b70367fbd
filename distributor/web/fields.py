"""The fields of a release as inputs of a form, and what was changed in them back into the text."""

import json
from collections.abc import Mapping
from typing import Any

from distributor import embargo
from distributor.web import fronts
from distributor.web.drafts import MAIN

CONTACT = ("name", "role", "org", "email", "phone")
Fields = dict[str, str]


def shown(sources: Mapping[str, str], house: Mapping[str, object]) -> Fields:
    """Every input by its name: `headline.main`, `hashtags.zh-Hant`, `wall` and `zone` of the embargo, `contact.<name>` for
    the contacts of the house (`on` or empty), and `own.<number>.<part>` for the others, with an empty one at the end.
    """
    made: Fields = {}
    for key, source in sources.items():
        front = fronts.values(source)
        made[f"headline.{key}"] = _text(front.get("headline"))
        tags = front.get("hashtags")
        made[f"hashtags.{key}"] = (
            " ".join(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ""
        )
    front = fronts.values(sources.get(MAIN, ""))
    made["wall"], made["zone"] = _lift(_text(front.get("embargoed_until")))
    listed = _contacts(front)
    for name in house:
        made[f"contact.{name}"] = "on" if name in listed else ""
    own = [entry for entry in listed if isinstance(entry, dict)]
    for number, entry in enumerate([*own, {}]):
        for part in CONTACT:
            made[f"own.{number}.{part}"] = _text(entry.get(part))
    return made


def applied(sources: Mapping[str, str], form: Mapping[str, Any]) -> dict[str, str]:
    """The texts with what a person changed in the inputs since the form was made (`was` holds that); what they did not touch
    stays as it stands in the text. Raises ActionError where a field cannot be changed there.
    """
    was = _was(form.get("was"))
    now = {name: _text(form.get(name)).replace("\r\n", "\n") for name in was}
    changed = {name for name in was if now[name] != was[name]}
    made = dict(sources)
    for key in sources:
        if f"headline.{key}" in changed:
            made[key] = fronts.set_field(made[key], "headline", now[f"headline.{key}"].strip() or None)
        if f"hashtags.{key}" in changed:
            tags = [tag.lstrip("#") for tag in now[f"hashtags.{key}"].replace(",", " ").split() if tag.strip("#")]
            made[key] = fronts.set_field(made[key], "hashtags", tags or None)
    if MAIN in made and changed & {"wall", "zone"}:
        lift = f"{now['wall'].replace('T', ' ')} {now['zone'].strip()}".strip() if now["wall"] else None
        made[MAIN] = fronts.set_field(made[MAIN], "embargoed_until", lift)
    if MAIN in made and any(name.startswith(("contact.", "own.")) for name in changed):
        made[MAIN] = fronts.set_field(made[MAIN], "contacts", _people(made[MAIN], now, changed) or None)
    return made


def _people(source: str, now: Fields, changed: set[str]) -> list[Any]:
    """The contacts in their order: those of the house that are (still) wanted, the others as they are written now."""
    listed: list[Any] = []
    number = 0
    for entry in _contacts(fronts.values(source)):
        if isinstance(entry, str):
            if now.get(f"contact.{entry}", "on") == "on":
                listed.append(entry)
            continue
        parts = {part: now.get(f"own.{number}.{part}", _text(entry.get(part))).strip() for part in CONTACT}
        kept = {**entry, **parts}
        number += 1
        if any(parts.values()):
            listed.append({part: value for part, value in kept.items() if value})
    for name in now:
        if name.startswith("contact.") and now[name] == "on" and name.removeprefix("contact.") not in listed:
            listed.append(name.removeprefix("contact."))
    new = {part: now.get(f"own.{number}.{part}", "").strip() for part in CONTACT}
    if any(new.values()) and any(name.startswith(f"own.{number}.") for name in changed):
        listed.append({part: value for part, value in new.items() if value})
    return listed


def _contacts(front: Mapping[str, Any]) -> list[Any]:
    listed = front.get("contacts")
    return [entry for entry in listed if isinstance(entry, str | dict)] if isinstance(listed, list) else []


def _lift(text: str) -> tuple[str, str]:
    """Wall time and zone for the inputs; empty where the text has none that can be read."""
    try:
        found = embargo.parse(text)
    except embargo.EmbargoError:
        return "", ""
    wall = found.local().replace(tzinfo=None)
    return wall.isoformat(timespec="minutes" if not wall.second else "seconds"), found.zone


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
