"""Commands on the ledger: schedule, hold, resume, cancel, reschedule, settle, kill, verify. All work while a service runs."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypedDict

import click
from rich.console import Console

from distributor import agreed
from distributor.cli import as_json, draw, output
from distributor.cli.main import Setting, break_option, json_option, listed, store_option
from distributor.contract import Severity
from distributor.desk import Scheduled
from distributor.fields import web_url
from distributor.lifecycle import State
from distributor.plain import counted

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("schedule")
@click.argument("release", type=_FILE)
@click.option("--at", help="When: 'now', '+10m' or a time with its zone (default: at the embargo).")
@click.option("--channels", multiple=True, metavar="NAME,…", help="Only these channels (default: all enabled ones).")
@break_option
@json_option
@click.pass_obj
def schedule_command(
    setting: Setting, release: Path, at: str | None, channels: Sequence[str], break_embargo: str | None, *, json_: bool
) -> None:
    """Seal the release as it is previewed now, and plan its deliveries for the embargo instant."""
    from distributor import instants

    desk = setting.desk(listed(channels), break_embargo)
    done = desk.schedule(release, instants.instant(at, setting.clock.now()) if at else None)
    if json_:
        as_json.show({**as_json.preview(done.preview, desk.site.root), "already": done.already})
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


def _say(setting: Setting, action: str, release_id: str, store: str | None, *, json_: bool) -> None:
    desk = setting.brake(store)
    release, moved = getattr(desk, action)(release_id)
    _, releases = desk.status()
    states = Counter(
        row.state for one, rows in releases if (one.id, one.version) == (release.id, release.version) for row in rows
    )
    out, wire = states[State.delivered], states[State.sending]
    if json_:
        facts = {"id": release.id, "version": release.version, "action": action, "moved": moved}
        as_json.show({**facts, "delivered": out, "in_flight": wire})
        return
    words = {"hold": "held", "resume": "planned again", "cancel": "canceled"}[action]
    output.say(f"{release.id} version {release.version}: {counted(moved, 'delivery', 'deliveries')} {words}")
    if out or wire:
        output.say(f"already out: {out}, on the wire: {wire}")


@click.command("hold")
@click.argument("release_id")
@store_option
@json_option
@click.pass_obj
def hold_command(setting: Setting, release_id: str, store: str | None, *, json_: bool) -> None:
    """Stop everything of a release that is not on the wire yet, until 'resume'."""
    _say(setting, "hold", release_id, store, json_=json_)


@click.command("resume")
@click.argument("release_id")
@store_option
@json_option
@click.pass_obj
def resume_command(setting: Setting, release_id: str, store: str | None, *, json_: bool) -> None:
    """Let go what was held, missed or failed; what is overdue goes out at once."""
    _say(setting, "resume", release_id, store, json_=json_)


@click.command("cancel")
@click.argument("release_id")
@store_option
@json_option
@click.pass_obj
def cancel_command(setting: Setting, release_id: str, store: str | None, *, json_: bool) -> None:
    """Cancel everything of a release that has not gone out."""
    _say(setting, "cancel", release_id, store, json_=json_)


@click.command("reschedule")
@click.argument("release_id")
@click.option("--at", required=True, help="When: '+10m' or a time with its zone.")
@break_option
@json_option
@click.pass_obj
def reschedule_command(setting: Setting, release_id: str, at: str, break_embargo: str | None, *, json_: bool) -> None:
    """Move a release of which nothing has gone out yet to another instant; it is rendered and sealed anew."""
    from distributor import instants

    desk = setting.desk((), break_embargo)
    moment, zone = instants.zoned(at, setting.clock.now())
    done = desk.reschedule(release_id, moment, zone)
    if json_:
        as_json.show(as_json.preview(done.preview, desk.site.root))
        return
    draw_scheduled(draw.console(), done, desk.site.root)


class _Which(TypedDict):
    """Some of a release's deliveries; None stands for all."""

    version: int | None
    channel: str | None
    recipient: str | None


@click.command("settle")
@click.argument("release_id")
@click.option("--there", "answer", flag_value="there", help="It is there: you looked.")
@click.option("--again", "answer", flag_value="again", help="It is not there: send it again, now.")
@click.option("--not-sent", "answer", flag_value="close", help="It is not there and will not be sent: close it.")
@click.option("--channel", metavar="NAME", help="Only this channel.")
@click.option("--recipient", metavar="ADDRESS", help="Only this recipient.")
@click.option("--url", metavar="URL", help="With --there: where it is, for the report.")
@click.option("--version", "number", type=click.IntRange(min=1), metavar="N", help="Only this version.")
@json_option
@click.pass_obj
def settle_command(
    setting: Setting,
    release_id: str,
    answer: str | None,
    channel: str | None,
    recipient: str | None,
    url: str | None,
    number: int | None,
    *,
    json_: bool,
) -> None:
    """Say what became of deliveries in doubt, or close (--not-sent) what failed, was refused or was missed."""
    if answer is None:
        raise click.UsageError("Say --there (it arrived), --again (it did not; send it) or --not-sent (leave it).")
    if url and answer != "there":
        raise click.UsageError("--url says where it is: say --there, too.")
    try:
        url = web_url(url) if url else None
    except ValueError as error:
        raise click.UsageError(f"--url: {error}") from None
    which = _Which(version=number, channel=channel, recipient=recipient)
    if answer == "close":
        rows = setting.desk().close(release_id, **which)
    else:
        rows = setting.desk().settle(release_id, there=answer == "there", url=url, **which)
    if json_:
        settled = [{"channel": row.channel, "recipient": row.recipient, "state": row.state} for row in rows]
        as_json.show({"id": release_id, "settled": settled})
        return
    closed = "closed, not sent" if answer == "close" else "canceled, as its release is"
    words = {State.delivered: "delivered", State.canceled: closed}
    for row in rows:
        output.say(f"{row.channel} {row.recipient}: {words.get(row.state, 'goes out again')}")


@click.command("retry")
@click.argument("release_id")
@click.option("--channel", metavar="NAME", help="Only this channel.")
@click.option("--recipient", metavar="ADDRESS", help="Only this recipient.")
@click.option("--version", "number", type=click.IntRange(min=1), metavar="N", help="Only this version.")
@json_option
@click.pass_obj
def retry_command(
    setting: Setting,
    release_id: str,
    channel: str | None,
    recipient: str | None,
    number: int | None,
    *,
    json_: bool,
) -> None:
    """Try again, now, what failed, was refused or missed, or waits for its next try."""
    again = setting.desk().retry(release_id, version=number, channel=channel, recipient=recipient)
    if json_:
        as_json.show({"id": release_id, "planned": again})
        return
    for name, planned in again.items():
        output.say(f"{name}: {planned} {'goes' if planned == 1 else 'go'} out again")


@click.command("kill")
@click.argument("release_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
@json_option
@click.pass_obj
def kill_command(setting: Setting, release_id: str, store: str | None, *, yes: bool, json_: bool) -> None:
    """Withdraw a release for good: what is not out is canceled, what can be taken back is. Its pages answer 410 then."""
    if json_ and not yes:
        raise click.UsageError("With --json nobody is asked: say --yes, too.")
    if not yes:
        click.confirm(f"Withdraw '{release_id}' everywhere, for good?", abort=True)
    desk = setting.brake(store)
    release, back, left = desk.kill(release_id)
    if json_:
        taken, stays = (Counter(row.channel for row in rows) for rows in (back, left))
        as_json.show({"id": release.id, "version": release.version, "taken_back": taken, "left": stays})
        return
    output.say(f"{release.id} is killed: nothing more of it goes out")
    for name, number in Counter(row.channel for row in back).items():
        when = "by the service, at once" if desk.find_channel(name) else "once the channel is in the config again"
        output.say(f"{name}: {number} taken back {when}")
    advice = desk.remains({row.channel for row in left})
    for name, number in Counter(row.channel for row in left).items():
        output.say(f"{name}: {number} cannot be taken back; {advice[name]}")


@click.command("verify")
@click.argument("release_id")
@json_option
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
    for remark in agreed.remarks(release.snapshot):
        out.print(f"[bold yellow]{draw.plain(remark)}[/]")
    sent = sum(proof.handed_over is not None for proof in proofs)
    if bad:
        out.print("[bold red]the bytes differ[/]: do not trust this ledger or these files")
    else:
        out.print(f"[green]the seal holds[/]; {sent} of {len(proofs)} sent, each with the previewed bytes")
    return int(bad)
