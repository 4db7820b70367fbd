"""Before its instant a release leaves no trace in public: not a byte, a header, a count or another 404."""

import asyncio
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from distributor.cli.folder import Public
from distributor.desk import Desk
from distributor.site import Site
from tests import sites
from tests.scheduled import LIFT, Scheduled

BLOCKS = """
[newsroom]
url = "https://newsroom.example"
[channels.newsroom]
type = "newsroom"
[channels.rss]
type = "rss"
hub = "https://hub.example/"
[channels.websub]
type = "websub"
[channels.bucket]
type = "bucket"
"""
Answer = tuple[int, tuple[tuple[bytes, bytes], ...], bytes]


def ask(app: Public, path: str, *asked: tuple[bytes, bytes]) -> Answer:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app({"type": "http", "method": "GET", "path": path, "headers": list(asked)}, None, send))
    return sent[0]["status"], tuple(sent[0]["headers"]), sent[1]["body"]


def seen(root: Path) -> dict[str, object]:
    """Everything that anybody can see: files with their times, listings, and the server's whole answers."""
    public, app = root / "public", Public(root / "public")
    found: dict[str, object] = {}
    for place in (public, root / "outbox"):
        for path in sorted(place.rglob("*")):
            name = path.relative_to(root).as_posix()
            facts = path.stat()
            found[name] = (facts.st_mtime_ns, facts.st_size, path.read_bytes() if path.is_file() else "folder")
    for path in sorted(public.rglob("*")):
        address = f"/{path.relative_to(public).as_posix()}"
        for coding in (b"", b"gzip", b"br"):
            found[f"GET {address} {coding!r}"] = ask(app, address, (b"accept-encoding", coding))
    found["404"] = ask(app, "/no-such-page")
    return found


def secret(root: Path, number: int, lift: Any) -> Path:
    """A release whose every field is a word that no other has."""
    (root / "photo").mkdir(exist_ok=True)
    from PIL import Image

    Image.frombytes("RGB", (40, 30), random.Random(number).randbytes(3600)).save(root / f"quokka{number}.png")
    media = f"media:\n  - {{file: quokka{number}.png, alt: Quokka, caption: A quokka., credit: Q}}\n"
    return sites.release(
        root,
        lift,
        name=f"quokka-merger-{number}",
        **{"Three piers reopen": f"Quokka merger {number}", "issuer:": f"hashtags: [Quokka{number}]\n{media}issuer:"},
    )


@pytest.fixture
def site(tmp_path: Path) -> Scheduled:
    """A newsroom with one release out."""
    made = Scheduled(tmp_path, BLOCKS)
    made.clock.set(LIFT)
    made.drain()
    assert set(made.states().values()) == {"delivered"}
    return made


def drain(site: Scheduled) -> None:
    """One look of the service, under a desk of its own."""
    site.desk = Desk(site=Site(site.root), clock=site.clock)
    site.drain()


def test_ten_embargoed_releases_change_nothing_until_their_instant(site: Scheduled) -> None:
    before, lift = seen(site.root), LIFT + timedelta(hours=20)
    paths = [secret(site.root, number, lift) for number in range(10)]
    addresses = []
    for number, path in enumerate(paths):
        done = site.desk.schedule(path)
        slug = f"/quokka-merger-{number}"
        addresses += [slug, f"{slug}/", f"{slug}/index.html", f"{slug}/release.txt", f"/tag/quokka{number}"]
        addresses += [f"/tag/quokka{number}/feed.xml"]
        addresses += [f"/{file.address}" for one in done.preview.rendered for file in one.message.media if "quokka" in file.name]  # fmt: skip
    assert len(addresses) > 100
    site.clock.set(lift - timedelta(milliseconds=1))
    drain(site)
    assert seen(site.root) == before
    app = Public(site.root / "public")
    assert {ask(app, address) for address in addresses} == {before["404"]}

    for number in range(5):
        site.desk.cancel(f"quokka-merger-{number}")
    drain(site)
    assert seen(site.root) == before

    site.clock.set(lift)
    drain(site)
    after = seen(site.root)
    assert after != before
    assert ask(app, "/quokka-merger-7")[0] == 200
    assert ask(app, "/quokka-merger-3") == before["404"]
    words = b"".join(entry[2] for entry in after.values() if isinstance(entry[2], bytes))  # type: ignore[index]
    assert b"Quokka merger 7" in words
    assert b"Quokka merger 3" not in words


@pytest.mark.slow
def test_a_site_that_never_knew_of_them_looks_the_same(tmp_path: Path) -> None:
    """Bytes, sizes, listings and ETags; times of files are those of two runs."""

    def shown(root: Path, *, secrets: bool) -> dict[str, object]:
        made = Scheduled(root, BLOCKS)
        for number in range(10 if secrets else 0):
            made.desk.schedule(secret(root, number, LIFT + timedelta(hours=20)))
        made.clock.set(LIFT)
        drain(made)
        app, public = Public(root / "public"), root / "public"
        paths = [f"/{path.relative_to(public).as_posix()}" for path in sorted(public.rglob("*"))]
        answers = {path: ask(app, path, (b"accept-encoding", b"gzip")) for path in (*paths, "/quokka-merger-1")}
        return {
            path: (status, [header for header in headers if header[0] != b"last-modified"], body)
            for path, (status, headers, body) in answers.items()
        }

    assert shown(tmp_path / "with", secrets=True) == shown(tmp_path / "without", secrets=False)
