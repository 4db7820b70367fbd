"""The newsroom: pages that are safe and whole, lists made of what is released, and nothing early."""

import asyncio
import dataclasses
import gzip
import hashlib
import io
import json
import multiprocessing
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import brotli
import pytest
from lxml import etree
from PIL import Image

from distributor import images
from distributor.contract import Channel, Kit, MediaFile, Message, Receipt, Unavailable
from distributor.errors import ConfigError
from distributor.release import Correction, Media, Release
from tests.conftest import at

MakeRelease = Callable[..., Release]


@pytest.fixture
def newsroom(make_channel: Callable[..., Channel]) -> Channel:
    return make_channel("newsroom")


def publish(channel: Channel, *messages: Message) -> list[Receipt]:
    return [asyncio.run(channel.deliver(m, m.recipients[0], "k" * 32)) for m in messages]


def tree(root: Path) -> dict[str, str]:
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def numbered(make_release: MakeRelease, number: int, **changes: Any) -> Release:
    return make_release(headline=f"Release {number}", **changes).model_copy(update={"id": f"release-{number}"})


def photo(size: tuple[int, int], mode: str = "RGB", form: str = "JPEG", **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, "teal").save(target, form, **options)
    return target.getvalue()


def test_golden(newsroom: Channel, sample: Release, kit: Kit, golden: Callable[[str, bytes], None]) -> None:
    for message in newsroom.render(sample, kit):
        # The encoder of the photos is Pillow's; its bytes are not ours to freeze, so neither are their addresses.
        page = re.sub(rb"media/[0-9a-f]{16}/", b"media/HASH/", message.content)
        golden(f"newsroom/index.{message.lang}.html", page)
        golden(f"newsroom/release.{message.lang}.txt", message.text.encode())


def test_every_link_of_the_site_leads_somewhere(
    newsroom: Channel, make_channel: Any, sample: Release, kit: Kit
) -> None:
    for channel in (newsroom, make_channel("rss")):
        publish(channel, *channel.render(sample, kit))
    root = newsroom.places.public
    missing = set()
    for page in root.rglob("*.html"):
        document = etree.HTML(page.read_bytes())
        links = document.xpath("//@href | //img/@src")
        links += [part.split()[0] for srcset in document.xpath("//@srcset") for part in srcset.split(",")]
        for link in links:
            from urllib.parse import unquote

            path = unquote(link).removeprefix("https://newsroom.tidewater.example")
            if path.startswith("/") and not ((root / path[1:]).is_file() or (root / path[1:] / "index.html").is_file()):
                missing.add(f"{page.relative_to(root)} → {path}")
    assert not missing


def test_what_a_page_says_to_machines(newsroom: Channel, sample: Release, kit: Kit) -> None:
    message = newsroom.render(sample, kit)[0]
    document = etree.HTML(message.content)
    properties = {m.get("property"): m.get("content") for m in document.iter("meta") if m.get("property")}
    assert properties["og:type"] == "article"
    assert properties["og:url"] == "https://newsroom.tidewater.example/harbour-line-opening"
    ratio = int(properties["og:image:width"]) / int(properties["og:image:height"])
    assert abs(ratio - 1.91) < 0.01
    article = json.loads(document.findtext(".//script"))
    assert article["@type"] == "NewsArticle"
    assert article["headline"] == sample.main.headline
    assert article["datePublished"] == "2030-03-05T01:00:00Z"
    assert article["author"] == [
        {"@type": "Organization", "name": "Tidewater Ferries", "url": "https://www.tidewater.example"}
    ]
    assert all(url.startswith("https://newsroom.tidewater.example/media/") for url in article["image"])
    alternates = {link.get("hreflang"): link.get("href") for link in document.iter("link") if link.get("hreflang")}
    assert set(alternates) == {"en", "zh-Hant"}
    assert len(document.findall(".//h1")) == 1
    [image] = document.iter("img")
    assert image.get("alt")
    assert sorted({s.get("type") for s in document.iter("source")}) == ["image/jpeg", "image/webp"]


def test_the_text_can_be_copied_where_the_browser_lets_it(newsroom: Channel, sample: Release, kit: Kit) -> None:
    message = newsroom.render(sample, kit)[0]
    publish(newsroom, message)
    document = etree.HTML(message.content)
    [button] = document.iter("button")
    assert "hidden" in button.attrib  # its script shows it
    root = newsroom.places.public
    assert (root / button.get("data-copy").lstrip("/")).read_text() == message.text
    [script] = [one.get("src") for one in document.iter("script") if one.get("src")]
    assert "data-copy" in (root / script.lstrip("/")).read_text()


def test_avif_where_it_is_wanted(make_channel: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    newsroom = make_channel("newsroom", image_types=("avif", "webp"))
    message = newsroom.render(sample, kit)[0]
    sources = [source.get("type") for source in etree.HTML(message.content).iter("source")]
    assert sources == ["image/avif", "image/webp", "image/jpeg"]
    [picture, *_] = [file for file in message.media if file.content_type == "image/avif"]
    with Image.open(io.BytesIO(picture.data)) as image:
        assert (image.format, image.width) == ("AVIF", 480)


ATTACK = (
    "\"><script>alert(1)</script><img src=x onerror=alert(2)> ' {{ 7*7 }} {% raise %} </title></script> \x02content\x03"
)


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = re.fullmatch("/media/[0-9a-f]{16}/newsroom.js", dict(attrs).get("src") or "")
        if tag == "script" and dict(attrs).get("type") != "application/ld+json" and not own:
            self.found.append(tag)
        self.found += [
            name for name, value in attrs if name.startswith("on") or (value or "").startswith("javascript:")
        ]


def test_every_hostile_field_stays_text_on_every_page(newsroom: Channel, make_release: MakeRelease, kit: Kit) -> None:
    media = Media.model_construct(
        file="harbour-line-ferry.jpg", kind="photo", caption=ATTACK, alt=ATTACK, credit=ATTACK
    )
    release = make_release(
        headline=ATTACK, subheadline=ATTACK, summary=ATTACK, boilerplate=ATTACK, disclaimer=ATTACK, body=ATTACK,
        notes_to_editors=ATTACK, hashtags=(ATTACK,), media=(media,), byline=ATTACK,
    )  # fmt: skip
    issuer = release.issuer.model_copy(update={"name": ATTACK})
    release = release.model_copy(update={"issuer": issuer})
    [message] = newsroom.render(release, kit)
    publish(newsroom, message)
    pages = list(newsroom.places.public.rglob("*.html"))
    assert len(pages) > 5
    for page in pages:
        scripts = _Scripts()
        scripts.feed(page.read_text())
        assert scripts.found == [], page
        assert not re.search(r"' 49 [^%]", page.read_text()), page
    json.loads(etree.HTML(message.content).findtext(".//script"))
    for path in newsroom.places.public.rglob("*.xml"):
        etree.fromstring(path.read_bytes())


def test_lists_show_the_newest_first_and_months_the_rest(
    newsroom: Channel, make_release: MakeRelease, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[f"{type(newsroom).__module__}.lists"], "SITEMAP", 10)
    for number in range(25):
        publish(
            newsroom,
            *newsroom.render(numbered(make_release, number, media=()), at(kit, kit.lift + timedelta(days=number))),
        )
    root = newsroom.places.public
    assert re.findall(r"Release (\d+)<", (root / "index.html").read_text()) == [str(n) for n in range(24, 4, -1)]
    month = [(root / f"archive/2030-03/{name}").read_text() for name in ("1/index.html", "index.html")]
    assert [re.findall(r"Release (\d+)<", text) for text in month] == [
        [str(n) for n in range(19, -1, -1)],
        [str(n) for n in range(24, 19, -1)],
    ]
    assert 'href="/archive/2030-03/1"' in month[1]
    assert len(re.findall(r"Release \d+<", (root / "tag/harbourline/index.html").read_text())) == 20
    maps = [url.rpartition("/")[2] for url in _values(root / "sitemap.xml", "loc")]
    assert maps == [f"sitemap-2030-03-{number}.xml" for number in (3, 2, 1)]
    urls = [_values(root / path, "loc") for path in maps]
    assert [len(part) for part in urls] == [5, 10, 10]
    assert len({url for part in urls for url in part}) == 25
    assert _values(root / "sitemap-news.xml", "title") == ["Release 24", "Release 23"]
    before = tree(root)
    assert newsroom.rebuild(kit) == 0  # type: ignore[attr-defined]
    assert tree(root) == before


def _values(path: Path, element: str) -> list[str]:
    return list(etree.fromstring(path.read_bytes()).xpath(f"//*[local-name()='{element}']/text()"))


@pytest.mark.slow
def test_the_order_of_delivery_leaves_no_trace(
    make_channel: Any, make_release: MakeRelease, kit: Kit, tmp_path: Path
) -> None:
    trees: list[dict[str, str]] = []
    for order in (range(8), reversed(range(8))):
        newsroom = make_channel("newsroom")
        places = dataclasses.replace(
            newsroom.places, public=tmp_path / f"p{len(trees)}", state=tmp_path / f"s{len(trees)}"
        )
        newsroom = dataclasses.replace(newsroom, places=places)
        for number in order:
            release = numbered(make_release, number, media=(), lang=("en", "zh-Hant")[number % 2])
            publish(newsroom, *newsroom.render(release, at(kit, kit.lift + timedelta(days=number * 9))))
        trees.append(tree(places.public))
    assert trees[0] == trees[1]


def test_a_correction_takes_the_place_and_an_older_version_does_not(
    newsroom: Channel, make_release: MakeRelease, kit: Kit
) -> None:
    first = make_release(headline="41,000 passengers", media=())
    words = Correction.model_validate({"version": 1, "class": "A", "text": "It is 14,000."})
    texts = (first.main.model_copy(update={"headline": "14,000 passengers", "hashtags": ("Other",)}),)
    second = first.model_copy(update={"version": 2, "corrects": words, "languages": texts})
    old, new = newsroom.render(first, kit)[0], newsroom.render(second, at(kit, kit.lift + timedelta(days=40)))[0]
    publish(newsroom, old, new)
    root = newsroom.places.public
    assert b"It is 14,000." in (root / "harbour-line-opening/index.html").read_bytes()
    assert "41,000" not in (root / "index.html").read_text()
    assert not (root / "archive/2030-03").exists()  # the correction came out in April
    assert "14,000" in (root / "archive/2030-04/index.html").read_text()
    assert not (root / "tag/harbourline").exists()
    assert (root / "tag/other/index.html").exists()
    assert not (root / "sitemap-2030-03-1.xml").exists()
    before = tree(root)
    assert "version 2 stands there already" in publish(newsroom, old)[0].detail
    assert tree(root) == before


def test_the_same_again_leaves_every_file_alone(newsroom: Channel, sample: Release, kit: Kit) -> None:
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in newsroom.places.public.rglob("*")}

    messages = newsroom.render(sample, kit)
    publish(newsroom, *messages)
    before = times()
    publish(newsroom, *messages)
    assert times() == before


def test_the_public_folder_is_the_same_with_and_without_ten_embargoed(
    newsroom: Channel, sample: Release, make_release: MakeRelease, kit: Kit
) -> None:
    publish(newsroom, *newsroom.render(sample, kit))
    before = tree(newsroom.places.public)
    for number in range(10):
        for message in newsroom.render(numbered(make_release, number), at(kit, kit.lift + timedelta(days=1))):
            list(newsroom.check(message))
            newsroom.exhibits(message)
    assert tree(newsroom.places.public) == before


def test_a_full_disk_does_not_let_it_out_with_the_next(
    newsroom: Channel, make_release: MakeRelease, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributor import public

    first, second = (newsroom.render(numbered(make_release, n, media=()), kit)[0] for n in (1, 2))

    def full(path: Path, _data: bytes) -> bool:
        if path.name == "sitemap.xml":
            raise Unavailable("No space left on device")
        return False

    monkeypatch.setattr(public, "put", full)
    with pytest.raises(Unavailable):
        publish(newsroom, first)
    monkeypatch.undo()
    publish(newsroom, second)
    assert "Release 1<" not in (newsroom.places.public / "index.html").read_text()
    publish(newsroom, first)
    assert "Release 1<" in (newsroom.places.public / "index.html").read_text()


@pytest.mark.slow
def test_rebuilt_from_nothing_it_is_the_same(
    newsroom: Any, make_channel: Any, make_release: MakeRelease, kit: Kit
) -> None:
    rss = make_channel("rss", items=3)
    for number in range(12):
        release = numbered(make_release, number, **({} if number == 3 else {"media": ()}))
        for channel in (newsroom, rss):
            publish(channel, *channel.render(release, at(kit, kit.lift + timedelta(days=number))))
    before = tree(newsroom.places.public)
    assert newsroom.rebuild(kit) == rss.rebuild(kit) == 0
    shutil.rmtree(newsroom.places.public)
    assert newsroom.rebuild(kit) > 12
    assert rss.rebuild(kit) > 12
    assert tree(newsroom.places.public) == before


def test_killed_at_any_write_the_next_attempt_makes_it_whole(
    newsroom: Channel, make_release: MakeRelease, kit: Kit
) -> None:
    first, second = (newsroom.render(numbered(make_release, n, media=()), kit)[0] for n in (1, 2))
    publish(newsroom, first)
    fork = multiprocessing.get_context("fork")

    def killed_at(count: int) -> None:
        real, calls = os.replace, iter(range(count))

        def replace(*args: Any) -> None:
            real(*args)
            if next(calls, None) is None:
                os.kill(os.getpid(), 9)

        os.replace = replace  # type: ignore[assignment]
        publish(newsroom, second)

    for count in (0, 1, 3, 6, 9):
        child = fork.Process(target=killed_at, args=(count,))
        child.start()
        child.join(20)
        assert child.exitcode == -9
        for path in newsroom.places.public.rglob("*.html"):
            if not path.name.startswith("."):
                assert path.read_bytes().endswith(b"</html>\n")
    publish(newsroom, second)
    assert re.findall(r"Release (\d)<", (newsroom.places.public / "index.html").read_text()) in (["1", "2"], ["2", "1"])
    healed = tree(newsroom.places.public)
    publish(newsroom, first, second)
    assert tree(newsroom.places.public) == healed


def test_a_reader_never_meets_a_torn_or_missing_file(newsroom: Channel, make_release: MakeRelease, kit: Kit) -> None:
    from distributor.cli.folder import Public

    messages = [
        newsroom.render(numbered(make_release, n, media=()), at(kit, kit.lift + timedelta(hours=n)))[0]
        for n in range(12)
    ]
    publish(newsroom, messages[0])
    app, stop, seen = Public(newsroom.places.public), threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            for coding in (b"br", b"gzip", b""):
                sent: list[dict[str, Any]] = []

                async def send(message: dict[str, Any], sent: list[dict[str, Any]] = sent) -> None:
                    sent.append(message)

                scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"accept-encoding", coding)]}
                asyncio.run(app(scope, None, send))
                how = dict(sent[0]["headers"]).get(b"content-encoding", b"")
                unpack: dict[bytes, Any] = {b"br": brotli.decompress, b"gzip": gzip.decompress, b"": bytes}
                seen.append((sent[0]["status"], unpack[how](sent[1]["body"]).endswith(b"</html>\n")))

    reader = threading.Thread(target=read)
    reader.start()
    publish(newsroom, *messages[1:])
    stop.set()
    reader.join()
    assert len(seen) > 10
    assert set(seen) == {(200, True)}


@pytest.mark.parametrize("name", ["feeds", "archive", "media", "tag"])
def test_a_release_cannot_take_an_address_of_the_newsroom(
    newsroom: Channel, sample: Release, kit: Kit, name: str
) -> None:
    message = newsroom.render(sample.model_copy(update={"id": name}), kit)[0]
    assert [finding.code for finding in newsroom.check(message)] == ["address-taken"]


def test_a_photo_without_words_is_an_error(newsroom: Channel, make_release: MakeRelease, kit: Kit) -> None:
    message = newsroom.render(make_release(media=(Media(file="harbour-line-ferry.jpg"),)), kit)[0]
    assert [finding.code for finding in newsroom.check(message)] == ["photo-words"]


def test_a_feed_that_is_none(make_channel: Any) -> None:
    with pytest.raises(ConfigError, match="is no feed"):
        make_channel("newsroom", feeds=["feed.csv"])


def test_no_rendition_is_larger_than_the_photo_and_none_says_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera Maker"
    exif[0x0112] = 6  # turned by 90 degrees
    exif.get_ifd(0x8825)[2] = (22.0, 17.0, 8.0)
    taken = MediaFile(name="a b.jpg", content_type="image/jpeg", data=photo((700, 400), exif=exif))
    cleaned = images.clean(taken)
    assert b"Camera Maker" in taken.data
    assert b"Camera Maker" not in cleaned.data
    with Image.open(io.BytesIO(cleaned.data)) as image:
        assert image.size == (400, 700)
        assert not dict(image.getexif())
    made = images.renditions(taken)
    assert [kind for kind, _ in made] == ["image/webp", "image/jpeg"]
    assert {(one.width, one.height) for _, sizes in made for one in sizes} == {(400, 700)}
    for _, sizes in made:
        for one in sizes:
            assert b"Exif" not in one.file.data
            assert b"Camera" not in one.file.data


def test_a_see_through_picture_keeps_its_alpha_and_a_clean_one_its_bytes() -> None:
    logo = MediaFile(name="logo.png", content_type="image/png", data=photo((600, 300), "RGBA", "PNG"))
    assert images.clean(logo) is logo
    assert [kind for kind, _ in images.renditions(logo)] == ["image/webp", "image/png"]
    preview = images.preview(logo)
    assert preview
    assert (preview.width, preview.height) == (573, 300)


@pytest.mark.parametrize("data", [b"", b"photo", photo((9, 9))[:200], b"GIF89a"])
def test_what_is_no_picture_stays_as_it_is(data: bytes) -> None:
    odd = MediaFile(name="odd.jpg", content_type="image/jpeg", data=data)
    assert images.clean(odd) is odd
    assert images.renditions(odd) == ()
    assert images.preview(odd) is None
