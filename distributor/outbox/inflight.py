"""Which attempts this process has started and which may have left it, kept so that they survive its death.

A plain write to a file needs no fsync to outlive the process that made it: the kernel has it. Only a host that goes down
loses it, and then the boot id in the header differs and nobody believes the file (docs/decisions/0017).
"""

import contextlib
import fcntl
import json
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from distributor.store import Remains

_HEADER = 4096  #: bytes
_RECORD = struct.Struct("<QII")  #: delivery, attempt, stage
_STARTED, _WRITTEN = 1, 2
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SUFFIX = ".inflight"


def _boot() -> str:
    """The id of this run of the kernel; empty where there is none, and then no file is believed."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


@dataclass
class InFlight:
    """The file of one process. Never raises: a file that cannot be written is removed, and then all is in doubt."""

    folder: Path
    worker: str
    _handle: int = field(default=-1, init=False)
    _slots: dict[int, int] = field(default_factory=dict, init=False)
    _free: list[int] = field(default_factory=list, init=False)
    _preparing: set[str] = field(default_factory=set, init=False)

    def open(self) -> None:
        """Make the file and hold its lock for as long as the process lives."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._handle = os.open(self._path, flags, 0o644)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._give_up()
        self._head(crashed=True)

    @property
    def _path(self) -> Path:
        return self.folder / f"{self.worker}{_SUFFIX}"

    # ── what happens ──────────────────────────────────────────────────────────────────────────────────────────────

    def started(self, delivery: int, attempt: int) -> None:
        """The attempt begins: from here on it may be what ends the process."""
        self._note(delivery, attempt, _STARTED)

    def written(self, delivery: int, attempt: int) -> None:
        """Bytes leave next."""
        self._note(delivery, attempt, _WRITTEN)

    def settled(self, deliveries: Iterable[int]) -> None:
        """How these ended is in the ledger."""
        for delivery in deliveries:
            if (slot := self._slots.pop(delivery, None)) is not None:
                self._free.append(slot)

    @contextlib.contextmanager
    def preparing(self, channel: str) -> Iterator[None]:
        """The channel is made ready inside."""
        self._preparing.add(channel)
        self._head(crashed=True)
        try:
            yield
        finally:
            self._preparing.discard(channel)
            self._head(crashed=True)

    def close(self, *, unsettled: bool) -> None:
        """The process ends as it should; `unsettled`: attempts are still open, and none of them is to blame."""
        if unsettled:
            self._head(crashed=False)
        elif self._handle >= 0:
            with contextlib.suppress(OSError):
                self._path.unlink()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    # ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _note(self, delivery: int, attempt: int, stage: int) -> None:
        if self._handle < 0:
            return
        slot = self._slots.get(delivery)
        if slot is None:
            slot = self._slots[delivery] = self._free.pop() if self._free else len(self._slots)
        self._write(_RECORD.pack(delivery, attempt, stage), _HEADER + slot * _RECORD.size)

    def _head(self, *, crashed: bool) -> None:
        facts = {"boot": _boot(), "crashed": crashed, "preparing": sorted(self._preparing)}
        self._write(json.dumps(facts).encode("ascii").ljust(_HEADER), 0)

    def _write(self, data: bytes, at: int) -> None:
        if self._handle < 0:
            return
        try:
            if os.pwrite(self._handle, data, at) == len(data):
                return
        except OSError:
            pass
        self._give_up()

    def _give_up(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink()
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1


@dataclass
class Left:
    """What dead processes of this machine left in a folder. Its files stay locked until `forget`."""

    remains: dict[str, Remains] = field(default_factory=dict)
    preparing: frozenset[str] = frozenset()
    _files: list[tuple[Path, int]] = field(default_factory=list)

    @property
    def crashed(self) -> bool:
        """Whether a process ended without saying goodbye."""
        return any(one.crashed for one in self.remains.values())

    def forget(self) -> None:
        """It is in the ledger now."""
        for path, handle in self._files:
            with contextlib.suppress(OSError):
                path.unlink()
            os.close(handle)
        self._files.clear()


def left_behind(folder: Path) -> Left:
    """Read what processes left that are no more."""
    left, preparing = Left(), set[str]()
    for path in sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else []:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            data = path.read_bytes()
        except OSError:  # its process lives
            os.close(handle)
            continue
        left._files.append((path, handle))  # noqa: SLF001  made here
        remains, channels = _read(data)
        left.remains[path.name.removesuffix(_SUFFIX)] = remains
        preparing |= channels
    left.preparing = frozenset(preparing)
    return left


def _read(data: bytes) -> tuple[Remains, set[str]]:
    try:
        facts = json.loads(data[:_HEADER])
        boot, crashed, preparing = str(facts["boot"]), bool(facts["crashed"]), set(map(str, facts["preparing"]))
    except (ValueError, KeyError, TypeError):
        return Remains(crashed=True), set()
    if not boot or boot != _boot():  # the host went down: what was not synced may be lost, and no attempt is to blame
        return Remains(crashed=False), set()
    whole = data[_HEADER : len(data) - (len(data) - _HEADER) % _RECORD.size]
    records = list(_RECORD.iter_unpack(whole))
    return (
        Remains(
            crashed=crashed,
            started=frozenset((delivery, attempt) for delivery, attempt, _ in records),
            written=frozenset((delivery, attempt) for delivery, attempt, stage in records if stage == _WRITTEN),
        ),
        preparing,
    )
