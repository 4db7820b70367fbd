"""`confirm`: agree to where a channel leads now."""

import click

from distributor.cli import as_json, output
from distributor.cli.main import Setting
from distributor.desk.confirming import Diverted


@click.command("confirm")
@click.argument("release_id")
@click.option("--channel", metavar="NAME", help="Agree to where this channel leads now (without it: only show).")
@click.option("--version", "number", type=click.IntRange(min=1), metavar="N", help="Only this version.")
@click.option("--json", "json_", is_flag=True, help="Print as JSON.")
@click.pass_obj
def confirm_command(setting: Setting, release_id: str, channel: str | None, number: int | None, *, json_: bool) -> int:
    """Agree that a channel sends elsewhere than was shown when the release was sealed.

    The seal stays as it is. Without --channel it shows what differs and changes nothing. Exit code 1 while
    something differs and is not confirmed.
    """
    desk = setting.desk()
    found = desk.confirm(release_id, channel, version=number) if channel else desk.diverted(release_id)
    if json_:
        as_json.show({"release": release_id, "channels": [_object(one) for one in found]})
        return int(any(not one.done for one in found))
    if not found:
        output.say(f"{release_id}: every channel leads where it was agreed")
    for one in found:
        output.say(f"{release_id} version {one.agreed.version}, {one.agreed.channel}: {_count(one)}")
        for word, then, now in one.differences:
            output.say(f"  {word}: {then or '–'} → {now or '–'}")
        if not one.done:
            output.say(f"  {_next(one, asked=bool(channel))}")
    return int(any(not one.done for one in found))


def _count(one: Diverted) -> str:
    what = "1 delivery" if one.number == 1 else f"{one.number} deliveries"
    return f"{what} {'goes' if one.number == 1 else 'go'} to the new destination" if one.done else f"{what} stopped"


def _next(one: Diverted, *, asked: bool) -> str:
    command = f"'distributor confirm {one.agreed.release_id} --channel {one.agreed.channel}'"
    if asked:
        return f"your yes is recorded; somebody else has to say {command}, too ([policy] four_eyes)"
    return f"agree to it with {command}, or put the config back"


def _object(one: Diverted) -> dict[str, object]:
    return {
        "version": one.agreed.version,
        "channel": one.agreed.channel,
        "deliveries": one.number,
        "confirmed": one.done,
        "differences": [{"what": w, "agreed": then, "now": now} for w, then, now in one.differences],
    }
