"""What does the built-in server take for one answer, beside nginx (where it is installed) and Starlette's StaticFiles with
compression? A feed of 70 KB, kept-alive connections, as it is, compressed, and unchanged (304).

CPU of the server's processes from /proc, requests a second as one client sees them. Starlette runs from benchmarks/.peers.

    python benchmarks/serving.py [REQUESTS]
"""

import asyncio
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from peers import environment
from sizes import pick

from distributor import public

HERE = Path(__file__).parent
ROUNDS, CONNECTIONS = pick(3, 1), 8
SLOW = "StaticFiles + GZip"  # gets a tenth of the requests
STATIC = """
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
import sys, uvicorn

app = Starlette(routes=[Mount("/", StaticFiles(directory=sys.argv[1], html=True))], middleware=[Middleware(GZipMiddleware)])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_config=None)
"""
NGINX = """
worker_processes 1; daemon off; pid {root}/nginx.pid; error_log {root}/error.log;
events {{ worker_connections 256; }}
http {{
  types {{ application/rss+xml xml; }} access_log off; gzip_static on; gzip_vary on; open_file_cache max=100;
  sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else pick(20_000, 100)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        folder = root / "site" / "public"
        (root / "site" / "config").mkdir(parents=True)
        (root / "site" / "config" / "distributor.toml").touch()
        _fill(folder)
        found: dict[tuple[str, str], list[tuple[float, float]]] = {}
        servers = _servers(root, folder)
        for _ in range(ROUNDS):
            for server, command in servers.items():
                count = requests if server != SLOW else requests // 10
                with _running(command) as (port, pid):
                    for case, headers in _cases(port).items():
                        found.setdefault((case, server), []).append(_measure(port, pid, headers, count))
        _print(found, list(servers), requests)


def _fill(folder: Path) -> None:
    """A feed that compresses as news does: to a third."""
    words = " ".join(path.read_text() for path in (HERE.parent / "docs").glob("*.md")).replace("<", "").split()
    chance = random.Random(1)
    items = "".join(f"<item><title>{' '.join(chance.choices(words, k=600))}</title></item>\n" for _ in range(18))
    public.put(folder / "feed.xml", f"<rss><channel>{items}</channel></rss>\n".encode()[:70_000])


def _servers(root: Path, folder: Path) -> dict[str, Callable[[int], list[str]]]:
    """Name → the command for a port."""
    (root / "static.py").write_text(STATIC)
    python, peers = sys.executable, str(environment.python("peers"))

    def nginx(port: int) -> list[str]:
        config = root / f"nginx.{port}.conf"
        config.write_text(NGINX.format(root=root, folder=folder, port=port))
        return [str(program), "-p", str(root), "-c", str(config)]

    servers: dict[str, Callable[[int], list[str]]] = {
        "distributor serve": lambda port: [python, "-m", "distributor", "--site", str(root / "site"), "serve", "--port", str(port)],
        SLOW: lambda port: [peers, str(root / "static.py"), str(folder), str(port)],
    }  # fmt: skip
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return {"nginx": nginx, **servers} if program else servers


@contextmanager
def _running(command: Callable[[int], list[str]]) -> Iterator[tuple[int, int]]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    with subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)


def _cases(port: int) -> dict[str, bytes]:
    """Request headers of each case; the ETag is the server's own."""
    answer = asyncio.run(_head(port))
    etag = next(line.partition(b":")[2].strip() for line in answer.split(b"\r\n") if line.lower().startswith(b"etag"))
    return {"200": b"", "200 gzip": b"Accept-Encoding: gzip\r\n", "304": b"If-None-Match: %s\r\n" % etag}


async def _head(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /feed.xml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer


def _measure(port: int, pid: int, headers: bytes, requests: int) -> tuple[float, float]:
    """(CPU µs of the server, requests a second)."""
    asyncio.run(_load(port, headers, requests // 10))
    before, began = _cpu(pid), time.perf_counter()
    asyncio.run(_load(port, headers, requests))
    seconds = time.perf_counter() - began
    return (_cpu(pid) - before) / requests * 1e6, requests / seconds


async def _load(port: int, headers: bytes, requests: int) -> None:
    request = b"GET /feed.xml HTTP/1.1\r\nHost: x\r\n%s\r\n" % headers

    async def one(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        for _ in range(count):
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith((b"http/1.1 200", b"http/1.1 304")), head
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
            if b"transfer-encoding: chunked" in head:
                while size := int((await reader.readline()).strip() or b"0", 16):
                    await reader.readexactly(size + 2)
                await reader.readline()
            elif length and not head.startswith(b"http/1.1 304"):
                await reader.readexactly(int(length))
        writer.close()

    await asyncio.gather(*(one(requests // CONNECTIONS) for _ in range(CONNECTIONS)))


def _cpu(pid: int) -> float:
    """Seconds of a process and its children."""
    total = 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(path.parent.name) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _print(found: dict[tuple[str, str], list[tuple[float, float]]], servers: list[str], requests: int) -> None:
    print(f"medians of {ROUNDS} rounds, the servers in turn; {requests} requests on {CONNECTIONS} connections")
    print(f"{'case':<9} {'server':<20} {'CPU µs each':>11} {'requests/s':>11}  ÷ {servers[0]}")
    for case in ("200", "200 gzip", "304"):
        base = statistics.median(cpu for cpu, _ in found[case, servers[0]])
        for server in servers:
            cpu, speed = (statistics.median(values) for values in zip(*found[case, server], strict=True))
            ratio = f"{cpu / base:.2f}" if base else "–"  # the kernel counts hundredths of a second
            print(f"{case:<9} {server:<20} {cpu:>11.0f} {speed:>11.0f}  {ratio}")
    if "nginx" not in servers:
        print("nginx is not installed here: its rows are missing")


if __name__ == "__main__":
    main()
