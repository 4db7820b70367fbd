"""Locks in the state folder: who works on a site. They end with their process, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributor.errors import ActionError

SERVICE, DESK = "run.lock", "desk.lock"


@contextmanager
def only_one(state: Path, name: str = SERVICE) -> Iterator[None]:
    """Hold the service's lock; raises ActionError when another process has it."""
    handle = _open(state, name)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 20, 0).decode().strip() or "unknown"
        os.close(handle)
        raise ActionError(f"another 'distributor run' works on this site already (process {holder})") from None
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


@contextmanager
def nobody(state: Path, name: str, words: str) -> Iterator[None]:
    """Hold a lock that nobody else may have, shared or not; raises ActionError with `words` where somebody has it."""
    handle = _open(state, name)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ActionError(words) from None
    finally:
        os.close(handle)


@contextmanager
def present(state: Path, name: str = DESK) -> Iterator[None]:
    """Say that a desk is open; any number may. Raises ActionError while a backup is put back."""
    handle = _open(state, name)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ActionError("a backup is being put back on this site: start the desk when that is done") from None
    finally:
        os.close(handle)


def _open(state: Path, name: str) -> int:
    try:
        state.mkdir(parents=True, exist_ok=True)
        return os.open(state / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ActionError(f"cannot write {state}: {error.strerror}; make the folder writable") from None
