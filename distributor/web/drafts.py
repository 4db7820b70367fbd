"""Drafts: the site's release files, read and written so that nobody's words are lost."""

import contextlib
import fcntl
import hashlib
import os
import threading
from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from distributor import files, frontmatter, reading
from distributor.errors import ActionError, ReleaseError
from distributor.fields import language_tag
from distributor.importing.language import slug
from distributor.web import fronts

MAIN = "main"  #: the key of the file that a release is written in; the others are known by their language tag
_LONGEST = 120
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaved:
    """An autosave: what one person wrote in one window and has not saved."""

    key: str
    source: str
    seen: str
    at: datetime  #: UTC
    window: str  #: in which of the person's windows, as its file says


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
    state: Path  #: where autosaves lie

    @property
    def folder(self) -> Path:
        """Where release files lie."""
        return self.root / "releases"

    @property
    def _aside(self) -> Path:
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

    # ── saving ────────────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, name: str, edits: Mapping[str, Edit]) -> dict[str, Text]:
        """Write what changed, when each file still is what its editor had seen; else Conflict, and nothing is written.

        Returns the files as they are now.
        """
        with self.held():
            there = {key: _text(key, self.file(name, key)) for key in edits}
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
        self._aside.mkdir(parents=True, exist_ok=True)
        with _LOCK:
            handle = os.open(self._aside / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)

    # ── what is not saved yet ─────────────────────────────────────────────────────────────────────────────────────

    def remember(self, text: Text) -> None:
        """Keep what an editor was shown, so that a conflict can be shown from where both began."""
        path = self._aside / "seen" / text.digest
        if text.digest and not path.exists():
            self.put(path, text.source.encode())

    def seen(self, seen: str) -> str | None:
        """What an editor was shown, by its digest; None where it is not kept."""
        if len(seen) != 64 or not seen.isalnum():
            return None
        try:
            return (self._aside / "seen" / seen).read_text(encoding="utf-8")
        except OSError:
            return None

    def autosave(self, name: str, key: str, person: str, tab: str, edit: Edit) -> bool:
        """Keep what a person has written in one window; what is on disk already is not kept. Returns whether it is."""
        source, there = _lf(edit.source), self.file(name, key)
        path = self._aside / ".".join(
            (_coded(name), there.stem.removeprefix(name)[1:] or MAIN, _coded(person), _coded(tab), "md")
        )
        if source == _text(key, there).source:
            path.unlink(missing_ok=True)
            return False
        seen = edit.seen[:64] if edit.seen.isalnum() else "new"
        self.put(path, f"seen {seen}\n{source}".encode("utf-8", "backslashreplace"))
        return True

    def unsaved(self, name: str, person: str) -> list[Unsaved]:
        """What this person wrote and did not save, the newest first."""
        found = []
        for path, key, window in self._autosaves(name, person):
            head, _, source = path.read_bytes().decode("utf-8", "replace").partition("\n")
            if source != _text(key, self.file(name, key)).source:
                seen = head.removeprefix("seen ").removesuffix("new")
                at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                found.append(Unsaved(key=key, source=source, seen=seen, at=at, window=window))
        return sorted(found, key=lambda one: one.at, reverse=True)

    def forget(self, name: str, person: str, tab: str = "", shown: Collection[str] = ()) -> None:
        """Drop what is saved or given up: the autosaves of one window and those that were `shown` in it, or all of a person's.
        What somebody wrote in another window meanwhile stays.
        """
        for path, _, window in self._autosaves(name, person):
            if not tab or window == _coded(tab) or window in shown:
                path.unlink(missing_ok=True)

    def _autosaves(self, name: str, person: str) -> Iterator[tuple[Path, str, str]]:
        for path in sorted(self._aside.glob("*.md")):
            parts = path.name.split(".")
            if len(parts) == 5 and (parts[0], parts[2]) == (_coded(name), _coded(person)):
                yield path, parts[1], parts[3]


def _coded(word: str) -> str:
    """A word as one part of a file name: no dots, no slashes, not too long."""
    made = quote(word, safe="").replace(".", "%2E")
    return made if 0 < len(made) <= 60 else digest(word.encode())[:32]


def _may(edit: Edit, there: Text) -> bool:
    """Whether a save loses nothing: the editor saw what is there, or both wrote the same."""
    return edit.seen == there.digest or _lf(edit.source) == there.source


def _text(key: str, path: Path) -> Text:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Text(key=key, path=path, source="", digest="")
    except OSError as error:
        raise ActionError(f"{path.name} cannot be read: {error.strerror}") from None
    try:
        return Text(key=key, path=path, source=_lf(data.decode("utf-8-sig")), digest=digest(data))
    except UnicodeDecodeError:
        raise ActionError(f"{path.name} is not UTF-8: save it as UTF-8 before it is edited here") from None


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes(source: str, path: Path) -> bytes:
    """What is written: with the line ends that the file has already."""
    text = _lf(source)
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
