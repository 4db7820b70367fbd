"""What a person can ask of one site. Nothing is changed."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from distributor import audiences, destinations, early, health, landing, lastgood, registry, seal
from distributor import settings as configuration
from distributor.contract import Channel, Destination
from distributor.desk.open import OpenSite
from distributor.errors import ConfigError, StoreError
from distributor.health import Health
from distributor.lifecycle import KILL, State
from distributor.preview import Preview
from distributor.reading import ReleaseFile
from distributor.seal import Proof
from distributor.store import Delivery, Ledger, Release
from distributor.store import destinations as places


class Asking(OpenSite):
    """Questions to the ledger and the config."""

    def status(self) -> tuple[Health, list[tuple[Release, list[Delivery]]]]:
        """How the site is, and every release with its deliveries."""
        with self.ledger() as ledger:
            found = self.look_after(ledger)
            return found, [(one, ledger.deliveries(one.id, one.version)) for one in ledger.releases()]

    def health(self) -> Health:
        """How the site is, without its releases."""
        with self.ledger(create=True) as ledger:
            return self.look_after(ledger)

    def verify(self, release_id: str) -> tuple[Release, bool, list[Proof]]:
        """Prove that what was sent is what was previewed: (release, whether the seal holds, one proof a delivery)."""
        with self.ledger() as ledger:
            release = self.known(ledger, release_id)
            rows = [row for row in ledger.deliveries(release.id, release.version) if row.kind != KILL]
            attempts = ledger.attempts(release.id, release.version)
            messages = self.sealed_messages(ledger, rows)
        channels = {name: self._channel_of(name) for name in {row.channel for row in rows}}
        proofs = []
        for row in rows:
            channel = channels[row.channel]
            out = channel is not None and row.state is State.delivered
            found = channel.read_back(seal.receipt(row)) if channel and out else None
            proofs.append(seal.prove(row, attempts, messages[row.message_id], channel, found))
        return release, seal.recomputed(rows) == release.seal, proofs

    def _channel_of(self, name: str) -> Channel | None:
        """Return a channel of the config, else of the last good config that was kept; None where neither has it."""
        if found := self.find_channel(name):
            return found
        if known := lastgood.recall(self.site):
            with contextlib.suppress(ConfigError):
                old = configuration.read(known.text, str(known.path))
                return registry.build(self.site, old, configuration.places(self.site, old), (name,))[name]
        return None

    def waits(self) -> list[str]:
        """Return what the config says to what waits: channels that are gone, or lead elsewhere than agreed."""
        found = []
        try:
            with self.ledger() as ledger:
                rows = places.waiting(ledger)
        except StoreError:
            return []
        for one in rows:
            channel = self.find_channel(one.channel)
            if channel is None:
                found.append(destinations.missing(one))
            elif one.agreed and destinations.differences(one.agreed.facts, channel.destination_facts):
                found.append(destinations.moved(replace(one.agreed, found=channel.destination_facts)))
        return found

    def refuse_early(self, preview: Preview) -> None:
        """ActionError for a preview that would go before its embargo, as scheduling it says."""
        with self.ledger_if_any() as ledger:
            early.refuse(preview, ledger, self.clock.now())

    def doctor(self) -> list[tuple[str, str, Destination]]:
        """Every configured channel: name, type, destination."""
        return [(name, channel.TYPE, channel.destination) for name, channel in self.channels.items()]

    def pages_of(self, file: ReleaseFile, chosen: Mapping[str, Channel]) -> frozenset[str]:
        """Return in which languages the newsroom carries a release of which only the `chosen` channels are rendered."""
        named = [name for name in file.release.channels or () if self.find_channel(name)]
        every = {} if file.release.channels and not named else self.built(named)
        carried = audiences.adapted({**every, **chosen}, file, self.settings, self.built, whole=False)
        return landing.pages(file.release, carried.values())

    def look_after(self, ledger: Ledger) -> Health:
        """Return how the site is, by its ledger and its config."""
        names = None if self.problem else self.settings.channels
        config = f"{self.problem} ({self.used})" if self.problem else ""
        return health.look(ledger, self.clock.now(), names, config)
