"""One site, its config and its ledger, opened when they are needed: what every action of a person begins with."""

import contextlib
import os
import pwd
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path

from distributor import audiences, early, landing, lastgood, reading, registry, seal, standing
from distributor import release as source
from distributor import settings as configuration
from distributor.clock import Clock, SharedClock
from distributor.contract import Channel, Message
from distributor.desk import emergency
from distributor.errors import ActionError, ConfigError, NoLedger, StoreError, nearest
from distributor.preview import Press, Preview
from distributor.reading import ReleaseFile
from distributor.render import Templates
from distributor.site import SQLITE, Site
from distributor.store import Delivery, Ledger, Published, Release, identity, open_ledger
from distributor.witness import Seen, Witness


@dataclass(kw_only=True)
class OpenSite:
    """One site, its config and its ledger, opened when they are needed."""

    site: Site
    clock: Clock
    only: tuple[str, ...] = ()  #: channels that the person named
    break_embargo: str = ""  #: why the person lets it out before its embargo
    who: str = field(default_factory=lambda: _who())  # noqa: PLW0108  defined below; for the history

    emergency: bool = False  #: a config that does not read is no reason to stop
    store: str = ""  #: the ledger's address, where a person named it in an emergency
    problem: str = field(default="", init=False)  #: why the config does not read
    used: str = field(default="", init=False)  #: what was used instead

    @cached_property
    def settings(self) -> configuration.Settings:
        """The config; in an emergency the last good one where it does not read."""
        try:
            return configuration.load(self.site)
        except ConfigError as error:
            if not self.emergency:
                raise
            found, self.used = emergency.settings(self.site, error, named=bool(self.store))
            self.problem = "; ".join(map(str, error.problems))
            return found

    @property
    def store_url(self) -> str:
        """The ledger's address. Raises ConfigError for a reference that leads nowhere."""
        try:
            found = self.settings
            return emergency.store(self.store) if self.store else configuration.store_url(self.site, found)
        except ConfigError as error:
            raise emergency.hinted(error) if self.emergency and not self.problem else error from None

    def remember(self) -> None:
        """Keep the config beside the ledger, for an emergency, where all of it reads. What cannot be written is left."""
        with contextlib.suppress(ConfigError, OSError, UnicodeDecodeError):
            if not self.problem and not lastgood.is_the_same(self.site):
                registry.build(self.site, self.settings, self.places)
                text = self.site.config_file.read_text(encoding="utf-8-sig")
                lastgood.remember(self.places.state, text, self.clock.now().isoformat())

    @cached_property
    def places(self) -> configuration.Places:
        """The site's folders."""
        return configuration.places(self.site, self.settings)

    @cached_property
    def channels(self) -> dict[str, Channel]:
        """The configured channels, or those that the person named."""
        return registry.build(self.site, self.settings, self.places, self.only)

    def find_channel(self, name: str) -> Channel | None:
        """Return a channel, enabled or not, of the config in force or of one that was saved since; None where there is none,
        or it is broken.
        """
        for again in (False, True):
            try:
                found = configuration.load(self.site) if again else self.settings
                return registry.build(self.site, found, configuration.places(self.site, found), (name,))[name]
            except ConfigError:
                continue
        return None

    @cached_property
    def press(self) -> Press:
        """Templates, newsroom and limits."""
        return Press(
            templates=Templates(self.site.layers("templates")),
            newsroom=self.settings.newsroom,
            networks=configuration.networks(self.site),
            handles=self.settings.house.handles,
            catch_up_within=self.settings.policy.catch_up_within,
            languages=self.settings.languages,
        )

    @contextlib.contextmanager
    def ledger(self, *, create: bool = False) -> Iterator[Ledger]:
        """The ledger, closed at the end; made on first use only where `create` says so."""
        ledger = self.open(create=create)
        try:
            yield ledger
        finally:
            ledger.close()

    @contextlib.contextmanager
    def ledger_if_any(self) -> Iterator[Ledger | None]:
        """The ledger, closed at the end; None outside a site, or before anything was scheduled."""
        with contextlib.ExitStack() as stack:
            opened = None
            if self.site.root is not None:
                with contextlib.suppress(NoLedger):
                    opened = stack.enter_context(self.ledger())
            yield opened

    def open(self, *, create: bool = False) -> Ledger:
        """The ledger, for who keeps it open."""
        url = self.store_url
        seen = None if self.store else self.witness.read()  # a person who names a ledger means it
        _refuse_gone(url, seen)
        ledger = open_ledger(url, create=create)
        try:
            self.keep_time(ledger)
            if create:
                self._introduce(ledger, seen)
            else:
                identity.refuse_foreign(ledger, seen, shown=_shown(url))
        except BaseException:
            ledger.close()
            raise
        return ledger

    @property
    def witness(self) -> Witness:
        """What the state folder knows of the ledger."""
        return Witness(self.places.state)

    def _introduce(self, ledger: Ledger, seen: Seen | None) -> None:
        host, newsroom = socket.gethostname(), self.settings.newsroom
        found = identity.introduce(
            ledger,
            seen,
            shown=_shown(self.store_url),
            place=f"{host}:{self.places.state.resolve()}",
            newsroom=f"{newsroom.title} ({newsroom.url})",
            now=self.clock.now(),
            is_inside=not ledger.shared and Path(_shown(self.store_url)).is_relative_to(self.site.need_root()),
            is_there=partial(_is_there, host),
        )
        if found != seen:
            try:
                self.witness.write(found)
            except OSError as error:
                if not ledger.shared:  # a machine that only reads its site folder may share a ledger all the same
                    words = f"cannot write {self.witness.file}: {error.strerror}; make the folder writable"
                    raise StoreError(words) from None

    def keep_time(self, ledger: Ledger) -> None:
        """Machines that share a ledger share its clock."""
        if said := ledger.time(self.clock.monotonic):
            self.clock = self.clock if isinstance(self.clock, SharedClock) else SharedClock(self.clock)
            self.clock.set(said)

    def read(self, path: Path, unsaved: reading.Unsaved | None = None) -> ReleaseFile:
        """Read a release file, or what of it is not saved yet, with this site's house facts."""
        return reading.read(path, self.settings.house, unsaved)

    def preview(self, path: Path, at: datetime | None = None, unsaved: reading.Unsaved | None = None) -> Preview:
        """What each channel will send. Nothing is written."""
        return self.preview_of(self.read(path, unsaved), at)

    def preview_of(self, file: ReleaseFile, at: datetime | None = None, *, sample: bool = False) -> Preview:
        """The same of a release that was read; a `sample` for who is writing, as `Press.preview` says."""
        if self.break_embargo:
            with self.ledger_if_any() as ledger:
                file = early.brought_forward(file, ledger, at, self.break_embargo, self.clock.now())
        chosen, whole = self.chosen(file), not self.only
        earlier = self._published(file.release)
        every = chosen if whole else self._chosen(file, self.built(()), whole=True)
        return self.press.preview(
            file,
            chosen,
            self.clock.now(),
            at,
            sample=sample,
            whole=whole,
            earlier=earlier,
            up=standing.posts(self.ledger_if_any, file.release.id, file.release.version, chosen),
            pages=landing.pages(file.release, every.values()),
        )

    def _published(self, release: source.Release) -> list[Published]:
        """When earlier versions went out, as the ledger knows it."""
        if release.version == 1:
            return []
        with self.ledger_if_any() as ledger:
            return ledger.published(release.id, release.version) if ledger else []

    def chosen(self, file: ReleaseFile) -> dict[str, Channel]:
        """The channels that the person named, else those that the release names, else all enabled ones; each as the release's
        audiences want it.
        """
        return self._chosen(file, self.channels, whole=not self.only)

    def _chosen(self, file: ReleaseFile, enabled: dict[str, Channel], *, whole: bool) -> dict[str, Channel]:
        named = file.release.channels
        found = self.built(named) if whole and named else enabled
        return audiences.adapted(found, file, self.settings, self.built, whole=whole)

    def built(self, names: Iterable[str], settings: configuration.Settings | None = None) -> dict[str, Channel]:
        """These channels, enabled or not, of the config or of one that differs from it."""
        return registry.build(self.site, settings or self.settings, self.places, names)

    def channels_of(self, rows: Iterable[Delivery]) -> dict[str, Channel]:
        """The channels of some deliveries, enabled or not."""
        return self.built(dict.fromkeys(row.channel for row in rows))

    def sealed_messages(self, ledger: Ledger, rows: Iterable[Delivery]) -> dict[int, Message]:
        """The messages of some deliveries by their number, each read once; ActionError where one was changed."""
        channels = {row.message_id: row.channel for row in rows}
        messages = {}
        for number, (body, artefacts) in ledger.messages(channels.keys()).items():
            try:
                messages[number] = seal.load(body, artefacts)
            except ValueError as error:
                words = f"{channels[number]}: {error}: the ledger was tampered with or damaged"
                raise ActionError(words) from None
        return messages

    def known(self, ledger: Ledger, release_id: str) -> Release:
        """The newest version of a release; raises ActionError for an unknown one, naming the nearest."""
        release = ledger.release(release_id)
        if release is None:
            known = sorted({one.id for one in ledger.releases()})
            raise ActionError(f"no release '{release_id}' is scheduled here{nearest(release_id, known)}")
        return release

    def refuse_unknown(
        self, ledger: Ledger, release_id: str, *, version: int | None, channel: str | None, recipient: str | None
    ) -> None:
        """Raise ActionError for a version, channel or recipient that a release never had, naming the nearest."""
        versions = [str(one.version) for one in ledger.releases(release_id)]
        if version is not None and str(version) not in versions:
            raise ActionError(f"'{release_id}' has no version {version} (known: {', '.join(sorted(versions))})")
        if channel is None and recipient is None:
            return
        rows = [
            row
            for one in ledger.releases(release_id)
            if version in (None, one.version)
            for row in ledger.deliveries(one.id, one.version)
        ]
        channels = {row.channel for row in rows}
        if channel is not None and channel not in channels:
            raise ActionError(f"nothing of '{release_id}' goes to a channel '{channel}'{nearest(channel, channels)}")
        people = {row.recipient for row in rows if channel in (None, row.channel)}
        if recipient is not None and recipient not in people:
            raise ActionError(f"nothing of '{release_id}' goes to '{recipient}'{nearest(recipient, people)}")


def _shown(url: str) -> str:
    """The store's address, free of its password."""
    return url.removeprefix(SQLITE) if url.startswith(SQLITE) else url.rpartition("@")[2]


def _refuse_gone(url: str, seen: Seen | None) -> None:
    """Raise StoreError where the ledger's file is gone or empty, and the site has had one."""
    if seen is None or not url.startswith(SQLITE):
        return
    path = Path(url.removeprefix(SQLITE))
    if not path.is_file() or not path.stat().st_size:
        what = "is empty" if path.is_file() else "is gone"
        raise StoreError(
            f"the ledger {path} {what}, and this site has had one; nothing is sent without it, and no new one is made. Put it "
            "back ('distributor restore'), or, to begin anew, move the file witness.json out of the state folder"
        )


def _is_there(host: str, place: str, site: str) -> bool:
    """Whether another state folder of this machine still belongs to the site."""
    name, _, folder = place.partition(":")
    known = Witness(Path(folder)).read() if name == host and folder else None
    return known is not None and known.site == site


def _who() -> str:
    """The person, for the history: the account that the process runs as, not what the environment says of it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
