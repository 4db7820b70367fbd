"""`feed`: the feed of any instant. `publish --rebuild`: the public folder anew. Both know only what was released."""

from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import click

from distributor.cli import as_json, output
from distributor.cli.main import Setting, json_option
from distributor.contract import Kit, MediaFile
from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.instants import instant
from distributor.plain import counted
from distributor.release import Media


@runtime_checkable
class Feeding(Protocol):
    """A channel that makes feeds."""

    def as_of(self, kit: Kit, lang: str, kind: Literal["rss", "atom", "json"], when: datetime) -> bytes | None:
        """The feed of what had been released by `when`; None when that is nothing."""


@runtime_checkable
class Rebuilding(Protocol):
    """A channel that can write its public files anew."""

    def rebuild(self, kit: Kit) -> int:
        """Write them; returns how many files changed."""


@click.command("feed")
@click.option("--format", "kind", type=click.Choice(["rss", "atom", "json"]), default="rss", show_default=True)
@click.option("--lang", help="A language tag; default: the newsroom's.")
@click.option("--as-of", metavar="TIME", help="As it was then: 2030-03-05 09:00 Asia/Hong_Kong. Default: now.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a file instead of printing.")
@click.pass_obj
def feed_command(
    setting: Setting, kind: Literal["rss", "atom", "json"], lang: str | None, as_of: str | None, out: Path | None
) -> None:
    """Print the feed of what had been released by an instant. What is embargoed is not in it, whatever the instant."""
    from distributor.files import write_atomic

    desk = setting.desk()
    now = desk.clock.now()
    when = instant(as_of, now, "--as-of") if as_of else now
    channel = next((one for one in desk.channels.values() if isinstance(one, Feeding)), None)
    if channel is None:
        raise ActionError('no channel makes a feed here: add a block with type = "rss" to the config')
    chosen = lang or desk.settings.newsroom.language
    made = channel.as_of(_kit(desk, now), chosen, kind, when)
    if made is None:
        raise ActionError(f"nothing was released in '{chosen}' by then; 'distributor status' shows what is planned")
    if out:
        write_atomic(out, made)
        output.say(f"{out} · {len(made):,} bytes")
    else:
        output.data(made)


@click.command("publish")
@click.option("--rebuild", is_flag=True, required=True, help="Every page, list and feed, in the templates of today.")
@json_option
@click.pass_obj
def publish_command(setting: Setting, *, rebuild: bool, json_: bool) -> None:  # noqa: ARG001  required: the word says what happens
    """Write the public folder anew from what is released, and nothing else. Files that are right already stay as they are."""
    desk = setting.desk()
    desk.site.need_root()
    kit = _kit(desk, desk.clock.now())
    written = {name: one.rebuild(kit) for name, one in desk.channels.items() if isinstance(one, Rebuilding)}
    if json_:
        as_json.show({"written": written})
        return
    for name, number in written.items():
        output.say(f"{name}: {counted(number, 'file')} written")


def _kit(desk: Desk, now: datetime) -> Kit:
    press = desk.press
    return Kit(
        templates=press.templates, newsroom=press.newsroom, lift=now, networks=press.networks, read_media=_no_media
    )


def _no_media(media: Media) -> MediaFile:
    raise ActionError(f"{media.file}: what is released has its photos already")
