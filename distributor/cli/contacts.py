"""`contacts`: press lists as files, and who must not be written to any more."""

from dataclasses import replace
from pathlib import Path

import click

from distributor import presslist
from distributor.cli import as_json, draw
from distributor.cli.main import Setting
from distributor.errors import ActionError
from distributor.mailbox import parse
from distributor.presslist import Listing, Member, Suppressions

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("contacts")
def contacts_command() -> None:
    """Press lists: files in contacts/ that a spreadsheet opens. A channel names its lists; who is suppressed gets nothing."""


@contacts_command.command("import")
@click.argument("name", metavar="LIST")
@click.argument("file", type=_FILE)
@click.option("--replace", "anew", is_flag=True, help="In place of what is there (default: add to it).")
@click.pass_obj
def import_list(setting: Setting, name: str, file: Path, *, anew: bool) -> int:
    """Read FILE (CSV with a line of column names, or TOML) into LIST. Exit code 1 when lines were refused; the others are in."""
    target = presslist.path(_folder(setting), name)
    there = Listing(members=()) if anew or not target.exists() else presslist.read(target)
    new = presslist.read(file)
    merged = {one.key: one for one in there.members}
    fresh = [one for one in new.members if one.key not in merged]
    presslist.write(target, [*merged.values(), *fresh])
    known = len(new.members) - len(fresh)
    click.echo(
        f"{new.lines} lines: {len(fresh)} added, {known} known before, {len(new.duplicates)} twice in the file, "
        f"{len(new.refused)} refused; {name} has {len(merged) + len(fresh)} members"
    )
    for line in (*new.duplicates, *new.refused):
        click.echo(f"  line {line.line}: {line.text or '(no address)'}: {line.why}")
    return int(bool(new.refused))


@contacts_command.command("list")
@click.argument("name", metavar="[LIST]", required=False)
@click.option("--json", "json_", is_flag=True, help="Print as JSON.")
@click.pass_obj
def show_list(setting: Setting, name: str | None, *, json_: bool) -> None:
    """Print LIST, or the names of all."""
    folder = _folder(setting)
    out = draw.console()
    if name is None:
        table = draw.table("List", "Members", "Refused", "File")
        for file in presslist.files_of(folder):
            found = presslist.read(file)
            table.add_row(file.stem, str(len(found.members)), str(len(found.refused)), draw.plain(file.name))
        table.add_row("suppressed", str(len(Suppressions.of(folder).all())), "", "suppressed.csv")
        out.print(table)
        return
    suppressed = Suppressions.of(folder).all()
    members = presslist.read(presslist.path(folder, name)).members
    if json_:
        as_json.show([{**_facts(one), "suppressed": suppressed.get(one.key)} for one in members])
        return
    table = draw.table("Address", "Name", "Outlet", "Language", "Tags", "Tier", "Suppressed")
    for one in members:
        cells = (one.address, one.name, one.outlet, one.language, one.tags, one.tier, suppressed.get(one.key, ""))
        table.add_row(*(draw.plain(cell) for cell in cells))
    out.print(table)


@contacts_command.command("add")
@click.argument("name", metavar="LIST")
@click.argument("person", metavar="'NAME <ADDRESS>'")
@click.option("--outlet", default="", help="Whom they write for.")
@click.option("--language", default="", help="They get releases in this language only.")
@click.option("--tags", default="", help="Words with a space between.")
@click.option("--tier", default="", help="prebrief: may get advance copies.")
@click.pass_obj
def add_member(setting: Setting, name: str, person: str, outlet: str, language: str, tags: str, tier: str) -> None:
    """Add one person to LIST, or change what is known of them."""
    target = presslist.path(_folder(setting), name)
    row = {"address": person, "outlet": outlet, "language": language, "tags": tags, "tier": tier}
    try:
        new = presslist.member(row)
    except ValueError as error:
        raise ActionError(str(error)) from None
    there = {one.key: one for one in (presslist.read(target).members if target.exists() else ())}
    verb = "changed" if new.key in there else "added"
    there[new.key] = replace(new, timezone=there[new.key].timezone) if new.key in there else new
    presslist.write(target, there.values())
    click.echo(f"{new.address} {verb}; {name} has {len(there)} members")


@contacts_command.command("remove")
@click.argument("name", metavar="LIST")
@click.argument("address")
@click.pass_obj
def remove_member(setting: Setting, name: str, address: str) -> None:
    """Take one person off LIST. They may be added again: `suppress` is for those who must not."""
    target, key = presslist.path(_folder(setting), name), _address(address).casefold()
    there = presslist.read(target).members
    kept = [one for one in there if one.key != key]
    if len(kept) == len(there):
        raise ActionError(f"{address} is not on {name}")
    presslist.write(target, kept)
    click.echo(f"{address} removed; {name} has {len(kept)} members")


@contacts_command.command("suppress")
@click.argument("address")
@click.option("--reason", type=click.Choice(presslist.REASONS), default="asked", show_default=True)
@click.option("--undo", is_flag=True, help="They asked to get releases again.")
@click.pass_obj
def suppress(setting: Setting, address: str, reason: str, *, undo: bool) -> None:
    """Never write to ADDRESS again, whatever list it is on: also not what is scheduled already."""
    suppressions, found = Suppressions.of(_folder(setting)), _address(address)
    if undo:
        if not suppressions.remove(found):
            raise ActionError(f"{found} is not suppressed")
        click.echo(f"{found} may be written to again")
        return
    new = suppressions.add(found, reason, now=setting.clock.now())
    click.echo(f"{found} is suppressed{'' if new else f' already: {suppressions.why(found)}'}")


def _folder(setting: Setting) -> Path:
    desk = setting.desk()
    desk.site.need_root()
    return desk.places.contacts


def _address(text: str) -> str:
    try:
        return parse(text).address
    except ValueError as error:
        raise ActionError(str(error)) from None


def _facts(one: Member) -> dict[str, str]:
    return {name: getattr(one, name) for name in ("address", "name", "outlet", "language", "tags", "tier", "timezone")}
