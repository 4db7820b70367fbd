"""Files that are there whole or not at all."""

import contextlib
import os
import secrets
from pathlib import Path

from distributor.outcomes import Unavailable

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader or a crash sees the old or the new file, never a part.

    Makes the folders it needs; flushes to disk before the name changes. Raises OSError and leaves no remnant.
    """
    temporary = path.with_name(f".{path.name[:60]}.{secrets.token_hex(6)}")
    try:
        try:
            handle = os.open(temporary, _NEW, 0o644)
        except FileNotFoundError:  # rare: most folders are there
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(temporary, _NEW, 0o644)
        with os.fdopen(handle, "wb", buffering=0) as file:
            os.fchmod(handle, 0o644)  # a web server reads it, whatever the umask
            whole = memoryview(data)
            while whole:
                whole = whole[file.write(whole) :]
            os.fsync(handle)
        os.replace(temporary, path)  # noqa: PTH105  tests make this very call fail
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_out(path: Path, data: bytes) -> None:
    """Write where a person named a file: a device or a pipe is written to, never replaced. Raises OSError."""
    if path.exists() and not path.is_file():
        with path.open("wb", buffering=0) as file:
            whole = memoryview(data)
            while whole:
                whole = whole[file.write(whole) :]
        return
    write_atomic(path, data)


def deliver(path: Path, data: bytes) -> None:
    """`write_atomic` as a delivery: a full disk or a read-only folder is `Unavailable`, since nothing was written."""
    try:
        write_atomic(path, data)
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror or error}") from error


def remove(path: Path) -> None:
    """Remove a file; one that is not there is no error. Raises Unavailable where its folder cannot be changed."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"cannot remove {path}: {error.strerror or error}") from error


def inside(folder: Path, name: str) -> Path | None:
    """`folder/name` when it really lies inside `folder` (links followed), else None."""
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) else None
