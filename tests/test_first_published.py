"""The first publication stays for ever, and a change has its own date (RFC 4287 §4.2.9, Google's Article rules)."""

import json
import mailbox
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from distributor.cli.main import main
from tests.conftest import FakeClock

FIRST = datetime(2030, 2, 27, 23, 0, tzinfo=UTC)  # the 28th in Hong Kong
LATER = FIRST + timedelta(days=12)  # another month: places and archives would move
ATOM = "{http://www.w3.org/2005/Atom}"
TERMS = "{http://purl.org/dc/terms/}"


class Office:
    """A site on the command line, under a clock that tests set."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys, self.clock = root, capsys, FakeClock(FIRST - timedelta(days=2))
        self.do("init", str(root))

    def do(self, *args: str, code: int | None = 0) -> str:
        with pytest.raises(SystemExit) as stopped:
            main(list(args), clock=self.clock)
        out, err = self.capsys.readouterr()
        assert code is None or int(stopped.value.code or 0) == code, err
        return out

    def write(self, name: str, lift: datetime, version: int = 1, lang: str = "", **changes: str) -> Path:
        given = {"class": "A", "headline": f"Pier {name}, version {version}", "hashtags": "[Pier]"} | changes
        corrects = (
            f"corrects: {{version: {version - 1}, class: {given['class']}, text: It is 14.}}\n" if version > 1 else ""
        )
        head = f"headline: {given['headline']}\nsummary: The pier opens.\ndateline: {{city: Hong Kong}}\n"
        if lang:
            path = self.root / "releases" / f"{name}.{lang}.md"
            path.write_text(f"---\nlang: {lang}\n{head}---\n碼頭啟用。\n")
            return path
        path = self.root / "releases" / f"{name}.md"
        instant = lift.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        zone = given.get("zone")
        instant = f"{lift + timedelta(hours=8):%Y-%m-%d %H:%M} {zone}" if zone else instant
        path.write_text(
            f"---\nid: {name}\nversion: {version}\nembargoed_until: {instant}\n{head}"
            f"issuer: tidewater\ncontacts: [press]\nhashtags: {given['hashtags']}\n{corrects}---\nThe pier opens.\n"
        )
        return path

    def publish(self, path: Path, when: datetime) -> None:
        self.do("schedule", str(path))
        self.clock.set(when)
        self.do("run", "--until-idle", code=None)

    def text(self, name: str) -> str:
        return (self.root / "public" / name).read_text(encoding="utf-8")

    def items(self, lang: str = "") -> dict[str, dict[str, Any]]:
        """What each format says of the item of the release `pier`."""
        rss = etree.fromstring(self.text(f"feed{lang}.xml").encode())
        atom = etree.fromstring(self.text(f"feed{lang}.atom").encode())
        found = json.loads(self.text(f"feed{lang}.json"))["items"]
        one = next(item for item in rss.iter("item") if ":pier:" in item.findtext("guid", ""))
        entry = next(item for item in atom.iter(f"{ATOM}entry") if ":pier:" in item.findtext(f"{ATOM}id", ""))
        return {
            "rss": {"published": one.findtext("pubDate"), "modified": one.findtext(f"{TERMS}modified")},
            "atom": {"published": entry.findtext(f"{ATOM}published"), "modified": entry.findtext(f"{ATOM}updated")},
            "json": next(item for item in found if ":pier:" in item["id"]),
        }

    def facts(self, page: str) -> dict[str, Any]:
        """The JSON-LD of a page."""
        found = re.search(r'<script type="application/ld\+json">(.*?)</script>', self.text(page))
        assert found
        facts: dict[str, Any] = json.loads(found[1])
        return facts

    def order(self) -> list[str]:
        return [entry.title for entry in feedparser.parse(self.text("feed.xml")).entries]


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Office:
    made = Office(tmp_path / "press", capsys)
    monkeypatch.chdir(made.root)
    return made


def corrected(office: Office, when: datetime = LATER) -> None:
    """Version 1 at FIRST, another release a day after it, and version 2 at `when`."""
    office.publish(office.write("pier", FIRST, zone="Asia/Hong_Kong"), FIRST)
    office.publish(office.write("other", FIRST + timedelta(days=1)), FIRST + timedelta(days=1))
    right = office.write("pier", when, 2, zone="Asia/Hong_Kong", hashtags="[Harbour]")
    office.publish(right, when)


def test_every_date_of_a_correction(office: Office) -> None:
    corrected(office)
    found = office.items()
    assert found["rss"] == {"published": "Wed, 27 Feb 2030 23:00:00 +0000", "modified": "2030-03-11T23:00:00+00:00"}
    assert found["atom"]["published"] == "2030-02-27T23:00:00+00:00"
    assert found["atom"]["modified"].startswith("2030-03-11T23:00:00")
    assert found["json"]["date_published"] == "2030-02-27T23:00:00+00:00"
    assert found["json"]["date_modified"] == "2030-03-11T23:00:00+00:00"
    rss, atom = etree.fromstring(office.text("feed.xml").encode()), etree.fromstring(office.text("feed.atom").encode())
    assert rss.findtext("channel/lastBuildDate") == "Mon, 11 Mar 2030 23:00:00 +0000"
    assert atom.findtext(f"{ATOM}updated") == "2030-03-11T23:00:00+00:00"
    page, facts = office.text("pier/index.html"), office.facts("pier/index.html")
    assert (facts["datePublished"], facts["dateModified"]) == ("2030-02-27T23:00:00Z", "2030-03-11T23:00:00Z")
    assert 'article:published_time" content="2030-02-27T23:00:00Z"' in page
    assert 'article:modified_time" content="2030-03-11T23:00:00Z"' in page
    assert '<time datetime="2030-03-11T23:00:00Z">Corrected on 12 March 2030</time>' in page
    assert "<strong>HONG KONG</strong>, 28 February 2030" in page
    plain = office.text("pier/release.txt")
    assert "Corrected on 12 March 2030" in plain
    assert "HONG KONG, 28 February 2030" in plain


def test_the_place_of_a_correction(office: Office) -> None:
    corrected(office)
    order = ["Pier other, version 1", "Pier pier, version 2"]
    assert office.order() == order
    assert re.findall(r">(Pier [^<]*)</a></h2>", office.text("index.html")) == order
    assert not (office.root / "public/archive/2030-03").exists()
    assert "Pier pier, version 2" in office.text("archive/2030-02/index.html")
    assert "Pier pier" in office.text("tag/harbour/index.html")
    assert "Pier pier" not in office.text("tag/pier/index.html")  # it left that topic, and only that
    assert "Pier pier" not in office.text("tag/pier/feed.xml")
    urls = re.findall(r"<loc>[^<]*/(\w+)</loc><lastmod>([^<]*)", office.text("sitemap-2030-02-1.xml"))
    assert ("pier", "2030-03-11T23:00:00+00:00") in urls
    assert "<news:publication_date>2030-02-27T23:00:00+00:00" in office.text("sitemap-news.xml")


def test_a_mail_of_a_correction_keeps_the_first_date(office: Office) -> None:
    corrected(office)
    box = mailbox.Maildir(office.root / "outbox" / "email", create=False)
    mails = [mail for mail in box if "CORRECTION" in str(mail["Subject"])]
    assert mails
    for mail in mails:
        text = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
        assert b"HONG KONG - 28 February 2030" in bytes(text.get_payload(decode=True))


def test_several_corrections_and_one_of_form_alone(office: Office) -> None:
    corrected(office)
    third = LATER + timedelta(days=30)
    office.publish(office.write("pier", third, 3, **{"class": "C"}), third)
    found = office.items()
    assert found["json"]["date_published"] == "2030-02-27T23:00:00+00:00"
    assert found["json"]["date_modified"] == "2030-04-10T23:00:00+00:00"
    assert "Updated on 10 April 2030" in office.text("pier/index.html")
    assert office.order() == ["Pier other, version 1", "Pier pier, version 3"]


def test_a_language_that_comes_later_has_its_own_first_day(office: Office) -> None:
    office.publish(office.write("pier", FIRST), FIRST)
    office.write("pier", LATER, lang="zh-Hant", headline="碼頭")
    office.publish(office.write("pier", LATER, 2), LATER)
    assert office.items()["json"]["date_published"] == "2030-02-27T23:00:00+00:00"
    late = office.items(".zh-hant")
    assert late["json"]["date_published"] == late["json"]["date_modified"] == "2030-03-11T23:00:00+00:00"
    assert late["rss"]["modified"] is None
    assert "更正於" not in office.text("pier/zh-hant/index.html")


def test_what_came_late_or_was_moved_keeps_the_date_it_was_given(office: Office) -> None:
    office.do("schedule", str(office.write("pier", FIRST)))
    moved = FIRST + timedelta(days=1)
    office.do("reschedule", "pier", "--at", f"{moved:%Y-%m-%d %H:%M} UTC", code=None)
    office.clock.set(moved + timedelta(hours=3))  # the machine was off
    office.do("run", "--until-idle", code=None)
    assert office.items()["json"]["date_published"] == "2030-02-28T23:00:00+00:00"
    right = office.write("pier", LATER, 2)
    office.do("schedule", str(right))
    office.do("reschedule", "pier", "--at", f"{LATER + timedelta(hours=1):%Y-%m-%d %H:%M} UTC")
    office.clock.set(LATER + timedelta(hours=1))
    office.do("run", "--until-idle", code=None)
    found = office.items()["json"]
    assert found["date_published"] == "2030-02-28T23:00:00+00:00"
    assert found["date_modified"] == "2030-03-12T00:00:00+00:00"


def test_the_date_outlives_a_kill_and_a_lost_ledger(office: Office) -> None:
    corrected(office)
    office.do("kill", "pier", "--yes")
    office.do("run", "--until-idle", code=None)
    for part in ("distributor.db", "distributor.db-wal", "distributor.db-shm", "witness.json"):  # to begin anew
        (office.root / "var" / part).unlink(missing_ok=True)
    third = LATER + timedelta(days=3)
    office.publish(office.write("pier", third, 3), third)
    assert office.items()["json"]["date_published"] == "2030-02-27T23:00:00+00:00"
    assert office.facts("pier/index.html")["datePublished"] == "2030-02-27T23:00:00Z"


def test_a_version_that_never_went_out_gives_no_date(office: Office) -> None:
    office.do("schedule", str(office.write("pier", FIRST)))
    office.do("cancel", "pier")
    office.publish(office.write("pier", LATER, 2), LATER)
    found = office.items()
    assert found["json"]["date_published"] == found["json"]["date_modified"] == "2030-03-11T23:00:00+00:00"
    assert found["rss"]["modified"] is None


def test_the_preview_says_which_date_stays(office: Office) -> None:
    office.publish(office.write("pier", FIRST), FIRST)
    right = office.write("pier", LATER, 2)
    assert "first published Wed 27 Feb 2030 23:00 UTC: that date stays" in " ".join(
        office.do("check", str(right), code=None).split()
    )
