"""`feed` and `publish --rebuild` on the command line: what was released, and the feed as it will read."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
from lxml import etree

from distributor.cli.main import main
from tests.conftest import FakeClock

NOW = datetime(2030, 3, 4, 8, tzinfo=UTC)


def run(capsys: pytest.CaptureFixture[str], clock: FakeClock, *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(args), clock=clock)
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err


def test_feed_and_rebuild(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(NOW)
    run(capsys, clock, "init", str(tmp_path / "press"))
    monkeypatch.chdir(tmp_path / "press")
    assert run(capsys, clock, "schedule", "releases/harbour-line.md", "--yes")[0] == 2
    run(capsys, clock, "schedule", "releases/harbour-line.md")
    code, out, _ = run(capsys, clock, "feed", "--as-of", "2031-01-01 09:00 UTC")
    assert (code, feedparser.parse(out).entries) == (0, [])  # it is sealed, and not in any feed
    clock.step(timedelta(days=1))
    run(capsys, clock, "run", "--until-idle")
    for kind in ("rss", "atom"):
        read = feedparser.parse(run(capsys, clock, "feed", "--format", kind)[1])
        assert [entry.title for entry in read.entries] == [
            "Tidewater Ferries opens all-electric Harbour Line with crossings every six minutes"
        ]
    code, out, _ = run(capsys, clock, "feed", "--as-of", "2030-03-05 08:59 Asia/Hong_Kong")
    assert (code, feedparser.parse(out).entries) == (0, [])
    assert "error: --as-of: " in run(capsys, clock, "feed", "--as-of", "2020")[2]
    assert run(capsys, clock, "feed", "--lang", "zh-Hant", "--out", "f.xml")[0] == 0
    assert "維港" in Path("f.xml").read_text()
    public = Path("public")
    before = {path: path.read_bytes() for path in public.rglob("*") if path.is_file()}
    shutil.rmtree(public)
    code, out, _ = run(capsys, clock, "publish", "--rebuild")
    assert code == 0
    assert "files written" in out
    assert {path: path.read_bytes() for path in public.rglob("*") if path.is_file()} == before


FEEDS = [f"feed{lang}.{kind}" for lang in ("", ".zh-hant") for kind in ("xml", "atom", "json")]
FORMATS = {"xml": "rss", "atom": "atom", "json": "json"}


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    run(capsys, FakeClock(NOW), "init", str(tmp_path / "press"))
    monkeypatch.chdir(tmp_path / "press")
    return tmp_path / "press"


def every_file(folder: Path) -> dict[str, tuple[bytes, int]]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def release(name: str, lift: str, *, version: int = 1, lang: str = "en") -> Path:
    """A complete release file in the site of the test."""
    corrects = "corrects: {version: 1, class: A, text: It was another pier.}\n" if version > 1 else ""
    path = Path("releases") / f"{name}.{lang}.md" if lang != "en" else Path("releases") / f"{name}.md"
    path.write_text(
        f"---\nid: {name}\nversion: {version}\nembargoed_until: {lift} UTC\nheadline: Pier {name} version {version}\n"
        f"lang: {lang}\nsummary: The pier opens.\nissuer: tidewater\ncontacts: [press]\ndateline: {{city: Hong Kong}}\n"
        f"hashtags: [Pier]\n{corrects}---\nThe pier opens.\n"
    )
    return path


def is_empty(data: bytes, name: str) -> None:
    """A valid feed without an item, by the rules of its format."""
    if name.endswith(".json"):
        read = json.loads(data)
        assert read["version"] == "https://jsonfeed.org/version/1.1"
        assert (read["items"], read["feed_url"].rpartition("/")[2]) == ([], name)
        return
    root, read = etree.fromstring(data), feedparser.parse(data)
    assert (read.bozo, read.entries, bool(read.feed.title)) == (False, [], True)
    assert [one.href.rpartition("/")[2] for one in read.feed.links if one.rel == "self"] == [name]
    if name.endswith(".atom"):
        for element in ("id", "title", "updated"):
            assert root.findtext(f"{{http://www.w3.org/2005/Atom}}{element}")
    else:
        assert all(root.findtext(f"channel/{element}") for element in ("title", "link", "description"))
        assert root.findtext("channel/lastBuildDate") == "Thu, 01 Jan 2026 00:00:00 +0000"  # never now


@pytest.mark.parametrize("name", FEEDS)
def test_a_new_site_has_valid_empty_feeds(office: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = (office / "public" / name).read_bytes()
    is_empty(data, name)
    lang = "zh-Hant" if "zh" in name else "en"
    out = run(capsys, FakeClock(NOW), "feed", "--lang", lang, "--format", FORMATS[name.rpartition(".")[2]])[1]
    assert out.encode() == data
    code, _, err = run(capsys, FakeClock(NOW), "feed", "--lang", "fr")
    assert (code, "no feed in 'fr': rss has en, zh-Hant" in err) == (2, True)


@pytest.mark.parametrize("command", [["run", "--until-idle"], ["schedule", "releases/harbour-line.md"]])
def test_a_site_that_has_none_gets_them_at_once(
    office: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree("public")
    config = office / "config" / "distributor.toml"
    config.write_text(
        config.read_text() + '\n[channels.short]\ntype = "rss"\npath = "short/en.xml"\nlanguages = ["en"]\n'
    )
    run(capsys, FakeClock(NOW), *command)
    for name in FEEDS:
        is_empty((office / "public" / name).read_bytes(), name)
    is_empty((office / "public/short/en.xml").read_bytes(), "en.xml")
    assert "Nothing is published yet." in (office / "public/index.html").read_text()
    assert "harbour-line" not in "".join(path.read_text() for path in (office / "public").rglob("*.html"))


def test_the_feed_of_a_release_is_what_will_be_published(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With an archive behind it, other releases before it, and a correction: in each format and language."""
    config = office / "config" / "distributor.toml"
    config.write_text(config.read_text().replace("items = 20", "items = 2"))
    clock = FakeClock(NOW)
    for number in range(5):
        run(capsys, clock, "schedule", str(release(f"pier-{number}", f"2030-02-{10 + number} 09:00")), "--at", "now")
        clock.step(timedelta(seconds=5))
        run(capsys, clock, "run", "--until-idle")
    run(capsys, clock, "schedule", str(release("pier-6", "2030-03-05 00:30")))
    before = every_file(office / "public")
    right = release("pier-1", "2030-03-05 00:40", version=2)
    seen = {}
    for path in (Path("releases/harbour-line.md"), right):
        for lang, infix in (("en", ""), ("zh-Hant", ".zh-hant")):
            for suffix, kind in FORMATS.items():
                code, out, _ = run(capsys, clock, "feed", str(path), "--lang", lang, "--format", kind)
                if lang == "en" or path != right:
                    assert code == 0
                    seen[path, f"feed{infix}.{suffix}"] = out.encode()
    assert b"pier-6" in seen[right, "feed.xml"]  # scheduled to be out by then
    assert b"prev-archive" in seen[right, "feed.xml"]
    assert every_file(office / "public") == before  # nothing of it is public
    run(capsys, clock, "schedule", str(right))
    assert run(capsys, clock, "feed", "pier-1")[1].encode() == seen[right, "feed.xml"]
    for path, day in (
        (right, "2030-03-05T00:41:00+00:00"),
        (Path("releases/harbour-line.md"), "2030-03-05T01:00:01+00:00"),
    ):
        if path != right:
            run(capsys, clock, "schedule", str(path))
            for _, name in (key for key in seen if key[0] == path and ".zh" not in key[1]):
                kind = FORMATS[name.rpartition(".")[2]]
                seen[path, name] = run(capsys, clock, "feed", str(path), "--format", kind)[1].encode()
        clock.set(datetime.fromisoformat(day))
        run(capsys, clock, "run", "--until-idle")
        for key, data in seen.items():
            if key[0] == path:
                assert (office / "public" / key[1]).read_bytes() == data, key


def test_a_pipe_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "distributor", "init", str(tmp_path / "s")], check=True, capture_output=True)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "distributor", "--site", str(tmp_path / "s"), "feed", "--out"]
    with subprocess.Popen([*command, str(pipe)], stdout=subprocess.PIPE) as running:
        assert b"<rss" in pipe.read_bytes()
        running.communicate()
    assert pipe.is_fifo()


def test_nobody_writes_what_is_embargoed_into_the_public_folder(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = every_file(office / "public")
    sample, clock = "releases/harbour-line.md", FakeClock(NOW)
    for command in (
        ["feed", sample, "--out", "public/feed.xml"],
        ["feed", sample, "--out", "releases/../public/next.xml"],
        ["preview", sample, "--out", "public"],
        ["preview", sample, "--html", "public/preview.html"],
    ):
        code, _, err = run(capsys, clock, *command)
        assert (code, "lies in the public folder" in err) == (2, True), command
    assert run(capsys, clock, "feed", sample, "--out", "next.xml")[0] == 0
    assert "Harbour Line" in Path("next.xml").read_text()
    assert every_file(office / "public") == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["feed", "harbour-line-opening"], "there is no file 'harbour-line-opening', and no release of this id"),
        (["feed", "releases/harbour-line.md", "--lang", "fr"], "no item in 'fr' on rss: it has en, zh-Hant"),
        (["feed", "releases/harbour-line.md", "--channel", "email"], "'email' makes no feed here"),
        (["feed", "releases/harbour-line.md", "--as-of", "now"], "--as-of shows what has been released"),
        (["feed", "--at", "now"], "--at needs a release"),
    ],
)
def test_what_feed_cannot_show(
    office: Path,
    command: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = run(capsys, FakeClock(NOW), *command)
    assert (code, words in err) == (2, True), err


def test_the_only_release_withdrawn_leaves_an_empty_feed(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock(NOW)
    run(capsys, clock, "schedule", "releases/harbour-line.md")
    clock.step(timedelta(days=1))
    run(capsys, clock, "run", "--until-idle")
    assert b"Harbour Line" in (office / "public/feed.xml").read_bytes()
    run(capsys, clock, "kill", "harbour-line-opening", "--yes")
    run(capsys, clock, "run", "--until-idle")
    for name in FEEDS:
        is_empty((office / "public" / name).read_bytes(), name)
    assert "Nothing is published yet." in (office / "public/index.html").read_text()
    assert not list((office / "public").glob("sitemap*"))
    assert "Sitemap:" not in (office / "public/robots.txt").read_text()
