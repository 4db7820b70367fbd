"""`status`: every delivery, and whether all is well. Quick enough for a monitor that asks every few seconds."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from distributor import agreed, inputs, lastgood, zonerules
from distributor import health as well
from distributor import site as places
from distributor.cli import as_json
from distributor.cli.main import Setting, json_option, store_option
from distributor.errors import ActionError, ConfigError, DistributorError, nearest
from distributor.health import Health
from distributor.lifecycle import KILL, WAITING, State
from distributor.site import Site
from distributor.store import Delivery, Release, glance
from distributor.witness import Witness

if TYPE_CHECKING:
    from rich.console import Console

_STYLE = {
    State.delivered: "green",
    State.planned: "cyan",
    State.sending: "cyan",
    State.retrying: "yellow",
    State.held: "yellow",
    State.missed: "bold red",
    State.in_doubt: "bold red",
    State.failed: "bold red",
    State.refused: "bold red",
    State.canceled: "dim",
}


def _look(setting: Setting, store: str | None) -> tuple[Site, Health, list[tuple[Release, list[Delivery]]]]:
    """At a SQLite ledger straight away; through the desk for any other, and for whatever is not as it should be: a config
    that is not the last good one, above all.
    """
    site = places.find(setting.site_name, cwd=Path.cwd(), emergency=True)
    path = site.sqlite_ledger() if not store and lastgood.is_the_same(site) else None
    now = setting.clock.now()
    seen = glance.look(path, now) if path else None
    known = Witness(site.state_folder()).read() if seen else None
    if seen is None or (known and known.site != seen.site):  # the desk says what is wrong
        return site, *_whole(setting, store)
    health = well.judge(now, seen.workers, seen.oldest_due, seen.counts, seen.needs)
    names = site.channel_names()
    missing = tuple(seen.missing(names)) if names is not None else ()
    old = _old_texts(setting, site, seen.releases)
    shifted = zonerules.shifts(seen.open())
    return site, replace(health, moved=tuple(seen.moved), missing=missing, outdated=old, shifted=shifted), seen.releases


def _old_texts(setting: Setting, site: Site, releases: list[tuple[Release, list[Delivery]]]) -> tuple[str, ...]:
    """What is said of scheduled versions that are older than their files. Where no file changed nothing is rendered."""
    root = site.root
    waits = [one for one, rows in releases if any(row.state in (*WAITING, State.held) for row in rows)]
    if root is None or not any(inputs.changed(root, one.inputs) for one in waits):
        return ()
    try:
        return tuple(one.sentence for one in setting.brake(None).old_texts(waits))
    except DistributorError:
        return ()  # its own trouble says why


def _whole(setting: Setting, store: str | None) -> tuple[Health, list[tuple[Release, list[Delivery]]]]:
    """The slow way: it reads the config, and says where that, or a channel of it, cannot be used."""
    desk = setting.brake(store)
    health, releases = desk.status()
    if not desk.problem:
        try:
            desk.channels  # noqa: B018  builds every channel
        except ConfigError as error:
            return replace(health, config="; ".join(map(str, error.problems))), releases
        desk.remember()
        old = tuple(one.sentence for one in desk.old_texts([one for one, _ in releases])) if desk.site.root else ()
        return replace(health, outdated=old), releases
    return health, releases


@click.command("status")
@click.argument("release_id", required=False)
@store_option
@json_option
@click.pass_obj
def status_command(setting: Setting, release_id: str | None, store: str | None, *, json_: bool) -> int:
    """Show every delivery and whether all is well. Exit code 1 when something waits that nobody will send."""
    site, health, releases = _look(setting, store)
    if release_id is not None:
        there = {one.id for one, _ in releases}
        if release_id not in there:
            raise ActionError(f"no release '{release_id}' is scheduled here{nearest(release_id, there)}")
        releases = [(one, rows) for one, rows in releases if one.id == release_id]
    if json_:
        as_json.show(as_json.status(health, releases, site.root))
        return int(bool(health.troubles()))
    from distributor.cli import draw  # rich: not for --json

    out = draw.console()
    _draw_health(out, health)
    for one, rows in releases:
        _draw_release(out, one, rows, site.root)
    return int(bool(health.troubles()))


def _draw_health(out: "Console", health: Health) -> None:
    from distributor.cli import draw

    out.print(f"service {'[green]running[/]' if health.running else '[yellow]not running[/]'} · {_beat(health)}")
    for trouble in health.troubles(named=True):
        out.print(f"[bold red]trouble[/]  {draw.plain(trouble)}")


def _beat(health: Health) -> str:
    """When the service was seen last."""
    from distributor.cli import draw

    if health.last_beat and not (health.stopped_at and health.stopped_at >= health.last_beat):
        return f"last tick {(health.now - health.last_beat).total_seconds():.1f} s ago"
    return f"stopped on {draw.when(health.stopped_at, 'UTC')}" if health.stopped_at else "never ran"


def _draw_release(out: "Console", one: Release, rows: Sequence[Delivery], root: Path | None) -> None:
    from distributor.cli import draw

    out.print()
    status = "" if one.pub_status == "usable" else f" · [bold yellow]{one.pub_status}[/]"
    out.print(f"[bold]{one.id}[/] version {one.version}{status} · lift {draw.when(one.lift, one.zone)}")
    for remark in agreed.remarks(one.snapshot):
        out.print(f"[bold yellow]{draw.plain(remark)}[/]")
    table = draw.table("Channel", "Recipient", "State", "Lateness", "Attempts", "Where or why")
    for row in rows:
        late = row.sent_at - row.planned_for if row.sent_at else None
        kill = row.kind == KILL
        words = (row.reason if kill else row.remote_url or row.remote_id or row.reason) or ""
        table.add_row(
            f"{row.channel} (kill)" if kill else row.channel,
            draw.plain(row.recipient),
            f"[{_STYLE[row.state]}]{row.state}[/]",
            draw.lag(late),
            str(row.attempts),
            draw.place(words, root) if row.state is State.delivered else draw.plain(row.reason or ""),
        )
    out.print(table)
