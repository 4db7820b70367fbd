"""A scheduled site under a clock that tests step, on either store."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from distributor import redact
from distributor.desk import Desk
from distributor.outbox import Event, Outbox
from distributor.site import Site
from distributor.store import Delivery, Ledger
from tests import sites
from tests.conftest import FakeClock

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
LIFT = NOW + timedelta(hours=1)


class Scheduled:
    """A scheduled site under a clock that tests step."""

    def __init__(self, folder: Path, blocks: str, **changes: str) -> None:
        self.root = sites.make(folder, blocks)
        self.clock = FakeClock(NOW)
        self.desk = Desk(site=Site(self.root), clock=self.clock)
        self.desk.schedule(sites.release(self.root, LIFT, **changes))
        self.events: list[Event] = []

    def outbox(self, ledger: Ledger) -> Outbox:
        return Outbox(
            ledger=ledger,
            channels=dict(self.desk.channels),
            clock=self.clock,
            worker="test",
            policy=self.desk.settings.policy,
            report=self.events.extend,
            jitter=lambda: 1.0,
            redact=redact.of(self.desk.channels),
            find=self.desk.find_channel,
        )

    def drain(self) -> int:
        async def work() -> int:
            with self.desk.ledger() as ledger:
                outbox = self.outbox(ledger)
                await outbox.look_around()
                made = await outbox.finish()
                await outbox.close()
                return made

        return asyncio.run(work())

    def rows(self) -> list[Delivery]:
        _, [(_, rows)] = self.desk.status()
        return rows

    def states(self) -> dict[str, str]:
        return {f"{row.channel} {row.recipient}": str(row.state) for row in self.rows()}


def box(folder: Path, **keys: object) -> str:
    return sites.box(folder, **keys)
