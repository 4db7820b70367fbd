"""The feed: the item that was sealed stands in it byte for byte, and nothing is in it early."""

import asyncio
import dataclasses
import errno
import html
import json
import locale
import multiprocessing
import os
import re
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import feedparser
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lxml import etree

from distributor import seal
from distributor.contract import Channel, Kit, MediaFile, Message, Receipt, Refused, Unavailable
from distributor.errors import ConfigError
from distributor.release import Correction, Media, Release
from distributor.shelf import mark
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


def receipt_of(channel: Channel, message: Message) -> Receipt:
    return asyncio.run(channel.deliver(message, message.recipients[0], "k" * 32))


def one(channel: Channel, release: Release, kit: Kit) -> Message:
    return channel.render(release, kit)[0]


def feed(channel: Channel, name: str = "feed.xml") -> Any:
    return etree.fromstring((channel.places.public / name).read_bytes())


def guids(channel: Channel, name: str = "feed.xml") -> list[str]:
    return [item.findtext("guid") for item in feed(channel, name).findall("channel/item")]


def room(name: str) -> Any:
    """A room of the channel as the registry loaded it."""
    return sys.modules[f"distributor.channels.rss.{name}"]


def corrected(release: Release, headline: str) -> Release:
    words = Correction.model_validate({"version": 1, "class": "A", "text": f"The headline should read: {headline}."})
    texts = (release.main.model_copy(update={"headline": headline}),)
    return release.model_copy(update={"version": 2, "corrects": words, "languages": texts})


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
    assert entry.id == "tag:newsroom.tidewater.example,2026:harbour-line-opening:en"
    assert entry.published_parsed[:6] == (2030, 3, 5, 1, 0, 0)
    assert entry.author == "Tidewater Ferries"
    assert [tag.term for tag in entry.tags][:5] == list(sample.main.hashtags)
    assert "You can hold a conversation" in entry.content[0].value
    assert entry.media_content[0]["type"] == "image/jpeg"
    photo = rss.places.public / "media" / entry.enclosures[0].href.split("/media/")[1]
    assert int(entry.enclosures[0].length) == photo.stat().st_size
    assert [link.tag for link in feed(rss).findall("channel/*")][:3] == ["title", "link", "description"]
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
    langs = ["en", "zh-Hant", "zh-Hans", "ar", "he", "pt-BR", "sr-Latn-RS", "de-CH-1996", "es-419", "haw"]
    made = []
    for number in range(200):
        text = words[number % len(words)]
        body = (
            f"{text}\n\n> quote {text}\n\n- item\n\n[link](https://x.example/?a=1&b=2)\n\n"
            + "para\n\n" * (number % 7) * 20
            + "huge " * (60_000 if number == 50 else 0)
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
    for element in etree.HTML(item.findtext("content:encoded", namespaces=NS)).iter():
        assert element.tag not in ("script", "iframe", "style", "object", "form")
        assert not [name for name in element.attrib if name.startswith("on")]
    etree.fromstring(f"<x>{item.findtext('description')}</x>")  # a description is HTML: it has to parse as such
    photos = item.findall("media:content", NS)
    for media in photos:
        assert media.get("url").startswith("https://")
    for enclosure in item.findall("enclosure"):
        assert enclosure.get("url") == photos[0].get("url")
        assert enclosure.get("length") == photos[0].get("fileSize")
    for address in re.findall(r'(?:href|src)="([^"]*)"', item.findtext("content:encoded", namespaces=NS)):
        assert re.match("https://|mailto:", address)


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_two_hundred_varied_releases(rss: Channel, make_release: MakeRelease, kit: Kit, step: int) -> None:
    for number, release in enumerate(varied(make_release)[::step]):
        [message] = rss.render(release, at(kit, kit.lift + timedelta(seconds=number)))
        assert {f.code for f in rss.check(message)} <= {"summary-missing", "item-big"}
        whole = rss.exhibits(message)["feed.xml"]
        root = etree.fromstring(whole)
        rules(root.find("channel/item"))
        assert len(root.findall("channel/item/media:content", NS)) == len(release.main.media)
        assert root.find("channel/atom:link[@rel='self']", NS).get("href") == message.meta["address"]
        assert root.findtext("channel/language") == root.findtext("channel/item/dc:language", namespaces=NS)
        assert root.findtext("channel/lastBuildDate") == root.findtext("channel/item/pubDate")
        read = feedparser.parse(whole)
        assert not read.bozo
        assert len(read.entries) == 1
        if number % 20 == 0:
            assert (
                whole == rss.exhibits(rss.render(release, at(kit, kit.lift + timedelta(seconds=number)))[0])["feed.xml"]
            )


def test_newest_first_and_no_more_than_the_limit(make_channel: Any, make_release: MakeRelease, kit: Kit) -> None:
    rss = make_channel("rss", items=5)
    releases = varied(make_release)[:8]
    messages = [one(rss, r, at(kit, kit.lift + timedelta(minutes=n))) for n, r in enumerate(releases)]
    english = [dataclasses.replace(m, meta={**m.meta, "path": "feed.xml"}, lang="en") for m in messages]
    publish(rss, *english[::-1])
    assert guids(rss) == [m.meta["guid"] for m in english[::-1]][:5]
    assert feed(rss).findtext("channel/lastBuildDate") == feed(rss).findtext("channel/item/pubDate")


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
    publish(rss, one(rss, first, kit))
    later = dataclasses.replace(at(kit, kit.lift + timedelta(hours=2)), first={"en": kit.lift})
    publish(rss, one(rss, corrected(first, "14,000 passengers"), later))
    [item] = feed(rss).findall("channel/item")
    assert item.findtext("pubDate") == "Tue, 05 Mar 2030 01:00:00 +0000"
    assert item.findtext("title") == "14,000 passengers"
    assert item.findtext("guid") == one(rss, first, kit).meta["guid"]
    assert item.findtext("dcterms:modified", namespaces=NS) == "2030-03-05T03:00:00+00:00"
    assert item.findtext("content:encoded", namespaces=NS).startswith("<p><strong>CORRECTION:</strong> The headline")
    assert len(list((rss.places.state / "feeds").glob("*/*/rows/*/*.json"))) == 1


@pytest.mark.parametrize("later", [timedelta(hours=2), timedelta()])
def test_an_older_version_that_comes_late_changes_nothing(
    rss: Channel, make_release: MakeRelease, kit: Kit, later: timedelta
) -> None:
    first = make_release(headline="Wrong")
    publish(rss, one(rss, corrected(first, "Right"), at(kit, kit.lift + later)))
    before = (rss.places.public / "feed.xml").read_bytes()
    assert "version 2 stands there already" in receipt_of(rss, one(rss, first, kit)).detail
    assert (rss.places.public / "feed.xml").read_bytes() == before
    assert etree.fromstring(rss.exhibits(one(rss, first, kit))["feed.xml"]).findtext("channel/item/title") == "Right"


def test_the_guid_survives_every_correction(rss: Channel, sample: Release, kit: Kit) -> None:
    renamed = sample.issuer.model_copy(update={"name": "Tidewater Ferries (Holdings)"})
    other = corrected(sample, "Other").model_copy(update={"issuer": renamed})
    changed = one(rss, other, at(kit, kit.lift + timedelta(days=900)))
    assert changed.meta["guid"] == one(rss, sample, kit).meta["guid"]
    assert len({message.meta["guid"] for message in rss.render(sample, kit)}) == 2


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
            seal.load(*_frozen(message))
    assert public() == before
    assert not [p for p in rss.places.state.rglob("*") if p.is_file() and b"secret" in p.read_bytes().lower()]


def _frozen(message: Message) -> tuple[str, Any]:
    sealed = seal.dump(message)
    return sealed.body, sealed.artefacts


def test_an_instant_between_two_seconds_has_whole_seconds(rss: Channel, sample: Release, kit: Kit) -> None:
    message = one(rss, sample, at(kit, kit.lift + timedelta(microseconds=999_999)))
    assert message.meta["published"] == "2030-03-05T01:00:00+00:00"
    assert message.content == one(rss, sample, kit).content


def test_nothing_is_public_before_its_delivery(rss: Channel, sample: Release, kit: Kit) -> None:
    english, chinese = rss.render(sample, kit)
    assert not rss.places.public.exists()
    publish(rss, english)
    assert not (rss.places.public / "feed.zh-hant.xml").exists()
    publish(rss, chinese)
    assert guids(rss, "feed.zh-hant.xml") == [chinese.meta["guid"]]


def _row(**changes: Any) -> bytes:
    """A row of the shelf; `item` stands for its RSS item."""
    item = changes.pop("item", "<item><guid>x</guid></item>")
    facts = {"rss": item, "atom": "<entry/>", "json": "{}", "tags": ""}
    row = {"guid": "x", "version": 1, "published": "2031-01-01T00:00:00+00:00", "lists": [], "facts": facts}
    return json.dumps({**row, **changes}).encode()


def _plant(rss: Channel, data: bytes) -> None:
    """A file with the name that 2031-01-01 and guid x have."""
    path = rss.places.state / "feeds/rss/en/rows/2031-01" / f"001924992000-{mark('x')}.json"
    path.parent.mkdir()
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{half a",
        b"\xff\xfe",
        b"[1, 2]",
        b"null",
        _row(published="yesterday"),
        _row(published="2031-01-01T00:00:00"),
        _row(published=7),
        _row(published="0001-01-01T00:00:00+14:00"),
        _row(version="one"),
        _row(guid=None),
        _row(guid="\ud800"),
        _row(guid="y"),
        _row(item="<item><guid>x</guid>"),
        _row(item="<item><guid>x</guid></item><item/>"),
        _row(item="<item><guid>x</guid></item></channel>"),
        _row(item="<item><guid>x</guid>&evil;</item>"),
        _row(item="no item"),
        _row(item=None),
    ],
)
def test_a_damaged_or_foreign_file_does_not_take_the_others_along(
    rss: Channel, sample: Release, make_release: MakeRelease, kit: Kit, damaged: bytes
) -> None:
    publish(rss, one(rss, sample, kit))
    _plant(rss, damaged)
    other = one(rss, make_release(headline="Other").model_copy(update={"id": "other"}), kit)
    assert "1 damaged files" in receipt_of(rss, other).detail
    assert sorted(guids(rss)) == sorted([other.meta["guid"], one(rss, sample, kit).meta["guid"]])
    assert not feedparser.parse((rss.places.public / "feed.xml").read_bytes()).bozo


def test_a_sound_file_of_that_name_is_taken(rss: Channel, sample: Release, kit: Kit) -> None:
    """Without this the test above would also pass if every file were passed over."""
    message = one(rss, sample, kit)
    publish(rss, message)
    _plant(rss, _row())
    assert receipt_of(rss, message).detail == "2 items"
    assert guids(rss) == ["x", message.meta["guid"]]


def test_killed_between_item_and_feed_the_next_delivery_heals_it(
    rss: Channel, sample: Release, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = one(rss, sample, kit)

    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(room("documents").Feeds, "touched", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(rss, message)
    monkeypatch.undo()
    assert not (rss.places.public / "feed.xml").exists()
    other = one(rss, sample.model_copy(update={"id": "another-release"}), kit)
    publish(rss, other)
    assert sorted(guids(rss)) == sorted([message.meta["guid"], other.meta["guid"]])


@pytest.mark.parametrize("call", ["replace", "fsync", "unlink"])
def test_a_full_or_broken_disk_leaves_the_old_feed(
    rss: Channel, sample: Release, kit: Kit, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Only a feed fails to be written: the photo and the item went well."""
    publish(rss, one(rss, sample, kit))
    before = (rss.places.public / "feed.xml").read_bytes()
    other = one(rss, sample.model_copy(update={"id": "another-release"}), kit)
    real, calls = os.fsync if call == "fsync" else os.replace, []

    def full(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 3:  # the name and the item are the first
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args)

    monkeypatch.setattr(os, "fsync" if call == "fsync" else "replace", full)
    if call == "unlink":
        monkeypatch.setattr(Path, "unlink", lambda *_a, **_k: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
    with pytest.raises(Unavailable, match="No space left"):
        receipt_of(rss, other)
    monkeypatch.undo()
    assert (rss.places.public / "feed.xml").read_bytes() == before
    if call != "unlink":  # what was not delivered does not come out with the next release
        assert len(list((rss.places.state / "feeds").glob("*/*/rows/*/*.json"))) == 1
    receipt_of(rss, other)
    assert len(guids(rss)) == 2


def test_a_folder_that_cannot_be_made_is_unavailable(rss: Channel, sample: Release, kit: Kit) -> None:
    rss.places.state.write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot write"):
        receipt_of(rss, one(rss, sample, kit))


def test_three_processes_at_once_lose_nothing(rss: Channel, make_release: MakeRelease, kit: Kit) -> None:
    releases = [make_release(headline=f"N{n}").model_copy(update={"id": f"r-{n:02}"}) for n in range(15)]
    messages = [one(rss, release, kit) for release in releases]
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=publish, args=(rss, *messages[n::3])) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sorted(guids(rss)) == sorted(message.meta["guid"] for message in messages)
    assert not list(rss.places.public.rglob(".*"))


def test_the_item_is_read_back_as_it_stands(rss: Channel, sample: Release, kit: Kit) -> None:
    message = one(rss, sample, kit)
    receipt = receipt_of(rss, message)
    assert receipt.id == f"{rss.places.public / 'feed.xml'}#{message.meta['guid']}"
    assert receipt.url == "https://newsroom.tidewater.example/feed.xml"
    assert rss.read_back(receipt) == message.content
    path = rss.places.public / "feed.xml"
    path.write_bytes(path.read_bytes().replace(b"41,000", b"14,000"))
    assert rss.read_back(receipt) not in (None, message.content)
    path.write_bytes(b"\xff<item><guid>\xff</guid></item>")
    assert rss.read_back(receipt) is None
    path.unlink()
    assert rss.read_back(receipt) is None


def test_the_joined_feed_is_what_feedgen_would_have_written(rss: Channel, make_release: MakeRelease, kit: Kit) -> None:
    """Spliced or whole, the bytes are the same, but for the line ends between the items."""
    made = room("feed")
    frame = made.Frame(
        **{**dataclasses.asdict(made._PLACEHOLDER), "hub": "https://hub.example/", "title": "A & B 渡輪"}
    )
    seen: list[Any] = []
    real, module = made.item_bytes, sys.modules["distributor.channels.rss"]

    def watch(item: Any) -> bytes:
        seen.append(item)
        return bytes(real(item))

    vars(module)["item_bytes"] = watch
    try:
        for release in varied(make_release)[:30]:
            one(rss, release, kit)
    finally:
        vars(module)["item_bytes"] = real
    items = [real(item) for item in seen]
    spliced = made.feed_bytes(frame, items)
    head, _, rest = spliced.partition(b"\n<item>")
    body = b"<item>" + rest.removesuffix(b"\n</channel></rss>\n")
    assert body.split(b"</item>\n<item>") == b"".join(items).removesuffix(b"\n").split(b"</item><item>")
    assert head + b"".join(items) + b"</channel></rss>" == made._generator(frame, seen).rss_str()


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
    while any(thread.is_alive() for thread in threads):
        assert text.read_text(encoding=None) == "渡輪"
    assert not errors
    assert len(made) == 1


def test_control_characters_never_break_the_feed(rss: Channel, make_release: MakeRelease, kit: Kit) -> None:
    message = one(rss, make_release(headline="a\x00b\x0b\ufffec", summary="s\x1b"), kit)
    assert etree.fromstring(rss.exhibits(message)["feed.xml"]).findtext("channel/item/title") == "abc"


TEXT = st.text(min_size=1, max_size=60)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headline=TEXT, summary=TEXT, caption=TEXT, tag=TEXT)
@example(headline="H", summary="\x1f", caption="C", tag="t")
def test_any_text_comes_out_as_it_went_in(
    rss: Channel, make_release: MakeRelease, kit: Kit, headline: str, summary: str, caption: str, tag: str
) -> None:
    photo = Media.model_construct(file="harbour-line-ferry.jpg", kind="photo", caption=caption, alt=caption)
    release = make_release(headline=headline, summary=summary, media=(photo,), hashtags=(tag,))
    message = one(rss, release, kit)
    item = etree.fromstring(rss.exhibits(message)["feed.xml"]).find("channel/item")
    legal = room("feed").legal
    assert (item.findtext("title") or "") == legal(headline)
    if not legal(summary).strip():
        summary = release.main.body.partition("\n")[0]
    assert html.unescape(item.findtext("description") or "") == html.unescape(html.escape(legal(summary), quote=False))
    assert (item.findtext("media:content/media:description", namespaces=NS) or "") == legal(caption)
    assert (item.findtext("category") or "") == legal(tag)
    assert message.content == one(rss, release, kit).content


ATTACK = "\"><script>alert(1)</script><img src=x onerror=alert(2)> ' {{ 7*7 }} {% raise %} ]]> </item></channel>"


def test_markup_and_template_code_stay_text_everywhere(rss: Channel, make_release: MakeRelease, kit: Kit) -> None:
    photo = Media.model_construct(
        file="harbour-line-ferry.jpg", kind="photo", caption=ATTACK, alt=ATTACK, credit=ATTACK, rights=ATTACK
    )
    release = make_release(
        headline=ATTACK, subheadline=ATTACK, summary=ATTACK, boilerplate=ATTACK, disclaimer=ATTACK, body=ATTACK,
        hashtags=(ATTACK,), media=(photo,),
    )  # fmt: skip
    message = one(rss, release, kit)
    item = etree.fromstring(rss.exhibits(message)["feed.xml"]).find("channel/item")
    rules(item)
    content = item.findtext("content:encoded", namespaces=NS)
    assert "{{ 7*7 }}" in content
    assert "{{ 7*7 }}" in item.findtext("title")
    assert not re.search(r"<script|<img src=x|\b49\b", content)
    assert "<" not in item.findtext("description")
    assert list(rss.check(message)) == []
    publish(rss, message)
    assert guids(rss) == [message.meta["guid"]]


@pytest.mark.parametrize("name", ["../../../../evil.jpg", "/etc/evil.jpg", "sub/x.jpg", "..", "", "a\x00.jpg"])
def test_a_media_name_that_is_a_path_is_refused(rss: Channel, sample: Release, kit: Kit, name: str) -> None:
    evil = MediaFile(name=name, content_type="image/jpeg", data=b"x")
    message = dataclasses.replace(one(rss, sample, kit), media=(evil,))
    with pytest.raises(Refused, match="no plain file name"):
        receipt_of(rss, message)
    assert not rss.places.public.exists()
    assert not list(rss.places.public.parent.rglob("evil*"))


@pytest.mark.parametrize("name", ["a b#c?.jpg", "渡輪.jpg", "100%25.jpg"])
def test_the_address_of_a_photo_leads_to_its_file(rss: Channel, sample: Release, kit: Kit, name: str) -> None:
    odd = dataclasses.replace(
        kit, read_media=lambda _media: MediaFile(name=name, content_type="image/jpeg", data=b"photo")
    )
    publish(rss, one(rss, sample, odd))
    address = urlsplit(feed(rss).find("channel/item/enclosure").get("url"))
    assert address.path.isascii()
    assert " " not in address.path
    assert address.query + address.fragment == ""
    assert (rss.places.public / unquote(address.path).removeprefix("/")).read_bytes() == b"photo"
    assert list(rss.check(one(rss, sample, odd))) == []


def test_a_photo_that_lies_elsewhere_is_shown_from_there(rss: Channel, make_release: MakeRelease, kit: Kit) -> None:
    words: dict[str, Any] = {"caption": "Cap", "alt": "Alt"}
    typed = Media(url="https://cdn.example/a.png?w=9", **words)
    untyped = Media(url="https://cdn.example/photo/7", **words)
    message = one(
        rss, make_release(media=(typed, untyped, Media(url="https://cdn.example/a.pdf", kind="document"))), kit
    )
    item = etree.fromstring(rss.exhibits(message)["feed.xml"]).find("channel/item")
    photos = [dict(photo.attrib) for photo in item.findall("media:content", NS)]
    assert photos == [
        {"url": "https://cdn.example/a.png?w=9", "type": "image/png", "medium": "image"},
        {"url": "https://cdn.example/photo/7", "medium": "image"},
    ]
    assert item.find("enclosure") is None  # its true length is not known
    assert message.html.count("<img ") == 2
    assert [(f.severity, f.code) for f in rss.check(message)] == [("note", "media-left-out")]


@pytest.mark.parametrize(("lang", "wrapped"), [("ar", True), ("he-IL", True), ("en", False), ("zh-Hant", False)])
def test_right_to_left_text_says_so(
    rss: Channel, make_release: MakeRelease, kit: Kit, lang: str, wrapped: bool
) -> None:
    found = one(rss, make_release(lang=lang), kit).html
    assert found.startswith(f'<div dir="rtl" lang="{lang}">') is wrapped
    assert found.endswith("</div>") is wrapped


@pytest.mark.parametrize("path", ["../feed.xml", "/etc/feed.xml", "a/../../feed.xml", "feed", ".hidden.xml", "a b.xml"])
def test_a_path_that_leaves_the_public_folder(make_channel: Any, path: str) -> None:
    with pytest.raises(ConfigError, match="must be a name under public"):
        make_channel("rss", path=path)


@pytest.mark.parametrize(
    ("page", "codes"),
    [
        ('<a href="/here">x</a>', ["link-relative"]),
        ("<a href='here'>x</a>", ["link-relative"]),
        ('<a href="//host.example/here">x</a>', ["link-relative"]),
        ('<a href="javascript:alert(1)">x</a>', ["link-relative"]),
        ('<img src="photo.jpg" alt="A ferry">', ["link-relative"]),
        ('<img src="https://x.example/a.jpg">', ["alt-missing"]),
        ('<img src="https://x.example/a.jpg" alt=" ">', ["alt-missing"]),
        ('<figure><img src="https://x.example/a.jpg" alt="A"><figcaption> </figcaption></figure>', ["caption-missing"]),
        ("<script>1</script>", ["html-active"]),
        ('<p onclick="x()">x</p>', ["html-active"]),
        ("<p>it says href='/here' and &lt;script&gt;</p>", []),
        ('<a href="https://x.example/">x</a> <a href="mailto:a@b.example">x</a> <a href="tel:+1">x</a>', []),
    ],
)
def test_what_readers_would_show_wrongly(rss: Channel, sample: Release, kit: Kit, page: str, codes: list[str]) -> None:
    found = list(rss.check(dataclasses.replace(one(rss, sample, kit), html=page)))
    assert [f.code for f in found] == codes
    assert {f.severity for f in found} <= {"error"}


def test_what_is_missing_is_said(rss: Channel, make_release: MakeRelease, sample: Release, kit: Kit) -> None:
    def said(message: Message) -> list[tuple[str, str]]:
        return [(f.severity, f.code) for f in rss.check(message)]

    assert said(one(rss, sample, kit)) == []
    assert said(dataclasses.replace(one(rss, sample, kit), title=" ")) == [("error", "title-missing")]
    bare = Media(file="harbour-line-ferry.jpg")
    assert said(one(rss, make_release(media=(bare,)), kit)) == [("error", "alt-missing"), ("error", "caption-missing")]
    plain = one(rss, make_release(summary=None, body="First.\n\nSecond. " + "long " * 60_000), kit)
    assert plain.text == "First."
    assert said(plain) == [("warning", "summary-missing"), ("warning", "item-big")]
    unknown = dataclasses.replace(
        kit, read_media=lambda _m: MediaFile(name="x.raw2", content_type="application/octet-stream", data=b"x")
    )
    assert said(one(rss, sample, unknown)) == [("warning", "media-untyped")]
    assert "<img" not in one(rss, sample, unknown).html


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
