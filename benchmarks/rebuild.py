"""What does it cost to write the whole public folder anew, with 1,000 releases? CPU per release, beside what people do
instead: feedgen over everything, as its README shows it, and Hugo (where it is installed) with a page each and one feed of all.

Ours writes pages, months, five topics, sitemaps, RSS, Atom, JSON Feed, archives, and compressed variants, all flushed to disk.

    python benchmarks/rebuild.py [SIZE]
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import feedgen.feed
from publish import Store, keep, message_of, stored
from sizes import pick

from distributor.contract import Message

PAGE = "<!DOCTYPE html><html><head><title>{{ .Title }}</title></head><body><h1>{{ .Title }}</h1>{{ .Content }}</body></html>"


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else pick(1_000, 5)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        store = stored(Path(folder) / "site", size)
        messages = [message_of(store.channels[1], store.sample, store.kit, number) for number in range(size)]
        rows.append(_ours(store, size))
        rows.append(_naive(messages))
        if hugo := shutil.which("hugo"):
            rows.append(_hugo(hugo, Path(folder) / "hugo", messages))
    print(f"{'what':<44} {'files':>6} {'CPU ms each':>11} {'a file':>7} {'wall s':>7}")
    for name, files, cpu, wall in rows:
        print(f"{name:<44} {files:>6} {cpu / size * 1000:>11.2f} {cpu / files * 1000:>7.2f} {wall:>7.2f}")
    if len(rows) < 3:
        print("hugo is not installed here: its row is missing")


def _ours(store: Store, size: int) -> tuple[str, int, float, float]:
    public = store.channels[0].places.public
    for number in range(size):  # the kept copies that a delivery leaves
        keep(store, number)
    shutil.rmtree(public)
    began, wall = time.process_time(), time.perf_counter()
    for channel in store.channels:
        channel.rebuild(store.kit)  # type: ignore[attr-defined]  # of the two public channels
    spent = time.process_time() - began, time.perf_counter() - wall
    return "distributor publish --rebuild", sum(path.is_file() for path in public.rglob("*")), *spent


def _naive(messages: list[Message]) -> tuple[str, int, float, float]:
    """One feed of everything, RSS and Atom: no pages, no archive, no variants."""
    began, wall = time.process_time(), time.perf_counter()
    made = feedgen.feed.FeedGenerator()
    made.id("https://newsroom.example/")
    made.title("News")
    made.description("News")
    made.link(href="https://newsroom.example/", rel="alternate")
    for message in messages:
        entry = made.add_entry()
        entry.id(message.meta["guid"])
        entry.title(message.title)
        entry.link(href=f"https://newsroom.example/{message.meta['guid']}")
        entry.description(message.text)
        entry.content(message.html, type="CDATA")
        entry.published(message.meta["published"])
        entry.updated(message.meta["published"])
    made.rss_str()
    made.atom_str()
    return "feedgen as in its README, two feeds of all", 2, time.process_time() - began, time.perf_counter() - wall


def _hugo(program: str, root: Path, messages: list[Message]) -> tuple[str, int, float, float]:
    (root / "layouts" / "_default").mkdir(parents=True)
    (root / "content").mkdir()
    (root / "config.toml").write_text(
        'baseURL = "https://newsroom.example/"\ntitle = "News"\n[markup.goldmark.renderer]\nunsafe = true\n'
    )
    (root / "layouts" / "_default" / "single.html").write_text(PAGE)
    (root / "layouts" / "_default" / "list.html").write_text(PAGE)
    for number, message in enumerate(messages):
        front = f"---\ntitle: Release {number}\ndate: {message.meta['published']}\ntags: [{', '.join(message.meta['tags'].split())}]\n---\n"
        (root / "content" / f"release-{number}.md").write_text(front + message.html)
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([program, "--quiet", "--buildFuture", "-s", root], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    files = sum(path.is_file() for path in (root / "public").rglob("*"))
    return "Hugo: pages, tags, feeds; nothing compressed", files, cpu, time.perf_counter() - wall


if __name__ == "__main__":
    main()
