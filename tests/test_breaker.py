"""A list that goes wrong is stopped before all of it has, and nobody is struck off for what is our fault."""

import asyncio
from pathlib import Path

import pytest

from distributor.outbox import Outbox
from distributor.presslist import Suppressions
from distributor.store import Ledger
from tests.scheduled import LIFT, Scheduled
from tests.servers.smtp import Fault, SmtpSink

PIPE = ("PIPELINING", "8BITMIME")
PEOPLE = [f"r{number}@x.example" for number in range(300)]


@pytest.fixture
def run(tmp_path: Path) -> "Run":
    return Run(tmp_path / "site")


class Run:
    """One release to 300 people over a server with faults."""

    def __init__(self, root: Path) -> None:
        self.root, self.trouble = root, list[str]()
        self.sink = SmtpSink(extensions=PIPE)

    def schedule(self, port: int) -> None:
        people = ", ".join(f'"{one}"' for one in PEOPLE)
        block = f'type = "email"\nsender = "a@lam.example"\nto = [{people}]\nsmtp = "smtp://127.0.0.1:{port}"\ntls = "none"\n'
        self.site = Scheduled(self.root, f"[channels.mail]\n{block}connections = 2\n")
        self.site.clock.set(LIFT)

    async def drain(self, ledger: Ledger) -> None:
        outbox: Outbox = self.site.outbox(ledger)
        outbox.trouble = lambda error: self.trouble.append(str(error))
        await outbox.finish()
        await outbox.close()

    def __call__(self, *faults: list[Fault], resume: bool = False) -> dict[str, int]:
        """Send once, or again with other faults after `resume`; how many are in which state."""

        async def work() -> None:
            async with self.sink as sink:
                await asyncio.to_thread(self.schedule, sink.port)
                for number, now in enumerate(faults):
                    if number and resume:
                        self.site.desk.resume("three-piers")
                    sink._left = list(now)
                    with self.site.desk.ledger() as ledger:
                        await self.drain(ledger)

        asyncio.run(work())
        states = [str(row.state) for row in self.site.rows()]
        return {state: states.count(state) for state in sorted(set(states))}


def test_our_own_fault_stops_the_list_and_suppresses_nobody(run: Run) -> None:
    states = run([Fault(at="MAIL", reply="550 5.7.515 not authenticated")] * 300)
    assert set(states) == {"failed", "held"}
    assert states["failed"] <= 20  # what was on the lines already
    assert Suppressions(run.root / "contacts" / "suppressed.csv").all() == {}
    assert len(run.trouble) == 1
    assert "mail is stopped, " in run.trouble[0]
    assert "5.7.515" in run.trouble[0]
    assert "'distributor resume three-piers'" in run.trouble[0]


def test_a_list_that_is_refused_from_the_start_is_stopped(run: Run) -> None:
    states = run([Fault(at="RCPT", reply="550 5.7.1 we do not know you")] * 300)
    assert 20 <= states["refused"] <= 60
    assert states["held"] == 300 - states["refused"]
    assert "of the first" in run.trouble[0]


def test_a_few_dead_addresses_stop_nobody(run: Run) -> None:
    faults = [Fault(at="RCPT", reply="550 5.1.1 nobody" if number % 5 == 0 else "250 ok") for number in range(300)]
    states = run([fault for fault in faults if fault.reply.startswith("550")][:5])
    assert states == {"delivered": 295, "refused": 5}
    assert run.trouble == []
    assert len(Suppressions(run.root / "contacts" / "suppressed.csv").all()) == 5


def test_resume_sends_the_rest_and_stops_again_where_nothing_was_mended(run: Run) -> None:
    states = run(
        [Fault(at="MAIL", reply="535 5.7.8 no")] * 300, [Fault(at="MAIL", reply="535 5.7.8 no")] * 300, [], resume=True
    )
    assert states == {"delivered": 300}
    assert len(run.trouble) == 2
    assert len({taken.rcpt for taken in run.sink.taken}) == len(run.sink.taken) == 300
