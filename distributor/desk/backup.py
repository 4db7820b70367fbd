"""Everything of a site in one file, and a site out of such a file."""

import os
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from distributor import __version__, archive
from distributor import settings as configuration
from distributor.archive import Manifest
from distributor.desk.open import OpenSite
from distributor.errors import ActionError, NoLedger
from distributor.site import SQLITE
from distributor.store import copying
from distributor.witness import FILE as WITNESS

_LEDGER = {"sqlite": "ledger/distributor.db", "postgresql": "ledger/distributor.dump"}
#: Never of use elsewhere: environments, histories, caches, what only a running process needs.
_SKIPPED = {".git", ".venv", "venv", "__pycache__", "node_modules", "inflight"}
_LOCKS = {"run.lock", "desk.lock", WITNESS}


class BackingUp(OpenSite):
    """One site, to be kept."""

    def backup(self, target: Path) -> Manifest:
        """Write ledger, releases, uploads, public files, config, templates, channels and contacts into one file.

        Works while the service runs. The ledger is taken first, so that it never says of a file that it is out when the
        backup does not have it. No secret is taken: the manifest names those that are needed. Raises ActionError.
        """
        root = self.site.need_root().resolve()
        target = target.absolute()
        if target.exists():
            raise ActionError(f"{target} is there already; nothing was written")
        if target.resolve().is_relative_to(self.places.public.resolve()):
            raise ActionError(f"{target} lies in the public folder, where everybody can read it: name another place")
        url = configuration.store_url(self.site, self.settings)
        known = self.witness.read()
        left_out: list[str] = []
        with tempfile.TemporaryDirectory(prefix="distributor-") as folder:
            copy, kind = Path(folder) / "ledger", ""
            if self._has_ledger():
                with self.ledger() as ledger:
                    kind = "postgresql" if ledger.shared else "sqlite"
                    copying.copy(ledger, url, copy)
            manifest = Manifest(
                made_at=self.clock.now().isoformat(timespec="seconds"),
                distributor=__version__,
                store=kind,
                site=known.site if known else "",
                folder=known.folder if known else "",
                secrets=tuple(secrets(self.site.config_file)),
            )
            files = [(_LEDGER[kind], copy)] if kind else []
            files += [(f"site/{name}", path) for name, path in self._files(root, target, url, left_out)]
            for place, path in self._outside(root):
                here = self._walk(path, path, target, url, left_out)
                files += [(f"places/{place}/{name}", found) for name, found in here]
            return archive.write(target, Manifest(**{**manifest.__dict__, "left_out": tuple(left_out)}), files)

    def _has_ledger(self) -> bool:
        """Whether there is one; raises StoreError where there was one and it is gone."""
        try:
            self.open().close()
        except NoLedger:
            return False
        return True

    def _outside(self, root: Path) -> list[tuple[str, Path]]:
        """The folders of the config that lie elsewhere."""
        places = self.places
        named = {"public": places.public, "outbox": places.outbox, "state": places.state, "contacts": places.contacts}
        return [(name, path.resolve()) for name, path in named.items() if not path.resolve().is_relative_to(root)]

    def _files(self, root: Path, target: Path, url: str, left_out: list[str]) -> Iterator[tuple[str, Path]]:
        return self._walk(root, root, target, url, left_out)

    def _walk(self, root: Path, base: Path, target: Path, url: str, left_out: list[str]) -> Iterator[tuple[str, Path]]:
        """Every plain file, by its name from `base`; links are told, not followed."""
        ledger = Path(url.removeprefix(SQLITE)).resolve() if url.startswith(SQLITE) else None
        private = {path.resolve() for path in secret_files(self.site.config_file)}
        for folder, names, files in os.walk(root):
            here = Path(folder)
            names[:] = sorted(name for name in names if name not in _SKIPPED and not name.startswith(".restore-"))
            for name in (*names, *sorted(files)):
                path = here / name
                shown = path.relative_to(base).as_posix()
                if path.is_symlink():
                    left_out.append(f"{shown}: a link")
                elif name in files and (why := _why_not(path, target, ledger, private)):
                    left_out += [f"{shown}: {why}"] if why != "-" else []
                elif name in files:
                    yield shown, path


def _why_not(path: Path, target: Path, ledger: Path | None, private: set[Path]) -> str:
    """Why a file is not taken; '-' where nobody has to know."""
    whole = path.resolve()
    if whole in private or path.name == ".env" or path.name.startswith(".env."):
        return "a secret"
    if path.suffix in (".enc", ".keyring") and path.parent.name == "connections":
        return f"a secret: run 'distributor connect {path.stem}' there"
    if ledger and whole.parent == ledger.parent and whole.name.startswith(ledger.name):
        return "-"  # taken as a whole, at one moment
    if path.name in _LOCKS or whole == target or path.name == f".{target.name}.part":
        return "-"
    return "" if path.is_file() else "not a plain file"


def secrets(config: Path) -> Iterator[str]:
    """What the config refers to and does not hold: `[channels.mail] password: environment variable NAME`."""
    for where, kind, name in _references(config):
        yield f"{where}: {'environment variable' if kind == 'env' else 'file'} {name}"


def secret_files(config: Path) -> Iterator[Path]:
    """The files that hold secrets."""
    for _, kind, name in _references(config):
        if kind == "file":
            yield Path(name)


def _references(config: Path) -> Iterator[tuple[str, str, str]]:
    def walk(value: Any, where: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
        if isinstance(value, dict):
            if len(value) == 1 and next(iter(value)) in ("env", "file"):
                [(kind, name)] = value.items()
                yield f"[{'.'.join(where[:-1])}] {where[-1]}", kind, str(name)
                return
            for key, inner in value.items():
                yield from walk(inner, (*where, str(key)))
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner, where)

    yield from walk(tomllib.loads(config.read_text(encoding="utf-8")), ())


def stamp(now: datetime) -> str:
    """An instant as part of a folder's name."""
    return f"{now:%Y%m%d-%H%M%S}"
