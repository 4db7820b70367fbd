"""Commands on the ledger: schedule, status, hold, resume, cancel, verify. All work while a service runs."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click
from rich.console import Console

from distributor.cli import as_json, draw
from distributor.cli.main import Setting
from distributor.contract import Severity
from distributor.desk import Scheduled
from distributor.health import Health
from distributor.lifecycle import State
from distributor.store import Delivery, Release

_FILE = click.Path(path_type=Path, dir_okay=False)
_JSON = click.option("--json", "json_", is_flag=True, help="Print as JSON.")
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


@click.command("schedule")
@click.argument("release", type=_FILE)
@click.option("--at", help="When: 'now', '+10m' or a time with its zone (default: at the embargo).")
@click.option("--channels", multiple=True, metavar="NAME,…", help="Only these channels (default: all enabled ones).")
@_JSON
@click.pass_obj
def schedule_command(setting: Setting, release: Path, at: str | None, channels: Sequence[str], *, json_: bool) -> None:
    """Seal the release as it is previewed now, and plan its deliveries for the embargo instant."""
    from distributor import instants

    names = [name.strip() for group in channels for name in group.split(",") if name.strip()]
    desk = setting.desk(names)
    done = desk.schedule(release, instants.instant(at, setting.clock.now()) if at else None)
    if json_:
        as_json.show({**as_json.preview(done.preview), "already": done.already})
        return
    draw_scheduled(draw.console(), done, desk.site.root)


def draw_scheduled(out: Console, done: Scheduled, root: Path | None) -> None:
    """What was sealed and when it goes."""
    made = done.preview
    verb = "was scheduled already, unchanged" if done.already else "is scheduled"
    out.print(f"[bold]{done.release.id}[/] version {done.release.version} {verb}")
    out.print(f"lift  {draw.when(done.release.lift, done.release.zone)}")
    table = draw.table("Channel", "Language", "When", "Recipients", "Bytes", "To")
    for one in made.rendered:
        place = one.channel.destination
        table.add_row(
            one.message.channel,
            one.message.lang,
            _offset(one.due - done.release.lift),
            str(len(one.copies)),
            f"{sum(copy.size for copy in one.copies):,}",
            f"{'live' if place.live else 'local'} {draw.place(one.channel.place(one.message), root)}",
        )
    out.print(table)
    draw.findings(out, (f for f in made.all_findings() if f.severity is Severity.warning))
    out.print(f"[bold]seal[/]  {done.release.seal}")
    missing = {text for one in made.rendered for text in one.channel.destination.missing}
    for text in sorted(missing):
        out.print(f"[bold yellow]missing[/]  {draw.plain(text)}: set it before the instant")


def _offset(after: timedelta) -> str:
    return "at the lift" if not after else f"{draw.lag(after)} from the lift"


@click.command("status")
@click.argument("release_id", required=False)
@_JSON
@click.pass_obj
def status_command(setting: Setting, release_id: str | None, *, json_: bool) -> int:
    """Show every delivery and whether all is well. Exit code 1 when something waits that nobody will send."""
    desk = setting.desk()
    health, releases = desk.status()
    if release_id:
        releases = [(one, rows) for one, rows in releases if one.id == release_id]
    if json_:
        as_json.show(as_json.status(health, releases))
        return int(bool(health.troubles()))
    out = draw.console()
    _draw_health(out, health)
    for one, rows in releases:
        _draw_release(out, one, rows, desk.site.root)
    return int(bool(health.troubles()))


def _draw_health(out: Console, health: Health) -> None:
    beat = f"last tick {(health.now - health.last_beat).total_seconds():.1f} s ago" if health.last_beat else "never ran"
    out.print(f"service {'[green]running[/]' if health.running else '[yellow]not running[/]'} · {beat}")
    for trouble in health.troubles():
        out.print(f"[bold red]trouble[/]  {draw.plain(trouble)}")


def _draw_release(out: Console, one: Release, rows: Sequence[Delivery], root: Path | None) -> None:
    out.print()
    status = "" if one.pub_status == "usable" else f" · [bold yellow]{one.pub_status}[/]"
    out.print(f"[bold]{one.id}[/] version {one.version}{status} · lift {draw.when(one.lift, one.zone)}")
    table = draw.table("Channel", "Recipient", "State", "Lateness", "Attempts", "Where or why")
    for row in rows:
        late = row.sent_at - row.planned_for if row.sent_at else None
        words = row.remote_url or row.remote_id or row.reason or ""
        table.add_row(
            row.channel,
            draw.plain(row.recipient),
            f"[{_STYLE[row.state]}]{row.state}[/]",
            draw.lag(late),
            str(row.attempts),
            draw.place(words, root) if row.state is State.delivered else draw.plain(row.reason or ""),
        )
    out.print(table)


def _say(setting: Setting, action: str, release_id: str) -> None:
    desk = setting.desk()
    release, moved = getattr(desk, action)(release_id)
    words = {"hold": "held", "resume": "planned again", "cancel": "canceled"}[action]
    click.echo(f"{release.id} version {release.version}: {moved} {'delivery' if moved == 1 else 'deliveries'} {words}")
    _, releases = desk.status()
    for one, rows in releases:
        if (one.id, one.version) == (release.id, release.version):
            out = sum(row.state is State.delivered for row in rows)
            wire = sum(row.state is State.sending for row in rows)
            if out or wire:
                click.echo(f"already out: {out}, on the wire: {wire}")


@click.command("hold")
@click.argument("release_id")
@click.pass_obj
def hold_command(setting: Setting, release_id: str) -> None:
    """Stop everything of a release that is not on the wire yet, until 'resume'."""
    _say(setting, "hold", release_id)


@click.command("resume")
@click.argument("release_id")
@click.pass_obj
def resume_command(setting: Setting, release_id: str) -> None:
    """Let go what was held, missed or failed; what is overdue goes out at once."""
    _say(setting, "resume", release_id)


@click.command("cancel")
@click.argument("release_id")
@click.pass_obj
def cancel_command(setting: Setting, release_id: str) -> None:
    """Cancel everything of a release that has not gone out."""
    _say(setting, "cancel", release_id)


@click.command("reschedule")
@click.argument("release_id")
@click.option("--at", required=True, help="When: '+10m' or a time with its zone.")
@_JSON
@click.pass_obj
def reschedule_command(setting: Setting, release_id: str, at: str, *, json_: bool) -> None:
    """Move a release of which nothing has gone out yet to another instant; it is rendered and sealed anew."""
    from distributor import instants

    desk = setting.desk()
    moment, zone = instants.zoned(at, setting.clock.now())
    done = desk.reschedule(release_id, moment, zone)
    if json_:
        as_json.show(as_json.preview(done.preview))
        return
    draw_scheduled(draw.console(), done, desk.site.root)


@click.command("settle")
@click.argument("release_id")
@click.option("--there", "answer", flag_value="there", help="It is there: you looked.")
@click.option("--again", "answer", flag_value="again", help="It is not there: send it again, now.")
@click.option("--channel", metavar="NAME", help="Only this channel.")
@click.option("--recipient", metavar="ADDRESS", help="Only this recipient.")
@click.pass_obj
def settle_command(
    setting: Setting, release_id: str, answer: str | None, channel: str | None, recipient: str | None
) -> None:
    """Say what became of deliveries that are in doubt: perhaps written, and nobody but a person can look."""
    if answer is None:
        raise click.UsageError("Say --there (it arrived) or --again (it did not; send it).")
    rows = setting.desk().settle(release_id, there=answer == "there", channel=channel, recipient=recipient)
    for row in rows:
        click.echo(f"{row.channel} {row.recipient}: {'delivered' if answer == 'there' else 'goes out again'}")


@click.command("verify")
@click.argument("release_id")
@_JSON
@click.pass_obj
def verify_command(setting: Setting, release_id: str, *, json_: bool) -> int:
    """Prove that what was sent is, byte for byte, what was previewed. Exit code 1 when it is not."""
    release, seal_holds, proofs = setting.desk().verify(release_id)
    bad = not seal_holds or any(not proof.holds for proof in proofs)
    if json_:
        as_json.show(as_json.proofs(release, seal_holds, proofs))
        return int(bad)
    out = draw.console()
    out.print(f"[bold]{release.id}[/] version {release.version} · seal {release.seal}")
    table = draw.table("Channel", "Recipient", "State", "Previewed", "Sealed", "Sent", "Found there")
    for proof in proofs:
        digests = (proof.previewed, proof.sealed, proof.handed_over, proof.read_back)
        shown = [
            f"[{'green' if digest == proof.previewed else 'bold red'}]{digest[:12]}[/]" if digest else "[dim]–[/]"
            for digest in digests
        ]
        table.add_row(proof.delivery.channel, draw.plain(proof.delivery.recipient), proof.delivery.state, *shown)
    out.print(table)
    sent = sum(proof.handed_over is not None for proof in proofs)
    if bad:
        out.print("[bold red]the bytes differ[/]: do not trust this ledger or these files")
    else:
        out.print(f"[green]the seal holds[/]; {sent} of {len(proofs)} sent, each with the previewed bytes")
    return int(bad)
