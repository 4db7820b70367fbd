"""`approve`: say that exactly these bytes may go out."""

from pathlib import Path

import click

from distributor import agreed, instants, seal
from distributor.cli import as_json, output
from distributor.cli.main import Setting, break_option, json_option
from distributor.embargo import spell


@click.command("approve")
@click.argument("release", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--at", help="The time it is meant to go out, where that is not its embargo.")
@click.option("--revoke", is_flag=True, help="Take your approval back.")
@break_option
@json_option
@click.pass_obj
def approve_command(
    setting: Setting, release: Path, at: str | None, break_embargo: str | None, *, revoke: bool, json_: bool
) -> None:
    """Approve what RELEASE's preview shows, byte for byte: any change voids it. With [policy] four_eyes nothing is scheduled
    without the approval of somebody else.
    """
    desk = setting.desk((), break_embargo)
    desk.site.need_root()
    moment = instants.instant(at, setting.clock.now()) if at else None
    preview = desk.preview(release, moment)
    facts = {"id": preview.release.id, "version": preview.release.version, "seal": preview.digest}
    if revoke:
        number = desk.revoke(preview)
        if json_:
            as_json.show({**facts, "revoked": number})
        else:
            output.say(f"{preview.release.id}: {number} of your approvals taken back")
        return
    if moment:
        seal.refuse_past(preview, moment, setting.clock.now())
    known = desk.approve(preview)
    remarks = agreed.remarks(preview.release.model_dump_json())
    if json_:
        approvals = [{"who": one.who, "at": one.at} for one in known.valid]
        as_json.show({**facts, "approvals": approvals, "remarks": list(remarks)})
        return
    for remark in remarks:
        output.say(remark)
    for one in known.valid:
        output.say(
            f"{one.release_id} version {one.version}: approved by {one.who} on {spell(one.at, preview.release.zone)}"
        )
    output.say(f"seal  {preview.digest}")
