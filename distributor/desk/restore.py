"""A site out of a backup: checked as a whole, put in place, and on hold until somebody has looked."""

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from distributor import archive
from distributor import settings as configuration
from distributor.archive import Archive, Manifest
from distributor.clock import Clock
from distributor.desk.backup import stamp
from distributor.errors import ActionError
from distributor.site import CONFIG, SQLITE, Site
from distributor.store import copying, open_ledger
from distributor.witness import Seen, Witness


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What `restore` did."""

    manifest: Manifest
    folder: Path
    aside: Path | None  #: where lies what was there before
    held: bool  #: the ledger waits for a person


def restore(file: Path, folder: Path, clock: Clock, *, replace: bool) -> Restored:
    """Put the backup `file` into `folder`. Everything is checked before anything is put in place.

    With `replace`, what is there and has the same name is moved into `before-restore-…`; without it, the folder has to be
    empty. Whoever calls holds the locks of service and desk. Raises ActionError, StoreError.
    """
    folder = folder.absolute()
    if not replace and folder.exists() and any(one.name != "var" or any(_not_locks(one)) for one in folder.iterdir()):
        raise ActionError(f"{folder} is not empty: name a new folder, or say --replace to move what is there aside")
    before = Witness(Site(folder).state_folder()).read() if (folder / CONFIG).is_file() else None
    staging = folder / f".restore-{secrets.token_hex(6)}"
    with archive.opened(file) as pack:
        try:
            staging.mkdir(parents=True)
            for name in pack.manifest.files:
                pack.extract(name, staging / name)
            return _place(pack, staging, folder, clock, before)
        except OSError as error:
            raise ActionError(f"cannot write into {folder}: {error.strerror or error}") from None
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _not_locks(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.suffix != ".lock"] if folder.is_dir() else [folder]


def _place(pack: Archive, staging: Path, folder: Path, clock: Clock, before: Seen | None) -> Restored:
    manifest = pack.manifest
    if not (staging / "site" / CONFIG).is_file():
        raise ActionError("the backup is damaged: it has no config")
    site = Site(staging / "site")
    wanted = configuration.load(site)
    url = configuration.store_url(Site(folder), wanted)
    places = configuration.places(Site(folder), wanted)
    outside = {name: getattr(places, name) for name in ("public", "outbox", "state", "contacts")}
    for name, target in outside.items():
        if (staging / "places" / name).is_dir() and target.exists() and any(target.iterdir()):
            raise ActionError(f"{target} is not empty: move it away first, it lies outside of the site's folder")
    ledger = staging / "ledger"
    if manifest.store == "postgresql":
        copying.load_dump(url, ledger / "distributor.dump")
    aside = folder / f"before-restore-{stamp(clock.now())}"
    moved = _swap(staging / "site", folder, aside)
    for name, target in outside.items():
        if (staging / "places" / name).is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(staging / "places" / name, target, dirs_exist_ok=True)
    if manifest.store == "sqlite":
        moved = _ledger_in_place(ledger / "distributor.db", Path(url.removeprefix(SQLITE)), aside) or moved
    if manifest.store:
        _hold(url, clock, Witness(places.state), manifest, before)
    return Restored(manifest=manifest, folder=folder, aside=aside if moved else None, held=bool(manifest.store))


def _swap(new: Path, folder: Path, aside: Path) -> bool:
    """Move what has the same name aside, and the new into its place. Returns whether anything was there."""
    moved = False
    for one in sorted(new.iterdir()):
        old = folder / one.name
        if old.is_symlink() or (old.exists() and not (old.is_dir() and not _not_locks(old))):
            aside.mkdir(exist_ok=True)
            old.rename(aside / one.name)
            moved = True
        elif old.exists():
            shutil.rmtree(old)
        one.rename(old)
    return moved


def _ledger_in_place(copy: Path, target: Path, aside: Path) -> bool:
    """Put the copy where the config wants it; what is there, with its WAL, is moved aside."""
    target.parent.mkdir(parents=True, exist_ok=True)
    moved = False
    for old in (target, *(target.with_name(target.name + end) for end in ("-wal", "-shm"))):
        if old.exists():
            aside.mkdir(exist_ok=True)
            shutil.move(old, aside / old.name)
            moved = True
    shutil.move(copy, target)
    return moved


def _hold(url: str, clock: Clock, witness: Witness, manifest: Manifest, before: Seen | None) -> None:
    """Nothing that was due since goes out before a person has looked."""
    if manifest.site:
        same = before if before and before.site == manifest.site else None
        witness.file.unlink(missing_ok=True)
        witness.write(same or Seen(site=manifest.site, folder=manifest.folder, batches=0))
    ledger = open_ledger(url, create=False)
    try:
        ledger.begin_restored(clock.now())
    finally:
        ledger.close()
