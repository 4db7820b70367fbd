"""`contacts`: press lists as files, and who must not be written to any more."""

from dataclasses import asdict, replace
from pathlib import Path

import click

from distributor import presslist
from distributor.cli import as_json, draw, output
from distributor.cli.main import Setting, json_option
from distributor.errors import ActionError, nearest
from distributor.mailbox import parse
from distributor.plain import counted
from distributor.presslist import Listing, Member, Suppressions

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("contacts")
def contacts_command() -> None:
    """Press lists: files in contacts/ that a spreadsheet opens. A channel names its lists; who is suppressed gets nothing."""


@contacts_command.command("import")
@click.argument("name", metavar="LIST")
@click.argument("file", type=_FILE)
@click.option("--replace", "anew", is_flag=True, help="In place of what is there (default: add to it).")
@json_option
@click.pass_obj
def import_list(setting: Setting, name: str, file: Path, *, anew: bool, json_: bool) -> int:
    """Read FILE (CSV with a line of column names, or TOML) into LIST. Exit code 1 when lines were refused; the others are in."""
    target = presslist.path(_folder(setting), name)
    there = Listing(members=()) if anew or not target.exists() else presslist.read(target)
    new = presslist.read(file)
    merged = {one.key: one for one in there.members}
    fresh = [one for one in new.members if one.key not in merged]
    presslist.write(target, [*merged.values(), *fresh])
    known = len(new.members) - len(fresh)
    if json_:
        twice, refused = ([asdict(line) for line in lines] for lines in (new.duplicates, new.refused))
        facts = {"list": name, "added": len(fresh), "known": known, "members": len(merged) + len(fresh)}
        as_json.show({**facts, "duplicates": twice, "refused": refused})
        return int(bool(new.refused))
    output.say(
        f"{counted(new.lines, 'line')}: {len(fresh)} added, {known} known before, {len(new.duplicates)} twice in the file, "
        f"{len(new.refused)} refused; {name} has {counted(len(merged) + len(fresh), 'member')}"
    )
    for line in (*new.duplicates, *new.refused):
        output.say(f"  line {line.line}: {line.text or '(no address)'}: {line.why}")
    return int(bool(new.refused))


@contacts_command.command("list")
@click.argument("name", metavar="[LIST]", required=False)
@json_option
@click.pass_obj
def show_list(setting: Setting, name: str | None, *, json_: bool) -> None:
    """Print LIST, or the names of all."""
    folder = _folder(setting)
    out = draw.console()
    if name is None and json_:
        lists = [(file, presslist.read(file)) for file in presslist.files_of(folder)]
        as_json.show([{"list": file.stem, "members": len(found.members)} for file, found in lists])
        return
    if name is None:
        table = draw.table("List", "Members", "Refused", "File")
        for file in presslist.files_of(folder):
            found = presslist.read(file)
            table.add_row(file.stem, str(len(found.members)), str(len(found.refused)), draw.plain(file.name))
        table.add_row("suppressed", str(len(Suppressions.of(folder).all())), "", "suppressed.csv")
        out.print(table)
        return
    suppressed = Suppressions.of(folder).all()
    members = presslist.read(_known(folder, name)).members
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
@json_option
@click.pass_obj
def add_member(
    setting: Setting, name: str, person: str, outlet: str, language: str, tags: str, tier: str, *, json_: bool
) -> None:
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
    if json_:
        as_json.show({"list": name, "address": new.address, "change": verb, "members": len(there)})
        return
    output.say(f"{new.address} {verb}; {name} has {counted(len(there), 'member')}")


@contacts_command.command("remove")
@click.argument("name", metavar="LIST")
@click.argument("address")
@json_option
@click.pass_obj
def remove_member(setting: Setting, name: str, address: str, *, json_: bool) -> None:
    """Take one person off LIST. They may be added again: `suppress` is for those who must not."""
    target, key = _known(_folder(setting), name), _address(address).casefold()
    there = presslist.read(target).members
    kept = [one for one in there if one.key != key]
    if len(kept) == len(there):
        raise ActionError(f"{address} is not on {name}{nearest(address, [one.address for one in there])}")
    presslist.write(target, kept)
    if json_:
        as_json.show({"list": name, "address": address, "change": "removed", "members": len(kept)})
        return
    output.say(f"{address} removed; {name} has {counted(len(kept), 'member')}")


@contacts_command.command("suppress")
@click.argument("address")
@click.option("--reason", type=click.Choice(presslist.REASONS), default="asked", show_default=True)
@click.option("--undo", is_flag=True, help="They asked to get releases again.")
@json_option
@click.pass_obj
def suppress(setting: Setting, address: str, reason: str, *, undo: bool, json_: bool) -> None:
    """Never write to ADDRESS again, whatever list it is on: also not what is scheduled already."""
    suppressions, found = Suppressions.of(_folder(setting)), _address(address)
    if undo:
        if not suppressions.remove(found):
            raise ActionError(f"{found} is not suppressed{nearest(found, suppressions.all())}")
        if json_:
            as_json.show({"address": found, "suppressed": None, "changed": True})
        else:
            output.say(f"{found} may be written to again")
        return
    new = suppressions.add(found, reason, now=setting.clock.now())
    if json_:
        as_json.show({"address": found, "suppressed": suppressions.why(found), "changed": new})
        return
    output.say(f"{found} is suppressed{'' if new else f' already: {suppressions.why(found)}'}")


def _known(folder: Path, name: str) -> Path:
    """The file of a list that is there; ActionError names the nearest."""
    file = presslist.path(folder, name)
    if not file.is_file():
        there = nearest(name, [one.stem for one in presslist.files_of(folder)])
        raise ActionError(f"there is no list '{name}'{there}; 'distributor contacts import' makes one")
    return file


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
