"""Networks that fetch photos by their address: what is shown is what lies there, at the instant, until a kill."""

import hashlib
import io
import random
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image

from distributor import images
from distributor.errors import ActionError
from distributor.message import MediaFile
from distributor.outbox.page import NoPage, Pages
from distributor.seal import Refusal, originals
from tests import sites
from tests.scheduled import LIFT, Scheduled
from tests.servers.http import LoopbackServer, Received, Reply
from tests.test_networks import CASES
from tests.test_networks_whole import network

BY_ADDRESS = ("threads", "telegram", "slack", "slack-bot", "teams", "line")
NEWSROOM = '[channels.newsroom]\ntype = "newsroom"\n'
_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".html": "text/html"}


class Website(LoopbackServer):
    """A web server or a CDN over a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.lies = False  #: answers 200 with a page for everything, as some servers do

    def find(self, path: str) -> Path | None:
        path_ = self.folder / unquote(path).strip("/")
        return next((one for one in (path_, path_ / "index.html") if one.is_file()), None)

    def answer(self, request: Received) -> Reply:
        found = self.find(request.path)
        if found is None:
            body = b"<h1>Not found</h1>" if self.lies else b""
            return Reply(status=200 if self.lies else 404, body=body, headers={"Content-Type": "text/html"})
        return Reply(body=found.read_bytes(), headers={"Content-Type": _TYPES.get(found.suffix, "text/plain")})


def heavy(size: tuple[int, int], *, seed: int = 7) -> bytes:
    """A PNG of more than five megabytes that is quickly drawn: most of it is a chunk that no reader knows."""
    data, weight = noise(size, "PNG", seed=seed), bytes(5_400_000)
    chunk = b"teSt" + weight
    return data[:-12] + len(weight).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + data[-12:]


def noise(size: tuple[int, int], form: str, *, seed: int = 7) -> bytes:
    """A picture that does not compress."""
    target = io.BytesIO()
    whole = Image.frombytes("RGB", size, random.Random(seed).randbytes(size[0] * size[1] * 3))
    whole.save(target, form, **({"quality": 95} if form != "PNG" else {}))
    return target.getvalue()


@contextmanager
def live(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, more: str = NEWSROOM, folder: str = "public"
) -> Iterator[tuple[Scheduled, Any, Website]]:
    """A scheduled release with a PNG of five megabytes and a WebP, on a network that posts photos."""
    monkeypatch.setattr("distributor.outbox.page._PATIENCE", 0.3)
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "big.png").write_bytes(heavy((300, 240)))
    (tmp_path / "pier.webp").write_bytes(noise((600, 400), "WEBP"))
    media = "media:\n" + "".join(
        f"  - {{file: {file}, alt: The {file}, caption: A ferry., credit: Q}}\n" for file in ("big.png", "pier.webp")
    )
    with network(name, monkeypatch, media="photos") as (server, given), Website(tmp_path / folder) as website:
        block = given.replace("wait_for_page = false\n", "")
        newsroom = f'[newsroom]\nurl = "{website.url}"\n'
        yield Scheduled(tmp_path, newsroom + more + block, **{"issuer:": f"{media}issuer:"}), server, website


def out(site: Scheduled, when: datetime) -> None:
    """Drain at an instant, and again as long as a post may wait for its photo."""
    site.clock.set(when)
    for _ in range(4):
        site.drain()
        site.clock.step(timedelta(seconds=2))


def addresses(server: Any, website: Website) -> list[str]:
    """Every address of a file that the network was given."""
    said = " ".join(unquote(request.body.decode("utf-8", "replace")) for request in server.received)
    return sorted(set(re.findall(rf"{re.escape(website.url)}(/media/[^\"&\s]+)", said)))


def fitted(site: Scheduled) -> dict[str, bytes]:
    """What the preview shows of the network's photos, by their SHA-256."""
    [one] = [one for one in site.desk.preview(site.root / "piers.md").rendered if one.message.channel == "net"]
    return {file.sha256: file.data for file in one.message.media}


@pytest.mark.parametrize("name", BY_ADDRESS)
def test_what_the_preview_shows_lies_at_the_sealed_address_when_the_post_comes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live(name, tmp_path, monkeypatch) as (site, server, website):
        shown = fitted(site)
        there: list[bool] = []
        usual: Callable[[Received], Reply] = server.answer

        def answer(request: Received) -> Reply:
            there.extend(website.find(path) is not None for path in addresses(server, website))
            return usual(request)

        server.answer = answer
        site.drain()
        before = {path.suffix for path in (site.root / "public").rglob("*") if path.is_file()}
        assert before <= {
            ".html",
            ".txt",
            ".css",
            ".js",
            ".xml",
            ".atom",
            ".json",
            ".gz",
            ".br",
        }  # no photo before the instant
        out(site, LIFT)
        assert site.states() == {"newsroom public/en": "delivered", "net public/en": "delivered"}
        assert there
        assert all(there)
        sent = {path: website.find(path).read_bytes() for path in addresses(server, website)}  # type: ignore[union-attr]
        limits = site.desk.press.networks[CASES[name].channel]
        assert len(shown) == min(2, limits["photos"])
        assert shown.items() <= {hashlib.sha256(data).hexdigest(): data for data in sent.values()}.items()
        for path, data in sent.items():
            with Image.open(io.BytesIO(data)) as image:
                assert image.format in ("JPEG", "PNG")
                assert max(image.size) <= limits["photo_max_side"]
            assert len(data) <= limits["photo_max_bytes"]
            assert hashlib.sha256(data).hexdigest()[:16] in path
        if name == "line":
            [post] = server.posts.values()
            small = [one["previewImageUrl"].removeprefix(website.url) for one in post["messages"][1:]]
            assert all(len(sent[path]) <= 1_000_000 for path in small)


@pytest.mark.parametrize("name", ["telegram", "line"])
def test_a_kill_takes_the_fitted_photos_of_every_version_down(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = f'[channels.bucket]\ntype = "bucket"\nfolder = "{tmp_path / "cdn"}"\n'
    with live(name, tmp_path, monkeypatch, more=NEWSROOM + bucket, folder="cdn") as (site, server, website):
        out(site, LIFT)
        first = addresses(server, website)
        assert first
        assert set(site.states().values()) == {"delivered"}
        (tmp_path / "big.png").write_bytes(heavy((300, 240), seed=8))
        corrects = "version: 2\ncorrects: {version: 1, class: A, text: Two piers.}"
        text = (tmp_path / "piers.md").read_text().replace("media:", f"{corrects}\nmedia:")
        later = LIFT + timedelta(hours=1)
        (tmp_path / "piers.md").write_text(
            text.replace("Three piers", "Two piers").replace(LIFT.isoformat(), later.isoformat())
        )
        site.desk.schedule(tmp_path / "piers.md")
        out(site, later)
        both = addresses(server, website)
        assert all(website.find(path) for path in first)  # the old post, where it stays up, keeps its photos
        if name == "line":
            assert len(both) > len(first)
        site.desk.kill("three-piers")
        for _ in range(4):
            site.drain()
            site.clock.step(timedelta(seconds=2))
        for folder in ("cdn", "public"):
            left = [path for path in (tmp_path / folder / "media").rglob("*") if path.suffix in (".jpg", ".png")]
            assert left == []


def test_a_photo_of_two_releases_stays_while_one_of_them_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with live("line", tmp_path, monkeypatch) as (site, server, website):
        other = tmp_path / "other.md"
        other.write_text((tmp_path / "piers.md").read_text().replace("three-piers", "other"))
        site.desk.schedule(other)
        out(site, LIFT)
        paths = addresses(server, website)
        site.desk.kill("other")
        site.drain()
        assert all(website.find(path) for path in paths)
        site.desk.kill("three-piers")
        site.drain()
        assert not any(website.find(path) for path in paths)


def test_rebuilt_from_nothing_the_fitted_photos_are_there_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live("telegram", tmp_path, monkeypatch) as (site, server, website):
        out(site, LIFT)
        paths = addresses(server, website)
        for path in (tmp_path / "public").rglob("*.*"):
            path.unlink()
        assert not any(website.find(path) for path in paths)
        newsroom: Any = site.desk.channels["newsroom"]
        newsroom.rebuild(site.desk.press)
        assert all(website.find(path) for path in paths)


def test_the_post_waits_until_the_address_answers_with_the_very_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = '[channels.bucket]\ntype = "bucket"\nfolder = "{}"\nafter = "1h"\n'.format(tmp_path / "cdn")
    with live("telegram", tmp_path, monkeypatch, more=NEWSROOM + bucket, folder="cdn") as (site, server, website):
        for lies, words in ((False, "answered 404"), (True, "answered 200 with text/html in place of a picture")):
            website.lies = lies
            site.clock.set(LIFT + timedelta(minutes=1) * (1 + lies))
            site.drain()
            [row] = [row for row in site.rows() if row.channel == "net"]
            assert row.state == "retrying"
            assert words in (row.reason or "")
            assert "waits for its photo" in (row.reason or "")
        assert server.received == []
        site.clock.set(LIFT + timedelta(hours=1))
        for _ in range(3):
            site.drain()
            site.clock.step(timedelta(seconds=40))
        assert set(site.states().values()) == {"delivered"}


def test_other_bytes_at_the_address_are_not_the_photo(tmp_path: Path) -> None:
    import asyncio

    async def look(url: str) -> str:
        pages = Pages(patience=0.1)
        try:
            await pages.wait(url, file=True)
        except NoPage as error:
            return error.reason
        finally:
            await pages.close()
        return ""

    with Website(tmp_path) as website:
        data = noise((60, 40), "JPEG")
        named = MediaFile(name="a b.jpg", content_type="image/jpeg", data=data)
        path = tmp_path / unquote(named.address)
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        url = f"{website.url}/{named.address}"
        assert asyncio.run(look(url)) == ""
        path.write_bytes(noise((60, 40), "JPEG", seed=8))
        assert "answered 200 with another file" in asyncio.run(look(url))


def test_without_a_channel_that_makes_them_public_it_cannot_be_scheduled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pytest.raises(Refusal, match=r"no channel puts them there.*\[photos-nowhere\]"),
        live("telegram", tmp_path, monkeypatch, more=""),
    ):
        raise AssertionError
    rss = '[channels.rss]\ntype = "rss"\n'
    with live("telegram", tmp_path / "feed", monkeypatch, more=rss) as (site, _, website):
        shown = fitted(site)
        out(site, LIFT)
        files = [path for path in website.folder.rglob("*") if path.is_file()]
        assert shown.keys() <= {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("text.jpg", b"no picture", "is no picture that can be read"),
        ("empty.jpg", b"", "is empty"),
        ("cut.jpg", noise((300, 200), "JPEG")[:2000], "is damaged or cut off"),
        ("cut.png", noise((300, 200), "PNG")[:2000], "is damaged or cut off"),
    ],
)
def test_a_photo_that_nobody_can_look_at_is_an_error_before_approval(
    name: str, data: bytes, words: str, tmp_path: Path
) -> None:
    site = Scheduled(tmp_path, NEWSROOM)
    (tmp_path / name).write_bytes(data)
    media = f"media:\n  - {{file: {name}, alt: A, caption: B}}\n"
    path = sites.release(tmp_path, LIFT, name="broken", **{"issuer:": f"{media}issuer:"})
    found = [finding for finding in site.desk.preview(path).errors() if finding.code == "photo-unreadable"]
    assert [finding.text for finding in found if words in finding.text]
    with pytest.raises(ActionError, match="photo-unreadable"):
        site.desk.schedule(path)


def test_a_strip_is_drawn_by_the_newsroom_and_refused_where_the_network_has_no_room(tmp_path: Path) -> None:
    block = '[channels.net]\ntype = "telegram"\nchat = "@tidewater_news"\nmedia = "photos"\n'
    site = Scheduled(tmp_path, NEWSROOM)
    Image.new("RGB", (30_000, 2)).save(tmp_path / "strip.png")
    media = "media:\n  - {file: strip.png, alt: A, caption: B}\n"
    path = sites.release(tmp_path, LIFT, name="strip", **{"issuer:": f"{media}issuer:"})
    assert site.desk.preview(path).errors() == []
    sites.configure(tmp_path, NEWSROOM + block)
    other = type(site.desk)(site=site.desk.site, clock=site.clock)
    [found] = other.preview(path).errors()
    assert found.code == "photo-unfit"
    assert "30,000 × 2 pixels: the network takes one side at most 20 times the other" in found.text


def test_colours_come_out_as_they_look() -> None:
    def made(image: Image.Image, form: str) -> Any:
        target = io.BytesIO()
        image.save(target, form)
        file = MediaFile(name="a", content_type="image/png", data=target.getvalue())
        out = images.within(file, images.Recipe(("image/jpeg",), 10**7, 9999, 10**9))
        assert out
        with Image.open(io.BytesIO(out.data)) as read:
            assert read.mode in ("RGB", "L")
            assert "icc_profile" not in read.info
            return read.convert("RGB").getpixel((5, 5))

    grey = Image.new("I;16", (20, 20), 40_000)  # 40,000 of 65,535 is 156 of 255, and not white
    assert made(grey, "PNG") == (156, 156, 156)
    red, green, blue = made(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG")
    assert red > 200
    assert green < 60
    assert blue < 60
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    assert made(clear, "PNG") == (255, 255, 255)  # see-through is white in a JPEG, not black


def test_a_very_large_photo_is_made_to_fit_without_a_word_on_the_terminal(tmp_path: Path) -> None:
    Image.new("L", (12_000, 9_000), 200).save(tmp_path / "large.jpg", "JPEG")
    code = """
import sys
from pathlib import Path
from distributor import images
from distributor.message import MediaFile

file = MediaFile(name="large.jpg", content_type="image/jpeg", data=Path(sys.argv[1]).read_bytes())
fitted = images.within(file, images.Recipe(("image/jpeg",), 10**7, 4096, 10**8))
print(images.fault(file), images.size(fitted))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "large.jpg")], capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("(4096, 3072)", "")


def test_moved_to_another_time_every_photo_is_made_from_the_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wide.jpg").write_bytes(noise((2400, 300), "JPEG"))
    with network("teams", monkeypatch, media="photos") as (_, block):
        media = "media:\n  - {file: wide.jpg, alt: A, caption: B}\n"
        site = Scheduled(tmp_path, NEWSROOM + block, **{"issuer:": f"{media}issuer:"})
        [page] = [one.message for one in site.desk.preview(tmp_path / "piers.md").rendered if one.message.html]
        moved = site.desk.reschedule("three-piers", LIFT + timedelta(hours=2))
        [again] = [one.message for one in moved.preview.rendered if one.message.html]
        assert {file.sha256 for file in again.media} == {file.sha256 for file in page.media}
    named = [
        MediaFile(name="a.jpg", content_type="image/jpeg", data=noise(size, "JPEG")) for size in ((90, 60), (30, 20))
    ]
    assert originals(named)["a.jpg"] is named[0] is originals(reversed(named))["a.jpg"]


def test_a_mail_names_a_photo_that_is_there(tmp_path: Path) -> None:
    target = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    Image.new("RGB", (3000, 2000)).save(target, "JPEG", exif=exif)
    (tmp_path / "gps.jpg").write_bytes(target.getvalue())
    mail = '[channels.mail]\ntype = "email"\nsender = "a@harbour.example"\nto = ["b@paper.example"]\n'
    media = "media:\n  - {file: gps.jpg, alt: A, caption: B}\n"
    site = Scheduled(tmp_path, NEWSROOM + mail, **{"issuer:": f"{media}issuer:"})
    [letter] = [one for one in site.desk.preview(tmp_path / "piers.md").rendered if one.message.channel == "mail"]
    site.clock.set(LIFT)
    site.drain()
    [named] = re.findall(r"src=\"[^\"]*?/(media/[^\"]+)\"", letter.message.html)
    assert (tmp_path / "public" / unquote(named)).is_file()
