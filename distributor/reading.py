"""Release files: Markdown with YAML front matter, one file per language version, media beside them."""

import glob
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from distributor import files, frontmatter, plain, validation
from distributor.errors import Problem, ReleaseError, nearest
from distributor.fields import language_tag
from distributor.frontmatter import Document
from distributor.markdown import Body
from distributor.release import LanguageVersion, Release
from distributor.settings import House

_TEXT_FIELDS = frozenset(LanguageVersion.model_fields) - {"body"}
_FACT_FIELDS = (frozenset(Release.model_fields) - {"languages", "broken_embargo"}) | {"corrects"}
#: What a language version's file may repeat; it must say the same as the main file.
_SHARED = ("id", "version", "embargoed_until")
_REFERENCE = re.compile(r"[A-Za-z0-9]+([-_][A-Za-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFile:
    """A release as read, and where it came from."""

    release: Release
    path: Path
    lines: dict[str, int]  #: line of each top-level field in the main file
    digest: str  #: SHA-256 over the release's content, media included

    @property
    def folder(self) -> Path:
        """Where its media lie."""
        return self.path.parent


#: What somebody is writing: text by file name, in place of what lies in the folder.
Unsaved = Mapping[str, str]


def read(path: Path, house: House, unsaved: Unsaved | None = None) -> ReleaseFile:
    """Read `tour.md` and its language versions (`tour.zh-Hant.md`, …); a file that is in `unsaved` is read from there.

    Raises ReleaseError with every mistake found, each naming file, line and field.
    """
    unsaved = unsaved or {}
    main = _load(path, unsaved)
    facts = {key: value for key, value in main.front.items() if key not in _TEXT_FIELDS}
    _known_fields(main, _TEXT_FIELDS | _FACT_FIELDS)
    facts["issuer"] = _reference(main, "issuer", house.issuers)
    facts["contacts"] = _contacts(main, house)
    facts = {key: value for key, value in facts.items() if value is not None}
    texts = [_text(main, house)]
    for sibling, lang in siblings(path, unsaved):
        texts.append(_translation(_load(sibling, unsaved), lang, main, texts[0], house))
    try:
        release = Release.model_validate({**facts, "languages": texts})
    except ValidationError as error:
        raise ReleaseError(*validation.problems(error, model=Release, file=str(path), lines=main.lines)) from None
    _media_exist(release, main)
    lines = {str(key[0]): line for key, line in main.lines.items() if len(key) == 1}
    return ReleaseFile(release=release, path=path, lines=lines, digest=_digest(release, path.parent))


def _load(path: Path, unsaved: Unsaved) -> Document:
    if path.name in unsaved:
        return frontmatter.parse(unsaved[path.name].encode("utf-8", "surrogatepass"), path)
    return frontmatter.load(path)


def siblings(path: Path, unsaved: Iterable[str] = ()) -> Iterable[tuple[Path, str]]:
    """The language versions beside the main file, by name, each with its language; those in `unsaved` need not be there."""
    there = set(path.parent.glob(f"{glob.escape(path.stem)}.*{path.suffix}"))
    there |= {path.with_name(name) for name in unsaved if name.startswith(f"{path.stem}.") and name != path.name}
    for sibling in sorted(there):
        tag = sibling.name.removeprefix(f"{path.stem}.").removesuffix(path.suffix)
        try:
            yield sibling, language_tag(tag)
        except ValueError:
            continue  # `tour.old.md` is no language version


def _translation(
    document: Document, lang: str, main: Document, source: LanguageVersion, house: House
) -> LanguageVersion:
    _known_fields(document, _TEXT_FIELDS | set(_SHARED))
    for key in _SHARED:
        if key in document.front and document.front[key] != main.front.get(key):
            raise document.fail(
                f"is '{document.front[key]}' here but '{main.front.get(key)}' in {main.path.name}: "
                "one release has one; remove it here",
                key,
            )
    document.front.setdefault("lang", lang)
    text = _text(document, house, (main, source))
    if text.lang != lang:
        raise document.fail(f"is '{text.lang}' but the file is called {document.path.name}", "lang")
    return text


def _text(document: Document, house: House, source: tuple[Document, LanguageVersion] | None = None) -> LanguageVersion:
    """The words of one file. A translation takes media, hashtags, links and dateline that it does not say from its
    source, and house texts (boilerplate, disclaimer) by the source's name for them, in its own language.
    """
    front = {key: value for key, value in document.front.items() if key in _TEXT_FIELDS}
    front.setdefault("lang", "en")
    for key, snippets in (("boilerplate", house.boilerplates), ("disclaimer", house.disclaimers)):
        origin = document
        if source and key not in front and _is_reference(source[0].front.get(key)):
            origin = source[0]
        front[key] = _snippet(origin, key, snippets, str(front["lang"]))
    if source:
        for key in ("media", "hashtags", "links", "dateline"):
            front.setdefault(key, getattr(source[1], key))
    front = {key: value for key, value in front.items() if value is not None}
    try:
        return LanguageVersion.model_validate({**front, "body": _body(document)})
    except ValidationError as error:
        raise ReleaseError(
            *validation.problems(error, model=LanguageVersion, file=str(document.path), lines=document.lines)
        ) from None


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and bool(_REFERENCE.fullmatch(value.strip()))


def _body(document: Document) -> str:
    body = Body(plain.normalize(document.body).strip("\n"))
    offset = document.body_line + len(document.body) - len(document.body.lstrip("\n"))
    if found := body.markup():
        raise ReleaseError(
            Problem(
                text=f"holds HTML ({found[1]!r}): the body is Markdown; write it without the tag, "
                f"or as \\{found[1]} to show it as text",
                file=str(document.path),
                line=offset + found[0] - 1,
                field="body",
            )
        )
    if unsafe := body.unsafe_links():
        raise document.fail(f"links to '{unsafe[0]}'; only http, https, mailto and tel can be linked", "body")
    return body.source


def _known_fields(document: Document, known: frozenset[str] | set[str]) -> None:
    wrong = [
        Problem(
            text=f"there is no field of this name{nearest(str(key), known - {'lang'} if key != 'language' else known)}",
            file=str(document.path),
            line=document.lines.get((key,)),
            field=str(key),
        )
        for key in document.front
        if key not in known
    ]
    if wrong:
        raise ReleaseError(*wrong)


def _reference(document: Document, key: str, known: dict[str, Any]) -> Any:
    """A name from the config's [house], or the thing itself."""
    value = document.front.get(key)
    if isinstance(value, str):
        if value in known:
            return known[value]
        raise document.fail(f"'{value}' is not in the config's [house.{key}s]{nearest(value, known)}", key)
    return value


def _contacts(document: Document, house: House) -> Any:
    value = document.front.get("contacts")
    if not isinstance(value, list):
        return value
    found = []
    for index, entry in enumerate(value):
        if isinstance(entry, str) and entry not in house.contacts:
            hint = nearest(entry, house.contacts)
            raise document.fail(f"'{entry}' is not in the config's [house.contacts]{hint}", "contacts", index)
        found.append(house.contacts[entry] if isinstance(entry, str) else entry)
    return found


def _snippet(document: Document, key: str, known: dict[str, dict[str, str]], lang: str) -> Any:
    value = document.front.get(key)
    if not _is_reference(value):
        return value
    name = str(value).strip()
    if name not in known:
        raise document.fail(f"'{name}' is not in the config's [house.{key}s]{nearest(name, known)}", key)
    for tag, text in known[name].items():
        if tag.casefold() == lang.casefold() or lang.casefold().startswith(f"{tag.casefold()}-"):
            return text
    raise document.fail(f"'{name}' has no text in {lang}; add it to the config's [house.{key}s.{name}]", key)


def _media_exist(release: Release, main: Document) -> None:
    for index, media in enumerate(release.main.media):
        if media.file is None:
            continue
        path = files.inside(main.path.parent, media.file)
        if path is None:
            raise main.fail(
                f"'{media.file}' lies outside the release's folder; put the file beside the release",
                "media", index, "file",
            )  # fmt: skip
        if not path.is_file():
            raise main.fail(f"'{media.file}' is not in {main.path.parent}", "media", index, "file")


def _digest(release: Release, folder: Path) -> str:
    digest = hashlib.sha256(release.model_dump_json().encode())
    for text in release.languages:
        for media in text.media:
            if media.file:
                digest.update((folder / media.file).read_bytes())
    return digest.hexdigest()
