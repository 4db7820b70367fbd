"""How late is a delivery? Ours beside the naive design: one APScheduler job per delivery.

For each size, both send the same number of deliveries, all due at one instant, to a function that does nothing. Prints
milliseconds from the instant to the first and last call and how many were made; the ratio is last/last.

    python benchmarks/lateness.py [SIZE ...]
"""

import asyncio
import logging
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

sys.path.insert(0, str(Path(__file__).parent.parent))  # the test sites are not installed

from distributor.cli import service
from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.site import Site
from tests import sites

_CALLS: list[float] = []
ROUNDS = 3


def call() -> None:
    """The naive design's delivery (APScheduler wants a function that it can import)."""
    _CALLS.append(time.time())


def ours(size: int, lead: float, idempotency: str) -> tuple[float, list[float]]:
    """The whole product: sealed bytes, ledger on disk, alarm, attempt rows, receipts.

    Class A has 100 deliveries on the wire at once; class D (blind: SMTP, webhooks) 8, since a crash leaves so many in
    doubt.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "site"
        sites.make(root, sites.box(root, to=[f"r{n}@x" for n in range(size)], idempotency=idempotency))
        desk = Desk(site=Site(root), clock=SystemClock())
        lift = datetime.now(UTC) + timedelta(seconds=lead)
        desk.schedule(sites.release(root, lift))
        service.click.echo = lambda *_args, **_options: None  # type: ignore[assignment]  # no live lines here
        asyncio.run(service.serve_alarm(desk, until_idle=True))
        return lift.timestamp(), [when for when, *_ in sites.log(root, word="begin")]


def naive(size: int, lead: float) -> tuple[float, list[float]]:
    """One date job per delivery in APScheduler's own database store, with its default settings."""
    _CALLS.clear()
    with tempfile.TemporaryDirectory() as folder:
        scheduler = BackgroundScheduler(timezone=UTC)
        scheduler.add_jobstore(SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.db"))
        scheduler.start(paused=True)
        lift = datetime.now(UTC) + timedelta(seconds=lead)
        for _ in range(size):
            scheduler.add_job(call, "date", run_date=lift)
        scheduler.resume()
        quiet = threading.Event()
        while time.time() < lift.timestamp() + 1 or (_CALLS and time.time() - _CALLS[-1] < 1):
            quiet.wait(0.1)
        scheduler.shutdown(wait=False)
        return lift.timestamp(), list(_CALLS)


def measure(
    design: Callable[[int, float], tuple[float, list[float]]], size: int, lead: float
) -> tuple[float, float, float]:
    """Median over the rounds of (first ms, last ms, share delivered)."""
    rows = []
    for _ in range(ROUNDS):
        lift, calls = design(size, lead)
        times = sorted(1000 * (when - lift) for when in calls)
        rows.append((times[0], times[-1], len(times) / size) if times else (0.0, 0.0, 0.0))
    first, last, share = (statistics.median(column) for column in zip(*rows, strict=True))
    return first, last, share


def main() -> None:
    """Print the table."""
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # it says for every job that it was dropped
    sizes = [int(arg) for arg in sys.argv[1:]] or [1, 100, 1000]
    print(f"medians of {ROUNDS} rounds, each design in turn; times in ms after the instant")
    print(f"{'deliveries':>10}  {'design':<24} {'first':>8} {'last':>9} {'delivered':>10} {'last ÷ naive':>13}")
    for size in sizes:
        slow = 2 + size / 400  # the naive store takes that long to write its jobs
        first, last, share = measure(naive, size, slow)
        rows = [("one APScheduler job each", first, last, share)]
        for kind in ("A", "D"):
            made = measure(partial(ours, idempotency=kind), size, 2 + size / 5000)
            rows.append((f"distributor, class {kind}", *made))
        for name, row_first, row_last, row_share in rows:
            ratio = f"{row_last / last:.2f}" if share == 1 and last else "n/a"
            print(f"{size:>10}  {name:<24} {row_first:>8.1f} {row_last:>9.1f} {row_share:>9.0%} {ratio:>13}")


if __name__ == "__main__":
    main()
