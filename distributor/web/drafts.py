"""Release files as drafts: written only by whoever saw what is there; what was typed is never lost."""

import difflib
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from distributor import files
from distributor.errors import ActionError
from distributor.fields import language_tag

_LONGEST = 60  #: characters of a file's stem
MOST = 500_000  #: bytes of one text


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One language's file."""

    file: str  #: `tour.zh-Hant.md`
    lang: str  #: empty: the main one
    source: str
    digest: str  #: of the source as it was read


class Conflict(Exception):
    """Somebody else wrote meanwhile: nothing was overwritten."""

    def __init__(self, theirs: Text, diff: list[str]) -> None:
        """What is there now, and how it differs from what was to be written."""
        super().__init__(theirs.file)
        self.theirs, self.diff = theirs, diff


def texts(folder: Path, name: str) -> list[Text]:
    """The files of a release, the main one first; empty where there is none."""
    main = folder / f"{name}.md"
    if not main.is_file():
        return []
    return [_read(main, ""), *(_read(path, lang) for path, lang in _siblings(folder, name))]


def _siblings(folder: Path, name: str) -> list[tuple[Path, str]]:
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(f"{name}.") and path.suffix == ".md" and path.stem != name:
            try:
                found.append((path, language_tag(path.stem.removeprefix(f"{name}."))))
            except ValueError:
                continue  # `tour.old.md` is no language version
    return found


def _read(path: Path, lang: str) -> Text:
    data = path.read_bytes()
    return Text(file=path.name, lang=lang, source=data.decode("utf-8", "replace"), digest=digest(data))


def digest(data: bytes) -> str:
    """SHA-256 in hex; of nothing for a file that is not there yet."""
    return hashlib.sha256(data).hexdigest()


def write(folder: Path, file: str, source: str, seen: str) -> None:
    """Write one file, all or nothing. `seen` is the digest of what the writer saw there, empty for a new file; Conflict when it
    is not there any more.
    """
    path = _inside(folder, file)
    wanted = "\n".join(source.splitlines()) + "\n"
    there = path.read_bytes() if path.is_file() else b""
    if (digest(there) if there else "") != seen:
        theirs = there.decode("utf-8", "replace")
        diff = difflib.unified_diff(theirs.splitlines(), wanted.splitlines(), "there", "yours", lineterm="", n=2)
        raise Conflict(Text(file=file, lang="", source=theirs, digest=digest(there) if there else ""), list(diff))
    if wanted.encode() != there:
        files.write_atomic(path, wanted.encode())


def _inside(folder: Path, file: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = files.inside(folder, file)
    if path is None or path.parent != folder.resolve() or path.suffix != ".md" or file.startswith("."):
        raise ActionError(f"'{file}' is no name for a release file")
    return path


def keep(state: Path, file: str, person: str, source: str) -> None:
    """Keep what somebody types until it is written: a lost connection loses no word."""
    files.write_atomic(_kept(state, file, person), source.encode())


def kept(state: Path, file: str, person: str) -> str | None:
    """What somebody typed and did not write."""
    path = _kept(state, file, person)
    return path.read_text(encoding="utf-8") if path.is_file() else None


def forget(state: Path, file: str, person: str) -> None:
    """It was written."""
    _kept(state, file, person).unlink(missing_ok=True)


def _kept(state: Path, file: str, person: str) -> Path:
    folder = state / "drafts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{digest(f'{file}/{person}'.encode())[:32]}.txt"


def slug(headline: str, taken: set[str]) -> str:
    """A file's stem made of a headline, plain letters only, and none of `taken`."""
    plain = unicodedata.normalize("NFKD", headline).encode("ascii", "ignore").decode().casefold()
    words = re.findall(r"[a-z0-9]+", plain)
    made = ""
    for word in words:
        if len(made) + len(word) + 1 > _LONGEST:
            break
        made = f"{made}-{word}" if made else word[:_LONGEST]
    made = made or "release"
    number, name = 2, made
    while name in taken:
        name, number = f"{made}-{number}", number + 1
    return name
