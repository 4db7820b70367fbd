"""`restored`: what became of what was due since the backup that the ledger was put back from."""

import click

from distributor.cli import output
from distributor.cli.main import Setting


@click.command("restored")
@click.option("--there", "answer", flag_value="there", help="It is out: you looked.")
@click.option("--again", "answer", flag_value="again", help="It is not out: send it, now.")
@click.option("--json", "json_", is_flag=True, help="Print as JSON.")
@click.pass_obj
def restored_command(setting: Setting, answer: str | None, *, json_: bool) -> int:
    """After a restore: say whether what was due since is out, and go on. What differs, settle release by release before,
    with 'resume' (send it) or 'cancel'. Without an option: show how many deliveries are held; exit code 1 if any.
    """
    desk = setting.desk()
    found = desk.restored()
    if answer is None:
        held = found.held if found else 0
        if json_:
            output.document({"restored": found is not None, "noticed_at": found and found.noticed_at, "held": held})
        elif found is None:
            output.say("the ledger was not restored from a backup: nothing is held")
        else:
            output.say(f"the ledger was restored from a backup, noticed at {found.noticed_at:%Y-%m-%d %H:%M:%S} UTC")
            output.say(
                f"{held} deliveries that were due since are held: say --there (they are out) or --again (send them)"
            )
        return int(found is not None)
    number = desk.settle_restored(there=answer == "there")
    if json_:
        output.document({"settled": number, "answer": answer})
    else:
        what = "are written down as delivered" if answer == "there" else "go out now"
        output.say(f"{number} deliveries {what}; from here on all goes as usual")
    return 0
