"""Claim and settle: no-op deliveries per second, and CPU for each, beside engines that do the same with their durable
settings. The peers run in an environment of their own, made on first use under benchmarks/.peers.

    python benchmarks/throughput.py [SIZE]
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from peers.environment import python
from sizes import pick

from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.outbox import Outbox
from distributor.site import Site
from tests import sites
from tests.servers.postgres import Postgres

HERE = Path(__file__).parent
ROUNDS = pick(3, 1)


@dataclass(frozen=True)
class Result:
    """One round."""

    seconds: float
    cpu: float
    done: int


def peer(name: str, where: str, size: int) -> Result:
    """Run a peer's script."""
    done = subprocess.run(
        [python("peers"), HERE / "peers" / f"{name}_peer.py", where, str(size)],
        capture_output=True, text=True, check=False, timeout=300, cwd=tempfile.gettempdir(),
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"{name}: {done.stderr[-800:]}")
    return Result(**json.loads(lines[-1]))


def ours(store: str, size: int, idempotency: str) -> Result:
    """The whole loop with a channel that does nothing: attempts before, receipts after."""
    sites.store = store
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "site"
        people = [f"r{n}@x" for n in range(size)]
        sites.make(root, sites.box(root, to=people, idempotency=idempotency, room=1000))
        desk = Desk(site=Site(root), clock=SystemClock())
        lift = datetime.now(UTC) + timedelta(seconds=0.5)
        desk.schedule(sites.release(root, lift))
        time.sleep(max(0.0, (lift - datetime.now(UTC)).total_seconds() + 0.2))

        async def work() -> Result:
            with desk.ledger() as ledger:
                outbox = Outbox(
                    ledger=ledger, channels=dict(desk.channels), clock=desk.clock, worker="bench",
                    policy=desk.settings.policy, report=lambda _events: None,
                )  # fmt: skip
                await outbox.look_around()
                wall, cpu = time.perf_counter(), time.process_time()
                made = await outbox.finish()
                result = Result(time.perf_counter() - wall, time.process_time() - cpu, made)
                await outbox.close()
                return result

        return asyncio.run(work())


def main() -> None:
    """Print the table."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else pick(1000, 10)
    with Postgres(durable=True) as server, tempfile.TemporaryDirectory() as folder:
        number = iter(range(1000))
        designs: dict[str, Callable[[], Result]] = {
            "distributor, SQLite": lambda: ours("", 10 * size, "A"),
            "distributor, PostgreSQL": lambda: ours(server.database(), 10 * size, "A"),
            "procrastinate, PostgreSQL": lambda: peer("procrastinate", server.database(), size),
            "DBOS, PostgreSQL": lambda: peer("dbos", server.database(), size),
            "DBOS, SQLite": lambda: peer("dbos", f"sqlite:///{folder}/dbos-{next(number)}.db", size),
            "Celery, files and SQLite": lambda: peer("celery", f"{folder}/celery-{next(number)}", size),
        }
        python("peers")
        rounds: dict[str, list[Result]] = {name: [] for name in designs}
        for _ in range(ROUNDS):
            for name, design in designs.items():
                rounds[name].append(design())
        speed = {name: statistics.median(one.done / one.seconds for one in made) for name, made in rounds.items()}
        best = max(value for name, value in speed.items() if not name.startswith("distributor"))
        print(f"medians of {ROUNDS} interleaved rounds; {size} jobs for the peers, {10 * size} for distributor")
        print(f"{'engine':<27} {'jobs/s':>8} {'CPU ms each':>12} {'÷ best peer':>12}")
        for name, made in rounds.items():
            cpu = statistics.median(1000 * one.cpu / one.done for one in made)
            print(f"{name:<27} {speed[name]:>8.0f} {cpu:>12.2f} {speed[name] / best:>12.1f}")


if __name__ == "__main__":
    main()
