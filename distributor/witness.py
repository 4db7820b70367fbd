"""What a state folder knows of its ledger, outside the ledger: whose it is, and how much was sent with it.

The number of batches is raised after the commit that claims one and before its first byte leaves. So it is never ahead of
the ledger, unless the ledger was put back from a backup (docs/decisions/0018). A second copy lies in the user's own state
folder (XDG Base Directory Specification, XDG_STATE_HOME): it shows a whole site folder that was put back.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

FILE = "witness.json"
_SIZE = 512  #: bytes, one sector: a power cut leaves the old content or the new
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the folder knows."""

    site: str  #: the id that the ledger has, too
    folder: str  #: the id of this state folder
    batches: int  #: how many batches it sent


@dataclass
class Witness:
    """The file in one state folder."""

    state: Path

    @property
    def file(self) -> Path:
        """Where it lies."""
        return self.state / FILE

    def read(self) -> Seen | None:
        """Return what is known, or None where the folder is new or the file cannot be read."""
        here = _read(self.file)
        copy = _read(path) if here and (path := self._copy(here.folder)) else None
        if here and copy and copy.site == here.site:
            return replace(here, batches=max(here.batches, copy.batches))
        return here

    def write(self, seen: Seen) -> None:
        """Begin. Raises OSError."""
        self.state.mkdir(parents=True, exist_ok=True)
        _write(self.file, seen)

    def raise_to(self, seen: Seen) -> None:
        """Note that so many batches are under way, durably, in a fraction of a millisecond. Raises OSError."""
        _write(self.file, seen)
        if copy := self._copy(seen.folder):
            with contextlib.suppress(OSError):  # a second copy, as far as there is a place for it
                copy.parent.mkdir(parents=True, exist_ok=True)
                _write(copy, seen, sync=False)

    def _copy(self, folder: str) -> Path | None:
        """Where the second copy lies. A copied site has one of its own: it says nothing about the original."""
        named = os.environ.get("XDG_STATE_HOME", "")
        try:
            base = Path(named) if named.startswith("/") else Path.home() / ".local" / "state"
        except RuntimeError:  # nobody's home
            return None
        where = hashlib.sha256(str(self.state.resolve()).encode()).hexdigest()[:12]
        return base / "distributor" / f"{folder}-{where}.json"


def _read(path: Path) -> Seen | None:
    try:
        facts = json.loads(path.read_bytes())
        found = Seen(site=str(facts["site"]), folder=str(facts["folder"]), batches=int(facts["batches"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if _ID.fullmatch(found.folder) else None


def _write(path: Path, seen: Seen, *, sync: bool = True) -> None:
    """In place, one sector, never a smaller number of the same site: several processes may share the folder."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        known = _read(path)
        if known and known.site == seen.site and known.batches > seen.batches:
            return
        facts = {"site": seen.site, "folder": seen.folder, "batches": seen.batches}
        os.pwrite(handle, json.dumps(facts).encode("ascii").ljust(_SIZE - 1) + b"\n", 0)
        if sync:
            os.fdatasync(handle)
    finally:
        os.close(handle)
