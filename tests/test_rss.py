"""The feed: the item that was sealed stands in it byte for byte, and nothing is in it early."""

import asyncio
import dataclasses
import locale
import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from distributor.contract import Channel, Kit, Message
from distributor.errors import ConfigError
from distributor.release import Media, Release
from tests.conftest import at

MakeRelease = Callable[..., Release]
NS = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
}


@pytest.fixture
def rss(make_channel: Callable[..., Channel]) -> Channel:
    return make_channel("rss", hub="https://hub.example/")


def publish(channel: Channel, *messages: Message) -> None:
    async def work() -> None:
        await asyncio.gather(*(channel.deliver(m, m.recipients[0], "k" * 32) for m in messages))

    asyncio.run(work())


def one(channel: Channel, release: Release, kit: Kit) -> Message:
    return channel.render(release, kit)[0]


def feed(channel: Channel, name: str = "feed.xml") -> Any:
    return etree.fromstring((channel.places.public / name).read_bytes())


def test_golden(rss: Channel, sample: Release, kit: Kit, golden: Callable[[str, bytes], None]) -> None:
    for message in rss.render(sample, kit):
        golden(f"rss/item.{message.lang}.xml", message.content + b"\n")
        golden(f"rss/feed.{message.lang}.xml", rss.exhibits(message)["feed.xml"])


def test_a_reader_sees_the_release(rss: Channel, sample: Release, kit: Kit) -> None:
    publish(rss, *rss.render(sample, kit))
    read = feedparser.parse((rss.places.public / "feed.xml").read_bytes())
    assert not read.bozo
    assert read.feed.title == "Tidewater Ferries newsroom"
    assert {link.rel: link.href for link in read.feed.links} == {
        "alternate": "https://newsroom.tidewater.example/",
        "self": "https://newsroom.tidewater.example/feed.xml",
        "hub": "https://hub.example/",
    }
    [entry] = read.entries
    assert entry.title == sample.main.headline
    assert entry.link == "https://newsroom.tidewater.example/harbour-line-opening"
    assert entry.id.startswith("urn:uuid:")
    assert entry.published_parsed[:6] == (2030, 3, 5, 1, 0, 0)
    assert entry.author == "Tidewater Ferries"
    assert [tag.term for tag in entry.tags][:5] == list(sample.main.hashtags)
    assert "You can hold a conversation" in entry.content[0].value
    assert entry.media_content[0]["type"] == "image/jpeg"
    photo = rss.places.public / "media" / entry.enclosures[0].href.split("/media/")[1]
    assert int(entry.enclosures[0].length) == photo.stat().st_size
    chinese = feedparser.parse((rss.places.public / "feed.zh-hant.xml").read_bytes())
    assert chinese.feed.language == "zh-Hant"
    assert chinese.entries[0].title == sample.languages[1].headline


def varied(make_release: MakeRelease) -> list[Release]:
    """Releases that have broken feeds: scripts, markup, size, pictures, languages."""
    photo = Media(file="harbour-line-ferry.jpg", caption="Cap <UPWEST LABS> & ]]>", alt='Alt "quoted"', credit="A & B")
    words = [
        "Plain words", "渡輪公司開辦新航線：「全電動」", "شركة العبّارات تفتتح خطًا جديدًا", "חברה פותחת קו", "👨‍👩‍👧‍👦🇭🇰 emoji",
        "A < B & C > D ]]> E", "&amp; already &lt;escaped&gt;", "quotes \"double\" 'single' ’curly’", "नमस्ते दुनिया", "long " * 60,
        "{{ 7*7 }} {% x %}", "tab\there", "e\u0301 combining", "\U0001f1ed\U0001f1f0\u200d", "a\u00a0b\u2028c",
    ]  # fmt: skip
    tags = [(), ("One",), ("HKSTP", "創新科技", "a_b", "ünïcode"), tuple(f"t{n}" for n in range(30))]
    langs = ["en", "zh-Hant", "zh-Hans", "ar", "he", "pt-BR", "sr-Latn-RS", "de", "hi", "ja"]
    made = []
    for number in range(200):
        text = words[number % len(words)]
        body = (
            f"{text}\n\n> quote {text}\n\n- item\n\n[link](https://x.example/?a=1&b=2)\n\n"
            + "para\n\n" * (number % 7) * 20
        )
        made.append(
            make_release(
                headline=text,
                summary=None if number % 5 == 0 else text,
                body="" if number % 17 == 0 else body,
                lang=langs[number % len(langs)],
                hashtags=tags[number % len(tags)],
                media=(photo,) * (number % 4 if number % 4 < 3 else 10),
                boilerplate=text if number % 2 else None,
            ).model_copy(update={"id": f"release-{number}"})
        )
    return made


def rules(item: Any) -> None:
    """RSS 2.0 and the best-practices profile, as far as an item goes."""
    names = [element.tag for element in item]
    for required in ("title", "link", "guid", "pubDate", "description"):
        assert names.count(required) == 1
    assert names.index("description") < names.index(f"{{{NS['content']}}}encoded")
    assert item.find("guid").get("isPermaLink") == "false"
    assert item.findtext("link").startswith("https://")
    assert len(item.findall("enclosure")) <= 1
    assert item.find("author") is None
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", item.findtext("pubDate"))
    for category in item.findall("category"):
        assert category.get("domain").startswith("http")
    terms = [category.text.casefold() for category in item.findall("category")]
    assert len(set(terms)) == len(terms)
    assert not re.search(r"<(script|iframe|style)|\son\w+=", item.findtext("content:encoded", namespaces=NS))
    etree.fromstring(f"<x>{item.findtext('description')}</x>")  # a description is HTML: it has to parse as such
    for media in item.findall("media:content", NS):
        assert media.get("url").startswith("https://")
        assert int(media.get("fileSize")) > 0


def test_two_hundred_varied_releases(rss: Channel, make_release: MakeRelease, kit: Kit) -> None:
    for number, release in enumerate(varied(make_release)):
        [message] = rss.render(release, at(kit, kit.lift + timedelta(seconds=number)))
        whole = rss.exhibits(message)["feed.xml"]
        root = etree.fromstring(whole)
        rules(root.find("channel/item"))
        assert root.findtext("channel/lastBuildDate") == root.findtext("channel/item/pubDate")
        read = feedparser.parse(whole)
        assert not read.bozo
        assert len(read.entries) == 1
        assert whole == rss.exhibits(message)["feed.xml"]


def test_newest_first_and_no_more_than_the_limit(make_channel: Any, make_release: MakeRelease, kit: Kit) -> None:
    rss = make_channel("rss", items=5)
    releases = varied(make_release)[:8]
    messages = [one(rss, r, at(kit, kit.lift + timedelta(minutes=n))) for n, r in enumerate(releases)]
    english = [dataclasses.replace(m, meta={**m.meta, "path": "feed.xml"}, lang="en") for m in messages]
    publish(rss, *english[::-1])
    guids = [item.findtext("guid") for item in feed(rss).findall("channel/item")]
    assert guids == [m.meta["guid"] for m in english[::-1]][:5]


def test_twenty_at_once_are_all_in_and_a_reader_never_sees_a_torn_feed(
    rss: Channel, make_release: MakeRelease, kit: Kit
) -> None:
    messages = [one(rss, make_release(headline=f"N{n}").model_copy(update={"id": f"r-{n}"}), kit) for n in range(20)]
    publish(rss, messages[0])
    stop, seen = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            seen.append(len(feed(rss).findall("channel/item")))

    reader = threading.Thread(target=read)
    reader.start()
    publish(rss, *messages)
    stop.set()
    reader.join()
    assert len(feed(rss).findall("channel/item")) == 20
    assert seen == sorted(seen)


def test_the_same_again_leaves_the_file_alone(rss: Channel, sample: Release, kit: Kit) -> None:
    message = one(rss, sample, kit)
    publish(rss, message)
    before = (rss.places.public / "feed.xml").stat().st_mtime_ns
    publish(rss, message)
    assert (rss.places.public / "feed.xml").stat().st_mtime_ns == before


def test_a_correction_takes_the_place_of_what_it_corrects(rss: Channel, make_release: MakeRelease, kit: Kit) -> None:
    first = make_release(headline="41,000 passengers")
    second = make_release(headline="14,000 passengers").model_copy(
        update={"version": 2, "corrects": _correction("The figure should read 14,000, not 41,000.")}
    )
    publish(rss, one(rss, first, kit))
    publish(rss, one(rss, second, at(kit, kit.lift + timedelta(hours=2))))
    [item] = feed(rss).findall("channel/item")
    assert item.findtext("title") == "14,000 passengers"
    assert item.findtext("guid") == one(rss, first, kit).meta["guid"]
    assert item.findtext("dcterms:modified", namespaces=NS) == "2030-03-05T03:00:00+00:00"
    assert "should read 14,000" in item.findtext("content:encoded", namespaces=NS)


def _correction(text: str) -> Any:
    from distributor.release import Correction

    return Correction.model_validate({"version": 1, "class": "A", "text": text})


def test_the_public_folder_knows_nothing_of_what_is_embargoed(
    rss: Channel, sample: Release, make_release: MakeRelease, kit: Kit
) -> None:
    publish(rss, one(rss, sample, kit))

    def public() -> dict[str, tuple[bytes, int]]:
        return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in rss.places.public.rglob("*") if p.is_file()}

    before = public()
    for number in range(10):
        secret = make_release(headline=f"Secret {number}").model_copy(update={"id": f"secret-{number}"})
        for message in rss.render(secret, at(kit, kit.lift + timedelta(days=1))):
            list(rss.check(message))
            rss.exhibits(message)
    assert public() == before
    assert not list(rss.places.state.rglob("*secret*"))


def test_a_damaged_file_does_not_take_the_others_along(
    rss: Channel, sample: Release, make_release: MakeRelease, kit: Kit
) -> None:
    publish(rss, one(rss, sample, kit))
    [kept] = (rss.places.state / "feeds" / "rss" / "en").glob("*.json")
    (kept.parent / "999999999999-broken.json").write_text("{half a")
    other = one(rss, make_release(headline="Other").model_copy(update={"id": "other"}), kit)

    async def work() -> Any:
        return await rss.deliver(other, other.recipients[0], "k" * 32)

    assert "1 damaged" in asyncio.run(work()).detail
    assert len(feed(rss).findall("channel/item")) == 2


def test_killed_between_item_and_feed_the_next_delivery_heals_it(
    rss: Channel, sample: Release, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    shelf = sys.modules["distributor.channels.rss.shelf"]
    message = one(rss, sample, kit)

    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shelf, "_join", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(rss, message)
    monkeypatch.undo()
    publish(rss, message)
    assert len(feed(rss).findall("channel/item")) == 1


def test_feedgen_never_touches_the_locale(
    rss: Channel, sample: Release, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """feedgen 1.0.0 switches the whole process to the C locale for every date; other threads then misread files."""

    def forbidden(*_args: object) -> None:
        raise AssertionError("setlocale was called")

    monkeypatch.setattr(locale, "setlocale", forbidden)
    assert one(rss, sample, kit).content
    assert rss.exhibits(one(rss, sample, kit))["feed.xml"]


def test_feeds_built_in_threads_leave_other_threads_alone(
    rss: Channel, sample: Release, kit: Kit, tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("渡輪", encoding="utf-8")
    errors: list[BaseException] = []
    made = set()

    def build() -> None:
        try:
            for _ in range(10):
                made.add(one(rss, sample, kit).content)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline:
        assert text.read_text(encoding=None) == "渡輪"
    assert not errors
    assert len(made) == 1


def test_control_characters_never_break_the_feed(rss: Channel, make_release: MakeRelease, kit: Kit) -> None:
    message = one(rss, make_release(headline="a\x00b\x0b\ufffec", summary="s\x1b"), kit)
    assert etree.fromstring(rss.exhibits(message)["feed.xml"]).findtext("channel/item/title") == "abc"


@pytest.mark.parametrize("path", ["../feed.xml", "/etc/feed.xml", "a/../../feed.xml", "feed", ".hidden.xml", "a b.xml"])
def test_a_path_that_leaves_the_public_folder(make_channel: Any, path: str) -> None:
    with pytest.raises(ConfigError, match="must be a name under public"):
        make_channel("rss", path=path)


def test_a_relative_link_is_found(rss: Channel, sample: Release, kit: Kit) -> None:
    message = dataclasses.replace(one(rss, sample, kit), html='<a href="/here">x</a>')
    assert [f.code for f in rss.check(message)] == ["link-relative"]


def test_a_file_name_with_spaces_and_marks_becomes_a_clean_address(
    rss: Channel, make_release: MakeRelease, kit: Kit, sample_folder: Path
) -> None:
    name = 'ferry one & "two" 渡輪.jpg'
    (sample_folder / name).write_bytes((sample_folder / "harbour-line-ferry.jpg").read_bytes())
    message = one(rss, make_release(media=(Media(file=name, caption="c", alt="a"),)), kit)
    publish(rss, message)
    item = feed(rss).find("channel/item")
    url = item.find("enclosure").get("url")
    assert re.fullmatch(r"https://[\w./%-]+\.jpg", url)
    assert (rss.places.public / "media" / message.media[0].sha256[:16] / name).is_file()
    assert url in item.findtext("content:encoded", namespaces=NS)
