"""A backup as one ZIP file: a manifest with the SHA-256 of every file, and the files.

Nothing in such a file is believed. Names may not lead out of the folder (CWE-22), links are refused, and every file has the
size and the digest that the manifest says, or nothing is put in place.
"""

import hashlib
import json
import os
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from distributor.errors import ActionError

FORMAT = 1
MANIFEST = "manifest.json"
_MOST_MANIFEST = 64_000_000  #: bytes
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup holds, and what it does not."""

    format: int = FORMAT
    made_at: str  #: ISO 8601, UTC
    distributor: str  #: the version that made it
    store: str  #: sqlite, postgresql, or empty where nothing had been scheduled
    site: str  #: the id that the ledger and the state folder share, or empty
    folder: str  #: the id of the state folder
    secrets: tuple[str, ...] = ()  #: what has to be set on the new machine; never a value
    left_out: tuple[str, ...] = ()  #: what was not taken, and why
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)  #: name → size and SHA-256


def write(target: Path, manifest: Manifest, files: Iterable[tuple[str, Path]]) -> Manifest:
    """Write a backup that only its owner may read; returns the manifest with what really went in.

    Raises ActionError where the file is there already or cannot be written, and leaves no half of it.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as out:
                done = _filled(out, manifest, files)
                out.flush()
                os.fsync(out.fileno())
            os.link(part, target)  # unlike a rename, it never takes the place of another file
        finally:
            part.unlink()
    except FileExistsError:
        raise ActionError(f"{target} is there already; nothing was written") from None
    except OSError as error:
        raise ActionError(f"cannot write {target}: {error.strerror or error}; nothing was written") from None
    return done


def _filled(out: IO[bytes], manifest: Manifest, files: Iterable[tuple[str, Path]]) -> Manifest:
    known: dict[str, tuple[int, str]] = {}
    left_out = list(manifest.left_out)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, path in files:
            try:
                with path.open("rb") as source:
                    mode = stat.S_IMODE(os.fstat(source.fileno()).st_mode) & 0o777
                    entry = zipfile.ZipInfo(name)
                    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, (stat.S_IFREG | mode) << 16
                    digest, size = hashlib.sha256(), 0
                    with pack.open(entry, "w", force_zip64=True) as to:
                        while chunk := source.read(_CHUNK):
                            digest.update(chunk)
                            size += len(chunk)
                            to.write(chunk)
            except FileNotFoundError:
                left_out.append(f"{name}: it vanished meanwhile")
                continue
            known[name] = (size, digest.hexdigest())
        done = Manifest(**{**manifest.__dict__, "files": known, "left_out": tuple(left_out)})
        pack.writestr(MANIFEST, json.dumps(asdict(done), ensure_ascii=False, indent=1))
    return done


@dataclass(frozen=True)
class Archive:
    """An open backup whose names have been checked."""

    manifest: Manifest
    _pack: zipfile.ZipFile

    def extract(self, name: str, target: Path) -> None:
        """Write one file; raises ActionError where it is not what the manifest says."""
        size, digest = self.manifest.files[name]
        target.parent.mkdir(parents=True, exist_ok=True)
        found, left = hashlib.sha256(), size
        mode = (self._pack.getinfo(name).external_attr >> 16) & 0o777 or 0o644
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as out, self._pack.open(name) as source:
            while chunk := source.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    break
                found.update(chunk)
                out.write(chunk)
            os.fchmod(out.fileno(), mode)
            out.flush()
            os.fsync(out.fileno())
        if left or found.hexdigest() != digest:
            raise ActionError(f"the backup is damaged: {name} is not what its manifest says; nothing was put in place")


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a backup and check its manifest and every name. Raises ActionError."""
    try:
        with zipfile.ZipFile(path) as pack:
            yield Archive(_manifest(pack), pack)
    except FileNotFoundError:
        raise ActionError(f"there is no file {path}") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ActionError(f"{path} is no backup of distributor, or it is damaged: {error}") from None


def _manifest(pack: zipfile.ZipFile) -> Manifest:
    entries = pack.infolist()
    try:
        with pack.open(MANIFEST) as source:
            facts = json.loads(source.read(_MOST_MANIFEST))
        if facts["format"] != FORMAT:
            raise ActionError(
                f"the backup has format {facts['format']}, this program reads {FORMAT}: upgrade distributor"
            )
        files = {str(name): (int(size), str(digest)) for name, (size, digest) in facts["files"].items()}
        lists = {key: tuple(map(str, facts[key])) for key in ("secrets", "left_out")}
        plain = {key: str(facts[key]) for key in ("made_at", "distributor", "store", "site", "folder")}
        found = Manifest(**plain, **lists, files=files)  # type: ignore[arg-type]
    except (KeyError, ValueError, TypeError, AttributeError):
        raise ActionError("this is no backup of distributor: it has no manifest that can be read") from None
    names = [one.filename for one in entries if one.filename != MANIFEST]
    if len(set(names)) != len(names) or set(names) != set(files):
        raise ActionError("the backup is damaged: it does not hold the files that its manifest names")
    for one in entries:
        if one.filename != MANIFEST:
            _refuse_odd(one)
    return found


def _refuse_odd(entry: zipfile.ZipInfo) -> None:
    """A name may only lead into the folder, and only plain files are taken."""
    name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    parts = name.split("/")
    odd = any(part in ("", ".", "..") for part in parts) or len(parts) < 2 or set(name) & set("\\:\0")
    if odd or kind not in (0, stat.S_IFREG):
        raise ActionError(f"the backup is refused: '{name[:80]}' is no plain file in it; nothing was put in place")
