"""Where channels, templates and config lie: the built-in site, and the user's own in front of it."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributor.errors import ConfigError

_HERE = Path(__file__).parent
_PACKED = _HERE / "_site"
#: In the wheel the three folders travel in `distributor/_site`; in a checkout the repo root is the site.
BUILT_IN = _PACKED if _PACKED.is_dir() else _HERE.parent
CONFIG = Path("config/distributor.toml")
SQLITE = "sqlite:///"
DEFAULT_STATE = "var"
DEFAULT_STORE = f"{SQLITE}var/distributor.db"


@dataclass(frozen=True, slots=True)
class Site:
    """A folder with `config/`, and optionally `channels/` and `templates/` of its own."""

    root: Path | None  #: None: only the built-in site; nothing can be stored

    @property
    def config_file(self) -> Path:
        """The config that is in force."""
        return (self.root or BUILT_IN) / CONFIG

    def _config(self) -> dict[str, Any] | None:
        """Return the config's tables as they stand in the file, unchecked; None where it cannot be read."""
        try:
            return tomllib.loads(self.config_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def channel_names(self) -> list[str] | None:
        """Return the names of the channels, enabled or not; None for a config that cannot be read."""
        channels = (self._config() or {}).get("channels", {})
        return list(channels) if isinstance(channels, dict) else None

    def sqlite_ledger(self) -> Path | None:
        """The ledger's file, from the one key that says so; None for another store, or a config that cannot be read."""
        config = self._config()
        places = {} if config is None else config.get("places", {})
        if config is None or not isinstance(places, dict):
            return None
        store = places.get("store", DEFAULT_STORE)
        if self.root is None or not isinstance(store, str) or not store.startswith(SQLITE):
            return None
        return sqlite_path(self.root, store)

    def state_folder(self) -> Path:
        """Where the ledger and the private state of channels lie, from the one key that says so."""
        try:
            config = tomllib.loads(self.config_file.read_text(encoding="utf-8"))
            state = str(config.get("places", {}).get("state", DEFAULT_STATE))
        except (OSError, ValueError, AttributeError):
            state = DEFAULT_STATE
        return (self.root or Path("/nonexistent-site")) / state

    def layers(self, name: str) -> list[Path]:
        """The folders called `name` that exist, the user's before the built-in."""
        roots = [self.root, BUILT_IN] if self.root and self.root != BUILT_IN else [BUILT_IN]
        return [root / name for root in roots if (root / name).is_dir()]

    def file(self, name: str) -> Path:
        """The user's `name` if there is one, else the built-in."""
        own = self.root / name if self.root else None
        return own if own and own.is_file() else BUILT_IN / name

    def need_root(self) -> Path:
        """The folder that may be written to; raises ConfigError where there is none."""
        if self.root is None:
            raise ConfigError(
                f"there is no site here (a folder with {CONFIG}): make one with 'distributor init FOLDER', "
                "then work inside it, or name it with --site or DISTRIBUTOR_SITE"
            )
        return self.root


def sqlite_path(root: Path, url: str) -> Path:
    """The file that `sqlite:///path` names; a relative path is meant from the site."""
    return root / url.removeprefix(SQLITE)


def find(given: str | None, *, cwd: Path, emergency: bool = False) -> Site:
    """The site that `--site` or DISTRIBUTOR_SITE names, else the nearest folder upwards from `cwd` that is one.

    In an `emergency` a folder with a state folder is one, too: its config may have gone. Raises ConfigError when a
    named folder is no site.
    """
    named = given or os.environ.get("DISTRIBUTOR_SITE")
    if named:
        root = Path(named).expanduser().resolve()
        if not (root / CONFIG).is_file() and not (emergency and _was_one(root)):
            raise ConfigError(f"{root} is no site: it has no {CONFIG} (make one with 'distributor init {named}')")
        return Site(root)
    for folder in (cwd, *cwd.parents):
        if (folder / CONFIG).is_file() or (emergency and _was_one(folder)):
            return Site(folder)
    return Site(None)


def _was_one(folder: Path) -> bool:
    """Whether a folder whose config has gone looks like a site."""
    return (folder / DEFAULT_STATE).is_dir() and ((folder / CONFIG).parent.is_dir() or (folder / "channels").is_dir())
