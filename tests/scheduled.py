"""A scheduled site under a clock that tests step, on either store."""

import asyncio
from collections.abc import Callable
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


def outbox(desk: Desk, ledger: Ledger, clock: FakeClock, events: list[Event]) -> Outbox:
    """The loop of a site, under the host's own clock, which a test steps."""
    return Outbox(
        ledger=ledger,
        channels=dict(desk.channels),
        clock=clock,
        worker="test",
        policy=desk.settings.policy,
        report=events.extend,
        jitter=lambda: 1.0,
        redact=redact.of(desk.channels),
        find=desk.find_channel,
    )


def drain(desk: Desk, outbox: Callable[[Ledger], Outbox]) -> int:
    """Send what is due; returns how many."""

    async def work() -> int:
        with desk.ledger() as ledger:
            made = outbox(ledger)
            await made.look_around()
            count = await made.finish()
            await made.close()
            return count

    return asyncio.run(work())


class Scheduled:
    """A scheduled site under a clock that tests step."""

    def __init__(self, folder: Path, blocks: str, **changes: str) -> None:
        self.root = sites.make(folder, blocks)
        self.clock = FakeClock(NOW)
        self.desk = Desk(site=Site(self.root), clock=self.clock)
        self.desk.schedule(sites.release(self.root, LIFT, **changes))
        self.events: list[Event] = []

    def outbox(self, ledger: Ledger) -> Outbox:
        return outbox(self.desk, ledger, self.clock, self.events)

    def drain(self) -> int:
        return drain(self.desk, self.outbox)

    def rows(self) -> list[Delivery]:
        _, [(_, rows)] = self.desk.status()
        return rows

    def states(self) -> dict[str, str]:
        return {f"{row.channel} {row.recipient}": str(row.state) for row in self.rows()}


def box(folder: Path, **keys: object) -> str:
    return sites.box(folder, **keys)
