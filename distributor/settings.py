"""The config file as frozen settings. An unknown key stops the start and names the nearest right one."""

import contextlib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from distributor import validation
from distributor.errors import ConfigError, Problem
from distributor.fields import Duration, Language, Line, PagePattern, Prose, Url, language_tag
from distributor.handles import Handle, Key
from distributor.release import DEFAULT_CATCH_UP, Contact, Issuer
from distributor.site import DEFAULT_STATE, DEFAULT_STORE, SQLITE, Site, sqlite_path


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential by reference: `{ env = "NAME" }` or `{ file = "path" }`. Its value never stands in a config, a
    database, a log or a traceback.
    """

    env: str | None = None
    file: str | None = None

    def missing(self) -> str | None:
        """What has to be set before it can be read, or None."""
        if self.env and not os.environ.get(self.env):
            return f"environment variable {self.env}"
        if self.file and not Path(self.file).is_file():
            return f"file {self.file}"
        return None

    def reveal(self) -> str:
        """The value; raises ConfigError when it is not there."""
        if absent := self.missing():
            raise ConfigError(f"the secret is not there: {absent} is not set")
        if self.env:
            return os.environ[self.env]
        return Path(self.file or "").read_text(encoding="utf-8").strip()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        """Read from a one-key table."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def _read(cls, value: object) -> "Secret":
        if isinstance(value, cls):
            return value
        if isinstance(value, dict) and len(value) == 1 and set(value) <= {"env", "file"}:
            return cls(**{key: str(text) for key, text in value.items()})
        raise PydanticCustomError(
            "secret", 'a secret is never written here; refer to it: { env = "NAME" } or { file = "path" }'
        )


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Newsroom(_Block):
    """The public face: where released things are found."""

    title: Line = "Newsroom"
    url: Url = "https://newsroom.example.com"
    description: Line = "Press releases"
    language: Language = "en"
    copyright: Line | None = None
    logo: Url | None = None
    page_url: PagePattern | None = None  #: where each release has its page in the office's own site


def _store_url(text: str) -> str:
    if urlsplit(text).password:
        raise ValueError(
            'a password is never written here: set PGPASSWORD or use ~/.pgpass, or refer to it: store = { env = "NAME" }}'
        )
    return text


StoreUrl = Annotated[str, AfterValidator(_store_url)]


class PlacesBlock(_Block):
    """Folders, relative to the site."""

    public: str = "public"  #: what the web server shows
    outbox: str = "outbox"  #: what channels without a credential write
    state: str = DEFAULT_STATE  #: the ledger and the private state of channels
    contacts: str = "contacts"  #: press lists, and who must not be written to
    store: StoreUrl | Secret = DEFAULT_STORE


class Policy(_Block):
    """What happens when things are late or stale."""

    catch_up_within: Duration = DEFAULT_CATCH_UP
    stale_after: Duration = timedelta(hours=6)
    four_eyes: bool = False  #: nothing is scheduled without the approval of somebody else


class House(_Block):
    """Facts that repeat; releases refer to them by name."""

    issuers: dict[str, Issuer] = Field(default_factory=dict)
    contacts: dict[str, Contact] = Field(default_factory=dict)
    boilerplates: dict[str, dict[Language, Prose]] = Field(default_factory=dict)
    disclaimers: dict[str, dict[Language, Prose]] = Field(default_factory=dict)
    handles: dict[Key, Handle] = Field(default_factory=dict)


class Settings(_Block):
    """The whole config file."""

    newsroom: Newsroom = Newsroom()
    places: PlacesBlock = PlacesBlock()
    policy: Policy = Policy()
    house: House = House()
    channels: Annotated[dict[str, dict[str, Any]], Field(default_factory=dict)]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that the site publishes in, the newsroom's first.

        Those of enabled channels and of standing texts count, releases do not: what is embargoed
        leaves no trace in the public folder.
        """
        found = {self.newsroom.language: None}
        for block in self.channels.values():
            named = block.get("languages") if block.get("enabled", True) else None
            for tag in named if isinstance(named, list) else ():
                with contextlib.suppress(ValueError, AttributeError):  # the channel itself says what is wrong
                    found[language_tag(tag)] = None
        for texts in (*self.house.boilerplates.values(), *self.house.disclaimers.values()):
            found |= dict.fromkeys(texts)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute folders of one site."""

    public: Path
    outbox: Path
    state: Path
    contacts: Path = Path("/nonexistent-site/contacts")
    root: Path | None = None  #: the site's folder
    url: str = ""  #: the address at which the public folder is found

    def within(self, path: Path | str) -> str:
        """Return a path as seen from the site, so that a site that moves is the same site; any other as it is."""
        if self.root and Path(path).is_relative_to(self.root):
            return str(Path(path).relative_to(self.root))
        return str(path)


def load(site: Site) -> Settings:
    """Read the site's config; raises ConfigError naming file, key and what would be right."""
    return read(_text(site.config_file), str(site.config_file))


def read(text: str, file: str) -> Settings:
    """Return the settings that a config's text holds; raises ConfigError naming `file`, line, key and what would be right."""
    try:
        return Settings.model_validate(_parsed(text, file))
    except ValidationError as error:
        found = validation.problems(error, model=Settings, file=file)
        raise ConfigError(*(located(_bracketed(problem), text) for problem in found)) from None


def located(problem: Problem, text: str) -> Problem:
    """Return the problem with the line of its key, or of its table, in the config's text."""
    match = re.fullmatch(r"\[([^\]]+)\] ?(.*)", problem.field or "")
    block, key = (match[1], match[2]) if match else ("", problem.field or "")
    first = re.split(r"[.\[]", key, maxsplit=1)[0]
    here, of_block = "", None
    for number, line in enumerate(text.splitlines(), start=1):
        if table := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            here = table[1].replace('"', "").replace("'", "")
            if here == block or here.startswith(f"{block}."):
                of_block = of_block or number
            if first and here == f"{block}.{first}".strip("."):
                return replace(problem, line=number)
        elif first and here == block and re.match(rf"\s*[\"']?{re.escape(first)}[\"']?\s*=", line):
            return replace(problem, line=number)
    return replace(problem, line=of_block)


def networks(site: Site) -> Mapping[str, Mapping[str, Any]]:
    """Limits and API versions per network, from `config/networks.toml`, each with the day it was verified."""
    path = site.file("config/networks.toml")
    return _parsed(_text(path), str(path))


def places(site: Site, settings: Settings) -> Places:
    """The site's folders; without a site they lie nowhere that is ever written to."""
    root = site.root or Path("/nonexistent-site")
    block = settings.places
    return Places(
        public=root / block.public,
        outbox=root / block.outbox,
        state=root / block.state,
        contacts=root / block.contacts,
        root=site.root,
        url=settings.newsroom.url.rstrip("/"),
    )


def store_url(site: Site, settings: Settings) -> str:
    """The database URL, with a relative SQLite path resolved against the site."""
    store = settings.places.store
    url = store.reveal() if isinstance(store, Secret) else store
    return f"{SQLITE}{sqlite_path(site.need_root(), url)}" if url.startswith(SQLITE) else url


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(Problem(text="is missing", file=str(path))) from None
    except OSError as error:
        raise ConfigError(Problem(text=f"cannot be read: {error.strerror}", file=str(path))) from None
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(text=f"is not UTF-8 text: {error}", file=str(path))) from None


def _parsed(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        number = int(line[1]) if line else text.count("\n") + 1
        raise ConfigError(Problem(text=f"is not TOML: {error}", file=file, line=number)) from None


def _bracketed(problem: Problem) -> Problem:
    """`newsroom.url` → `[newsroom] url`, as it stands in the file."""
    block, _, key = (problem.field or "").rpartition(".")
    field = f"[{block}] {key}" if block else problem.field
    return Problem(text=problem.text, file=problem.file, field=field)
