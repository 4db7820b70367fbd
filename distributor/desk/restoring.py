"""What a person does about a ledger that was put back from a backup."""

from distributor.desk.open import OpenSite
from distributor.errors import ActionError
from distributor.store.restored import Restored


class Restoring(OpenSite):
    """One site after a restore."""

    def restored(self) -> Restored | None:
        """Whether the ledger was put back from a backup and nobody has said yet what was out."""
        with self.ledger() as ledger:
            return ledger.restored()

    def settle_restored(self, *, there: bool) -> int:
        """Say what became of all that is held since: it is out (`there`), or it is sent now. Returns how many deliveries.

        Raises ActionError where the ledger was not restored.
        """
        with self.ledger() as ledger:
            if ledger.restored() is None:
                raise ActionError("this ledger was not restored from a backup: nothing is held for that")
            return ledger.settle_restored(there=there, now=self.clock.now(), who=self.who)
