"""Mails per second to one server on loopback: our lines beside postfix's smtp-source (C), aiosmtplib's own API and smtplib with
threads; then the whole loop (ledger, outbox, personal headers) beside the bare lines. Every mail has about 20 KB.

    python benchmarks/mails.py [MAILS]
"""

import asyncio
import contextlib
import os
import resource
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import aiosmtplib
from sizes import pick

from distributor import registry, settings, site
from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.outbox import Outbox
from tests import sites

SINK = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SOURCE = shutil.which("smtp-source", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
ROUNDS = pick(3, 1)
DELAYED = '''
import asyncio, sys

async def talk(reader, writer):
    """Every answer arrives so much later."""
    delay, body, carry = float(sys.argv[2]), False, b""
    writer.write(b"220 sink ESMTP\\r\\n")
    while data := await reader.read(1 << 20):
        out, carry = b"", carry + data
        while True:
            if body:
                end = carry.find(b"\\r\\n.\\r\\n")
                if end < 0:
                    break
                carry, body, out = carry[end + 5 :], False, out + b"250 2.0.0 ok\\r\\n"
                continue
            line, found, rest = carry.partition(b"\\r\\n")
            if not found:
                break
            carry, verb = rest, line[:4].upper()
            if verb == b"DATA":
                body, out = True, out + b"354 go\\r\\n"
                carry = b"\\r\\n" + carry if carry[:3] == b".\\r\\n" else carry
            elif verb == b"EHLO":
                out += b"250-sink\\r\\n250-PIPELINING\\r\\n250 8BITMIME\\r\\n"
            else:
                out += b"221 bye\\r\\n" if verb == b"QUIT" else b"250 2.0.0 ok\\r\\n"
        if out and delay:  # on its way so long, while more comes in
            asyncio.get_running_loop().call_later(delay, writer.write, out)
        elif out:
            writer.write(out)
    writer.close()
async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", int(sys.argv[1]), backlog=256)
    await server.serve_forever()
asyncio.run(main())
'''


@contextlib.contextmanager
def receiver(delay: float) -> Iterator[int]:
    """A sink: postfix's where there is no delay, else one that answers a group of commands after one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if SINK and not delay:
        command = (
            [SINK, "-c", "-u", "nobody", f"127.0.0.1:{port}", "256"]
            if os.geteuid() == 0
            else [SINK, f"127.0.0.1:{port}", "256"]
        )
    else:
        command = [sys.executable, "-c", DELAYED, str(port), str(delay)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        try:
            yield port
        finally:
            process.kill()


def ours(port: int, mails: int, connections: int, wire: bytes) -> None:
    """The channel's lines, without ledger."""
    here = site.Site(None)
    registry.load_type("email", registry.types(here)["email"])
    smtp = sys.modules["distributor.channels.email.smtp"]
    server = sys.modules["distributor.channels.email.server"].read(
        f"smtp://127.0.0.1:{port}", tls="none", password=None
    )
    timeouts = sys.modules["distributor.channels.email.job"].Timeouts()

    async def work() -> None:
        sender = smtp.Sender(server=server, helo="bench.example", timeouts=timeouts, connections=connections)
        await sender.prepare()
        left = iter(range(mails))

        async def one() -> None:
            for number in left:
                head = f"To: <r{number}@x.example>\r\nMessage-ID: <{number}@bench.example>\r\n".encode()
                await sender.send(sender="a@bench.example", recipient=f"r{number}@x.example", wire=head + wire)

        await asyncio.gather(*(one() for _ in range(2 * connections)))
        await sender.close()

    asyncio.run(work())


def theirs_aio(port: int, mails: int, connections: int, wire: bytes) -> None:
    """aiosmtplib.SMTP.sendmail."""

    async def work() -> None:
        left = iter(range(mails))

        async def one() -> None:
            async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
                for number in left:
                    await client.sendmail("a@bench.example", [f"r{number}@x.example"], wire)

        await asyncio.gather(*(one() for _ in range(connections)))

    asyncio.run(work())


def theirs_threads(port: int, mails: int, connections: int, wire: bytes) -> None:
    """smtplib in threads."""
    left = iter(range(mails))

    def one() -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            for number in left:
                client.sendmail("a@bench.example", [f"r{number}@x.example"], wire)

    with ThreadPoolExecutor(connections) as pool:
        for done in [pool.submit(one) for _ in range(connections)]:
            done.result()


def theirs_c(port: int, mails: int, connections: int, wire: bytes) -> None:
    """smtp-source."""
    command = [
        SOURCE or "",
        "-d",
        "-s",
        str(connections),
        "-m",
        str(mails),
        "-l",
        str(len(wire)),
        "-f",
        "a@b.example",
        "-t",
        "r@x.example",
        f"127.0.0.1:{port}",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def whole(port: int, mails: int, connections: int, wire: bytes) -> tuple[float, float, float]:
    """Ledger and outbox: mails per second, microseconds of processor time each, and megabytes that the process ended with."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "site"
        block = (
            f'[channels.email]\ntype = "email"\nsender = "a@bench.example"\ntls = "none"\nlists = ["press"]\n'
            f'smtp = "smtp://127.0.0.1:{port}"\nconnections = {connections}\n'
        )
        sites.make(root, block)
        (root / "contacts").mkdir()
        (root / "contacts" / "press.csv").write_text("address\n" + "".join(f"r{n}@x.example\n" for n in range(mails)))
        desk = Desk(site=site.Site(root), clock=SystemClock())
        path = sites.release(root, datetime.now(UTC) + timedelta(hours=1))
        text = path.read_text().replace(
            "The piers reopen.\n", ("The piers reopen after the storm of March. " * 3 + "\n\n") * int(len(wire) / 330)
        )
        path.write_text(text)
        lift = datetime.now(UTC) + timedelta(seconds=2 + mails / 4000)
        path.write_text(text.replace(text.split("embargoed_until: ")[1].split("\n")[0], lift.isoformat()))
        desk.schedule(path)

        async def work() -> tuple[float, float]:
            with desk.ledger() as ledger:
                outbox = Outbox(
                    ledger=ledger, channels=dict(desk.channels), clock=desk.clock, worker="bench",
                    policy=desk.settings.policy, report=lambda _events: None,
                )  # fmt: skip
                await outbox.look_around()
                await asyncio.sleep(max(0.0, (lift - datetime.now(UTC)).total_seconds() + 0.1))
                began, cpu = time.perf_counter(), time.process_time()
                made = await outbox.finish()
                taken, spent = time.perf_counter() - began, time.process_time() - cpu
                await outbox.close()
                assert made == mails, made
                return made / taken, 1e6 * spent / made

        speed, cpu = asyncio.run(work())
        return speed, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the tables."""
    mails = int(sys.argv[1]) if len(sys.argv) > 1 else pick(4000, 20)
    wire = b"Subject: bench\r\n\r\n" + b"What a press release says, in lines of some length, and more of it.\r\n" * 285
    clients = {"distributor": ours, "smtplib, threads": theirs_threads, "aiosmtplib": theirs_aio}
    if SOURCE:
        clients = {"smtp-source (C)": theirs_c, **clients}
    settings.load(site.Site(None))
    print(
        f"mails of {len(wire):,} bytes a second, medians of {ROUNDS} interleaved rounds; ÷ the first client of the group"
    )
    print(f"{'delay':>6} {'connections':>12}  {'client':<20} {'mails/s':>8} {'÷':>6}")
    for delay, connections in ((0.0, 1), (0.0, 4), (0.0, 16), (0.005, 16), (0.02, 16)):
        number = mails if not delay else max(pick(200, 10), mails // (2 if delay < 0.01 else 4))
        speeds: dict[str, list[float]] = {name: [] for name in clients}
        with receiver(delay) as port:
            for _ in range(ROUNDS):
                for name, client in clients.items():
                    began = time.perf_counter()
                    client(port, number, connections, wire)
                    speeds[name].append(number / (time.perf_counter() - began))
        base = statistics.median(next(iter(speeds.values())))
        for name, taken in speeds.items():
            speed = statistics.median(taken)
            print(
                f"{1000 * delay:>4.0f}ms {connections:>12}  {name:<20} {speed:>8.0f} {speed / base:>6.2f}", flush=True
            )
    with receiver(0.0) as port:
        for connections in (4, 16):
            taken = [whole(port, mails, connections, wire) for _ in range(ROUNDS)]
            print(
                f"   0ms {connections:>12}  {'through the ledger':<20} {statistics.median(s for s, _, _ in taken):>8.0f}   "
                f"{statistics.median(c for _, c, _ in taken):.0f} µs each, peak {max(m for _, _, m in taken):.0f} MB"
            )


if __name__ == "__main__":
    main()
