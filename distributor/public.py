"""The public folder: files whole or not at all, left alone when nothing changed, with their compressed variants beside them."""

import contextlib
import gzip
import os
from pathlib import Path

import brotli

from distributor import files
from distributor.outcomes import Refused

#: Text that a web server sends compressed (nginx: gzip_static, brotli_static).
_TEXT = frozenset({".html", ".xml", ".atom", ".json", ".txt", ".css", ".js"})
_WORTH = 1_400  #: bytes: what one packet takes anyway; below, a compressed variant saves nothing


def put(path: Path, data: bytes) -> bool:
    """Write `data` unless it is there already; returns whether it wrote. Raises Unavailable when the disk does not take it.

    The variants come first: once the file itself is right, they are too, whenever the process was killed. Its time of change
    moves by a whole second at least, because nginx makes its ETag of that and the size alone.
    """
    before = _seconds(path)
    with contextlib.suppress(OSError):
        if before is not None and path.read_bytes() == data:
            return False
    if path.suffix in _TEXT:
        for suffix, packed in variants(data).items():
            files.deliver(path.with_name(path.name + suffix), packed)
    files.deliver(path, data)
    if before is not None and (now := _seconds(path)) is not None and now <= before:
        os.utime(path, (before + 1, before + 1))
    return True


def copy(kept: Path, public: Path) -> int:
    """Every file of one folder into another; returns how many were not there yet."""
    found = sorted(path for path in kept.rglob("*") if path.is_file() and path.suffix not in (".gz", ".br"))
    return sum(put(public / path.relative_to(kept), path.read_bytes()) for path in found)


def remove(path: Path) -> None:
    """Take a file and its variants away, and the folders that are empty then."""
    for name in (path.name, f"{path.name}.gz", f"{path.name}.br"):
        path.with_name(name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        for folder in path.parents:
            folder.rmdir()


def variants(data: bytes) -> dict[str, bytes]:
    """The compressed forms of a text file by suffix; none where they would save nothing."""
    if len(data) < _WORTH:
        return {}
    return {".gz": gzip.compress(data, 6, mtime=0), ".br": brotli.compress(data, quality=5)}


def put_media(public: Path, sha256: str, name: str, data: bytes) -> bool:
    """A file at its address, which holds its hash; Refused for a name that is a path."""
    if name in ("", "..") or name != Path(name).name or "\x00" in name:
        raise Refused(f"the media name {name!r} is no plain file name")
    return put(public / "media" / sha256[:16] / name, data)


def localized(path: str, lang: str, home: str) -> str:
    """`feed.xml` → `feed.zh-hant.xml`; the newsroom's own language `home` has the plain name."""
    stem, _, suffix = path.rpartition(".")
    return path if lang == home else f"{stem}.{lang.lower()}.{suffix}"


def _seconds(path: Path) -> int | None:
    try:
        return int(path.stat().st_mtime)
    except OSError:
        return None
