"""HTTP deliveries per second through the project's client, beside aiohttp and plain httpx, to one loopback server.

python benchmarks/fanout.py [CONNECTIONS ...]
"""

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
import httpx

sys.path.insert(0, str(Path(__file__).parent.parent))

from sizes import pick

from distributor.http import Http, Request

BODY = b"x" * 800
ROUNDS = pick(5, 1)
REQUESTS = pick(2000, 20)
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n" + b'{"ok":true}'
Sender = Callable[[], Awaitable[object]]


class _Peer(asyncio.Protocol):
    """Answers as soon as the 800 bytes are there; cheap enough not to be what is measured."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._to, self._got = transport, b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head >= 0 and len(self._got) >= head + 4 + len(BODY):
            self._got = self._got[head + 4 + len(BODY) :]
            self._to.write(_ANSWER)  # type: ignore[attr-defined]


def serve(pipe: Connection) -> None:
    """The loopback server, in a process of its own."""

    async def work() -> None:
        server = await asyncio.get_running_loop().create_server(_Peer, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(work())


async def fan_out(send: Sender, connections: int) -> tuple[float, float]:
    """Requests per second and milliseconds of CPU each."""

    async def one(number: int) -> None:
        for _ in range(number):
            await send()

    await asyncio.gather(*(one(1) for _ in range(connections)))  # open the connections
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(one(REQUESTS // connections) for _ in range(connections)))
    made = REQUESTS // connections * connections
    return made / (time.perf_counter() - wall), (time.process_time() - cpu) / made * 1000


async def ours(url: str, connections: int) -> tuple[float, float]:
    client = Http(connections=connections)
    request = Request(method="POST", url=url, headers=(("Content-Type", "application/json"),), body=BODY)
    try:
        return await fan_out(lambda: client.send(request, bearer="token"), connections)
    finally:
        await client.close()


async def plain_httpx(url: str, connections: int) -> tuple[float, float]:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:
        return await fan_out(lambda: client.post(url, content=BODY), connections)


async def raw_aiohttp(url: str, connections: int) -> tuple[float, float]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

        async def send() -> None:
            async with session.post(url, data=BODY) as answer:
                await answer.read()

        return await fan_out(send, connections)


def main() -> None:
    """Print the table."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}/"
    designs = {"aiohttp": raw_aiohttp, "distributor": ours, "httpx, one client": plain_httpx}
    print(f"medians of {ROUNDS} interleaved rounds of {REQUESTS} POSTs of {len(BODY)} bytes")
    print(f"{'connections':>11}  {'client':<18} {'requests/s':>10} {'CPU ms each':>11} {'÷ aiohttp':>10}")
    for connections in [int(arg) for arg in sys.argv[1:]] or pick([10, 100, 200], [2]):
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in designs}
        for _ in range(ROUNDS):
            for name, design in designs.items():
                rounds[name].append(asyncio.run(design(url, connections)))
        speeds = {name: statistics.median(speed for speed, _ in made) for name, made in rounds.items()}
        for name, made in rounds.items():
            cpu = statistics.median(each for _, each in made)
            ratio = speeds[name] / speeds["aiohttp"]
            print(f"{connections:>11}  {name:<18} {speeds[name]:>10.0f} {cpu:>11.2f} {ratio:>10.2f}")
    server.terminate()


if __name__ == "__main__":
    main()
