"""The press list: who gets releases by mail, as files that a spreadsheet opens, and who must not get them any more."""

import csv
import fcntl
import io
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from distributor import files
from distributor.embargo import zone_names
from distributor.errors import ActionError
from distributor.fields import language_tag
from distributor.mailbox import Mailbox, parse

#: Other names that a spreadsheet may have for a column.
_ALIASES = {
    "email": "address",
    "e-mail": "address",
    "mail": "address",
    "lang": "language",
    "zone": "timezone",
    "media": "outlet",
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_KEPT = 1_000_000  #: characters of a list that is kept
_TIERS = ("", "prebrief", "wire", "public")
_COLUMNS = ("address", "reason", "since", "detail")
REASONS = ("unsubscribed", "bounced", "complained", "asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person on a list; what is empty is not known."""

    address: str  #: the domain in A-labels
    name: str = ""
    outlet: str = ""
    language: str = ""  #: gets releases in this language only
    tags: str = ""  #: words with a space between
    tier: str = ""  #: prebrief: may get advance copies
    timezone: str = ""

    @property
    def key(self) -> str:
        """Equal for two spellings that reach the same person."""
        return self.address.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A line that is no member, and why."""

    line: int
    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What stands in a file."""

    members: tuple[Member, ...]
    refused: tuple[Refused, ...] = ()
    duplicates: tuple[Refused, ...] = ()

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.members) + len(self.refused) + len(self.duplicates)


def path(folder: Path, name: str) -> Path:
    """The file of a list: `contacts/<name>.csv`, or `.toml` where that is there. Raises ActionError for a name that is none."""
    if not _NAME.fullmatch(name):
        raise ActionError(f"'{name}' is no name for a list; write small letters, digits and '-', as in tech-desks")
    table = folder / f"{name}.toml"
    return table if table.is_file() else folder / f"{name}.csv"


def read(file: Path) -> Listing:
    """A list; lines that are none are told apart, and nothing is lost. Raises ActionError for a file that is no list."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ActionError(f"{file} is missing; 'distributor contacts import' makes it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ActionError(f"{file} cannot be read as UTF-8: {error}") from None
    return _again(text, file) if len(text) < _KEPT else _listing(text, file)


def _listing(text: str, file: Path) -> Listing:
    return _sorted(_toml(text, file) if file.suffix == ".toml" else _csv(text, file))


_again = lru_cache(maxsize=4)(_listing)  # whoever writes a release looks at its lists again and again


def _csv(text: str, file: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # a spreadsheet writes what its country is used to
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    head = [_column(name) for name in next(reader, [])]
    if "address" not in head:
        raise ActionError(f"{file}, line 1: there is no column 'address'; the first line names the columns: {_known()}")
    for row in reader:
        if any(cell.strip() for cell in row):
            yield reader.line_num, dict(zip(head, row, strict=False))


def _toml(text: str, file: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        found = tomllib.loads(text).get("members", [])
    except tomllib.TOMLDecodeError as error:
        raise ActionError(f"{file} is not TOML: {error}") from None
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if line.strip() == "[[members]]"]
    for number, entry in zip(lines, found, strict=False):
        yield (
            number,
            {
                _column(name): " ".join(value) if isinstance(value, list) else str(value)
                for name, value in entry.items()
            },
        )


def _column(name: str) -> str:
    name = name.strip().casefold()
    return _ALIASES.get(name, name)


def _known() -> str:
    return ", ".join(one.name for one in fields(Member))


def _sorted(rows: Iterable[tuple[int, Mapping[str, str]]]) -> Listing:
    members: dict[str, Member] = {}
    refused, twice = [], []
    for line, row in rows:
        shown = row.get("address", "").strip()
        try:
            one = member(row)
        except ValueError as error:
            refused.append(Refused(line=line, text=shown, why=str(error)))
            continue
        if one.key in members:
            twice.append(Refused(line=line, text=shown, why="it is there already (capitals do not count)"))
        else:
            members[one.key] = one
    return Listing(members=tuple(members.values()), refused=tuple(refused), duplicates=tuple(twice))


def member(row: Mapping[str, str]) -> Member:
    """One line as a member; ValueError says what is wrong with it."""
    box = parse(row.get("address", ""))
    name = box.name or _line(row.get("name", ""))
    language, tier, zone = (row.get(key, "").strip() for key in ("language", "tier", "timezone"))
    if tier not in _TIERS:
        raise ValueError(f"the tier '{tier}' is none of prebrief, wire, public")
    if zone and zone not in zone_names():
        raise ValueError(f"the time zone '{zone}' is unknown; write Asia/Hong_Kong")
    tags = sorted({tag.casefold() for tag in re.split(r"[\s,;]+", row.get("tags", "")) if tag})
    return Member(
        address=box.address,
        name=Mailbox(address=box.address, name=name).name,
        outlet=_line(row.get("outlet", "")),
        language=language_tag(language) if language else "",
        tags=" ".join(tags),
        tier=tier,
        timezone=zone,
    )


def _line(text: str) -> str:
    if any(ord(c) < 32 or c in "\x7f\x85\u2028\u2029" for c in text):
        raise ValueError(f"{text!r} holds a control character; a name is one line")
    return " ".join(text.split())


def files_of(folder: Path) -> list[Path]:
    """The lists of a site, by name; who must not be written to is no list."""
    return sorted(p for p in folder.glob("*.*") if p.suffix in (".csv", ".toml") and p.stem != "suppressed")


def write(file: Path, members: Iterable[Member]) -> None:
    """A list as CSV, all or nothing."""
    target = io.StringIO(newline="")
    names = [one.name for one in fields(Member)]
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([getattr(one, name) for name in names] for one in members)
    try:
        files.write_atomic(file.with_suffix(".csv"), target.getvalue().encode())
    except OSError as error:
        raise ActionError(f"cannot write {file}: {error.strerror}") from None


@dataclass
class Suppressions:
    """Addresses that must not be written to, as lines of `contacts/suppressed.csv`; read again whenever the file changed."""

    file: Path
    _known: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _seen: tuple[int, ...] | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, contacts: Path) -> "Suppressions":
        """Those of a site, by its folder of lists."""
        return cls(contacts / "suppressed.csv")

    def why(self, address: str) -> str | None:
        """Why the address must not be written to, or None."""
        self._refresh()
        return self._known.get(address.casefold())

    def all(self) -> dict[str, str]:
        """Every such address, and why."""
        self._refresh()
        return dict(self._known)

    def add(self, address: str, reason: str, *, now: datetime, detail: str = "") -> bool:
        """Write it down; False where it was there."""
        row = (address, reason, now.astimezone(UTC).isoformat(timespec="seconds"), _line(detail)[:200])
        with self._alone():
            if self.why(address):
                return False
            self._append(row)
        return True

    def remove(self, address: str) -> bool:
        """Take it off; False where it was not there."""
        with self._alone():
            rows = self._rows()
            kept = [row for row in rows if row[0].casefold() != address.casefold()]
            self._write(kept)
        return len(kept) < len(rows)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The web server, the bounces and a person may write at once: nobody's line is lost."""
        try:
            self.file.parent.mkdir(exist_ok=True)
            with (self.file.parent / f".{self.file.name}.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise ActionError(f"cannot write {self.file}: {error.strerror}") from None

    def _append(self, row: tuple[str, ...]) -> None:
        """One line more, on the disk when this returns."""
        rows = [row] if self.file.is_file() and self.file.stat().st_size else [_COLUMNS, row]
        target = io.StringIO(newline="")
        csv.writer(target, lineterminator="\n").writerows(rows)
        data = target.getvalue().encode()
        with self.file.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        before, now = self._seen or (0, 0, 0), self._stamp()
        if now and now[2] == before[2] + len(data):  # nothing else was written: a long mail-out reads the file once
            self._known |= _reasons([row])
            self._seen = now

    def _rows(self) -> list[tuple[str, ...]]:
        if not self.file.is_file():
            return []
        with self.file.open(encoding="utf-8", newline="") as source:
            return [tuple(row) for row in csv.reader(source)][1:]

    def _write(self, rows: Iterable[tuple[str, ...]]) -> None:
        target = io.StringIO(newline="")
        csv.writer(target, lineterminator="\n").writerows([_COLUMNS, *rows])
        try:
            files.write_atomic(self.file, target.getvalue().encode())
        except OSError as error:
            raise ActionError(f"cannot write {self.file}: {error.strerror}") from None

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _refresh(self) -> None:
        seen = self._stamp()
        if seen != self._seen:
            self._known = _reasons(self._rows())
            self._seen = seen


def _reasons(rows: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Why nobody writes to an address, by its casefolded form."""
    return {row[0].casefold(): f"{row[1]} on {row[2][:10]}" for row in rows if len(row) >= 3}
