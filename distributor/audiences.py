"""The audiences of a release: what it says of a channel's time and recipients, in place of what the channel's block says."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from distributor.contract import Channel
from distributor.errors import ConfigError, Problem, nearest
from distributor.reading import ReleaseFile
from distributor.settings import Settings

KEYS = ("after", "lists", "tags")  #: of a channel's block; absent in an audience: as the block has it


def adapted(
    channels: Mapping[str, Channel],
    file: ReleaseFile,
    settings: Settings,
    build: Callable[[tuple[str, ...], Settings], Mapping[str, Channel]],
    *,
    whole: bool,
) -> dict[str, Channel]:
    """The channels as the release's audiences want them, in their order.

    `build` makes channels of a config. `whole`: these are all that carry the release, so an audience on any other is a
    mistake. Raises ConfigError naming the audience, for a channel that is not there or switched off, and for a key that its
    block cannot have.
    """
    own: dict[str, tuple[int, dict[str, Any]]] = {}
    for at, audience in enumerate(file.release.audiences):
        changes = {key: value for key in KEYS if (value := getattr(audience, key)) is not None}
        for name in audience.channels:
            if name in channels:
                own[name] = (at, changes)
            elif whole:
                raise ConfigError(_unknown(file, at, name, settings))
    made = dict(channels)
    for name, (at, changes) in own.items():
        blocks = {**settings.channels, name: {**settings.channels[name], **changes}}
        try:
            made |= build((name,), settings.model_copy(update={"channels": blocks}))
        except ConfigError as error:
            raise ConfigError(*(_placed(problem, file, at, name) for problem in error.problems)) from None
    return made


def _unknown(file: ReleaseFile, at: int, name: str, settings: Settings) -> Problem:
    known = settings.channels
    said = f"there is no channel '{name}'{nearest(name, known)}"
    off = f"'{name}' does not carry this release: name it in channels, or take it out of this audience"
    return _at(Problem(text=off if name in known else said), file, at, "channels")


def _placed(problem: Problem, file: ReleaseFile, at: int, name: str) -> Problem:
    """A mistake in what the audience says is one of the release file, not of the config."""
    found = re.fullmatch(rf"\[channels\.{re.escape(name)}\] ?(.*)", problem.field or "")
    return _at(problem, file, at, found[1]) if found else problem


def _at(problem: Problem, file: ReleaseFile, at: int, key: str) -> Problem:
    field = f"audiences[{at}]" + (f".{key}" if key else "")
    return replace(problem, file=str(file.path), line=file.lines.get("audiences"), field=field)
