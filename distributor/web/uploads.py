"""Photos into a release: the file beside it, its words into `media`, the rest of the release file byte for byte as it was."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distributor import files
from distributor.errors import ActionError
from distributor.web import fronts
from distributor.web.drafts import MAIN, Drafts
from distributor.web.photos import Photo


def media(source: str) -> list[dict[str, Any]]:
    """The entries of `media` as they are written."""
    listed = fronts.values(source).get("media")
    return [entry if isinstance(entry, dict) else {} for entry in listed] if isinstance(listed, list) else []


def add(drafts: Drafts, name: str, made: Photo, words: Mapping[str, str]) -> str:
    """Put a photo beside the release and into its `media`, with its `caption`, `alt`, `credit`; in a language version
    that lists its own photos as well, without words. Returns the file's name.
    """
    with drafts.held():
        texts, edits = drafts.texts(name), {}
        path = _place(drafts, made)
        entry = {"file": path.name, "kind": "photo"}
        size = {"width": str(made.width), "height": str(made.height)}
        for key, text in texts.items():
            if key == MAIN or "media" in fronts.values(text.source):
                said = {word: value for word, value in words.items() if value and key == MAIN}
                edits[key] = fronts.append_to_list(text.source, "media", {**entry, **said, **size})
        drafts.put(path, made.file.data)
        for key, edited in edits.items():
            drafts.change(texts[key], edited)
    return path.name


def describe(drafts: Drafts, name: str, key: str, file: str, words: Mapping[str, str]) -> None:
    """Give a photo other words in one language version; an empty word is taken out."""
    with drafts.held():
        text = drafts.texts(name).get(key)
        if text is None:
            raise ActionError(f"there is no {key} version of this release")
        index = _index(text.source, file)
        known = media(text.source)[index]
        changed = {word: value or None for word, value in words.items() if (known.get(word) or None) != (value or None)}
        if changed:
            drafts.change(text, fronts.set_in_list(text.source, "media", index, changed))


def replace(drafts: Drafts, name: str, old: str, made: Photo) -> str:
    """Put another photo in the place of `old` in every language version; the old file stays beside the release."""
    with drafts.held():
        texts = drafts.texts(name)
        path = _place(drafts, made)
        changes = {"file": path.name, "width": str(made.width), "height": str(made.height)}
        edits = {
            key: fronts.set_in_list(text.source, "media", _index(text.source, old), changes)
            for key, text in texts.items()
            if any(entry.get("file") == old for entry in media(text.source))
        }
        if not edits:
            raise ActionError(f"'{old}' is not among the photos of this release")
        drafts.put(path, made.file.data)
        for key, edited in edits.items():
            drafts.change(texts[key], edited)
    return path.name


def data(drafts: Drafts, name: str, file: str) -> bytes:
    """A photo that the release lists; raises ActionError for any other file."""
    listed = {entry.get("file") for text in drafts.texts(name).values() for entry in media(text.source)}
    path = files.inside(drafts.folder, file)
    if file not in listed or path is None or not path.is_file():
        raise ActionError(f"'{file[:100]}' is not among the photos of this release")
    return path.read_bytes()


def _place(drafts: Drafts, made: Photo) -> Path:
    """A path beside the release where nothing else lies."""
    stem, _, suffix = made.file.name.rpartition(".")
    for number in range(1, 10_000):
        path = drafts.folder / (f"{stem}.{suffix}" if number == 1 else f"{stem}-{number}.{suffix}")
        if not path.is_symlink() and (not path.exists() or path.read_bytes() == made.file.data):
            return path
    raise ActionError(f"there are too many photos called {stem}")


def _index(source: str, file: str) -> int:
    found = [number for number, entry in enumerate(media(source)) if entry.get("file") == file]
    if not found:
        raise ActionError(f"'{file}' is not among the photos of this release")
    return found[0]
