"""Which channels carry a release, when, and to whom: a form over `channels` and `audiences` of its file."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor import presslist, registry
from distributor.contract import Channel
from distributor.desk import Desk
from distributor.errors import ActionError, ConfigError, DistributorError, ReleaseError
from distributor.fields import spelled
from distributor.web import fronts, kit, looks, writing
from distributor.web.drafts import MAIN, Edit
from distributor.web.kit import _

_SAID = ("after", "lists", "tags")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One channel, as its block and the release have it."""

    name: str
    channel: Channel | None  #: None: the release names it, but the config has it no more, or wrongly
    on: bool
    own: Mapping[str, Any]  #: what the release's audience says of it, as it is written

    @property
    def after(self) -> str:
        """When its block sends."""
        return spelled(self.channel.after) if self.channel else ""

    @property
    def lists(self) -> tuple[str, ...] | None:
        """The press lists of its block; None for a channel that has none."""
        return getattr(self.channel, "lists", None)

    @property
    def named(self) -> int:
        """How many recipients its block names beside the press lists."""
        return len(getattr(self.channel, "to", ()))

    @property
    def chosen(self) -> list[str]:
        """The press lists that it goes to."""
        return _listed(self.own.get("lists"), self.lists or ())

    @property
    def tags(self) -> str:
        """The tags that only this release asks for."""
        return " ".join(_listed(self.own.get("tags"), ()))

    @property
    def any(self) -> bool:
        """Whether this release goes to members of every tag, though its block asks for some."""
        return self.own.get("tags") == []


def rows(desk: Desk, front: Mapping[str, Any]) -> list[Row]:
    """Every configured channel in the order of the config, the switched off ones too, then those that only the release knows."""
    named, own = _listed(front.get("channels"), ()), _own(front)
    found = []
    for name, block in desk.settings.channels.items():
        channel = desk.channels.get(name)
        if channel is None:
            with contextlib.suppress(ConfigError):
                channel = registry.build(desk.site, desk.settings, desk.places, (name,))[name]
        on = name in named if named else bool(channel.enabled if channel else block.get("enabled", True))
        if channel or on:
            found.append(Row(name=name, channel=channel, on=on, own=own.get(name, {})))
    known = {row.name for row in found}
    strange = [name for name in dict.fromkeys([*named, *own]) if name not in known]
    return [*found, *(Row(name=name, channel=None, on=True, own=own.get(name, {})) for name in strange)]


def typed(there: Iterable[Row], form: FormData) -> list[Row]:
    """The rows as a form has them that could not be saved."""
    return [
        replace(row, on=bool(form.get(f"on.{row.name}")), own=_said(row, form, whole=True) if row.channel else row.own)
        for row in there
    ]


def applied(source: str, there: Iterable[Row], form: FormData) -> str:
    """The text with what the form says; what it does not change stays as it is written. Raises ActionError where the form
    names no channel, or the text cannot be changed there.
    """
    there = list(there)
    front = fronts.values(source)
    wanted = [row.name for row in there if form.get(f"on.{row.name}")]
    if not wanted:
        raise ActionError(_("Choose at least one channel."))
    if wanted != [row.name for row in there if row.on]:
        source = fronts.set_field(source, "channels", list(wanted))
    before = front.get("audiences") or []
    if not isinstance(before, list) or not all(isinstance(entry, dict) for entry in before):
        raise ActionError(_("The audiences cannot be read; mend them in the text first."))
    after: list[dict[str, Any]] = [dict(entry) for entry in before]
    for row in there:
        if row.name not in wanted:
            _put(after, row.name, {})
        elif row.channel and (said := _said(row, form)) != {key: row.own[key] for key in _SAID if key in row.own}:
            _put(after, row.name, said)
    return fronts.set_field(source, "audiences", after or None) if after != before else source


def _said(row: Row, form: FormData, *, whole: bool = False) -> dict[str, Any]:
    """What the form says of a channel that its block does not, or the `whole` of it."""
    made: dict[str, Any] = {}
    if after := str(form.get(f"after.{row.name}") or "").strip()[:40]:
        made["after"] = after
    if row.lists is not None:
        lists = [str(one) for one in form.getlist(f"lists.{row.name}")]
        if whole or sorted(lists) != sorted(row.lists):
            made["lists"] = row.own["lists"] if sorted(lists) == sorted(row.chosen) and "lists" in row.own else lists
        tags = str(form.get(f"tags.{row.name}") or "").replace(",", " ").split()
        if tags or form.get(f"any.{row.name}"):
            made["tags"] = tags
    return made


def _put(entries: list[dict[str, Any]], name: str, said: Mapping[str, Any]) -> None:
    """The channel's own entry with what is said of it; taken out of one that it shares with others."""
    entry: dict[str, Any] = {"name": name}
    for at, one in enumerate(entries):
        channels = _listed(one.get("channels"), ())
        if name in channels:
            entry = one
            if len(channels) > 1:
                entries[at] = {**one, "channels": [other for other in channels if other != name]}
                entry = {**one, "name": name}
            else:
                del entries[at]
            break
    if said:
        entry = {key: value for key, value in entry.items() if key not in _SAID}
        entries.append({**entry, "channels": [name], **said})


def _own(front: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    entries = front.get("audiences")
    entries = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return {name: entry for entry in entries for name in _listed(entry.get("channels"), ())}


def _listed(value: object, without: Iterable[str]) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else list(without)


async def show(request: Request) -> Response:
    """Every channel with its switch, time and recipients."""
    kit.need(request)
    return kit.page(request, "channels.html", **await kit.work(lambda: _values(request)))


def _values(request: Request, form: FormData | None = None) -> dict[str, Any]:
    name, desk = writing.name_of(request), kit.desk(request)
    text = looks.drafts(desk).texts(name)[MAIN]
    there = rows(desk, fronts.values(text.source))
    return {
        "name": name,
        "rows": there if form is None else typed(there, form),
        "lists": [file.stem for file in presslist.files_of(desk.places.contacts)],
        "seen": text.digest if form is None else str(form.get("seen") or ""),
        "said": request.query_params.get("said", ""),
        "problems": [],
        "root": f"{desk.site.root}/",
    }


async def save(request: Request) -> Response:
    """Write it into the release's file; what a channel cannot do is refused, and nothing is written."""
    kit.need(request)
    form = await kit.form(request)

    def write() -> Response:
        name, desk = writing.name_of(request), kit.desk(request)
        drafts = looks.drafts(desk)
        text = drafts.texts(name)[MAIN]
        try:
            source = applied(text.source, rows(desk, fronts.values(text.source)), form)
            _refuse(desk, name, text.source, source)
            drafts.save(name, {MAIN: Edit(source=source, seen=str(form.get("seen") or ""))})
        except DistributorError as error:
            problems = [str(problem) for problem in error.problems]
            return kit.page(request, "channels.html", status=422, **{**_values(request, form), "problems": problems})
        kit.note(request, "channels", f"chose the channels of {name}", name)
        return kit.go(f"/r/{quote(name)}/channels?said=saved")

    return await kit.work(write)


def _refuse(desk: Desk, name: str, before: str, after: str) -> None:
    """Raise for what cannot be sent like that; what was wrong with the release before is no matter of this page."""
    path = looks.drafts(desk).path(name)
    try:
        file = desk.read(path, {path.name: after})
    except ReleaseError as error:
        known = _wrong(desk, path, before)
        if ours := [one for one in error.problems if one.text not in known]:
            raise ReleaseError(*ours) from None
        return
    desk.chosen(file)


def _wrong(desk: Desk, path: Path, source: str) -> set[str]:
    try:
        desk.read(path, {path.name: source})
    except ReleaseError as error:
        return {one.text for one in error.problems}
    return set()


routes = [
    Route("/r/{name}/channels", show, methods=["GET"]),
    Route("/r/{name}/channels", save, methods=["POST"]),
]
