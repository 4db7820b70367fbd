"""Social posts: CPU to render one release for every network, to count a text as X does (beside twitter-text-parser), and
posts per second through the whole loop to a server on loopback (beside the bare client).

    python benchmarks/social.py
"""

import asyncio
import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from peers import environment
from sizes import pick

from distributor import images, reading, registry, settings, site
from distributor.clock import SystemClock
from distributor.contract import Channel, Kit, MediaFile
from distributor.desk import Desk
from distributor.http import Http, Request
from distributor.outbox import Outbox
from distributor.posts import Social
from distributor.release import Media
from distributor.render import Templates
from distributor.text import x
from tests import sites
from tests.servers.networks import MatrixServer

HERE = Path(__file__).parent
ROUNDS = pick(25, 1)
POSTS = pick(300, 3)


def cpu(work: object, rounds: int = ROUNDS) -> float:
    """Median milliseconds of CPU."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        work()  # type: ignore[operator]
        taken.append(1000 * (time.process_time() - began))
    return statistics.median(taken)


def rendering() -> None:
    """The sample release on every social channel of the shipped config."""
    here = site.Site(None)
    config = settings.load(here)
    places = settings.Places(public=Path("/x"), outbox=Path("/x"), state=Path("/x"))
    folder = site.BUILT_IN / "config" / "sample"
    release = reading.read(folder / "harbour-line.md", config.house).release

    def read(media: Media) -> MediaFile:
        return MediaFile(name=media.file or "", content_type="image/jpeg", data=(folder / str(media.file)).read_bytes())

    kit = Kit(
        templates=Templates(here.layers("templates")),
        newsroom=config.newsroom,
        lift=datetime(2030, 3, 5, 1, tzinfo=UTC),
        networks=settings.networks(here),
        read_media=read,
    )
    every = registry.build(here, config, places, only=list(config.channels))
    social = [channel for channel in every.values() if isinstance(channel, Social)]

    def whole(channels: list[Channel]) -> None:
        for channel in channels:
            for message in channel.render(release, kit):
                list(channel.check(message))

    def cold(channels: list[Channel]) -> None:
        for cached in (images.clean, images.within, images.preview):
            cached.cache_clear()
        whole(channels)

    bare: list[Channel] = [dataclasses.replace(channel, media="none") for channel in social]
    cards: list[Channel] = [dataclasses.replace(channel, media="card") for channel in social]
    photos: list[Channel] = [dataclasses.replace(channel, media="photos") for channel in social]
    whole(photos)
    print(f"one release rendered and checked for {len(social)} networks, medians of {ROUNDS}\n{'':<34} {'CPU ms':>7}")
    print(f"{'text alone':<34} {cpu(lambda: whole(bare)):>7.1f}")
    whole(cards)
    print(f"{'with cards, pictures made before':<34} {cpu(lambda: whole(cards)):>7.1f}")
    print(f"{'with cards, pictures made anew':<34} {cpu(lambda: cold(cards), 5):>7.1f}")
    print(f"{'with photos, made anew':<34} {cpu(lambda: cold(photos), 5):>7.1f}\n")


def counting() -> None:
    """X's count."""
    python = environment.python("peers-text")
    texts = [
        "All-electric Harbour Line opens with a crossing every six minutes https://ferries.org/harbour-line #HarbourLine #HongKong",
        "潮汐渡輪開辦全電動「維港線」，每六分鐘一班 https://ferries.org/harbour-line #維港線",
        "Four vessels 🚢 👨‍👩‍👧‍👦 🇭🇰, see ferries.org and ThePost.net.au for more",
        "x" * 279,
    ]
    peer = subprocess.run(
        [python, HERE / "peers" / "twitter_text_peer.py"], input=json.dumps(texts), capture_output=True, text=True, check=True
    )  # fmt: skip
    theirs = float(peer.stdout)
    ours = 1000 * cpu(lambda: [x.weight(text) for text in texts]) / len(texts)
    print(f"X's count of a text, microseconds of CPU\n{'distributor':<34} {ours:>7.0f}   1.0")
    print(f"{'twitter-text-parser 3.0.0':<34} {theirs:>7.0f} {theirs / ours:>5.1f}\n")


def sending() -> None:
    """So many releases due at one instant, through the loop to one server; and the same requests without any of it."""
    with MatrixServer() as server, tempfile.TemporaryDirectory() as folder:
        import os

        os.environ["BENCH_TOKEN"] = server.token
        block = (
            '[channels.matrix]\ntype = "matrix"\nprivate_network = true\nwait_for_page = false\nrate = "100000/1s burst 1000"\n'
            f'homeserver = "{server.url}"\nroom = "!press:matrix.example"\ntoken = {{ env = "BENCH_TOKEN" }}\n'
        )
        root = sites.make(Path(folder) / "site", block)
        desk = Desk(site=site.Site(root), clock=SystemClock())
        lift = datetime.now(UTC) + timedelta(seconds=pick(60, 5))
        for number in range(POSTS):
            desk.schedule(sites.release(root, lift, f"piers-{number}"))
        for number in range(POSTS):
            desk.reschedule(
                f"piers-{number}", lift + timedelta(seconds=pick(20, 3))
            )  # all at one instant, later than planned

        async def loop() -> tuple[float, float]:
            with desk.ledger() as ledger:
                rows = [row for one in ledger.releases() for row in ledger.deliveries(one.id, one.version)]
                first = max(row.due for row in rows)
                outbox = Outbox(
                    ledger=ledger, channels=dict(desk.channels), clock=desk.clock, worker="bench",
                    policy=desk.settings.policy, report=lambda _events: None,
                )  # fmt: skip
                await asyncio.sleep(max(0.0, (first - datetime.now(UTC)).total_seconds() + 0.2))
                began, used = time.perf_counter(), time.process_time()
                made = await outbox.finish()
                taken, used = time.perf_counter() - began, time.process_time() - used
                await outbox.close()
                return made / taken, 1000 * used / made

        async def bare() -> float:
            http = Http(connections=100)
            body = server.received[-1].body
            urls = [
                f"{server.url}/_matrix/client/v3/rooms/%21press%3Amatrix.example/send/m.room.message/bare-{n}"
                for n in range(POSTS)
            ]
            began = time.perf_counter()
            requests = (
                Request(method="PUT", url=url, headers=(("Content-Type", "application/json"),), body=body)
                for url in urls
            )
            await asyncio.gather(*(http.send(request, bearer=server.token) for request in requests))
            taken = time.perf_counter() - began
            await http.close()
            return POSTS / taken

        whole, each = asyncio.run(loop())
        alone = asyncio.run(bare())
        assert len(server.posts) == 2 * POSTS
        print(
            f"{POSTS} posts at one instant to a server on loopback (Python, the same process)\n{'':<34} {'posts/s':>7}"
        )
        print(
            f"{'through ledger and outbox':<34} {whole:>7.0f} {whole / alone:>5.2f}   ({each:.2f} ms of CPU each, the server's in it)"
        )
        print(f"{'the same requests, nothing kept':<34} {alone:>7.0f} {1:>5.2f}")


if __name__ == "__main__":
    rendering()
    counting()
    sending()
