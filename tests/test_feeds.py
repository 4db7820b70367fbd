"""Atom, JSON Feed, tags and the archive: what independent readers find in them, and that nothing is lost between them."""

import asyncio
import io
import json
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from distributor import registry, settings, site
from distributor.contract import Channel, Kit, Message
from distributor.errors import ConfigError
from distributor.release import Correction, Release
from tests.conftest import at
from tests.test_rss import varied

ATOM = "{http://www.w3.org/2005/Atom}"
MakeRelease = Callable[..., Release]


@pytest.fixture
def rss(make_channel: Callable[..., Channel]) -> Channel:
    return make_channel("rss", hub="https://hub.example/")


def publish(channel: Channel, *messages: Message) -> None:
    for message in messages:
        asyncio.run(channel.deliver(message, message.recipients[0], "k" * 32))


def numbered(make_release: MakeRelease, number: int, **changes: Any) -> Release:
    words = {"media": (), "hashtags": ("Tag",), "body": "x", **changes}
    return make_release(headline=f"Release {number}", **words).model_copy(update={"id": f"release-{number}"})


def test_golden(rss: Channel, sample: Release, kit: Kit, golden: Callable[[str, bytes], None]) -> None:
    for message in rss.render(sample, kit):
        for name in ("feed.atom", "feed.json"):
            golden(f"rss/{name.replace('.', f'.{message.lang}.')}", rss.exhibits(message)[name])


def test_three_formats_say_the_same(rss: Channel, sample: Release, kit: Kit) -> None:
    publish(rss, *rss.render(sample, kit))
    root = rss.places.public
    for lang in ("", ".zh-hant"):
        formats = [feedparser.parse((root / f"feed{lang}{suffix}").read_bytes()) for suffix in (".xml", ".atom")]
        assert not any(read.bozo for read in formats)
        [one], [two] = (read.entries for read in formats)
        assert (one.title, one.link, one.id) == (two.title, two.link, two.id)
        assert one.content[0].value == two.content[0].value
        assert one.summary == two.summary
        assert one.published_parsed == two.published_parsed == two.updated_parsed
        assert [tag.term for tag in one.tags] == [tag.term for tag in two.tags]
        assert one.media_content == two.media_content
        assert [link.href for link in two.links] == [one.link, one.enclosures[0].href]
        written = json.loads((root / f"feed{lang}.json").read_bytes())
        [three] = written["items"]
        assert (three["title"], three["url"], three["id"]) == (one.title, one.link, one.id)
        assert three["tags"] == [tag.term for tag in one.tags]
        assert three["attachments"][0]["url"] == one.enclosures[0].href
        assert written["feed_url"].endswith(f"/feed{lang}.json")
        assert written["hubs"] == [{"type": "WebSub", "url": "https://hub.example/"}]
        relations = {link.rel: link.href for link in formats[1].feed.links}
        assert relations["hub"] == "https://hub.example/"
        assert relations["self"].endswith(f"/feed{lang}.atom")


def test_strict_readers_of_other_hands_read_them(rss: Channel, sample: Release, kit: Kit) -> None:
    atoma = pytest.importorskip("atoma")
    fast = pytest.importorskip("fastfeedparser")
    publish(rss, *rss.render(sample, kit))
    one = atoma.parse_rss_bytes((rss.places.public / "feed.xml").read_bytes())
    two = atoma.parse_atom_bytes((rss.places.public / "feed.atom").read_bytes())
    assert one.items[0].title == two.entries[0].title.value == sample.main.headline
    assert one.items[0].guid == two.entries[0].id_
    assert one.items[0].pub_date == two.entries[0].published
    for name in ("feed.xml", "feed.atom", "feed.json"):
        read = fast.parse((rss.places.public / name).read_text())
        assert [entry.title for entry in read.entries] == [sample.main.headline]


@pytest.mark.slow
def test_two_hundred_varied_releases_at_one_instant(
    make_channel: Callable[..., Channel], make_release: MakeRelease, kit: Kit
) -> None:
    """One Atom and one JSON Feed of all of them: RFC 4287, JSON Feed 1.1 and the W3C validator's rules for entries."""
    rss = make_channel("rss", items=200)
    rendered = [rss.render(release, kit)[0] for release in varied(make_release)]
    entries = [message.meta["atom"].encode() for message in rendered]
    frame = feed_room(rss).Frame(
        title="N", description="N", home="https://n.example/", address="https://n.example/feed.atom", language="en",
        updated=kit.lift,
    )  # fmt: skip
    root = etree.fromstring(feed_room(rss).atom_bytes(frame, entries), etree.XMLParser(huge_tree=True))
    found = root.findall(f"{ATOM}entry")
    assert len(found) == 200
    assert len({entry.findtext(f"{ATOM}updated") for entry in found}) == 200
    assert len({entry.findtext(f"{ATOM}id") for entry in found}) == 200
    for entry, message in zip(found, rendered, strict=True):
        _entry_rules(entry, message)
        one = json.loads(message.meta["json"])
        assert {"id", "url", "title", "content_html", "date_published", "language"} <= one.keys()
        assert all(picture["size_in_bytes"] > 0 for picture in one.get("attachments", ()))


def _entry_rules(entry: Any, message: Message) -> None:
    for name in ("id", "title", "updated", "published", "author", "content", "summary"):
        assert len(entry.findall(f"{ATOM}{name}")) == 1, name
    assert re.fullmatch(r"tag:[a-z0-9.-]+,\d{4}:[\w;/?:@&=+$.\-~*'()%,#!]+", entry.findtext(f"{ATOM}id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", entry.findtext(f"{ATOM}updated"))
    assert entry.find(f"{ATOM}content").get("type") == entry.find(f"{ATOM}summary").get("type") == "html"
    assert entry.get("{http://www.w3.org/XML/1998/namespace}lang") == message.lang
    assert [link.get("rel") for link in entry.findall(f"{ATOM}link")].count("alternate") == 1
    for link in entry.findall(f"{ATOM}link[@rel='enclosure']"):
        assert link.get("type").startswith("image/")
        assert int(link.get("length")) > 0
    terms = [category.get("term").casefold() for category in entry.findall(f"{ATOM}category")]
    assert len(set(terms)) == len(terms)
    for words in entry.iter("{http://search.yahoo.com/mrss/}title", "{http://search.yahoo.com/mrss/}description"):
        assert "</" not in words.text


def feed_room(channel: Channel) -> Any:
    """The room in which this channel joins feeds."""
    return sys.modules[f"{type(channel).__module__}.feed"]


def _walk(root: Path, name: str) -> list[str]:
    """Every item that a reader finds who follows the archive from the live feed (RFC 5005 §4)."""
    found: list[str] = []
    while name:
        document = etree.fromstring((root / name).read_bytes())
        found += [item.findtext("title") or "" for item in document.findall("channel/item")]
        before = document.find(f"channel/{ATOM}link[@rel='prev-archive']")
        name = "" if before is None else before.get("href", "").removeprefix("https://newsroom.tidewater.example/")
    return found


@pytest.mark.parametrize("days", [1, 11])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_feed_and_its_archive_hold_every_item(
    make_channel: Any, make_release: MakeRelease, kit: Kit, days: int, backwards: bool
) -> None:
    rss = make_channel("rss", items=4)
    numbers = range(30)[::-1] if backwards else range(30)
    for count, number in enumerate(numbers, 1):
        publish(rss, *rss.render(numbered(make_release, number), at(kit, kit.lift + timedelta(days=number * days))))
        if count % 7 == 0 or count == 30:
            assert len(set(_walk(rss.places.public, "feed.xml"))) == count
    atom = etree.fromstring((rss.places.public / "feed.atom").read_bytes())
    assert len(atom.findall(f"{ATOM}entry")) == 4
    pages, name = set(), "feed.json"
    while name:
        document = json.loads((rss.places.public / name).read_bytes())
        pages |= {item["title"] for item in document["items"]}
        name = document.get("next_url", "").removeprefix("https://newsroom.tidewater.example/")
    assert len(pages) == 30


def test_a_closed_document_of_the_archive_never_changes_again(
    make_channel: Any, make_release: MakeRelease, kit: Kit
) -> None:
    rss = make_channel("rss", items=3)
    seen: dict[str, bytes] = {}
    for number in range(20):
        publish(rss, *rss.render(numbered(make_release, number), at(kit, kit.lift + timedelta(days=number * 4))))
        for path in rss.places.public.glob("feed.2*"):
            assert seen.setdefault(path.name, path.read_bytes()) == path.read_bytes()
    assert len({name for name in seen if name.endswith(".xml")}) > 5
    assert b"<fh:archive/>" in seen["feed.2030-03-1.xml"]


def test_a_correction_leaves_no_trace_in_the_archive(make_channel: Any, make_release: MakeRelease, kit: Kit) -> None:
    rss = make_channel("rss", items=3)
    for number in range(9):
        publish(rss, *rss.render(numbered(make_release, number), at(kit, kit.lift + timedelta(days=number * 4))))
    words = Correction.model_validate({"version": 1, "class": "A", "text": "Right."})
    right = numbered(make_release, 0).model_copy(update={"version": 2, "corrects": words})
    texts = (right.main.model_copy(update={"headline": "Corrected", "hashtags": ("Other",)}),)
    publish(rss, *rss.render(right.model_copy(update={"languages": texts}), at(kit, kit.lift + timedelta(days=90))))
    found = _walk(rss.places.public, "feed.xml")
    assert "Release 0" not in found
    assert set(found) == {"Corrected", *(f"Release {n}" for n in range(1, 9))}
    assert feedparser.parse((rss.places.public / "tag/other/feed.xml").read_bytes()).entries[0].title == "Corrected"


def test_each_tag_has_its_feed(rss: Channel, make_release: MakeRelease, kit: Kit) -> None:
    for number, tags in enumerate([("Ferry", "Port"), ("ferry",), ("Port",)]):
        release = numbered(make_release, number, hashtags=tags)
        publish(rss, *rss.render(release, at(kit, kit.lift + timedelta(days=number))))
    read = feedparser.parse((rss.places.public / "tag/ferry/feed.xml").read_bytes())
    assert [entry.title for entry in read.entries] == ["Release 1", "Release 0"]
    assert read.feed.title == "Tidewater Ferries newsroom: #ferry"


def test_two_blocks_with_one_path_are_refused(
    built_in: site.Site, config: settings.Settings, places: settings.Places
) -> None:
    block = {"type": "rss", "path": "feed.xml"}
    changed = config.model_copy(update={"channels": {"one": block, "two": block}})
    with pytest.raises(ConfigError, match=re.escape("[channels.two]: writes")):
        registry.build(built_in, changed, places)
    other = config.model_copy(update={"channels": {"one": block, "two": {**block, "path": "short.xml"}}})
    assert len(registry.build(built_in, other, places)) == 2


def test_no_document_holds_what_xml_forbids(rss: Channel, make_release: MakeRelease, kit: Kit) -> None:
    message = rss.render(make_release(headline="a\x00b\ufffe ]]> <b>", summary="\x1b"), kit)[0]
    for name, data in (n for n in rss.exhibits(message).items() if n[0] != "item.xml"):
        if name.endswith(".json"):
            assert json.loads(data)["items"][0]["title"] == "ab ]]> <b>"
        else:
            etree.parse(io.BytesIO(data))
