"""How late is a delivery? The whole product beside the naive design: one APScheduler job per delivery in its own store.

Every design sends to a peer that answers after 20 ms and notes when it was asked. Milliseconds after the instant; the
peer is asked `first … last`; `settled` is when the last receipt was in the ledger.

    python benchmarks/lateness.py [--rounds N] [--smallest] [SIZE ...]
"""

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

sys.path.insert(0, str(Path(__file__).parent.parent))  # the test sites are not installed

from sizes import pick

from distributor import seal
from distributor.cli import run
from distributor.cli.logs import Log
from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.site import Site
from tests import sites
from tests.servers.postgres import Missing, Postgres

_PEER_SECONDS = 0.02
LATER = pick(90_000, 100)
_CALLS: list[float] = []


@dataclass(frozen=True)
class Lateness:
    """One round, in ms after the instant."""

    asked: list[float]
    settled: float


def call() -> None:
    """The naive design's delivery (APScheduler wants a function that it can import)."""
    _CALLS.append(time.time())
    time.sleep(_PEER_SECONDS)


def ours(size: int, later: int, store: str) -> Lateness:
    """Sealed bytes, ledger on disk, alarm, attempts, receipts; class A, a thousand on the wire at most."""
    sites.store = store
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "site"
        people = [f"r{n}@x" for n in range(size)]
        sites.make(root, sites.box(root, to=people, idempotency="A", seconds=_PEER_SECONDS, room=1000))
        desk = Desk(site=Site(root), clock=SystemClock())
        _plan_later(desk, root, later)
        lift = datetime.now(UTC) + timedelta(seconds=3)
        desk.schedule(sites.release(root, lift))
        Log._write = lambda _self, _text: None  # type: ignore[method-assign]  # no live lines here
        asyncio.run(_until_delivered(desk, size))
        asked = sorted(1000 * (when - lift.timestamp()) for when, *_ in sites.log(root, word="begin"))
        with desk.ledger() as ledger:
            rows = ledger.deliveries("three-piers", 1)
        settled = max(row.settled_at for row in rows if row.settled_at) - lift
        return Lateness(asked, 1000 * settled.total_seconds())


def _plan_later(desk: Desk, root: Path, later: int) -> None:
    """Rows that wait for another day."""
    if not later:
        return
    made = desk.preview(sites.release(root, datetime.now(UTC) + timedelta(hours=30), name="another-day"))
    [one] = seal.deliveries(replace(made, rendered=(replace(made.rendered[0], copies=made.rendered[0].copies[:1]),)))
    rows = [replace(one, recipient=f"x{n}", key=seal.key("later", str(n))) for n in range(later)]
    row = seal.release(made, desk.clock.now())
    with desk.ledger(create=True) as ledger:
        ledger.plan(row, [seal.dump(made.rendered[0].message)], rows, who="bench")


async def _until_delivered(desk: Desk, size: int) -> None:
    """Run the service until the release is out (the later rows stay)."""
    serving = asyncio.create_task(run.serve_alarm(desk, until_idle=False))
    while True:
        await asyncio.sleep(3.5)
        with desk.ledger() as ledger:
            if ledger.counts().get("delivered", 0) >= size:
                break
    signal_self()
    await serving


def signal_self() -> None:
    """Stop the service as a service manager would."""
    import os
    import signal

    os.kill(os.getpid(), signal.SIGTERM)


def naive(size: int) -> Lateness:
    """One date job per delivery in APScheduler's own database store, 64 threads, nothing dropped for being late."""
    _CALLS.clear()
    with tempfile.TemporaryDirectory() as folder:
        scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(64)})
        scheduler.add_jobstore(SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.db"))
        scheduler.start(paused=True)
        lift = datetime.now(UTC) + timedelta(seconds=2 + size / 300)  # it takes that long to write its jobs
        for _ in range(size):
            scheduler.add_job(call, "date", run_date=lift, misfire_grace_time=None)
        scheduler.resume()
        quiet = threading.Event()
        while len(_CALLS) < size:
            quiet.wait(0.1)
        ended = time.time() + _PEER_SECONDS
        scheduler.shutdown(wait=True)
        return Lateness(sorted(1000 * (when - lift.timestamp()) for when in _CALLS), 1000 * (ended - lift.timestamp()))


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=pick(3, 1))
    options.add_argument("sizes", type=int, nargs="*", default=pick([1, 1000, 10_000], [1]))
    given = options.parse_args()
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    try:
        server: Postgres | None = Postgres(durable=True)
    except Missing as error:
        print(f"no PostgreSQL: {error}")
        server = None
    designs: dict[str, Callable[[int], Lateness]] = {
        "one APScheduler job each": naive,
        "distributor, SQLite": partial(_fresh, later=0),
        f"… with {LATER:,} later rows": partial(_fresh, later=LATER),
    }
    if server:
        designs["distributor, PostgreSQL"] = partial(_fresh, later=0, server=server)
        designs[f"… with {LATER:,} later rows "] = partial(_fresh, later=LATER, server=server)
    print(f"medians of {given.rounds} rounds, the designs in turn; ms after the instant; the peer takes 20 ms")
    print(
        f"{'size':>6}  {'design':<26} {'first':>7} {'p50':>7} {'p99':>8} {'last':>8} {'settled':>8} {'last ÷ naive':>13}"
    )
    for size in given.sizes:
        rounds: dict[str, list[Lateness]] = {name: [] for name in designs}
        for _ in range(given.rounds):
            for name, design in designs.items():
                rounds[name].append(design(size))
        base = statistics.median(one.asked[-1] for one in rounds["one APScheduler job each"])
        for name, made in rounds.items():
            assert all(len(one.asked) == size for one in made), f"{name} lost some"
            ranks = [0, size // 2, int(size * 0.99), size - 1]
            shown = [statistics.median(one.asked[rank] for one in made) for rank in ranks]
            settled = statistics.median(one.settled for one in made)
            cells = "".join(f"{ms:>8.1f}" for ms in [*shown, settled])
            print(f"{size:>6}  {name:<26}{cells} {shown[-1] / base:>13.2f}", flush=True)
    if server:
        server.close()


def _fresh(size: int, *, later: int, server: Postgres | None = None) -> Lateness:
    return ours(size, later, server.database() if server else "")


if __name__ == "__main__":
    main()
