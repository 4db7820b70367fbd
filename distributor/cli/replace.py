"""`replace`: put what a release file says now in the place of what was scheduled."""

from pathlib import Path

import click

from distributor.cli import as_json, draw
from distributor.cli.actions import draw_scheduled
from distributor.cli.main import Setting, json_option
from distributor.desk import Scheduled


@click.command("replace")
@click.argument("release_id")
@click.option(
    "--file", "path", type=click.Path(path_type=Path, dir_okay=False), help="The release file (default: as scheduled)."
)
@json_option
@click.pass_obj
def replace_command(setting: Setting, release_id: str, path: Path | None, *, json_: bool) -> None:
    """Cancel the scheduled version and seal the release as its file says now, all or nothing, while nothing of it has left.

    It goes out at the same instant, or at the embargo that the file names now. With four eyes somebody else
    approves the new text first. Once something left, issue a correction.
    """
    desk = setting.desk()
    preview, row = desk.replace(release_id, path)
    if json_:
        as_json.show({**as_json.preview(preview, desk.site.root), "replaced": True})
        return
    draw_scheduled(draw.console(), Scheduled(preview=preview, release=row, already=False), desk.site.root)
