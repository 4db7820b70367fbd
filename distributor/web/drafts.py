"""Drafts: the site's release files, read and written so that nobody's words are lost."""

import contextlib
import fcntl
import hashlib
import os
import threading
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from distributor import files, frontmatter, reading
from distributor.errors import ActionError, ReleaseError
from distributor.fields import language_tag
from distributor.importing.language import slug
from distributor.web import fronts

MAIN = "main"  #: the key of the file that a release is written in; the others are known by their language tag
_LONGEST = 120
_KEPT = 30 * 86_400.0  #: seconds
_LOCK = threading.RLock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One file of a release as it lies on disk."""

    key: str  #: `main`, or a language tag
    path: Path
    source: str  #: with LF line ends
    digest: str  #: SHA-256 of the bytes on disk, hex; empty where there is no file yet

    @property
    def lang(self) -> str:
        """Its language."""
        return self.key if self.key != MAIN else str(fronts.values(self.source).get("lang") or "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What somebody wants to save."""

    source: str
    seen: str  #: digest of what the editor had before it; empty for a new file


class Conflict(ActionError):
    """Somebody else saved meanwhile; nothing was overwritten."""

    def __init__(self, texts: Mapping[str, Text]) -> None:
        """`texts` are what lies on disk now, by key, for the files that another person changed."""
        self.texts = dict(texts)
        names = ", ".join(text.path.name for text in texts.values())
        super().__init__(
            f"{names}: somebody saved a newer text since you opened it; yours was not saved, nothing is lost"
        )


def digest(data: bytes) -> str:
    """The digest by which a text is known."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Drafts:
    """The release files of one site."""

    root: Path
    state: Path  #: what is kept and is no release file

    @property
    def folder(self) -> Path:
        """Where release files lie."""
        return self.root / "releases"

    @property
    def aside(self) -> Path:
        """Where lies what is no release file: what people wrote and did not save, what they were shown, what was deleted."""
        return self.state / "drafts"

    def names(self) -> list[str]:
        """Every release file's stem, language versions left out."""
        return sorted(path.stem for path in self.folder.glob("*.md") if self.exists(path.stem))

    def path(self, name: str) -> Path:
        """The main file called `name`; raises ActionError for a name that is no file's in this folder."""
        odd = not name or len(name) > _LONGEST or not name.isprintable() or set(name) & set("/\\.")
        path = None if odd else files.inside(self.folder, f"{name}.md")
        if path is None or path.parent != self.folder.resolve():
            raise ActionError(f"'{name[:_LONGEST]}' is no name of a release file")
        return path

    def exists(self, name: str) -> bool:
        """Whether there is such a release file."""
        try:
            return self.path(name).is_file()
        except (ActionError, OSError):
            return False

    def texts(self, name: str) -> dict[str, Text]:
        """The main file and its language versions by key; raises ActionError where there is none."""
        path = self.path(name)
        if not path.is_file():
            raise ActionError(f"there is no release file '{name}' here")
        found = {lang: self.file(name, lang) for _, lang in reading.siblings(path)}
        return {MAIN: _text(MAIN, path), **{lang: _text(lang, one) for lang, one in found.items() if one.is_file()}}

    def file(self, name: str, key: str) -> Path:
        """The file of one language version, there or not; raises ActionError for a key that is no language."""
        path = self.path(name)
        if key == MAIN:
            return path
        try:
            one = files.inside(self.folder, f"{name}.{language_tag(key)}.md")
        except ValueError as error:
            raise ActionError(str(error)) from None
        if one is None or one.parent != path.parent:
            raise ActionError(f"'{name}.{key}' is no name of a release file")
        return one

    def unused(self, headline: str, taken: Container[str] = ()) -> str:
        """A name made of the headline that no release file has, and that is not among the ids `taken`."""
        base = slug(headline)
        tries = (base if number == 1 else f"{base}-{number}" for number in range(1, 10_000))
        return next(name for name in tries if name not in taken and not self.path(name).exists())

    def text(self, name: str, key: str) -> Text:
        """One file of a release as it lies on disk; empty where there is none yet."""
        return _text(key, self.file(name, key))

    # ── saving ────────────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, name: str, edits: Mapping[str, Edit]) -> dict[str, Text]:
        """Write what changed, when each file still is what its editor had seen; else Conflict, and nothing is written.

        Returns the files as they are now.
        """
        with self.held():
            there = {key: self.text(name, key) for key in edits}
            data = {key: _bytes(edit.source, there[key].path) for key, edit in edits.items()}
            newer = {key: text for key, text in there.items() if not _may(edits[key], text)}
            if newer:
                raise Conflict(newer)
            for key, text in there.items():
                if digest(data[key]) != text.digest:
                    self.remember(text)
                    self.put(text.path, data[key])
        return self.texts(name)

    def change(self, text: Text, edited: str) -> None:
        """Write what was made just now from `text` as it lies on disk; call it inside `held`."""
        self.remember(text)
        self.put(text.path, _bytes(edited, text.path))

    def put(self, path: Path, data: bytes) -> None:
        """Write a file whole or not at all."""
        try:
            files.write_atomic(path, data)
        except OSError as error:
            raise ActionError(f"{path.name} cannot be written: {error.strerror}") from None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else saves through a desk of this site meanwhile, in this process or another of this machine."""
        self.aside.mkdir(parents=True, exist_ok=True)
        with _LOCK:
            handle = os.open(self.aside / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)

    # ── what editors were shown ───────────────────────────────────────────────────────────────────────────────────

    def remember(self, text: Text) -> None:
        """Keep what an editor was shown, so that a conflict can be shown from where both began."""
        path = self.aside / "seen" / text.digest
        if text.digest and path.exists():
            path.touch()
        elif text.digest:
            self.put(path, text.source.encode())

    def prune(self) -> None:
        """Drop what nobody was shown in the 30 days before the newest that is kept."""
        with contextlib.suppress(OSError), os.scandir(self.aside / "seen") as entries:
            times = {entry.path: entry.stat().st_mtime for entry in entries}
            oldest = max(times.values(), default=0.0) - _KEPT
            for path in (path for path, at in times.items() if at < oldest):
                Path(path).unlink(missing_ok=True)

    def seen(self, seen: str) -> str | None:
        """What an editor was shown, by its digest; None where it is not kept."""
        if len(seen) != 64 or not seen.isalnum():
            return None
        try:
            return (self.aside / "seen" / seen).read_text(encoding="utf-8")
        except OSError:
            return None


def _may(edit: Edit, there: Text) -> bool:
    """Whether a save loses nothing: the editor saw what is there, or both wrote the same."""
    return edit.seen == there.digest or unified(edit.source) == there.source


def _text(key: str, path: Path) -> Text:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Text(key=key, path=path, source="", digest="")
    except OSError as error:
        raise ActionError(f"{path.name} cannot be read: {error.strerror}") from None
    try:
        return Text(key=key, path=path, source=unified(data.decode("utf-8-sig")), digest=digest(data))
    except UnicodeDecodeError:
        raise ActionError(f"{path.name} is not UTF-8: save it as UTF-8 before it is edited here") from None


def unified(text: str) -> str:
    """The text with LF line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes(source: str, path: Path) -> bytes:
    """What is written: with the line ends that the file has already."""
    text = unified(source)
    with contextlib.suppress(OSError):
        if b"\r\n" in path.read_bytes():
            text = text.replace("\n", "\r\n")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise ReleaseError(f"{path.name}: holds half a character, which is no text; remove it") from None
    if len(data) > frontmatter.MAX_FILE:
        raise ReleaseError(f"{path.name}: a release is at most {frontmatter.MAX_FILE / 1e6:.0f} MB of text")
    return data
