"""`backup` and `restore`: a whole site in one file."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from distributor.cli import locks, output
from distributor.cli.main import Setting

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("backup")
@click.argument("file", type=_FILE)
@click.option("--json", "json_", is_flag=True, help="Print as JSON.")
@click.pass_obj
def backup_command(setting: Setting, file: Path, *, json_: bool) -> None:
    """Write the whole site into FILE (a ZIP with a manifest): ledger, releases, uploads, public files, config, templates,
    channels and contacts. Works while the service runs. Secrets are not in it; it says which are needed.
    """
    made = setting.desk().backup(file)
    if json_:
        facts = {"file": str(file.absolute()), "files": len(made.files), "store": made.store}
        output.document({**facts, "secrets": made.secrets, "left_out": made.left_out})
        return
    size = sum(size for size, _ in made.files.values())
    output.say(f"{file}: {len(made.files)} files, {size:,} bytes, as of {made.made_at}")
    _list("needed on the new machine, and not in the backup:", made.secrets)
    _list("not taken:", made.left_out)


@click.command("restore")
@click.argument("file", type=_FILE)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--replace", is_flag=True, help="FOLDER is a site already: move what is there aside.")
@click.option("--json", "json_", is_flag=True, help="Print as JSON.")
@click.pass_obj
def restore_command(setting: Setting, file: Path, folder: Path, *, replace: bool, json_: bool) -> None:
    """Make the site of a backup in FOLDER. Service and desk of that site must be stopped. What was due since the backup is
    held until 'distributor restored' says what is out. Everybody signs in anew.
    """
    from distributor.desk.restore import restore
    from distributor.site import Site

    state = Site(folder.absolute()).state_folder()
    with ExitStack() as stack:
        if folder.exists():
            words = "the service runs on this site: stop it first; nothing was changed"
            stack.enter_context(locks.nobody(state, locks.SERVICE, words))
            stack.enter_context(locks.nobody(state, locks.DESK, words.replace("the service runs", "a desk is open")))
        done = restore(file, folder, setting.clock, replace=replace)
    missing = [one for one in done.manifest.secrets if not _is_set(one)]
    if json_:
        facts = {"folder": str(done.folder), "aside": done.aside and str(done.aside), "held": done.held}
        output.document(
            {**facts, "made_at": done.manifest.made_at, "secrets": done.manifest.secrets, "missing": missing}
        )
        return
    output.say(f"{done.folder} is as it was at {done.manifest.made_at}")
    if done.aside:
        output.say(f"what was there before lies in {done.aside}")
    if done.held:
        output.say("what was due since is held: look what is out, then say 'distributor restored --there' or '--again'")
        output.say(
            "everybody signs in anew, API tokens have to be made anew; who was locked out since the backup is not now"
        )
    _list("still to be set on this machine:", missing)
    _list("not in the backup:", done.manifest.left_out)


def _is_set(secret: str) -> bool:
    _, _, what = secret.partition(": ")
    kind, _, name = what.rpartition(" ")
    return bool(os.environ.get(name)) if kind == "environment variable" else Path(name).is_file()


def _list(title: str, lines: Sequence[str]) -> None:
    if lines:
        output.say(title)
    for line in lines:
        output.say(f"  {line}")
