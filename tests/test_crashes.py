"""A delivery that ends the process: it is set aside, the others go on, and only what may be out is in doubt."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.lifecycle import Late, State
from distributor.outbox import InFlight, left_behind
from distributor.site import Site
from distributor.store import Delivery, Pace, Remains, Room, Settlement
from tests import sites
from tests.scheduled import LIFT, Scheduled, box

#: A box that says when it writes, and ends the process for some recipients.
BOMB = (
    sites.BOX.replace("CHANNEL: type[Channel] = Box", "")
    + """
@dataclass(frozen=True, kw_only=True)
class Bomb(Box):
    TELLS_WRITES: ClassVar[bool] = True
    way: str = ""
    only: str = ""
    where: str = "before"

    def _end(self, where: str, address: str = "") -> None:
        if where != self.where or self.only not in address or not os.environ.get("BOMB"):
            return
        if self.way == "exit":
            os._exit(1)
        if self.way == "kill":
            os.kill(os.getpid(), 9)
        if self.way == "memory":
            raise MemoryError
        if self.way == "system":
            raise SystemExit(3)
        if self.way == "cancel":  # as when a task of its own was cancelled
            raise asyncio.CancelledError

    def compose(self, message, recipient):
        self._end("compose", recipient.address)
        return super().compose(message, recipient)

    async def prepare(self) -> None:
        await super().prepare()
        self._end("prepare")

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        self._end("before", recipient.address)
        about_to_write()
        self._end("after", recipient.address)
        return await super().deliver(message, recipient, key)


CHANNEL: type[Channel] = Bomb
"""
)
BOMB = BOMB.replace(
    "Refused, Throttled, Unavailable, public,", "Refused, Throttled, Unavailable, about_to_write, public,"
)
PEOPLE = [f"r{number:03}@x" for number in range(100)]


@pytest.fixture(autouse=True)
def _bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "BOX", BOMB)


def make(root: Path, blocks: str, seconds: float = 0.3) -> None:
    sites.make(root, blocks)
    desk = Desk(site=Site(root), clock=SystemClock())
    desk.schedule(sites.release(root, datetime.now(UTC) + timedelta(seconds=seconds)))


def bomb(root: Path, way: str = "exit", **keys: object) -> str:
    return sites.box(root, "bomb", way=way, **keys)


def lives(root: Path, most: int = 12) -> int:
    """How many times the service had to be started until it ended well."""
    command = [sys.executable, "-m", "distributor", "--site", str(root), "run", "--until-idle"]
    for life in range(1, most + 1):
        done = subprocess.run(
            command, check=False, env={**os.environ, "BOMB": "1"}, capture_output=True, text=True, timeout=50
        )
        if done.returncode == 0:
            return life
    raise AssertionError(f"it ended badly {most} times: {done.stdout}{done.stderr}")


def rows(root: Path) -> list[Delivery]:
    _, releases = Desk(site=Site(root), clock=SystemClock()).status()
    return [row for _, found in releases for row in found]


def states(root: Path, channel: str) -> Counter[str]:
    return Counter(str(row.state) for row in rows(root) if row.channel == channel)


@pytest.mark.parametrize(
    ("way", "where"), [("exit", "before"), pytest.param("kill", "compose", marks=pytest.mark.slow)]
)
def test_what_ends_the_process_three_times_is_set_aside_and_the_others_go_on(
    tmp_path: Path, way: str, where: str
) -> None:
    root = tmp_path / "site"
    make(root, bomb(root, way=way, where=where) + sites.box(root, "list", to=PEOPLE))
    assert lives(root) == 4
    assert states(root, "list") == {"delivered": 100}
    assert Counter(who for _, who, _ in sites.log(root, "list")) == dict.fromkeys(PEOPLE, 1)
    [row] = [row for row in rows(root) if row.channel == "bomb"]
    assert row.state is State.failed
    assert "set aside: 3 processes in a row ended" in (row.reason or "")
    assert "distributor retry" in (row.reason or "")


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("where", ["before", "compose"])
def test_one_recipient_of_a_list_ends_the_process(tmp_path: Path, where: str) -> None:
    root = tmp_path / "site"
    make(root, bomb(root, where=where, to=PEOPLE, only="r050", seconds=0.05))
    lives(root)
    found = {row.recipient: row.state for row in rows(root)}
    assert found.pop("r050@x") is State.failed
    written = Counter(who for _, who, _ in sites.log(root, "bomb"))
    assert {who for who, state in found.items() if state is State.delivered} <= set(written)
    doubt = {who for who, state in found.items() if state is State.in_doubt}
    assert doubt | {who for who, state in found.items() if state is State.delivered} == found.keys()
    assert doubt <= {who for _, who, _ in sites.log(root, "bomb", word="begin")}  # the write had been told
    assert set(written.values()) <= {1}


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_channel_that_always_ends_the_process_is_stopped_as_a_whole(tmp_path: Path) -> None:
    root = tmp_path / "site"
    make(root, bomb(root, to=PEOPLE) + sites.box(root, "list", to=PEOPLE))
    assert lives(root) == 10
    assert states(root, "bomb") == {"failed": 3, "held": 97}
    assert states(root, "list") == {"delivered": 100}
    assert all("ended the process" in (row.reason or "") for row in rows(root) if row.state is State.held)
    assert Counter(who for _, who, _ in sites.log(root, "list")) == dict.fromkeys(PEOPLE, 1)


def test_what_was_written_before_the_end_is_in_doubt_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "site"
    make(root, bomb(root, where="after") + sites.box(root, "list", to=PEOPLE))
    assert lives(root) == 2
    assert states(root, "bomb") == {"in_doubt": 1}
    assert states(root, "list") == {"delivered": 100}


@pytest.mark.parametrize(("way", "where", "state"), [
    ("memory", "before", "retrying"), ("memory", "after", "in_doubt"), ("system", "before", "retrying"),
    ("system", "after", "in_doubt"), ("cancel", "before", "retrying"), ("cancel", "after", "in_doubt"),
])  # fmt: skip
def test_what_a_channel_raises_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, where: str, state: str
) -> None:
    """Nobody has to look for what certainly was not written."""
    site = Scheduled(tmp_path, bomb(tmp_path, way, where=where) + sites.box(tmp_path, "list", to=PEOPLE))
    monkeypatch.setenv("BOMB", "1")
    site.clock.set(LIFT)
    site.drain()
    found = Counter((row.channel, str(row.state)) for row in site.rows())
    assert found == {("bomb", state): 1, ("list", "delivered"): 100}


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_channel_that_ends_the_process_while_it_is_made_ready_delivers(tmp_path: Path) -> None:
    root = tmp_path / "site"
    make(root, bomb(root, where="prepare"), seconds=25)
    assert lives(root) == 2
    assert states(root, "bomb") == {"delivered": 1}


# ── what the ledger does ──────────────────────────────────────────────────────────────────────────────────────────


def dies(site: Scheduled, name: str, remains: Remains | None, pace: Pace | None = None) -> list[Delivery]:
    """A process claims what it may and dies."""
    now = site.clock.now()
    with site.desk.ledger() as ledger:
        ledger.turn(name, now, rooms=[Room(channel="box", free=100)], verdict=lambda _due: Late.on_time, pace=pace)
        return ledger.reap(now, myself="next", alone=True, remains={name: remains} if remains else {})


def numbers(site: Scheduled) -> dict[str, int]:
    return {row.recipient: row.id for row in site.rows()}


def test_only_what_had_started_is_to_blame_and_only_what_was_written_in_doubt(tmp_path: Path, store: str) -> None:
    site = Scheduled(tmp_path, box(tmp_path, to=["a@x", "b@x", "c@x"]))
    site.clock.set(LIFT)
    ids = numbers(site)
    started = frozenset({(ids["a@x"], 1), (ids["b@x"], 1)})
    dies(site, "one", Remains(crashed=True, started=started, written=frozenset({(ids["b@x"], 1)})))
    assert site.states() == {"box a@x": "retrying", "box b@x": "in_doubt", "box c@x": "retrying"}
    with site.desk.ledger() as ledger:  # a@x goes alone
        rooms = [Room(channel="box", free=100)]
        turn = ledger.turn("two", site.clock.now(), rooms=rooms, verdict=lambda _due: Late.on_time)
        assert [due.delivery.recipient for due in turn.begun] == ["a@x"]
        again = ledger.turn("two", site.clock.now(), rooms=rooms, verdict=lambda _due: Late.on_time, pace=Pace(young=1))
        assert [due.delivery.recipient for due in again.begun] == ["c@x"]  # nobody is suspected any more


def test_set_aside_after_the_third_and_released_by_retry(tmp_path: Path, store: str) -> None:
    site = Scheduled(tmp_path, box(tmp_path, to=["a@x", "b@x"]))
    site.clock.set(LIFT)
    [first, *_] = numbers(site).values()
    for life in (1, 2, 3):
        known = Remains(crashed=True, started=frozenset({(first, life)}), written=frozenset())
        dies(site, f"life-{life}", known, Pace(singly=True))
    assert site.states() == {"box a@x": "failed", "box b@x": "planned"}
    assert "set aside" in (site.rows()[0].reason or "")
    health, _ = site.desk.status()
    assert any("1 failed" in trouble for trouble in health.troubles())
    assert site.desk.retry("three-piers") == {"box": 1}
    site.drain()
    assert site.states() == {"box a@x": "delivered", "box b@x": "delivered"}


def test_a_stop_or_a_host_that_went_down_is_nobodys_fault(tmp_path: Path, store: str) -> None:
    site = Scheduled(tmp_path, box(tmp_path, idempotency="A"))
    site.clock.set(LIFT)
    for life in range(5):
        dies(site, f"life-{life}", Remains(crashed=False))
    assert site.states() == {"box public/en": "retrying"}


def test_a_delivery_that_lands_is_suspected_no_more(tmp_path: Path, store: str) -> None:
    site = Scheduled(tmp_path, box(tmp_path, idempotency="A"))
    site.clock.set(LIFT)
    for life in (0, 2, 4):
        dies(site, f"life-{life}", None)
        with site.desk.ledger() as ledger:
            rooms = [Room(channel="box", free=1)]
            [due] = ledger.turn("alive", site.clock.now(), rooms=rooms, verdict=lambda _due: Late.on_time).begun
            now = site.clock.now()
            back = Settlement(
                delivery_id=due.delivery.id, number=due.number, state=State.retrying, outcome="unavailable",
                began_at=now, ended_at=now, due=now,
            )  # fmt: skip
            ledger.turn("alive", now, settlements=[back], verdict=lambda _due: Late.on_time)
    assert site.states() == {"box public/en": "retrying"}


def test_the_pause_before_a_retry_counts_no_crashes(tmp_path: Path, store: str) -> None:
    site = Scheduled(tmp_path, box(tmp_path, idempotency="A", fault="unavailable"))
    site.clock.set(LIFT)
    for life in range(6):
        dies(site, f"life-{life}", Remains(crashed=False))
    site.drain()
    [row] = site.rows()
    assert row.attempts == 7
    assert row.due == LIFT + timedelta(seconds=5)  # as after a first attempt


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_of_a_process_that_lives_is_left_alone(tmp_path: Path) -> None:
    mine = InFlight(tmp_path, "alive")
    mine.open()
    mine.started(7, 1)
    mine.written(7, 1)
    mine.started(8, 2)
    assert left_behind(tmp_path).remains == {}
    os.close(mine._handle)
    left = left_behind(tmp_path)
    both = frozenset({(7, 1), (8, 2)})
    assert left.remains == {"alive": Remains(crashed=True, started=both, written=frozenset({(7, 1)}))}
    assert left_behind(tmp_path).remains == {}  # somebody reads it
    left.forget()
    assert list(tmp_path.iterdir()) == []


def test_after_the_host_went_down_nothing_in_the_file_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = InFlight(tmp_path, "dead")
    mine.open()
    mine.started(7, 1)
    os.close(mine._handle)
    (tmp_path / "boot").write_text("another boot\n")
    monkeypatch.setattr("distributor.outbox.inflight._BOOT", tmp_path / "boot")
    left = left_behind(tmp_path)
    assert left.remains == {"dead": Remains(crashed=False)}
    left.forget()


def test_a_full_disk_leaves_no_file_that_says_too_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = InFlight(tmp_path, "full")
    mine.open()

    def full(*_args: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    mine.written(1, 1)
    monkeypatch.undo()
    assert left_behind(tmp_path).remains == {}
    mine.close(unsettled=False)


def test_what_ends_as_it_should_leaves_no_file(tmp_path: Path, store: str) -> None:
    site = Scheduled(tmp_path / "site", box(tmp_path / "site", to=PEOPLE))
    site.clock.set(LIFT)
    folder = tmp_path / "inflight"

    async def work() -> None:
        with site.desk.ledger() as ledger:
            made = site.outbox(ledger)
            made.in_flight = made._courier.in_flight = InFlight(folder, "mine")
            made.in_flight.open()
            await made.look_around()
            await made.finish()
            assert made.in_flight._slots == {}
            await made.close()

    asyncio.run(work())
    assert list(folder.iterdir()) == []
    assert set(site.states().values()) == {"delivered"}
