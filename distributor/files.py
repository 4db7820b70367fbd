"""Files that are there whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path

from distributor.outcomes import Unavailable


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader or a crash sees the old or the new file, never a part.

    Makes the folders it needs; flushes to disk before the name changes. Raises OSError and leaves no remnant.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:60]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)  # noqa: PTH105  tests make this very call fail
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def deliver(path: Path, data: bytes) -> None:
    """`write_atomic` as a delivery: a full disk or a read-only folder is `Unavailable`, since nothing was written."""
    try:
        write_atomic(path, data)
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror or error}") from error


def inside(folder: Path, name: str) -> Path | None:
    """`folder/name` when it really lies inside `folder` (links followed), else None."""
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) else None
