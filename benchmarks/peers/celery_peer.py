"""Celery with late acknowledgement, the filesystem broker (it needs no server) and results in SQLite. Prints JSON.

Time is taken from the first result to the last, so that starting the worker does not count.
"""

import json
import resource
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from celery import Celery

folder, size = Path(sys.argv[1]), int(sys.argv[2])
for name in ("queue", "control"):
    (folder / name).mkdir(parents=True, exist_ok=True)
app = Celery("celery_peer", broker="filesystem://", backend=f"db+sqlite:///{folder}/results.db")
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=4,
)


@app.task(name="deliver")
def deliver(number: int) -> float:
    """Nothing but the time: the stored result is the durable record."""
    return time.time()


def results() -> int:
    try:
        with sqlite3.connect(folder / "results.db", timeout=30) as db:
            return int(db.execute("SELECT count(*) FROM celery_taskmeta WHERE status = 'SUCCESS'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


if __name__ == "__main__":
    for number in range(size):
        deliver.delay(number)
    start = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); sys.argv = ['x', {str(folder)!r}, '{size}'];"
        "from celery_peer import app; app.worker_main(['worker', '--pool=threads', '-c', '8', '-l', 'ERROR'])"
    )
    worker = subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first, deadline = 0.0, time.monotonic() + 120
    done = 0
    while done < size and time.monotonic() < deadline:
        done = results()
        first = first or (time.perf_counter() if done else 0.0)
        time.sleep(0.02)
    wall = time.perf_counter() - first
    worker.terminate()
    worker.wait(20)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"seconds": wall, "cpu": spent.ru_utime + spent.ru_stime, "done": done}))
