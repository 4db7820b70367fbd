"""How long does a command take to start? Wall and CPU seconds of `--help`, and of `status` on a site with one release.

python benchmarks/startup.py
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sizes import pick

from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.site import Site
from tests import sites

ROUNDS = pick(15, 1)


def measure(command: list[str]) -> tuple[float, float]:
    """Medians of wall and CPU seconds, the first run left out."""
    walls, cpus = [], []
    for _ in range(ROUNDS + 1):
        before, began = os.times(), time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        after = os.times()
        walls.append(time.perf_counter() - began)
        cpus.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(walls[1:]), statistics.median(cpus[1:])


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        root = sites.make(Path(folder) / "site", sites.box(Path(folder) / "site", to=["a@x", "b@x"]))
        lift = datetime.now(UTC) + timedelta(hours=1)
        Desk(site=Site(root), clock=SystemClock()).schedule(sites.release(root, lift))
        here = [sys.executable, "-m", "distributor", "--site", str(root)]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import sqlalchemy": [sys.executable, "-c", "import sqlalchemy"],
            "distributor --help": [*here, "--help"],
            "distributor status": [*here, "status"],
            "distributor status --json": [*here, "status", "--json"],
        }
        print(f"medians of {ROUNDS} runs, seconds\n{'command':<28} {'wall':>6} {'CPU':>6} {'÷ python':>9}")
        base = 0.0
        for name, command in commands.items():
            wall, cpu = measure(command)
            base = base or cpu
            print(f"{name:<28} {wall:>6.3f} {cpu:>6.3f} {cpu / base:>9.1f}")


if __name__ == "__main__":
    main()
