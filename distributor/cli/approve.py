"""`approve`: say that exactly these bytes may go out."""

from pathlib import Path

import click

from distributor import agreed, instants
from distributor.cli.main import Setting
from distributor.embargo import spell


@click.command("approve")
@click.argument("release", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--at", help="The time it is meant to go out, where it has no embargo.")
@click.option("--revoke", is_flag=True, help="Take your approval back.")
@click.pass_obj
def approve_command(setting: Setting, release: Path, at: str | None, *, revoke: bool) -> None:
    """Approve what RELEASE's preview shows, byte for byte: any change voids it. With [policy] four_eyes nothing is scheduled
    without the approval of somebody else.
    """
    desk = setting.desk()
    desk.site.need_root()
    preview = desk.preview(release, instants.instant(at, setting.clock.now()) if at else None)
    if revoke:
        click.echo(f"{preview.release.id}: {desk.revoke(preview)} of your approvals taken back")
        return
    known = desk.approve(preview)
    for remark in agreed.remarks(preview.release.model_dump_json()):
        click.echo(remark)
    for one in known.valid:
        click.echo(
            f"{one.release_id} version {one.version}: approved by {one.who} on {spell(one.at, preview.release.zone)}"
        )
    click.echo(f"seal  {preview.digest}")
