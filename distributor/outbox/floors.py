"""The sealed embargo of what is about to go: the last guard against a ledger whose times were changed behind our back."""

from collections.abc import Iterable
from datetime import datetime

from distributor import zonerules
from distributor.store import Delivery, Due, Ledger

_MOST = 10_000


class Floors:
    """The instants before which sealed messages must not go, from the snapshots that were sealed with them."""

    def __init__(self, ledger: Ledger) -> None:
        """Empty."""
        self._ledger = ledger
        self._known: dict[int, datetime | None] = {}

    def read(self, begun: Iterable[Due]) -> None:
        """Learn the embargo of what was claimed. In the ledger's thread."""
        new = {one.delivery.message_id: one.delivery for one in begun if one.delivery.message_id not in self._known}
        if len(self._known) > _MOST:
            self._known = {}
        found: dict[tuple[str, int], datetime | None] = {}
        for number, row in new.items():
            version = (row.release_id, row.version)
            if version not in found:
                sealed = self._ledger.release(*version)
                found[version] = zonerules.sealed_instant(sealed.snapshot) if sealed else None
            self._known[number] = found[version]

    def of(self, row: Delivery) -> datetime | None:
        """The sealed embargo of a delivery to the public; None where it has none."""
        return None if row.tier == "prebrief" else self._known.get(row.message_id)
