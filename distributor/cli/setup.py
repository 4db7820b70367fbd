"""`init`: make a site. `doctor`: say what each channel would really do."""

import shutil
import sys
from pathlib import Path

import click

from distributor import landing
from distributor.cli import as_json, draw, output
from distributor.cli.main import Setting, json_option
from distributor.contract import Destination
from distributor.desk import Desk, publishing
from distributor.errors import ActionError
from distributor.site import BUILT_IN, CONFIG, Site

_IGNORED = "/var/\n/public/\n/outbox/\n"


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@json_option
@click.pass_obj
def init_command(setting: Setting, folder: Path, *, json_: bool) -> None:
    """Make a site in FOLDER: the config with every key explained, a sample release to try, and empty feeds."""
    lines = make_site(folder)
    for problem in publishing.open_public(Desk(site=Site(folder.resolve()), clock=setting.clock)):
        output.say(problem, err=True)
    if json_:
        made = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        as_json.show({"folder": str(folder.resolve()), "files": made})
        return
    for line in lines:
        output.say(line)


def make_site(folder: Path) -> list[str]:
    """Copy config and sample into `folder`; raises ActionError where a site is already or nothing can be written."""
    if (folder / CONFIG).exists():
        raise ActionError(f"{folder} is a site already; nothing was changed")
    try:
        (folder / "config").mkdir(parents=True, exist_ok=True)
        for name in ("channels", "templates", "releases"):
            (folder / name).mkdir(exist_ok=True)
        shutil.copy(BUILT_IN / CONFIG, folder / CONFIG)
        for source in sorted((BUILT_IN / "config" / "sample").iterdir()):
            shutil.copy(source, folder / "releases" / source.name)
        (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    except OSError as error:
        raise ActionError(f"cannot write into {folder}: {error.strerror}") from None
    return [
        f"made a site in {folder}",
        f"  {CONFIG}   every key, explained; it sends to this folder until you name servers",
        "  releases/harbour-line.md     a sample release in two languages",
        "  channels/ and templates/     empty: what you put here comes before the built-in ones",
        "  public/                      what your web server shows: feeds without an item yet",
        f"next: cd {folder} && distributor preview releases/harbour-line.md",
    ]


@click.command("doctor")
@json_option
@click.pass_obj
def doctor_command(setting: Setting, *, json_: bool) -> int:
    """Say which channels are live, which are local, and what is missing. Exit code 1 when something is missing."""
    desk = setting.desk()
    rows = desk.doctor()
    remark = landing.site_remark(desk.settings.newsroom, desk.channels)
    missing = [text for _, _, place in rows for text in place.missing]
    waits = desk.waits() if desk.site.root else []
    if json_:
        linking = {name for name, _, _ in rows if remark and landing.links(desk.channels[name])}
        found = [_as_json(*row, [remark] if row[0] in linking else [], desk.site.root) for row in rows]
        as_json.show([*found, *({"trouble": text} for text in waits)])
        return int(bool(missing or waits))
    out = draw.console()
    site = desk.site.root or "the built-in site (nothing can be scheduled here: 'distributor init FOLDER')"
    out.print(f"site    {draw.plain(str(site))}")
    out.print(f"config  {draw.plain(str(desk.site.config_file))}")
    out.print(f"python  {sys.version.split()[0]}")
    table = draw.table("Channel", "Type", "Sends", "To", "Repeat", "Missing")
    for name, kind, place in rows:
        state = "[green]live[/]" if place.live else "[cyan]local[/]"
        cls = desk.channels[name].capabilities.idempotency
        table.add_row(
            name, kind, state, draw.place(place.place, desk.site.root), f"class {cls}", ", ".join(place.missing) or "–"
        )
    out.print(table)
    for name, channel in desk.channels.items():
        if ends := channel.good_until:
            out.print(f"[bold]connection[/]  {name} ends on {draw.when(ends, 'UTC')}")
        for line in channel.advice:
            output.say(f"{name}: {line}")  # to be copied: never wrapped
    if remark:
        out.print(f"[bold yellow]page[/]  {draw.plain(remark)}")
    if missing:
        out.print("[bold yellow]missing[/] things must be set where 'distributor run' is started")
    for text in waits:
        out.print(f"[bold red]trouble[/]  {draw.plain(text)}")
    return int(bool(missing or waits))


def _as_json(name: str, kind: str, place: Destination, remarks: list[str], root: Path | None) -> dict[str, object]:
    return {
        "channel": name,
        "type": kind,
        "live": place.live,
        "place": draw.shortened(place.place, root),
        "missing": list(place.missing),
        "remarks": remarks,
    }
