"""Nothing links to a page that nobody makes, and everything links to the page that a release names."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from distributor.cli.main import main
from distributor.contract import Channel, Kit
from distributor.preview import Press, Preview
from distributor.reading import ReleaseFile
from distributor.release import LanguageVersion, Release
from tests.conftest import FakeClock

NOW = datetime(2030, 3, 4, 8, tzinfo=UTC)
HOST = "newsroom.tidewater.example"
CMS = "https://www.tidewater.example/press/2030/harbour"
POSTS = (
    "x", "mastodon", "bluesky", "linkedin", "threads", "facebook", "telegram", "slack", "discord", "teams", "matrix", "line",
    "copytext",
)  # fmt: skip

MakeChannel = Callable[..., Channel]


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(args), clock=FakeClock(NOW))
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err


def with_pages(release: Release, **pages: str) -> Release:
    """The release with `page_url` in these languages; `zh_Hant` stands for zh-Hant."""

    def paged(text: LanguageVersion) -> LanguageVersion:
        return text.model_copy(update={"page_url": pages.get(text.lang.replace("-", "_"))})

    return release.model_copy(update={"languages": tuple(map(paged, release.languages))})


@pytest.fixture
def preview(kit: Kit, sample_folder: Path) -> Callable[..., Preview]:
    """The sample, or another release, on some channels."""

    def made(release: Release, channels: Mapping[str, Channel], newsroom: Any = None) -> Preview:
        file = ReleaseFile(release=release, path=sample_folder / "harbour-line.md", lines={}, digest="x")
        press = Press(templates=kit.templates, newsroom=newsroom or kit.newsroom, networks=kit.networks)
        return press.preview(file, channels, NOW)

    return made


def content(made: Preview, name: str, lang: str = "en") -> str:
    [one] = [one for one in made.rendered if (one.message.channel, one.message.lang) == (name, lang)]
    return one.channel.compose(one.message, one.message.recipients[0]).decode()


@pytest.mark.parametrize("name", POSTS)
def test_a_post_without_a_page_leads_nowhere(
    name: str, make_channel: MakeChannel, sample: Release, preview: Callable[..., Preview]
) -> None:
    made = preview(sample, {name: make_channel(name, languages=["en"])})
    [one] = made.rendered
    assert HOST not in content(made, name).replace(f"{HOST}%2Fmedia", "").replace(f"{HOST}/media", "")
    assert "\n\n\n" not in one.message.text
    assert "card_title" not in one.message.meta
    assert one.message.page == ""
    codes = [finding.code for finding in made.all_findings()]
    assert codes.count("page-missing") == 1
    assert "no-link" not in codes
    assert made.errors() == []


@pytest.mark.parametrize("name", POSTS)
def test_a_post_leads_to_the_page_that_the_release_names(
    name: str, make_channel: MakeChannel, sample: Release, preview: Callable[..., Preview]
) -> None:
    channels = {"newsroom": make_channel("newsroom"), name: make_channel(name, languages=["en"])}
    made = preview(with_pages(sample, en=CMS), channels)
    one = next(one for one in made.rendered if one.message.channel == name)
    shown = content(made, name).replace("\\/", "/") + "".join(entity.target for entity in one.message.entities)
    assert CMS in shown or CMS.replace(":", "%3A").replace("/", "%2F") in shown
    assert f"{HOST}/harbour" not in shown
    assert "page-missing" not in {finding.code for finding in made.all_findings() if finding.lang in (None, "en")}


def test_written_words_without_a_page(
    make_channel: MakeChannel, sample: Release, preview: Callable[..., Preview]
) -> None:
    text = sample.main.model_copy(update={"social": {"mastodon": "Our own words. #HarbourLine"}})
    release = sample.model_copy(update={"languages": (text,)})
    made = preview(release, {"mastodon": make_channel("mastodon")})
    assert made.rendered[0].message.text == "Our own words. #HarbourLine"


def test_feed_and_mail_without_a_page(
    make_channel: MakeChannel, sample: Release, preview: Callable[..., Preview]
) -> None:
    rss = make_channel("rss")
    made = preview(sample, {"rss": rss, "email": make_channel("email")})
    feeds = rss.exhibits(made.rendered[0].message)
    [item] = etree.fromstring(feeds["feed.xml"]).iter("item")
    assert item.find("link") is None
    assert item.findtext("guid") == f"tag:{HOST},2026:harbour-line-opening:en"
    [entry] = etree.fromstring(feeds["feed.atom"]).iter("{http://www.w3.org/2005/Atom}entry")
    assert [link.get("rel") for link in entry.iter("{http://www.w3.org/2005/Atom}link")] == ["enclosure"]
    assert "url" not in json.loads(feeds["feed.json"])["items"][0]
    for name in ("feed.xml", "feed.atom"):
        read = feedparser.parse(feeds[name])
        assert (read.bozo, len(read.entries)) == (False, 1)
    assert "View in browser" not in content(made, "email")
    assert f"{HOST}/harbour" not in content(made, "email")
    [found] = [one for one in made.findings if one.code == "page-missing" and one.lang == "en"]
    assert "nobody makes a page of this release in en: rss and email go out without a link to it" in found.text
    assert (found.severity.value, found.field) == ("warning", "page_url")


def test_feed_mail_and_page_lead_to_the_page_that_the_release_names(
    make_channel: MakeChannel, sample: Release, preview: Callable[..., Preview]
) -> None:
    rss, zh = make_channel("rss"), "https://www.tidewater.example/zh/harbour"
    channels = {"newsroom": make_channel("newsroom"), "rss": rss, "email": make_channel("email")}
    made = preview(with_pages(sample, en=CMS, zh_Hant=zh), channels)
    for lang, page in (("en", CMS), ("zh-Hant", zh)):
        message = next(one.message for one in made.rendered if (one.message.type, one.message.lang) == ("rss", lang))
        feeds = rss.exhibits(message)
        assert feedparser.parse(feeds["feed.xml"]).entries[0].link == page
        assert feedparser.parse(feeds["feed.atom"]).entries[0].link == page
        item = json.loads(feeds["feed.json"])["items"][0]
        assert (item["url"], item["id"]) == (page, f"tag:{HOST},2026:harbour-line-opening:{lang}")  # the guid stays
        html = content(made, "newsroom", lang)
        article = json.loads(html.partition('ld+json">')[2].partition("</script>")[0])
        assert (article["url"], article["mainEntityOfPage"]) == (page, page)
        assert f'<link rel="canonical" href="{page}">' in html
        assert f'<meta property="og:url" content="{page}">' in html
        assert f'hreflang="{lang}" href="{page}"' in html
    newsroom = next(one.message for one in made.rendered if one.message.type == "newsroom")
    assert (newsroom.meta["path"], newsroom.meta["url"]) == (
        "harbour-line-opening",
        f"https://{HOST}/harbour-line-opening",
    )
    assert CMS.encode() in content(made, "email").encode().replace(b"=\r\n", b"")


def test_the_config_says_where_every_release_has_its_page(
    make_channel: MakeChannel, sample: Release, kit: Kit, preview: Callable[..., Preview]
) -> None:
    newsroom = kit.newsroom.model_copy(update={"page_url": "https://www.tidewater.example/{lang}/press/{id}"})
    rss = make_channel("rss")
    made = preview(with_pages(sample, en=CMS), {"rss": rss}, newsroom)
    found = [feedparser.parse(rss.exhibits(one.message)["feed.xml"]).entries[0].link for one in made.rendered]
    assert found == [CMS, "https://www.tidewater.example/zh-hant/press/harbour-line-opening"]
    assert "page-missing" not in {finding.code for finding in made.findings}


def test_a_newsroom_that_does_not_carry_it(
    make_channel: MakeChannel, sample: Release, preview: Callable[..., Preview]
) -> None:
    rss = make_channel("rss")
    made = preview(sample, {"newsroom": make_channel("newsroom", languages=["en"]), "rss": rss})
    items = {
        one.message.lang: json.loads(one.message.meta["json"]) for one in made.rendered if one.message.type == "rss"
    }
    assert ("url" in items["en"], "url" in items["zh-Hant"]) == (True, False)
    [found] = [one for one in made.findings if one.code == "page-missing"]
    assert (found.lang, "in zh-Hant: rss goes out" in found.text) == ("zh-Hant", True)
    page = content(made, "newsroom")
    assert "zh-hant" not in page.partition("<article>")[2].partition("</article>")[0]  # no link to where nothing is


def test_a_page_that_comes_later_than_its_link(
    make_channel: MakeChannel, sample: Release, preview: Callable[..., Preview]
) -> None:
    made = preview(sample, {"newsroom": make_channel("newsroom", after="1h"), "rss": make_channel("rss")})
    [found] = [one for one in made.findings if one.code == "page-later"]
    assert found.text == "rss link to a page that comes only 1h after the embargo"


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    run(capsys, "init", str(tmp_path / "press"))
    monkeypatch.chdir(tmp_path / "press")
    return tmp_path / "press"


def without_newsroom(office: Path) -> None:
    config = office / "config" / "distributor.toml"
    config.write_text(config.read_text().replace('type = "newsroom"\n', 'type = "newsroom"\nenabled = false\n', 1))


def test_check_and_doctor_say_that_nobody_makes_the_page(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nobody makes a page" not in run(capsys, "check", "releases/harbour-line.md")[1]
    assert "no channel makes pages" not in run(capsys, "doctor")[1]
    without_newsroom(office)
    out = " ".join(run(capsys, "check", "releases/harbour-line.md")[1].split())
    assert "nobody makes a page of this release in en" in out
    assert "write page_url in each release" in " ".join(run(capsys, "doctor")[1].split())
    rows = json.loads(run(capsys, "doctor", "--json")[1])
    assert {row["channel"]: bool(row["remarks"]) for row in rows}["rss"]
    config = office / "config" / "distributor.toml"
    page = 'language = "en"\npage_url = "https://www.tidewater.example/{id}"'
    config.write_text(config.read_text().replace('language = "en"', page, 1))
    assert "nobody makes a page" not in run(capsys, "check", "releases/harbour-line.md")[1]
    assert "no channel makes pages" not in run(capsys, "doctor")[1]


def test_the_preview_of_one_channel_still_knows_the_newsroom(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = run(capsys, "preview", "releases/harbour-line.md", "--json")[1]
    one = run(capsys, "preview", "releases/harbour-line.md", "--channel", "rss", "--json")[1]
    digests = [
        {m["channel"] + m["lang"]: m["recipients"] for m in json.loads(text)["messages"]} for text in (whole, one)
    ]
    assert digests[1]["rssen"] == digests[0]["rssen"]
    sample = office / "releases" / "harbour-line.md"
    sample.write_text(sample.read_text().replace("\nid:", "\nchannels: [rss, email]\nid:", 1))
    assert "nobody makes a page" in " ".join(run(capsys, "check", str(sample))[1].split())


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("http://www.tidewater.example/a", "must begin with https://"),
        ("www.tidewater.example/a", "is not a web address"),
        ("https://user:secret@www.tidewater.example/a", "must not hold a user name"),
        ("javascript:alert(1)", "is not a web address"),
    ],
)
def test_a_page_that_is_no_page(office: Path, page: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    sample = office / "releases" / "harbour-line.md"
    sample.write_text(sample.read_text().replace("\nid:", f'\npage_url: "{page}"\nid:', 1))
    code, _, err = run(capsys, "check", str(sample))
    assert (code, words in err, "page_url" in err) == (2, True, True), err


@pytest.mark.parametrize(
    "pattern",
    ["https://www.tidewater.example/press", "https://www.tidewater.example/{slug}/{id}", "http://a.example/{id}"],
)
def test_a_pattern_that_is_none(office: Path, pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = office / "config" / "distributor.toml"
    config.write_text(config.read_text().replace('language = "en"', f'language = "en"\npage_url = "{pattern}"', 1))
    code, _, err = run(capsys, "check", "releases/harbour-line.md")
    assert (code, "[newsroom] page_url" in err) == (2, True), err
