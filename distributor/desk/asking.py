"""What a person can ask of one site. Nothing is changed."""

from distributor import health, seal
from distributor.contract import Destination
from distributor.desk.open import OpenSite
from distributor.health import Health
from distributor.lifecycle import KILL, State
from distributor.seal import Proof
from distributor.store import Delivery, Ledger, Release


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
            channels, messages = self.channels_of(rows), self.sealed_messages(ledger, rows)
        proofs = []
        for row in rows:
            channel = channels[row.channel]
            found = channel.read_back(seal.receipt(row)) if row.state is State.delivered else None
            proofs.append(seal.prove(row, attempts, messages[row.message_id], channel, found))
        return release, seal.recomputed(rows) == release.seal, proofs

    def doctor(self) -> list[tuple[str, str, Destination]]:
        """Every configured channel: name, type, destination."""
        return [(name, channel.TYPE, channel.destination) for name, channel in self.channels.items()]

    def look_after(self, ledger: Ledger) -> Health:
        """Return how the site is, by its ledger and its config."""
        return health.look(ledger, self.clock.now(), self.settings.channels)
