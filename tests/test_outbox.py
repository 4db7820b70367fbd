"""The real process: killed, frozen, stopped, beside another one."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor.desk import Desk
from distributor.site import Site
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, Scheduled, box


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "site"


def test_changed_bytes_in_the_ledger_are_refused(root: Path) -> None:
    site = Scheduled(root, box(root))
    with sites.database(root) as db:
        db.execute("UPDATE artefact SET data = CAST('Four piers' AS BLOB)")
    site.clock.set(LIFT)
    site.drain()
    assert sites.log(root) == []
    assert "were changed" in (site.rows()[0].reason or "")


def test_the_database_itself_refuses_an_early_row(root: Path) -> None:
    Scheduled(root, box(root))
    with sites.database(root) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE delivery SET due = lift - 1")


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
    """Seal for an instant that is `seconds` away. By the desk's own clock it is a minute away,
    so that a busy machine may take longer to seal than is left.
    """
    sites.make(root, blocks)
    lift = datetime.now(UTC) + timedelta(seconds=seconds)
    desk = Desk(site=Site(root), clock=FakeClock(lift - timedelta(minutes=1)))
    desk.schedule(sites.release(root, lift))
    return lift


def until(said: Callable[[], object], process: Process) -> None:
    """Wait for what a running process does, however long that takes: each test has its own end."""
    while not said():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)


def status(root: Path) -> dict[str, tuple[str, int]]:
    from distributor.clock import SystemClock

    _, releases = Desk(site=Site(root), clock=SystemClock()).status()
    return {row.recipient: (str(row.state), row.attempts) for _, rows in releases for row in rows}


@pytest.mark.parametrize("zone", ["America/St_Johns"])
def test_run_delivers_at_the_instant(root: Path, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)  # of the host
    lift = schedule_soon(root, sites.box(root, to=[f"r{n}@x" for n in range(20)]))
    with spawn(root, "run", "--until-idle") as process:
        output, _ = process.communicate()
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
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert status(root)["public/en"] == ("sending", 1)
    trigger.unlink()
    with spawn(root, "run", "--until-idle") as process:
        process.communicate()
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
        process.communicate()
    assert {who for _, who, _ in sites.log(root)} == set(people)
    assert len({key for *_, key in sites.log(root)}) == len(people)
    assert {state for state, _ in status(root).values()} == {"delivered"}


def test_sigterm_finishes_what_is_on_the_wire(root: Path) -> None:
    gate = root / "answered"
    schedule_soon(root, sites.box(root, gate=str(gate)), seconds=0.3)
    process = spawn(root, "run")
    until(lambda: sites.log(root, word="begin"), process)
    process.terminate()
    gate.touch()
    output, _ = process.communicate()
    assert process.returncode == 0
    assert "stopped" in output
    assert status(root) == {"public/en": ("delivered", 1)}


@pytest.mark.slow
def test_hold_and_resume_while_it_runs(root: Path) -> None:
    from distributor.clock import SystemClock

    lift = schedule_soon(root, sites.box(root), seconds=1.2)
    desk = Desk(site=Site(root), clock=SystemClock())
    process = spawn(root, "run")
    try:
        desk.hold("three-piers")
        until(lambda: desk.status()[0].running and datetime.now(UTC) > lift, process)
        assert sites.log(root) == []
        desk.resume("three-piers")
        until(lambda: sites.log(root), process)
        assert len(sites.log(root)) == 1
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.slow
def test_scheduled_while_it_runs(root: Path) -> None:
    from distributor.clock import SystemClock

    sites.make(root, sites.box(root))
    with spawn(root, "run") as process:
        until((root / "var" / "distributor.db").exists, process)
        lift = datetime.now(UTC) + timedelta(seconds=1.2)
        Desk(site=Site(root), clock=SystemClock()).schedule(sites.release(root, lift))
        until(lambda: sites.log(root), process)
        process.terminate()
        process.communicate()
    [(when, *_)] = sites.log(root, word="begin")
    assert when >= lift.timestamp()


def test_a_second_service_is_refused(root: Path) -> None:
    sites.make(root, sites.box(root))
    process = spawn(root, "run")
    try:
        lock = root / "var" / "run.lock"
        until(lambda: lock.exists() and str(process.pid) in lock.read_text(), process)
        with spawn(root, "run") as second:
            output, _ = second.communicate()
        assert second.returncode == 2
        assert f"process {process.pid}" in output
    finally:
        process.terminate()
        process.communicate()


def test_canceled_while_on_the_wire_it_is_not_tried_again(root: Path) -> None:
    """The answer comes after the cancel, and it says 'not written': then nothing more may go."""
    fault, gate = root / "fault", root / "answered"
    blocks = sites.box(root, fault_file=str(fault), gate=str(gate)) + sites.box(root, "wall")
    schedule_soon(root, blocks, seconds=0.3)
    fault.write_text("unavailable")
    from distributor.clock import SystemClock

    desk = Desk(site=Site(root), clock=SystemClock())
    with spawn(root, "run", "--until-idle") as process:
        until(lambda: sites.log(root, word="begin") and sites.log(root, "wall"), process)
        desk.cancel("three-piers")
        gate.touch()
        process.communicate()
    _, [(_, rows)] = desk.status()
    assert {row.channel: str(row.state) for row in rows} == {"box": "canceled", "wall": "delivered"}


def test_a_slow_server_holds_up_nobody(root: Path) -> None:
    """Also not what comes due later, while every slot of the slow channel is taken."""
    never = str(root / "answered")
    slow = sites.box(root, "slow", gate=never, to=[f"r{n}@x" for n in range(30)])
    schedule_soon(root, slow + sites.box(root, "quick", after="1s"), seconds=0.5)
    with spawn(root, "run") as process:
        until(lambda: sites.log(root, "quick"), process)
        process.kill()
        process.communicate()
    assert sites.log(root, "slow") == []
    assert len(sites.log(root, "slow", word="begin")) == 8  # class D: no more than may be in doubt


@pytest.mark.slow
def test_one_json_object_a_line_and_metrics_while_it_runs(root: Path) -> None:
    schedule_soon(root, sites.box(root, to=["a@x", "b@x"]), seconds=1.2)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with spawn(root, "run", "--log", "json", "--metrics", str(port)) as process:
        until(lambda: len(sites.log(root)) == 2, process)
        time.sleep(1.3)
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        health = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5))
        process.terminate()
        output, _ = process.communicate()
    told = [json.loads(line) for line in output.splitlines()]
    assert [one["event"] for one in told] == ["running", "delivery", "delivery", "stopped"]
    assert told[1]["outcome"] == "delivered"
    assert told[1]["lateness_ms"] >= 0
    assert 'distributor_attempts_total{channel="box",outcome="delivered"} 2.0' in metrics
    assert 'distributor_deliveries{state="delivered"} 2.0' in metrics
    assert health == {"ok": True, "troubles": []}


@pytest.mark.slow
def test_it_delivers_when_nobody_reads_what_it_says(root: Path) -> None:
    """`distributor run | head`, a terminal that was closed, a log on a full disk."""
    schedule_soon(root, sites.box(root, to=["a@x", "b@x"]) + sites.box(root, "late", after="1s"), seconds=0.8)
    with spawn(root, "run") as process:
        assert process.stdout
        process.stdout.close()
        until(lambda: sites.log(root, "late"), process)
    assert len(sites.log(root)) == 2
    assert len(sites.log(root, "late")) == 1


@pytest.mark.slow
def test_the_service_manager_is_told(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule_soon(root, sites.box(root), seconds=0.8)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with spawn(root, "run", "--until-idle") as process:
            process.communicate()
        manager.setblocking(False)
        told = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                told.add(manager.recv(100))
    assert told == {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"}
