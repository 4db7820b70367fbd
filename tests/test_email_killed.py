"""kill -9 in the middle of a mail-out to 6,000, against a server of another make that notes what it took."""

import asyncio
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.site import Site
from tests import sites
from tests.servers.smtp import SmtpSink

PEOPLE = 6_000
CONNECTIONS = 16
BLOCK = """
[channels.mail]
type = "email"
sender = "Press <press@lam.example>"
lists = ["press"]
tls = "none"
smtp = "smtp://127.0.0.1:{port}"
connections = {connections}
in_doubt = "{policy}"
"""


@contextmanager
def listening() -> Iterator[SmtpSink]:
    """A server in a thread of its own: it outlives whoever writes to it."""
    sink, loop, ready, end = (
        SmtpSink(extensions=("PIPELINING", "8BITMIME")),
        asyncio.new_event_loop(),
        threading.Event(),
        asyncio.Event(),
    )

    async def serve() -> None:
        async with sink:
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait(10)
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        loop.close()


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("policy", ["hold", "resend"])
def test_nobody_is_lost_and_nobody_gets_it_twice(tmp_path: Path, policy: str) -> None:
    chance, kills = random.Random(policy), 6  # the same kills each time
    with listening() as sink:
        root = sites.make(tmp_path / "site", BLOCK.format(port=sink.port, connections=CONNECTIONS, policy=policy))
        (root / "contacts").mkdir()
        (root / "contacts" / "press.csv").write_text("address\n" + "".join(f"r{n}@x.example\n" for n in range(PEOPLE)))
        desk = Desk(site=Site(root), clock=SystemClock())
        desk.schedule(sites.release(root, datetime.now(UTC) + timedelta(seconds=4)))
        command = [sys.executable, "-m", "distributor", "--site", str(root), "run", "--until-idle"]
        for kill in range(kills + 1):
            with subprocess.Popen(
                command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
            ) as run:
                before = len(sink.taken)
                while run.poll() is None and kill < kills:
                    time.sleep(0.01)
                    if len(sink.taken) > before + chance.randint(50, 700):
                        run.kill()
                assert run.wait(120) in (0, -9)
        got = Counter(taken.rcpt[9:-1] for taken in sink.taken)
    _, [(_, rows)] = desk.status()
    states = Counter(str(row.state) for row in rows)
    twice = sum(count - 1 for count in got.values())
    doubtful = {row.recipient for row in rows if row.state == "in_doubt"}
    unsent = len(doubtful - set(got))
    print(f"{policy}: {dict(states)}, {twice} twice, {PEOPLE - len(got)} not sent, {unsent} in doubt and never there")
    on_lines = kills * 4 * CONNECTIONS
    if policy == "hold":
        assert twice == 0
        assert len(doubtful) <= on_lines
        # A body follows its server's 354, and that the answer to the body before: one a connection may have got lost.
        assert len(doubtful - set(got)) <= kills * CONNECTIONS
        assert {f"r{n}@x.example" for n in range(PEOPLE)} - set(got) <= doubtful  # whoever got nothing is named
        assert states["delivered"] + states["in_doubt"] == PEOPLE
    else:
        assert len(got) == PEOPLE
        assert twice <= on_lines
        assert states["delivered"] == PEOPLE
    assert {row.recipient for row in rows if row.state == "delivered"} <= set(got)
