"""The config of a running desk, shared by all requests until its files change; the last good one where a newer does not read."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from distributor import settings as configuration
from distributor.clock import Clock
from distributor.desk import Desk
from distributor.errors import ConfigError
from distributor.preview import Press
from distributor.site import Site


@dataclass(kw_only=True)
class SharedConfig:
    """Config and compiled templates. Safe to use from several threads."""

    site: Site
    clock: Clock
    trouble: str = ""  #: why the newest config is not used
    _lock: Lock = field(default_factory=Lock)
    _times: tuple[tuple[int, int], ...] = ()
    _read: tuple[configuration.Settings, Press] | None = None

    def desk(self, who: str) -> Desk:
        """Return the site's desk for one person. Raises ConfigError where no config was ever good."""
        made = Desk(site=self.site, clock=self.clock, who=who, emergency=True)
        with self._lock:  # channel types are imported by one thread at a time
            times = (_changed(self.site.config_file), _changed(self.site.file("config/networks.toml")))
            if self._read is None or self._times != times:
                self._take(made)
                self._times = times
            assert self._read is not None
            vars(made).update(settings=self._read[0], press=self._read[1])
            if self.trouble:
                vars(made)["problem"], vars(made)["used"] = (
                    self.trouble,
                    made.used or "the desk goes on with the last good one",
                )
        return made

    def _take(self, made: Desk) -> None:
        """Use the config that `made` reads, unless it is a substitute and there is a better one in memory."""
        try:
            found = (made.settings, made.press)
            made.channels  # noqa: B018  imports their files
        except ConfigError as error:
            if self._read is None:
                raise
            self.trouble = "; ".join(map(str, error.problems))
            return
        self.trouble = made.problem
        if self._read is None or not made.problem:
            self._read = found
        if not made.problem:
            made.remember()


def _changed(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
