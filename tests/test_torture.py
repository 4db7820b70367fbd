"""Processes that are killed, frozen and cut off from their database, thousands of deliveries at one instant.

The peer records every write with its time: `begin` when it is asked, `written` when it has it.
"""

import contextlib
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor import seal
from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.lifecycle import State
from distributor.site import Site
from distributor.store import Delivery
from tests import sites
from tests.servers.postgres import Postgres
from tests.servers.recorder import notes, recorder
from tests.test_outbox import Process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
REPO = Path(__file__).parent.parent


@pytest.fixture(params=["sqlite", "postgresql"])
def real_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store under its own clock."""
    if request.param == "postgresql":
        monkeypatch.setattr(sites, "store", request.getfixturevalue("postgres").database())
    return str(request.param)


@pytest.fixture
def shared(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    monkeypatch.setattr(sites, "store", postgres.database())
    return postgres


def plan(root: Path, people: int, lead: float, **keys: object) -> datetime:
    """A release to so many people, due in `lead` seconds."""
    sites.make(root, sites.box(root, to=[f"r{n:05}@x" for n in range(people)], **keys))
    lift = datetime.now(UTC) + timedelta(seconds=lead)
    Desk(site=Site(root), clock=SystemClock()).schedule(sites.release(root, lift))
    return lift


def rows(root: Path) -> list[Delivery]:
    with Desk(site=Site(root), clock=SystemClock()).ledger() as ledger:
        return [row for one in ledger.releases() for row in ledger.deliveries(one.id, one.version)]


def states(root: Path) -> Counter[str]:
    return Counter(str(row.state) for row in rows(root))


def spawn(root: Path, *args: str, clock: Path | None = None) -> Process:
    program = ["-m", "tests.odd_clock", str(clock)] if clock else ["-m", "distributor"]
    command = [sys.executable, *program, "--site", str(root), "run", *args]
    return Process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, cwd=REPO)


@contextmanager
def workers(root: Path, number: int, *args: str) -> Iterator[list[Process]]:
    running = [spawn(root, *args) for _ in range(number)]
    try:
        yield running
    finally:
        for one in running:
            one.kill()
            one.wait()


def until(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)


def open_rows(root: Path) -> int:
    found = states(root)
    return found["planned"] + found["sending"] + found["retrying"]


def assert_never_early(root: Path, lift: datetime) -> None:
    begun = sites.log(root, word="begin")
    assert begun
    assert min(when for when, *_ in begun) >= lift.timestamp()


# ── many at one instant ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("crew", [1, 2, 4])
def test_ten_thousand_deliveries_at_one_instant(tmp_path: Path, real_store: str, crew: int) -> None:
    if real_store == "sqlite" and crew > 1:
        pytest.skip("one process works on a SQLite ledger")
    root = tmp_path / "site"
    lift = plan(root, 10_000, 6, idempotency="A", room=500)
    with workers(root, crew):
        until(lambda: datetime.now(UTC) > lift and open_rows(root) == 0, 60)
    written = Counter(who for _, who, _ in sites.log(root))
    assert len(written) == 10_000
    assert set(written.values()) == {1}
    assert states(root) == {"delivered": 10_000}
    assert_never_early(root, lift)


def test_ten_thousand_requests_at_one_instant(tmp_path: Path, real_store: str) -> None:
    """Over HTTP, to a peer in another process that notes what it gets and when."""
    root, noted = tmp_path / "site", tmp_path / "noted"
    with recorder(noted) as url:
        lift = plan(root, 10_000, 6, idempotency="A", room=100, url=url)
        with workers(root, 1 if real_store == "sqlite" else 2):
            until(lambda: datetime.now(UTC) > lift and open_rows(root) == 0, 90)
    keys = Counter(key for _, key in notes(noted))
    assert keys == {row.key: 1 for row in rows(root)}
    assert len(keys) == 10_000
    assert min(when for when, _ in notes(noted)) >= lift.timestamp()


def test_ten_thousand_releases_at_one_instant(tmp_path: Path, real_store: str) -> None:
    root = tmp_path / "site"
    sites.make(root, sites.box(root, idempotency="A", room=500))
    desk = Desk(site=Site(root), clock=SystemClock())
    lift = datetime.now(UTC) + timedelta(seconds=45)
    made = desk.preview(sites.release(root, lift))
    row = seal.release(made, desk.clock.now())
    messages = [seal.dump(one.message) for one in made.rendered]
    with desk.ledger(create=True) as ledger:
        for number in range(10_000):
            name = f"release-{number}"
            deliveries = [replace(new, key=seal.key(name, new.key)) for new in seal.deliveries(made)]
            ledger.plan(replace(row, id=name), messages, deliveries, who="test")
    lift = max(lift, row.lift)
    with workers(root, 1):
        until(lambda: datetime.now(UTC) > lift and open_rows(root) == 0, 120)
    keys = Counter(key for _, _, key in sites.log(root))
    assert len(keys) == 10_000
    assert set(keys.values()) == {1}
    assert_never_early(root, row.lift)


# ── kill -9 ───────────────────────────────────────────────────────────────────────────────────────────────────────

KILLS = 35
ROOM = 8


@pytest.mark.parametrize(("idempotency", "policy"), [("A", "hold"), ("D", "hold"), ("D", "resend")])
def test_killed_again_and_again(tmp_path: Path, real_store: str, idempotency: str, policy: str) -> None:
    """35 kills at random moments, six times over: 210 in all."""
    root = tmp_path / "site"
    people = 3000
    lift = plan(root, people, 1, idempotency=idempotency, in_doubt=policy, room=ROOM, seconds=0.03)
    chance = random.Random(7)
    crew = 1 if real_store == "sqlite" else 2
    running = [spawn(root) for _ in range(crew)]
    for _ in range(KILLS):
        time.sleep(0.75 + chance.random() * 0.5)
        victim = running.pop(0)
        victim.kill()
        victim.wait()
        running.append(spawn(root))
    until(lambda: open_rows(root) == 0, 120)
    if states(root)["failed"]:  # in flight at three kills in a row: set aside, and a person tries it again
        Desk(site=Site(root), clock=SystemClock()).retry("three-piers")
        until(lambda: open_rows(root) == 0, 120)
    for one in running:
        one.terminate()
        one.wait()
    judge(root, people, lift, idempotency, policy, most_in_doubt=KILLS * ROOM)


def judge(root: Path, people: int, lift: datetime, idempotency: str, policy: str, *, most_in_doubt: int) -> None:
    assert_never_early(root, lift)
    written = Counter(who for _, who, _ in sites.log(root))
    keys = {who: key for _, who, key in sites.log(root)}
    found = {row.recipient: row for row in rows(root)}
    doubt = {who for who, row in found.items() if row.state == "in_doubt"}
    assert {str(row.state) for row in found.values()} <= {"delivered", "in_doubt"}
    assert all(found[who].key == key for who, key in keys.items())
    repeats = sum(written.values()) - len(written)
    if idempotency == "A" or policy == "resend":
        assert len(written) == people  # nothing lost; under the same key a repeat is the same post
        assert not doubt
        assert repeats <= most_in_doubt
        return
    assert repeats == 0
    assert len(doubt) <= most_in_doubt
    assert found.keys() - written.keys() <= doubt  # what was never written is known to be in doubt …
    assert all(
        written[who] == 1 for who, row in found.items() if row.state == "delivered"
    )  # … and what is delivered is there


# ── frozen, and gone for good ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("idempotency", ["A", "D"])
@pytest.mark.parametrize("crew", [2, 4])
def test_one_frozen_past_its_lease_and_one_gone_for_good(
    tmp_path: Path, shared: Postgres, idempotency: str, crew: int
) -> None:
    root = tmp_path / "site"
    people = 4000
    lift = plan(root, people, 2.5, idempotency=idempotency, room=20, seconds=0.05)
    with workers(root, crew + 1) as running:
        until(lambda: len(sites.log(root)) > 200, 30)
        running[0].kill()
        running[1].send_signal(signal.SIGSTOP)
        time.sleep(9)
        running[1].send_signal(signal.SIGCONT)
        until(lambda: open_rows(root) == 0, 90)
        time.sleep(1.5)  # late receipts
    judge(root, people, lift, idempotency, "hold", most_in_doubt=40)


# ── the clock ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seconds", [20, -20])
def test_a_host_whose_clock_is_wrong_is_neither_early_nor_late(tmp_path: Path, shared: Postgres, seconds: int) -> None:
    root = tmp_path / "site"
    lift = plan(root, 200, 4, idempotency="A")
    odd = tmp_path / "clock"
    odd.write_text(str(seconds))
    with spawn(root, "--until-idle", clock=odd) as process:
        assert process.wait(40) == 0
    assert_never_early(root, lift)
    assert max(when for when, *_ in sites.log(root)) - lift.timestamp() < 3
    assert states(root) == {"delivered": 200}


@pytest.mark.parametrize("before", [-30, 0])
def test_the_clock_is_stepped_over_the_instant_while_it_runs(tmp_path: Path, before: int) -> None:
    """Forward: it goes out within a second or so, once. Back again: nothing is repeated."""
    root = tmp_path / "site"
    odd = tmp_path / "clock"
    odd.write_text(str(before))
    plan(root, 20, 20, idempotency="A")
    with spawn(root, clock=odd) as process:
        time.sleep(2.5)
        assert sites.log(root) == []
        odd.write_text("36")
        stepped = time.time()
        until(lambda: len(sites.log(root)) == 20, 10)
        assert max(when for when, *_ in sites.log(root)) - stepped < 3
        odd.write_text(str(before))
        time.sleep(3)
        process.terminate()
        assert process.wait(30) == 0
    assert len(sites.log(root, word="begin")) == 20
    assert states(root) == {"delivered": 20}


def test_a_clock_that_is_stepped_back_delays_what_is_not_due_yet(tmp_path: Path) -> None:
    root = tmp_path / "site"
    odd = tmp_path / "clock"
    odd.write_text("0")
    lift = plan(root, 5, 3, idempotency="A")
    with spawn(root, clock=odd) as process:
        time.sleep(1.5)
        odd.write_text("-4")
        until(lambda: len(sites.log(root)) == 5, 15)
        process.terminate()
        process.wait(30)
    assert min(when for when, *_ in sites.log(root, word="begin")) >= lift.timestamp() + 4


# ── the database ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trouble", ["crash", "drop"])
@pytest.mark.parametrize("idempotency", ["A", "D"])
def test_postgresql_dies_and_comes_back(tmp_path: Path, shared: Postgres, trouble: str, idempotency: str) -> None:
    root = tmp_path / "site"
    people = 2500
    lift = plan(root, people, 2, idempotency=idempotency, room=10, seconds=0.03)
    with workers(root, 2):
        for _ in range(3):
            before = len(sites.log(root))
            until(lambda before=before: len(sites.log(root)) > before + 200, 30)  # type: ignore[misc]
            if trouble == "crash":
                shared.crash()
                time.sleep(1)
                shared.start()
            else:
                shared.drop_connections()
        until(lambda: open_rows(root) == 0, 120)
    judge(root, people, lift, idempotency, "hold", most_in_doubt=2 * 10 * 3)


def test_a_ledger_that_is_locked_for_ten_seconds(tmp_path: Path) -> None:
    root = tmp_path / "site"
    plan(root, 50, 2.5, idempotency="D")
    with spawn(root) as process:
        time.sleep(1.5)
        other = sqlite3.connect(root / "var" / "distributor.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(10)
        assert sites.log(root) == []
        other.execute("ROLLBACK")
        other.close()
        until(lambda: states(root)["delivered"] == 50, 20)
        process.terminate()
        process.wait(30)
    assert set(Counter(who for _, who, _ in sites.log(root)).values()) == {1}


def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    """Nothing leaves that could not be written down first; everything leaves once there is room."""
    root = tmp_path / "site"
    plan(root, 400, 2.5, idempotency="D", seconds=0.05)
    with spawn(root) as process:
        until(lambda: len(sites.log(root)) > 40, 20)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))
        time.sleep(3)
        stuck = len(sites.log(root))
        time.sleep(1)
        assert len(sites.log(root)) == stuck < 400
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        until(lambda: open_rows(root) == 0, 40)
        process.terminate()
        process.wait(30)
    assert set(Counter(who for _, who, _ in sites.log(root)).values()) == {1}
    assert states(root) == {"delivered": 400}


def test_a_dump_of_the_shared_ledger_is_restored(
    tmp_path: Path, shared: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/operating.md says."""
    root = tmp_path / "site"
    plan(root, 5, 600)
    before, dump = sites.store.rpartition("/")[2], shared.folder / "dump"
    shared.client("pg_dump", "-Fc", "-f", str(dump), before)
    Desk(site=Site(root), clock=SystemClock()).cancel("three-piers")
    monkeypatch.setattr(sites, "store", shared.database())
    shared.client("pg_restore", "-d", sites.store.rpartition("/")[2], str(dump))
    sites.configure(root, sites.box(root, to=["a@x"]))
    assert states(root) == {"planned": 5}
    assert Desk(site=Site(root), clock=SystemClock()).verify("three-piers")[1]


def test_hold_resume_cancel_and_kill_race_the_gate(tmp_path: Path, real_store: str) -> None:
    """After a hold has answered, nothing more begins; nobody gets it twice; what may be out is not called canceled."""
    root = tmp_path / "site"
    lift = plan(root, 1500, 2, idempotency="A", room=20, seconds=0.02)
    desk = Desk(site=Site(root), clock=SystemClock())
    with workers(root, 1) as running:
        until(lambda: len(sites.log(root, word="begin")) > 50, 30)
        for _ in range(4):
            desk.hold("three-piers")
            time.sleep(0.3)  # what is on the wire lands
            held = len(sites.log(root, word="begin"))
            time.sleep(0.6)
            assert len(sites.log(root, word="begin")) == held
            desk.resume("three-piers")
            time.sleep(0.2)
        running[0].kill()
        running[0].wait()
        desk.cancel("three-piers")
        out = len(sites.log(root, word="begin"))
        running[0] = spawn(root)
        time.sleep(7)
        assert len(sites.log(root, word="begin")) == out
    written = Counter(key for _, _, key in sites.log(root))
    assert set(written.values()) == {1}
    found = {state: {row.key for row in rows(root) if row.state is state} for state in State}
    assert found[State.delivered] <= written.keys() <= found[State.delivered] | found[State.in_doubt]
    assert len(found[State.in_doubt]) <= 20
    assert sum(map(len, (found[State.canceled], found[State.delivered], found[State.in_doubt]))) == 1500
    assert_never_early(root, lift)


def test_reschedule_and_schedule_race_the_gate(tmp_path: Path, real_store: str) -> None:
    """Around the instant: either it was moved and nothing left before the new one, or it was refused and is out."""
    root = tmp_path / "site"
    people = [f"r{n}@x" for n in range(20)]
    sites.make(root, sites.box(root, to=people, idempotency="A", room=5, seconds=0.01))
    desk = Desk(site=Site(root), clock=SystemClock())
    with desk.ledger(create=True):
        pass
    chance, moved, lifts = random.Random(3), set(), {}
    with workers(root, 1):
        time.sleep(1.5)
        for number in range(12):
            name = f"race-{number}"
            lift = datetime.now(UTC) + timedelta(seconds=0.8)
            desk.schedule(sites.release(root, lift, name=name))
            aim = lift + timedelta(seconds=chance.uniform(-0.03, 0.03))
            time.sleep(max(0.0, (aim - datetime.now(UTC)).total_seconds()))
            lifts[name] = lift
            with contextlib.suppress(ActionError):
                lifts[name] = desk.reschedule(name, lift + timedelta(seconds=1.5)).release.lift
                moved.add(name)
        until(lambda: open_rows(root) == 0, 30)
    with desk.ledger() as ledger:
        lift_of = {
            row.key: lifts[one.id] for one in ledger.releases() for row in ledger.deliveries(one.id, one.version)
        }
    begun = sites.log(root, word="begin")
    assert Counter(key for *_, key in begun) == dict.fromkeys(lift_of, 1)
    assert all(when >= lift_of[key].timestamp() for when, _, key in begun)
    assert 0 < len(moved) < 12  # the race was one
