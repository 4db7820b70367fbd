"""What does it cost to publish one release, with 100, 1,000 and 10,000 already public? CPU of `deliver`, page and feeds together.

The stored releases come out three a day; the one that is measured is the newest. Prints the median CPU of ROUNDS releases, the stores in turn (each
with the sample's five topics and no photo: renditions are made when it is sealed) and the ratio to the smallest store, and the least
of them.

    python benchmarks/publish.py [SIZE ...]
"""

import asyncio
import dataclasses
import os
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sizes import pick

from distributor import reading, registry, settings, site
from distributor.contract import Channel, Kit, Message
from distributor.release import Release
from distributor.render import Templates

ROUNDS = pick(15, 1)
SIZES = pick((100, 1_000, 10_000), (5,))


@dataclasses.dataclass
class Store:
    """A public folder with so many releases, and what publishing one more cost."""

    size: int
    channels: list[Channel]
    sample: Release
    kit: Kit
    page: list[float] = dataclasses.field(default_factory=list)
    feeds: list[float] = dataclasses.field(default_factory=list)
    wall: list[float] = dataclasses.field(default_factory=list)

    def publish(self, number: int) -> None:
        """One release more."""
        wall = 0.0
        for channel, times in zip(self.channels, (self.page, self.feeds), strict=True):
            message = message_of(channel, self.sample, self.kit, number)
            began, clock = time.process_time(), time.perf_counter()
            asyncio.run(channel.deliver(message, message.recipients[0], "k"))
            times.append((time.process_time() - began) * 1000)
            wall += (time.perf_counter() - clock) * 1000
        self.wall.append(wall)


def keep(store: Store, number: int) -> None:
    """The page as a delivery keeps it, from which the public folder is made again."""
    message = message_of(store.channels[0], store.sample, store.kit, number)
    kept = store.channels[0].shelf.folder / "kept"  # type: ignore[attr-defined]
    (kept / message.meta["path"]).mkdir(parents=True, exist_ok=True)
    (kept / message.meta["path"] / "index.html").write_bytes(message.content)
    (kept / message.meta["path"] / "release.txt").write_text(message.text)


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    with tempfile.TemporaryDirectory() as folder:
        stores = [stored(Path(folder) / str(size), size) for size in sizes]
        os.sync()  # what filling them left to write is not the price of publishing
        for number in range(ROUNDS):
            for store in stores:
                store.publish(store.size + number)
        base = 0.0
        print(f"{'stored':>7}  {'page ms':>8}  {'feeds ms':>8}  {'CPU ms':>7}  {'least':>6}  {'wall ms':>8}  ratio")
        for store in stores:
            page, feeds, wall = (statistics.median(times) for times in (store.page, store.feeds, store.wall))
            least = min(map(sum, zip(store.page, store.feeds, strict=True)))
            base = base or page + feeds
            print(
                f"{store.size:>7}  {page:>8.1f}  {feeds:>8.1f}  {page + feeds:>7.1f}  {least:>6.1f}  {wall:>8.1f}  {(page + feeds) / base:>5.2f}"
            )


def stored(root: Path, size: int) -> Store:
    """A folder with `size` released, as deliveries would have left them."""
    built_in = site.Site(None)
    config = settings.load(built_in)
    places = settings.Places(public=root / "public", outbox=root / "outbox", state=root / "var")
    sample = reading.read(site.BUILT_IN / "config/sample/harbour-line.md", config.house).release
    kit = Kit(
        templates=Templates(built_in.layers("templates")),
        newsroom=config.newsroom,
        lift=sample.embargoed_until.instant,
        networks={},
        read_media=lambda media: (_ for _ in ()).throw(AssertionError(media)),
    )
    channels = list(registry.build(built_in, config, places, only=("newsroom", "rss")).values())
    _fill(channels, sample, kit, size)
    return Store(size, channels, sample, kit)


def _fill(channels: list[Channel], sample: Release, kit: Kit, size: int) -> None:
    """Put `size` releases on the shelves as deliveries would, without writing the public files each time."""
    for channel in channels:
        first = message_of(channel, sample, kit, 0)
        room = sys.modules[type(channel).__module__]
        row_of = room._row if channel.TYPE == "newsroom" else room.documents.row_of
        shelf = channel.shelf if channel.TYPE == "newsroom" else channel._shelf(first.lang)
        for number in range(size - 1):
            row = row_of(first)
            facts = {key: value.replace("release-0", f"release-{number}") for key, value in row.facts.items()}
            guid = row.guid.replace("release-0", f"release-{number}")
            row = dataclasses.replace(
                row, guid=guid, facts=facts, published=row.published + timedelta(hours=8 * number)
            )
            path = shelf.folder / "rows" / row.place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(row.as_json())
            for name in row.lists:
                pointer = shelf.folder / "lists" / name / row.place
                pointer.parent.mkdir(parents=True, exist_ok=True)
                pointer.touch()
            mark = row.name[13:-5]
            pointer = shelf.folder / "guids" / mark[:2] / mark
            pointer.parent.mkdir(parents=True, exist_ok=True)
            pointer.write_text(row.place)
        last = message_of(channel, sample, kit, size - 1)
        asyncio.run(channel.deliver(last, last.recipients[0], "k"))


def message_of(channel: Channel, sample: Release, kit: Kit, number: int) -> Message:
    """What a channel makes of one of the releases."""
    text = sample.main.model_copy(update={"media": (), "headline": f"Release {number}: {sample.main.headline}"})
    release = sample.model_copy(update={"id": f"release-{number}", "languages": (text,)})
    return channel.render(release, dataclasses.replace(kit, lift=kit.lift + timedelta(hours=8 * number)))[0]


if __name__ == "__main__":
    main()
