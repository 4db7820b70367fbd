"""Photos into a release: the file beside it, its words into `media`, the rest of the release file byte for byte as it was."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributor import files
from distributor.errors import ActionError
from distributor.web import fronts
from distributor.web.drafts import MAIN, Drafts, Text
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


@dataclass(frozen=True, slots=True)
class Word:
    """A caption, alt text or credit as somebody saw it, and as they want it."""

    was: str
    now: str


class Overtaken(ActionError):
    """Somebody else gave a photo another word meanwhile; nothing was written."""


def described(texts: Mapping[str, Text], file: str, key: str) -> dict[str, Any]:
    """The entry that one language version has for a photo, or takes from the main text; empty where it shows no such photo."""
    own = key == MAIN or "media" in fronts.values(texts[key].source)
    listed = media(texts[key if own else MAIN].source)
    return next((entry for entry in listed if entry.get("file") == file), {})


def describe(drafts: Drafts, name: str, key: str, file: str, words: Mapping[str, Word]) -> None:
    """Give a photo other words in one language version, those that differ from what was seen; an empty word is taken out. A version
    that lists no photos of its own lists all of the main text's then, one that lists others lists this one too.

    Raises Overtaken where somebody else changed the same word since.
    """
    with drafts.held():
        texts = drafts.texts(name)
        if key not in texts:
            raise ActionError(f"there is no {key} version of this release")
        entries = [entry for text in texts.values() for entry in media(text.source) if entry.get("file") == file]
        if not entries:
            raise ActionError(f"'{file}' is not among the photos of this release")
        there = described(texts, file, key)
        now = {word: (there.get(word) or "") for word in words}
        changed = {word: one.now for word, one in words.items() if one.now != one.was and one.now != now[word]}
        other = [word for word in changed if now[word] != words[word].was]
        if other:
            said = "; ".join(f"{word}: '{now[word]}' is there now, you wrote '{changed[word]}'" for word in other)
            raise Overtaken(f"somebody else changed the same words of {file} meanwhile. {said}. Nothing was saved")
        if changed:
            facts = {fact: value for fact, value in entries[0].items() if fact not in words}
            edited = _described(texts, key, {**facts, **there}, {word: new or None for word, new in changed.items()})
            drafts.change(texts[key], edited)


def _described(texts: Mapping[str, Text], key: str, entry: Mapping[str, Any], words: Mapping[str, str | None]) -> str:
    """The text of one language version with other words for a photo: where its entry stands, or in a new one."""
    source = texts[key].source
    if key != MAIN and "media" not in fronts.values(source):
        source = fronts.set_field(source, "media", fronts.values(texts[MAIN].source).get("media"))
    index = next((at for at, one in enumerate(media(source)) if one.get("file") == entry["file"]), None)
    if index is not None:
        return fronts.set_in_list(source, "media", index, words)
    made = {**entry, **words}
    return fronts.append_to_list(source, "media", {fact: value for fact, value in made.items() if value is not None})


def remove(drafts: Drafts, name: str, file: str) -> None:
    """Take a photo out of every language version; the file stays beside the release."""
    _arrange(drafts, name, file, lambda listed, at: [index for index in range(len(listed)) if index != at])


def move(drafts: Drafts, name: str, file: str, *, up: bool) -> None:
    """Let a photo change places with the one before or after it, in every language version that lists it."""

    def order(listed: Sequence[Mapping[str, Any]], at: int) -> list[int]:
        others = [index for index, entry in enumerate(listed) if isinstance(entry.get("file"), str)]
        beside = [index for index in others if (index < at if up else index > at)]
        made = list(range(len(listed)))
        if beside:
            other = beside[-1 if up else 0]
            made[at], made[other] = other, at
        return made

    _arrange(drafts, name, file, order)


def _arrange(
    drafts: Drafts, name: str, file: str, order: Callable[[Sequence[Mapping[str, Any]], int], list[int]]
) -> None:
    with drafts.held():
        edits: list[tuple[Text, str]] = []
        for text in drafts.texts(name).values():
            listed = media(text.source)
            if any(entry.get("file") == file for entry in listed):
                wanted = order(listed, _index(text.source, file))
                if wanted or text.key != MAIN:
                    edits.append((text, fronts.arrange(text.source, "media", wanted)))
                else:  # in a translation no list would mean the main text's
                    edits.append((text, fronts.set_field(text.source, "media", None)))
        if not edits:
            raise ActionError(f"'{file}' is not among the photos of this release")
        for text, edited in edits:
            if edited != text.source:
                drafts.change(text, edited)


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
