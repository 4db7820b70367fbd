"""What a person can do: the same actions for the command line and the web."""

import contextlib
import getpass
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from distributor import approving, audiences, embargo, health, reading, registry, seal
from distributor import settings as configuration
from distributor.clock import Clock, SharedClock
from distributor.contract import Channel, Destination, Message
from distributor.errors import ActionError, ConfigError, nearest
from distributor.health import Health
from distributor.lifecycle import KILL, STOPPED, WAITING, PubStatus, State
from distributor.preview import Press, Preview
from distributor.reading import ReleaseFile
from distributor.render import Templates
from distributor.seal import Proof
from distributor.site import Site
from distributor.store import Change, Delivery, Ledger, Release, open_ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """What `schedule` did."""

    preview: Preview
    release: Release
    already: bool  #: the very same was scheduled before; nothing changed


@dataclass(kw_only=True)
class Desk:
    """One site, its config and its ledger, opened when they are needed."""

    site: Site
    clock: Clock
    only: tuple[str, ...] = ()  #: channels that the person named
    who: str = field(default_factory=lambda: _who())  # noqa: PLW0108  defined below; for the history

    @cached_property
    def settings(self) -> configuration.Settings:
        """The config."""
        return configuration.load(self.site)

    @cached_property
    def places(self) -> configuration.Places:
        """The site's folders."""
        return configuration.places(self.site, self.settings)

    @cached_property
    def channels(self) -> dict[str, Channel]:
        """The configured channels, or those that the person named."""
        return registry.build(self.site, self.settings, self.places, self.only)

    def find_channel(self, name: str) -> Channel | None:
        """A channel that came into the config since it was read; None where there is none, or it is broken."""
        try:
            fresh = configuration.load(self.site)
            return registry.build(self.site, fresh, self.places, (name,))[name]
        except ConfigError:
            return None

    @cached_property
    def press(self) -> Press:
        """Templates, newsroom and limits."""
        return Press(
            templates=Templates(self.site.layers("templates")),
            newsroom=self.settings.newsroom,
            networks=configuration.networks(self.site),
        )

    @contextlib.contextmanager
    def ledger(self, *, create: bool = False) -> Iterator[Ledger]:
        """The ledger, closed at the end; made on first use only where `create` says so."""
        ledger = open_ledger(configuration.store_url(self.site, self.settings), create=create)
        try:
            if said := ledger.time(self.clock.monotonic):  # machines that share a ledger share its clock
                self.clock = self.clock if isinstance(self.clock, SharedClock) else SharedClock(self.clock)
                self.clock.set(said)
            yield ledger
        finally:
            ledger.close()

    def read(self, path: Path, unsaved: reading.Unsaved | None = None) -> ReleaseFile:
        """Read a release file, or what of it is not saved yet, with this site's house facts."""
        return reading.read(path, self.settings.house, unsaved)

    def preview(self, path: Path, at: datetime | None = None, unsaved: reading.Unsaved | None = None) -> Preview:
        """What each channel will send. Nothing is written."""
        file = self.read(path, unsaved)
        return self.press.preview(file, self.chosen(file), self.clock.now(), at)

    def chosen(self, file: ReleaseFile) -> dict[str, Channel]:
        """The channels that the person named, else those that the release names, else all enabled ones; each as the release's
        audiences want it.
        """
        named = file.release.channels
        found = self.channels if self.only or not named else self._built(named)
        return audiences.adapted(found, file, self.settings, self._built, whole=not self.only)

    def _built(self, names: Iterable[str], settings: configuration.Settings | None = None) -> dict[str, Channel]:
        """These channels, enabled or not, of the config or of one that differs from it."""
        return registry.build(self.site, settings or self.settings, self.places, names)

    # ── actions ───────────────────────────────────────────────────────────────────────────────────────────────────

    def schedule(self, path: Path, at: datetime | None = None) -> Scheduled:
        """Seal the release as it is previewed now and plan its deliveries.

        Raises Refusal for findings of severity error, ActionError for an instant in the past or a version that is
        already scheduled with other content. Nothing is written then.
        """
        self.site.need_root()
        now = self.clock.now()
        preview = self.preview(path, at)
        release = preview.release
        seal.refuse_past(preview, at, now)
        seal.refuse_errors(preview)
        if not preview.rendered:
            raise ActionError("no channel would send anything: enable one in the config")
        row = seal.release(preview, now, self.settings.policy.catch_up_within)
        with self.ledger(create=True) as ledger:
            known = ledger.release(release.id, release.version)
            rows = ledger.deliveries(known.id, known.version) if known else []
            if known and any(row.state is not State.canceled or row.attempts for row in rows):
                seal.refuse_other(known, row)
                seal.refuse_other_times(rows, preview)
                return Scheduled(preview=preview, release=known, already=True)
            approving.refuse_alone(ledger, preview, self.settings.policy, who=self.who)
            messages = [seal.dump(one.message) for one in preview.rendered]
            ledger.plan(row, messages, seal.deliveries(preview), who=self.who)
        return Scheduled(preview=preview, release=row, already=False)

    def hold(self, release_id: str) -> tuple[Release, int]:
        """Stop everything of a release that is not on the wire, until `resume`. Returns how many deliveries."""
        return self._change(release_id, "hold", WAITING, State.held)

    def resume(self, release_id: str) -> tuple[Release, int]:
        """Plan again what was held, missed or failed; what is overdue goes out at once, as this person wants it."""
        return self._change(release_id, "resume", STOPPED, State.planned)

    def cancel(self, release_id: str) -> tuple[Release, int]:
        """Cancel everything of a release that has not gone out. Returns how many deliveries."""
        return self._change(release_id, "cancel", (*WAITING, *STOPPED), State.canceled)

    def _change(self, release_id: str, action: str, from_states: Iterable[State], to: State) -> tuple[Release, int]:
        """On every version of the release: who says 'hold' means all of it."""
        with self.ledger() as ledger:
            newest, moved = self._known(ledger, release_id), 0
            for one in ledger.releases(release_id):
                status = {State.held: PubStatus.withheld, State.canceled: PubStatus.canceled}.get(to, PubStatus.usable)
                if to is State.canceled and ledger.is_out(one.id, one.version):
                    status = PubStatus.usable  # to take back what is out is a kill, not a cancel
                change = Change(
                    action=action,
                    from_states=tuple(from_states),
                    to=to,
                    pub_status=status,
                    late_ok=to is State.planned,
                )
                moved += ledger.change(one.id, one.version, change, now=self.clock.now(), who=self.who)
        return newest, moved

    def reschedule(self, release_id: str, at: datetime, zone: str | None = None) -> Scheduled:
        """Move a release of which nothing was attempted yet to the instant `at`: its sealed version is rendered for the new
        time, sealed and planned in place of the old one, all or nothing. What was on hold stays on hold.

        `zone`: how people write the new time. Raises Refusal, ActionError for the past or a release that is on its way.
        """
        with self.ledger() as ledger:
            now, known = self.clock.now(), self._known(ledger, release_id)
            if at < now - timedelta(seconds=5):
                raise ActionError(f"{embargo.spell(at, known.zone)} is in the past")
            rows = ledger.deliveries(known.id, known.version)
            media = {file.name: file for sealed in self._sealed(ledger, rows).values() for file in sealed.media}
            file = seal.reopened(known, at, zone)
            chosen = audiences.adapted(self._channels_of(rows), file, self.settings, self._built, whole=False)
            preview = self.press.preview(file, chosen, now, at, media=media)
            seal.refuse_errors(preview)
            approving.refuse_alone(ledger, preview, self.settings.policy, who=self.who)
            row = seal.release(preview, now, known.catch_up_within)
            messages = [seal.dump(one.message) for one in preview.rendered]
            ledger.plan(row, messages, seal.deliveries(preview), who=self.who, again=True)
        return Scheduled(preview=preview, release=row, already=False)

    def settle(
        self,
        release_id: str,
        *,
        there: bool,
        channel: str | None = None,
        recipient: str | None = None,
        url: str | None = None,
    ) -> list[Delivery]:
        """A person looked at what is in doubt: it is `there`, or it is to be sent again. Returns what was settled.

        `url` is where it is. Raises ActionError where nothing that fits is in doubt.
        """
        with self.ledger() as ledger:
            self._known(ledger, release_id)
            rows = [
                row
                for one in ledger.releases(release_id)
                for row in ledger.deliveries(one.id, one.version)
                if row.state is State.in_doubt and channel in (None, row.channel) and recipient in (None, row.recipient)
            ]
            settled = ledger.settle_doubt(rows, there=there, url=url, now=self.clock.now(), who=self.who)
        if not rows:
            raise ActionError(f"nothing of '{release_id}' that fits is in doubt")
        if not settled:
            raise ActionError(
                f"'{release_id}' is in doubt, but a newer version is there already: nothing was sent again"
            )
        return settled

    def kill(self, release_id: str) -> tuple[Release, list[Delivery], list[Delivery]]:
        """Withdraw a release for good: what is not out is canceled; where it can be taken back, that is planned, due now.

        Returns the newest version, what is being taken back, and what cannot be. Raises ActionError for an unknown one.
        """
        with self.ledger() as ledger:
            newest, versions, back, left = self._known(ledger, release_id), ledger.releases(release_id), [], []
            names = {row.channel for one in versions for row in ledger.deliveries(one.id, one.version)}
            found = {name: self.find_channel(name) for name in names}  # one that left the config holds up nothing
            able = [name for name, channel in found.items() if channel and channel.capabilities.delete]
            for one in versions:
                taken, stays = ledger.kill(one.id, one.version, able, now=self.clock.now(), who=self.who)
                back += taken
                left += stays
        return newest, back, left

    # ── questions ─────────────────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> tuple[Health, list[tuple[Release, list[Delivery]]]]:
        """How the site is, and every release with its deliveries."""
        with self.ledger() as ledger:
            found = health.look(ledger, self.clock.now())
            return found, [(one, ledger.deliveries(one.id, one.version)) for one in ledger.releases()]

    def verify(self, release_id: str) -> tuple[Release, bool, list[Proof]]:
        """Prove that what was sent is what was previewed: (release, whether the seal holds, one proof a delivery)."""
        with self.ledger() as ledger:
            release = self._known(ledger, release_id)
            rows = [row for row in ledger.deliveries(release.id, release.version) if row.kind != KILL]
            attempts = ledger.attempts(release.id, release.version)
            channels, messages = self._channels_of(rows), self._sealed(ledger, rows)
        proofs = []
        for row in rows:
            channel = channels[row.channel]
            found = channel.read_back(seal.receipt(row)) if row.state is State.delivered else None
            proofs.append(seal.prove(row, attempts, messages[row.message_id], channel, found))
        return release, seal.recomputed(rows) == release.seal, proofs

    def doctor(self) -> list[tuple[str, str, Destination]]:
        """Every configured channel: name, type, destination."""
        return [(name, channel.TYPE, channel.destination) for name, channel in self.channels.items()]

    def _channels_of(self, rows: Iterable[Delivery]) -> dict[str, Channel]:
        """The channels of some deliveries, enabled or not."""
        return self._built(dict.fromkeys(row.channel for row in rows))

    def _sealed(self, ledger: Ledger, rows: Iterable[Delivery]) -> dict[int, Message]:
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

    def _known(self, ledger: Ledger, release_id: str) -> Release:
        release = ledger.release(release_id)
        if release is None:
            known = sorted({one.id for one in ledger.releases()})
            raise ActionError(f"no release '{release_id}' is scheduled here{nearest(release_id, known)}")
        return release


def _who() -> str:
    """The person, for the history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
