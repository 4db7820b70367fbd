"""What the desk's process holds after an hour of use: the real `distributor desk` with 10,000 releases, one person who opens a page
every second, writes and looks, and one open board.

    python benchmarks/desk_hour.py [MINUTES]
"""

import contextlib
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx
from desk import filled, long_list
from sizes import pick

from distributor.cli.setup import make_site
from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.site import Site

_PASSWORD = "three piers and a kettle of tea"
PAGES = (
    "/releases", "/releases?q=release+99", "/r/harbour-line", "/r/harbour-line/preview", "/r/harbour-line/schedule", "/calendar",
    "/board", "/board/long", "/report/long.csv", "/people", "/audit", "/account",
)  # fmt: skip


def resident(process: int) -> int:
    """Megabytes of a process."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) // 1024 if found else 0


def begin(link: str) -> tuple[httpx.Client, str]:
    """The first admin, signed in, with the token of their forms."""
    client = httpx.Client(base_url=link.partition("/first/")[0], follow_redirects=True, timeout=60)

    def token(page: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found
        return found[1]

    fields = {"name": "Mira", "password": _PASSWORD, "again": _PASSWORD}
    answer = client.post(link, data={**fields, "csrf": token(client.get(link).text)})
    assert answer.status_code == 200, answer.text
    return client, token(client.get("/account").text)


def watch(client: httpx.Client) -> None:
    """Somebody leaves the board open."""
    while True:
        try:
            with client.stream("GET", "/events/board/long", timeout=None) as answer:
                for _ in answer.iter_bytes():
                    pass
        except httpx.HTTPError:
            time.sleep(1)


def main() -> None:
    """Print one line every so often."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else pick(60, 0.05)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "site"
        make_site(root)
        desk = Desk(site=Site(root), clock=SystemClock())
        filled(desk, pick(10_000, 20))
        long_list(desk, pick(10_000, 20))
        command = [sys.executable, "-um", "distributor", "--site", str(root), "desk", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, contextlib.ExitStack() as stack:
            stack.callback(process.kill)
            assert process.stdout
            said = "".join(process.stdout.readline() for _ in range(3))
            found = re.search(r"http://\S+/first/\S+", said)
            assert found, said
            client, csrf = begin(found[0])
            threading.Thread(target=watch, args=(client,), daemon=True).start()
            source = (root / "releases" / "harbour-line.md").read_text()
            began, asked, told = time.monotonic(), 0, 0.0
            print(f"{'minutes':>8} {'requests':>9} {'resident MB':>12}")
            while (passed := (time.monotonic() - began) / 60) < minutes:
                client.get(PAGES[asked % len(PAGES)]).raise_for_status()
                written = {
                    "csrf": csrf,
                    "tab": "t",
                    "number": str(asked),
                    "text.main": source + f"\nTurn {asked}.\n",
                    "seen.main": "",
                }
                for verb in ("live", "autosave"):
                    client.post(f"/r/harbour-line/{verb}", data=written, headers={"X-CSRF": csrf}).raise_for_status()
                asked += 3
                if passed >= told:
                    print(f"{passed:>8.0f} {asked:>9,} {resident(process.pid):>12}", flush=True)
                    told += max(minutes / 12, 0.5)
                time.sleep(1)
            print(f"{passed:>8.0f} {asked:>9,} {resident(process.pid):>12}")


if __name__ == "__main__":
    main()
