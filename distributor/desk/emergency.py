"""Which ledger an emergency command works on when the config does not read, and in which words that is said."""

from pathlib import Path

from distributor import lastgood
from distributor import settings as configuration
from distributor.errors import ConfigError, Problem
from distributor.settings import PlacesBlock, Settings
from distributor.site import DEFAULT_STORE, SQLITE, Site, sqlite_path

_WAY_OUT = "or name the ledger: --store sqlite:////folder/distributor.db, or --store postgresql://user@host/database"


def settings(site: Site, error: ConfigError, *, named: bool) -> tuple[Settings, str]:
    """Return settings that lead to the ledger, and what was used. `named`: a person says where the ledger is.

    Raises ConfigError with the way out where nothing leads there.
    """
    if known := lastgood.recall(site):
        shown = _shown(site, known.path)
        found = configuration.read(known.text, str(known.path))
        return found, f"used the last good config, of {known.at[:16].replace('T', ' ')} UTC ({shown})"
    if named:
        return Settings(channels={}), "used no config: none is remembered"
    root = site.root
    store = lastgood.loose(site).get("store", DEFAULT_STORE)
    if root and store.startswith(SQLITE) and sqlite_path(root, store).is_file():
        path = sqlite_path(root, store)
        places = PlacesBlock(store=store)
        return Settings(
            channels={}, places=places
        ), f"used the ledger {_shown(site, path)}; no good config is remembered"
    raise ConfigError(*error.problems, Problem(text=f"no good config is remembered here: mend it, {_WAY_OUT}"))


def store(given: str) -> str:
    """Return the address of a ledger that a person names: an address, or the path of a SQLite file."""
    return given if "://" in given or given.startswith("sqlite:") else f"{SQLITE}{Path(given).resolve()}"


def hinted(error: ConfigError) -> ConfigError:
    """Return an error of the store's address with the way out that an emergency command has."""
    return ConfigError(*error.problems, Problem(text=f"set it, {_WAY_OUT}"))


def _shown(site: Site, path: Path) -> str:
    return str(path.relative_to(site.root)) if site.root and path.is_relative_to(site.root) else str(path)
