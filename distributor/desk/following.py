"""The config of a running service: read again when its files change; one that does not read changes nothing."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from distributor import settings as configuration
from distributor.desk.open import OpenSite
from distributor.errors import ConfigError, DistributorError, Problem

#: A file that was written this recently may be written still: it is read at the next look.
_SETTLES = timedelta(milliseconds=300)

_Stamp = tuple[tuple[str, int, int, int, int], ...]


@dataclass(kw_only=True)
class Following:
    """Which config is in force, and why a newer one is not. Not safe to use from two threads."""

    desk: OpenSite  #: whose config is in force
    trouble: str = field(default="", init=False)  #: why the newest config is not in force; empty: it is
    _seen: _Stamp = field(default=(), init=False)
    _digest: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Take the config of `desk` as the one in force."""
        self._seen, self._digest = self._stamp(), self._content()

    def look(self) -> OpenSite | None:
        """Return the site with its new config where that changed and can be used, else None. Blocks for some files.

        Looked at are config/distributor.toml and the site's own channel files. Templates and networks.toml are read
        when a release is rendered, and a service renders nothing; what was installed needs a new start.
        """
        stamp = self._stamp()
        if stamp == self._seen or self._is_fresh(stamp):
            return None
        self._seen, digest = stamp, self._content()
        if digest == self._digest and not self.trouble:
            return None
        old = self.desk
        fresh = type(old)(site=old.site, clock=old.clock, only=old.only, who=old.who)
        try:
            if digest != self._digest:
                fresh.channels  # noqa: B018  builds every channel
                self._refuse_another_ledger(fresh)
        except (DistributorError, OSError) as error:
            self.trouble = "; ".join(map(str, error.problems)) if isinstance(error, DistributorError) else str(error)
            return None
        back = digest == self._digest
        self.trouble, self._digest = "", digest
        if back:
            return None
        self.desk = fresh
        return fresh

    def _refuse_another_ledger(self, fresh: OpenSite) -> None:
        """Raise ConfigError for what only a new start can change: where the ledger and the private state are."""
        old, file = self.desk, str(self.desk.site.config_file)
        stores = [configuration.store_url(one.site, one.settings) for one in (old, fresh)]
        for key, same in (("store", len(set(stores)) == 1), ("state", old.places.state == fresh.places.state)):
            if not same:
                text = "names another place than the running service uses: stop the service and start it again"
                raise ConfigError(Problem(text=text, file=file, field=f"[places] {key}"))

    def _files(self) -> Iterator[Path]:
        yield self.desk.site.config_file
        if root := self.desk.site.root:
            yield from sorted((root / "channels").rglob("*.py"))

    def _stamp(self) -> _Stamp:
        found = []
        for path in self._files():
            try:
                one = path.stat()
            except OSError:
                continue
            found.append((str(path), one.st_mtime_ns, one.st_ctime_ns, one.st_size, one.st_ino))
        return tuple(found)

    def _is_fresh(self, stamp: _Stamp) -> bool:
        """Whether a file was changed so recently that its writer may not be done."""
        written = max((one[2] for one in stamp), default=0)
        # File systems go by the host's clock, whatever clock deliveries go by.
        return 0 <= time.time_ns() - written < _SETTLES // timedelta(microseconds=1) * 1000

    def _content(self) -> str:
        """Return a digest of the files' bytes; what cannot be read counts as empty."""
        digest = hashlib.sha256()
        for path in self._files():
            try:
                data = path.read_bytes()
            except OSError:
                data = b""
            digest.update(f"{path}\n{len(data)}\n".encode() + data)
        return digest.hexdigest()
