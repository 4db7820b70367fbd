"""The desk in a browser: the list with many releases, the preview of the sample on every channel, the board of a long list; milliseconds a
request, in one process, without the network.

    python benchmarks/desk.py [RELEASES]
"""

import itertools
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import warnings

warnings.simplefilter("ignore")

from sizes import pick
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from distributor.cli.setup import make_site
from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.site import Site
from distributor.store import NewDelivery, Release, SealedMessage
from distributor.web import people
from distributor.web.app import app
from distributor.web.board import look

NOW = datetime.now(UTC)


def filled(desk: Desk, number: int) -> None:
    """So many releases, each with two deliveries."""
    message = SealedMessage(channel="rss", lang="en", body="{}", content="0" * 64, artefacts={"0" * 64: b""})
    with desk.ledger(create=True) as ledger:
        for at in range(number):
            lift = NOW - timedelta(hours=at)
            release = Release(
                id=f"release-{at}", version=1, digest="", snapshot="x" * 8_000, seal=f"{at:064}", lift=lift, zone="Asia/Hong_Kong",
                headline=f"Release {at} with a headline of usual length", pub_status="usable", catch_up_within=timedelta(minutes=15), sealed_at=lift,
            )  # fmt: skip
            rows = [
                NewDelivery(
                    kind="release", channel="rss", lang="en", recipient=f"r{n}", recipient_name="", key=f"{at}-{n}", digest="", signature=b"",
                    due=lift, tier="public", idempotency="A", in_doubt="hold", priority=0, late_ok=True,
                )
                for n in range(2)
            ]  # fmt: skip
            ledger.plan(release, [message], rows, who="bench")


def long_list(desk: Desk, number: int) -> None:
    """One release to many."""
    message = SealedMessage(channel="email", lang="en", body="{}", content="1" * 64, artefacts={"1" * 64: b""})
    with desk.ledger() as ledger:
        release = Release(
            id="long", version=1, digest="", snapshot="", seal="", lift=NOW, zone="UTC", headline="Long", pub_status="usable",
            catch_up_within=timedelta(minutes=15), sealed_at=NOW,
        )  # fmt: skip
        rows = (
            NewDelivery(
                kind="release", channel="email", lang="en", recipient=f"r{n}@x.example", recipient_name="", key=f"long-{n}", digest="",
                signature=b"", due=NOW, tier="public", idempotency="D", in_doubt="hold", priority=3, late_ok=True,
            )
            for n in range(number)
        )  # fmt: skip
        ledger.plan(release, [message], rows, who="bench")


def timed(call: Callable[[], object], rounds: int, before: Callable[[], object]) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds; what is done `before` each call is not counted."""
    call()
    taken = []
    for _ in range(rounds):
        before()
        began = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken), sorted(taken)[int(0.99 * (rounds - 1))]


def everywhere(root: Path) -> int:
    """Let the site's sample go out on every channel of its config; how many there are."""
    config = root / "config" / "distributor.toml"
    config.write_text(config.read_text().replace("enabled = false", "enabled = true"))
    return len(Desk(site=Site(root), clock=SystemClock()).channels)


def plain() -> TestClient:
    """A bare Starlette application: what a request costs before anything is done."""

    async def hello(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    return TestClient(Starlette(routes=[Route("/", hello)]), base_url="http://127.0.0.1")


def main() -> None:
    """Print one table."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else pick(10_000, 20)
    many = pick(10_000, 20)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "site"
        make_site(root)
        channels = everywhere(root)
        desk = Desk(site=Site(root), clock=SystemClock())
        filled(desk, number)
        long_list(desk, many)
        sample = root / "releases" / "harbour-line.md"
        source, turns = sample.read_text(), itertools.count()

        def edited() -> None:
            sample.write_text(f"{source}\nTurn {next(turns)}.\n")

        with desk.ledger() as ledger:
            made = app(Site(root), SystemClock(), base="http://127.0.0.1")
            made.state.house.people.add("a", "admin", lang="en", zone="UTC", now=NOW, password="x" * 20)
            client = TestClient(made, base_url="http://127.0.0.1", follow_redirects=False)
            client.cookies.set(
                people.cookie(secure=False), people.begin(made.state.house.people, "a", address="", now=NOW)
            )
            assert client.get("/releases").status_code == 200
            release, bare, preview = ledger.release("long"), plain(), "/r/harbour-line/preview"
            assert release

            def still() -> None:
                """Nothing happens before."""

            rows: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
                "a bare Starlette application": (lambda: bare.get("/"), still),
                f"list, {number:,} releases": (lambda: client.get("/releases"), still),
                f"list, {number:,} releases, searched": (lambda: client.get("/releases?q=release+99"), still),
                "calendar, a month of them": (lambda: client.get("/calendar"), still),
                "calendar, a week with times": (lambda: client.get("/calendar?view=week"), still),
                f"preview of the sample, {channels} channels": (lambda: client.get(preview), still),
                "the same after its text was changed": (lambda: client.get(preview), edited),
                f"board, {many:,} deliveries": (lambda: client.get("/board/long"), still),
                f"report, {many:,} deliveries": (lambda: client.get("/report/long"), still),
                "board, the part that moves": (lambda: look(ledger, release, desk), still),
            }
            print(f"{'milliseconds a request':<42} {'p50':>7} {'p99':>7} {'÷ bare':>7}")
            first = 0.0
            for name, (call, before) in rows.items():
                p50, p99 = timed(call, pick(40, 1), before)
                first = first or p50
                print(f"{name:<42} {p50:>7.1f} {p99:>7.1f} {p50 / first:>7.1f}", flush=True)
        print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, everything in one process")


if __name__ == "__main__":
    main()
