"""A loopback peer in a process of its own that notes every POST: when it was there whole, and its Idempotency-Key.

python -m tests.servers.recorder FILE        prints its port
"""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_KEY = re.compile(rb"idempotency-key: ([\w-]+)", re.IGNORECASE)


async def main(path: Path) -> None:
    """Answer every POST with 200."""
    with path.open("ab", buffering=0) as log:

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    length, key = _LENGTH.search(head), _KEY.search(head)
                    assert length
                    assert key
                    await reader.readexactly(int(length[1]))
                    log.write(f"{time.time()!r} {key[1].decode()}\n".encode())
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


@contextmanager
def recorder(path: Path) -> Iterator[str]:
    """Run it; gives its URL."""
    command = [sys.executable, "-m", "tests.servers.recorder", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent.parent) as peer:
        assert peer.stdout
        try:
            yield f"http://127.0.0.1:{peer.stdout.readline().strip()}/"
        finally:
            peer.kill()


def notes(path: Path) -> list[tuple[float, str]]:
    """What it noted: (time, key)."""
    rows = [line.split() for line in path.read_text().splitlines()]
    return [(float(when), key) for when, key in rows]


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
