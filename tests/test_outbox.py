"""The loop: never early, never lost, never twice; what each outcome leads to."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor.contract import Outcome
from distributor.desk import Desk
from distributor.lifecycle import Late, State, lateness
from distributor.outbox import Event, Outbox, next_state
from distributor.site import Site
from distributor.store import Delivery, Due
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

    def drain(self) -> int:
        async def work() -> int:
            with self.desk.ledger() as ledger:
                outbox = Outbox(
                    ledger=ledger,
                    channels=self.desk.channels,
                    clock=self.clock,
                    worker="test",
                    policy=self.desk.settings.policy,
                    report=self.events.append,
                    jitter=lambda: 1.0,
                )
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
    return sites.box(folder, **keys)  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "site"


def test_nothing_leaves_before_the_instant(root: Path) -> None:
    site = Scheduled(root, box(root))
    site.clock.set(LIFT - timedelta(microseconds=1))
    assert site.drain() == 0
    assert sites.log(root) == []
    site.clock.set(LIFT)
    assert site.drain() == 1
    assert site.states() == {"box public/en": "delivered"}
    assert site.rows()[0].sent_at == LIFT


def test_a_second_look_sends_nothing_again(root: Path) -> None:
    site = Scheduled(root, box(root))
    site.clock.set(LIFT)
    site.drain()
    assert site.drain() == 0
    assert len(sites.log(root)) == 1


def test_the_clock_stepped_back_between_gate_and_write(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Scheduled(root, box(root))
    site.clock.set(LIFT)
    deliver = Outbox._deliver

    async def stepped(outbox: Outbox, due: Due) -> object:
        site.clock.set(LIFT - timedelta(seconds=1))
        return await deliver(outbox, due)

    monkeypatch.setattr(Outbox, "_deliver", stepped)
    site.drain()
    assert sites.log(root) == []
    assert site.states() == {"box public/en": "retrying"}


@pytest.mark.parametrize(
    ("fault", "idempotency", "state"),
    [
        ("refused", "D", "refused"),
        ("unavailable", "D", "retrying"),
        ("throttled", "D", "retrying"),
        ("in-doubt", "D", "in_doubt"),
        ("in-doubt", "A", "retrying"),
        ("bug", "D", "in_doubt"),
        ("bug", "A", "retrying"),
    ],
)
def test_outcomes(root: Path, fault: str, idempotency: str, state: str) -> None:
    site = Scheduled(root, box(root, fault=fault, idempotency=idempotency))
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"box public/en": state}
    assert site.rows()[0].reason


def test_one_failure_holds_up_nobody_else(root: Path) -> None:
    site = Scheduled(root, sites.box(root, "bad", fault="unavailable") + sites.box(root, "good"))
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"bad public/en": "retrying", "good public/en": "delivered"}


def test_a_retry_goes_out_when_the_other_side_is_back(root: Path) -> None:
    fault = root / "fault"
    site = Scheduled(root, box(root, fault_file=str(fault)))
    fault.write_text("unavailable")
    site.clock.set(LIFT)
    site.drain()
    assert site.drain() == 0  # not at once
    fault.unlink()
    site.clock.step(timedelta(seconds=6))
    site.drain()
    assert site.states() == {"box public/en": "delivered"}
    assert site.rows()[0].attempts == 2


def test_what_is_held_or_canceled_does_not_go(root: Path) -> None:
    site = Scheduled(root, box(root))
    site.desk.hold("three-piers")
    site.clock.set(LIFT)
    assert site.drain() == 0
    site.desk.resume("three-piers")
    assert site.drain() == 1


def test_missed_by_too_much_it_asks_a_person(root: Path) -> None:
    site = Scheduled(root, box(root) + sites.box(root, "feed", always=True))
    site.clock.set(LIFT + timedelta(minutes=16))
    site.drain()
    assert site.states() == {"box public/en": "missed", "feed public/en": "delivered"}
    site.desk.resume("three-piers")
    site.drain()
    assert site.states()["box public/en"] == "delivered"


def test_missed_by_little_it_is_sent_late(root: Path) -> None:
    site = Scheduled(root, box(root))
    site.clock.set(LIFT + timedelta(minutes=14))
    site.drain()
    assert site.events[0].lateness == timedelta(minutes=14)
    assert site.states() == {"box public/en": "delivered"}


def test_a_channel_that_left_the_config_is_refused(root: Path) -> None:
    site = Scheduled(root, box(root) + sites.box(root, "other"))
    (root / "config" / "distributor.toml").write_text(sites.box(root, "other"))
    site.desk = Desk(site=Site(root), clock=site.clock)
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"box public/en": "refused", "other public/en": "delivered"}


def test_changed_bytes_in_the_ledger_are_refused(root: Path) -> None:
    import sqlite3

    site = Scheduled(root, box(root))
    with sqlite3.connect(root / "var" / "distributor.db") as db:
        db.execute("UPDATE artefact SET data = CAST('Four piers' AS BLOB)")
    db.close()
    site.clock.set(LIFT)
    site.drain()
    assert sites.log(root) == []
    assert "were changed" in (site.rows()[0].reason or "")


def test_the_database_itself_refuses_an_early_row(root: Path) -> None:
    import sqlite3

    Scheduled(root, box(root))
    with sqlite3.connect(root / "var" / "distributor.db") as db, pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE delivery SET due = lift - 1")
    db.close()


@given(
    st.sampled_from(list(Outcome)), st.integers(1, 40), st.sampled_from("ABCD"), st.sampled_from(["hold", "resend"]),
    st.floats(0, 1), st.integers(0, 30_000),
)  # fmt: skip
def test_no_retry_is_early_or_endless(
    outcome: Outcome, attempts: int, idempotency: str, policy: str, jitter: float, late: int
) -> None:
    now = LIFT + timedelta(seconds=late)
    until = now + timedelta(seconds=90)
    stale = timedelta(hours=6)
    state, due = next_state(
        outcome, attempts=attempts, idempotency=idempotency, in_doubt=policy, now=now, until=until,
        planned_for=LIFT, stale_after=stale, jitter=jitter,
    )  # fmt: skip
    assert (state is State.delivered) == (outcome is Outcome.delivered)
    if state is State.retrying:
        assert until <= due <= LIFT + stale
    if outcome is Outcome.in_doubt and idempotency != "A" and policy == "hold":
        assert state is State.in_doubt


@given(st.integers(0, 100_000), st.booleans(), st.booleans())
def test_late_policy(seconds: int, always: bool, partly: bool) -> None:
    verdict = lateness(
        LIFT + timedelta(seconds=seconds), LIFT, catch_up_within=timedelta(minutes=15),
        send_however_late=always, partly_out=partly,
    )  # fmt: skip
    assert (verdict is Late.missed) == (seconds > 900 and not always and not partly)


def test_a_key_that_the_server_has_forgotten_is_not_used_again(root: Path) -> None:
    """Mastodon knows a key for an hour: later the same key would make a second post."""
    fault = root / "fault"
    site = Scheduled(root, box(root, fault_file=str(fault), idempotency="A", lifetime=3300.0))
    fault.write_text("in-doubt")
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"box public/en": "retrying"}
    site.clock.step(timedelta(minutes=56))
    fault.unlink()
    site.drain()
    assert site.states() == {"box public/en": "in_doubt"}
    assert len(sites.log(root)) == 1


# ── the real process ──────────────────────────────────────────────────────────────────────────────────────────────


class Process(subprocess.Popen[str]):
    """Never outlives its `with`."""

    def __exit__(self, *exc: object) -> None:
        self.kill()
        super().__exit__(None, None, None)


def spawn(root: Path, *args: str) -> Process:
    command = [sys.executable, "-m", "distributor", "--site", str(root), *args]
    return Process(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def schedule_soon(root: Path, blocks: str, seconds: float = 1.2) -> datetime:
    from distributor.clock import SystemClock

    sites.make(root, blocks)
    lift = datetime.now(UTC) + timedelta(seconds=seconds)
    desk = Desk(site=Site(root), clock=SystemClock())
    desk.schedule(sites.release(root, lift))
    return lift


def status(root: Path) -> dict[str, tuple[str, int]]:
    from distributor.clock import SystemClock

    _, releases = Desk(site=Site(root), clock=SystemClock()).status()
    return {row.recipient: (str(row.state), row.attempts) for _, rows in releases for row in rows}


def test_run_delivers_at_the_instant(root: Path) -> None:
    lift = schedule_soon(root, sites.box(root, to=[f"r{n}@x" for n in range(20)]))
    with spawn(root, "run", "--until-idle") as process:
        output, _ = process.communicate(timeout=15)
    assert process.returncode == 0, output
    sent = sites.log(root, word="begin")
    assert len(sent) == 20
    assert min(when for when, *_ in sent) >= lift.timestamp()
    assert output.count("delivered") == 20


@pytest.mark.parametrize(
    ("fault", "idempotency", "written", "state"),
    [
        pytest.param(
            "kill-before", "A", 1, "delivered", marks=pytest.mark.slow
        ),  # the attempt is in the ledger, nothing was written
        ("kill-after", "A", 2, "delivered"),  # the server knows the key: the second write is the same post
        pytest.param("kill-before", "D", 0, "in_doubt", marks=pytest.mark.slow),  # nobody can know, so a person decides
        ("kill-after", "D", 1, "in_doubt"),  # written once, never twice
    ],
)
def test_kill_between_attempt_and_receipt(root: Path, fault: str, idempotency: str, written: int, state: str) -> None:
    trigger = root / "fault"
    schedule_soon(root, sites.box(root, idempotency=idempotency, fault_file=str(trigger)), seconds=0.5)
    trigger.write_text(fault)
    with spawn(root, "run") as process:
        process.communicate(timeout=15)
    assert process.returncode == -signal.SIGKILL
    assert status(root)["public/en"] == ("sending", 1)
    trigger.unlink()
    with spawn(root, "run", "--until-idle") as process:
        process.communicate(timeout=15)
    rows = sites.log(root)
    assert len(rows) == written
    assert len({key for *_, key in rows}) <= 1
    assert status(root)["public/en"][0] == state


@pytest.mark.slow
def test_kill_at_random_moments_loses_and_repeats_nothing(root: Path) -> None:
    """Class A: every recipient once by key; the deliveries go on over the kills."""
    people = [f"r{n:03}@x" for n in range(120)]
    schedule_soon(root, sites.box(root, to=people, idempotency="A", seconds=0.4), seconds=0.1)
    for pause in (0.9, 1.1, 1.3):
        process = spawn(root, "run")
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    with spawn(root, "run", "--until-idle") as process:
        process.communicate(timeout=20)
    assert {who for _, who, _ in sites.log(root)} == set(people)
    assert len({key for *_, key in sites.log(root)}) == len(people)
    assert {state for state, _ in status(root).values()} == {"delivered"}


def test_sigterm_finishes_what_is_on_the_wire(root: Path) -> None:
    schedule_soon(root, sites.box(root, seconds=1.0), seconds=0.3)
    process = spawn(root, "run")
    deadline = time.time() + 15
    while not sites.log(root, word="begin") and time.time() < deadline:
        time.sleep(0.02)
    process.terminate()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "stopped" in output
    assert status(root) == {"public/en": ("delivered", 1)}


def test_hold_and_resume_while_it_runs(root: Path) -> None:
    from distributor.clock import SystemClock

    schedule_soon(root, sites.box(root), seconds=1.2)
    desk = Desk(site=Site(root), clock=SystemClock())
    process = spawn(root, "run")
    try:
        desk.hold("three-piers")
        time.sleep(1.8)
        assert sites.log(root) == []
        assert desk.status()[0].running
        desk.resume("three-piers")
        deadline = time.time() + 5
        while not sites.log(root) and time.time() < deadline:
            time.sleep(0.05)
        assert len(sites.log(root)) == 1
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_scheduled_while_it_runs(root: Path) -> None:
    from distributor.clock import SystemClock

    sites.make(root, sites.box(root))
    with spawn(root, "run") as process:
        deadline = time.time() + 10
        while not (root / "var" / "distributor.db").exists() and time.time() < deadline:
            time.sleep(0.02)
        lift = datetime.now(UTC) + timedelta(seconds=1.2)
        Desk(site=Site(root), clock=SystemClock()).schedule(sites.release(root, lift))
        while not sites.log(root) and time.time() < deadline:
            time.sleep(0.02)
        process.terminate()
        process.communicate(timeout=20)
    [(when, *_)] = sites.log(root, word="begin")
    assert 0 <= when - lift.timestamp() < 1.0


def test_a_second_service_is_refused(root: Path) -> None:
    sites.make(root, sites.box(root))
    process = spawn(root, "run")
    try:
        deadline = time.time() + 10
        while not (root / "var" / "run.lock").exists() and time.time() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        with spawn(root, "run") as second:
            output, _ = second.communicate(timeout=20)
        assert second.returncode == 2
        assert f"process {process.pid}" in output
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_canceled_while_on_the_wire_it_is_not_tried_again(root: Path) -> None:
    """The answer comes after the cancel, and it says 'not written': then nothing more may go."""
    fault = root / "fault"
    schedule_soon(root, sites.box(root, fault_file=str(fault), seconds=1.0) + sites.box(root, "wall"), seconds=0.3)
    fault.write_text("unavailable")
    from distributor.clock import SystemClock

    desk = Desk(site=Site(root), clock=SystemClock())
    with spawn(root, "run", "--until-idle") as process:
        deadline = time.time() + 15
        while not sites.log(root, word="begin") and time.time() < deadline:
            time.sleep(0.02)
        desk.cancel("three-piers")
        process.communicate(timeout=20)
    _, [(_, rows)] = desk.status()
    assert {row.channel: str(row.state) for row in rows} == {"box": "canceled", "wall": "delivered"}


def test_a_slow_server_holds_up_nobody(root: Path) -> None:
    """Also not what comes due later, while every slot of the slow channel is taken."""
    blocks = sites.box(root, "slow", seconds=3.0, to=[f"r{n}@x" for n in range(30)]) + sites.box(
        root, "quick", after="1s"
    )
    lift = schedule_soon(root, blocks, seconds=0.5)
    with spawn(root, "run") as process:
        deadline = time.time() + 15
        while not sites.log(root, "quick") and time.time() < deadline:
            time.sleep(0.02)
        process.kill()
        process.communicate()
    [(when, *_)] = sites.log(root, "quick")
    assert when - lift.timestamp() < 2.5
    assert len(sites.log(root, "slow", word="begin")) == 8  # class D: no more than may be in doubt


def test_partial_is_worse_than_late_only_where_it_was_out_in_time(root: Path) -> None:
    """A feed that caught up after the downtime does not drag the posts along; a post that was out in time does."""
    blocks = sites.box(root, "feed", always=True) + sites.box(root, "early") + sites.box(root, "late", after="1m")
    for out_in_time, state in ((True, "delivered"), (False, "missed")):
        folder = root / str(out_in_time)
        site = Scheduled(folder, blocks.replace(str(root), str(folder)))
        if out_in_time:
            site.clock.set(LIFT + timedelta(seconds=1))
            site.drain()
        site.clock.set(LIFT + timedelta(minutes=30))
        site.drain()
        site.drain()
        assert site.states()["feed public/en"] == "delivered"
        assert site.states()["late public/en"] == state
