"""The public folder: files whole or not at all, left alone when nothing changed, with their compressed variants beside them."""

import contextlib
import gzip
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import brotli

from distributor import files
from distributor.outcomes import Refused
from distributor.shelf.row import mark

#: Text that a web server sends compressed (nginx: gzip_static, brotli_static).
_TEXT = frozenset({".html", ".xml", ".atom", ".json", ".txt", ".css", ".js"})
GONE = ".gone"
_LEAVING = ".leaving"  #: of a note on what one channel takes away just now
_VARIANTS = (".gz", ".br")
_WORTH = 4_000  #: bytes: below, a file travels in the first packets anyway (RFC 6928), compressed or not
_WORTH_BROTLI = 16_000  #: bytes: below, brotli saves a few hundred over gzip, and every file more is one more to sync
_GZIP, _BROTLI = (
    4,
    4,
)  #: a feed of 100 KB: 1.4 and 1.3 ms for 37.6 and 36.1 KB; 6 and 5 take 3.4 and 1.9 ms for 4 % less

_TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".xml": "application/xml; charset=utf-8", ".atom": "application/atom+xml; charset=utf-8", ".json": "application/feed+json; charset=utf-8",
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
    ".svg": "image/svg+xml", ".pdf": "application/pdf", ".mp4": "video/mp4", ".mp3": "audio/mpeg", ".zip": "application/zip",
}  # fmt: skip
_LIVE = "public, max-age=60, stale-while-revalidate=300"
_FOREVER = "public, max-age=31536000, immutable"


def put(path: Path, data: bytes) -> bool:
    """Write `data` unless it is there already; returns whether it wrote. Raises Unavailable when the disk does not take it.

    The variants come first: once the file itself is right, they are too, whenever the process was killed. Its time of change
    moves by a whole second at least, because nginx makes its ETag of that and the size alone.
    """
    before = _facts(path)
    with contextlib.suppress(OSError):
        if before and before.st_size == len(data) and path.read_bytes() == data:
            return False
    if path.suffix in _TEXT:
        made = variants(data)
        for suffix in _VARIANTS:
            variant = path.with_name(path.name + suffix)
            if suffix in made:
                files.deliver(variant, made[suffix])
            elif before:
                variant.unlink(missing_ok=True)
    files.deliver(path, data)
    if before:
        last = int(before.st_mtime)
        if (now := _facts(path)) and int(now.st_mtime) <= last:
            os.utime(path, (last + 1, last + 1))
    return True


def copy(kept: Path, public: Path) -> int:
    """Every file of one folder into another; returns how many were not there yet."""
    found = sorted(path for path in kept.rglob("*") if path.is_file() and path.suffix not in _VARIANTS)
    return sum(put(public / path.relative_to(kept), path.read_bytes()) for path in found)


def write(folder: Path, changes: Iterable[tuple[str, bytes | None]]) -> int:
    """`(path, bytes)` into the folder, None takes the file away; returns how many files were written."""
    written = 0
    for path, data in changes:
        if data is None:
            remove(folder / path)
        else:
            written += put(folder / path, data)
    return written


def remove(path: Path) -> None:
    """Take a file and its variants away, and the folders that are empty then."""
    for suffix in ("", *_VARIANTS):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        for folder in path.parents:
            folder.rmdir()


def variants(data: bytes) -> dict[str, bytes]:
    """The compressed forms of a text file by suffix; none where they would save nothing."""
    if len(data) < _WORTH:
        return {}
    packed = {".gz": gzip.compress(data, _GZIP, mtime=0)}
    return packed if len(data) < _WORTH_BROTLI else {**packed, ".br": brotli.compress(data, quality=_BROTLI)}


def mark_gone(folder: Path, *, gone: bool = True) -> None:
    """Whether a page's address answers 410 while there is no page: a hidden file says so to `serve` and to nginx."""
    if gone:
        files.deliver(folder / GONE, b"")
    else:
        (folder / GONE).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Which files one channel has put here for one release, over all its versions: what a correction no longer shows may
    still be named by a post that cannot be edited.
    """

    folder: Path  #: of all such notes; private
    channel: str
    guid: str

    def add(self, addresses: Iterable[str]) -> None:
        """Write them down, before they are put here. Raises Unavailable when the disk does not take it."""
        known = _noted(self._path)
        if new := set(addresses) - known:
            files.deliver(self._path, "\n".join(sorted(known | new)).encode())

    def drop(self, addresses: Iterable[str], *, public: Path, kept: Path) -> None:
        """Take these and all that were written down out of the public folder and the channel's own copy, but for what is
        there for another release or channel too.
        """
        leaving = self._path.with_name(f"{self._path.name}{_LEAVING}")
        own = {*addresses, *_noted(self._path), *_noted(leaving)}
        # Before looking: of two channels that leave at once, the later one sees no note of the other.
        with contextlib.suppress(FileNotFoundError):
            self._path.replace(leaving)
        every = (path for path in self.folder.rglob("*") if own and path.suffix != _LEAVING)
        others = [path for path in every if path != self._path and path.is_file()]
        mates = [path for path in others if path.parent == self._path.parent]
        for root, besides in ((public, others), (kept, mates)):
            drop_media(root, sorted(own.difference(*map(_noted, besides))))
        leaving.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        return self.folder / self.channel / mark(self.guid)


def _noted(path: Path) -> set[str]:
    try:
        return set(path.read_text(encoding="utf-8").splitlines())
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return set()


def drop_media(folder: Path, addresses: Iterable[str]) -> None:
    """Take photos away that no page and no feed of the folder shows any more. Reads them all, once: it is a rare thing."""
    unseen = {address.encode(): photo for address in addresses if (photo := folder / unquote(address)).exists()}
    for text in _texts(folder) if unseen else ():
        unseen = {address: photo for address, photo in unseen.items() if address not in text}
    for photo in unseen.values():
        remove(photo)


def _texts(folder: Path) -> Iterator[bytes]:
    """Every page and feed; what another delivery takes away meanwhile is none."""
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith((".html", ".xml", ".atom", ".json")):
                with contextlib.suppress(FileNotFoundError):
                    yield (Path(place) / name).read_bytes()


def served(path: str, data: bytes) -> tuple[str, str]:
    """Content-Type and Cache-Control of a public file: what bears its hash or is a closed archive never changes."""
    ending = os.path.splitext(path)[1].lower()  # noqa: PTH122  for every file of a copy
    kind = _TYPES.get(ending, "application/octet-stream")
    if ending == ".xml" and b"<rss" in data[:600]:
        kind = "application/rss+xml; charset=utf-8"
    archived = b"/archive>" in data[:3000] and b"<fh:archive/>" in data[:3000]
    return kind, _FOREVER if "/media/" in f"/{path}" or archived else _LIVE


def put_media(public: Path, sha256: str, name: str, data: bytes) -> bool:
    """A file at its address, which holds its hash; Refused for a name that is a path."""
    if name in ("", "..") or name != Path(name).name or "\x00" in name:
        raise Refused(f"the media name {name!r} is no plain file name")
    return put(public / "media" / sha256[:16] / name, data)


def localized(path: str, lang: str, home: str) -> str:
    """`feed.xml` → `feed.zh-hant.xml`; the newsroom's own language `home` has the plain name."""
    stem, _, suffix = path.rpartition(".")
    return path if lang == home else f"{stem}.{lang.lower()}.{suffix}"


def _facts(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
