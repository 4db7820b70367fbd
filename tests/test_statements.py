"""What a preview says of a channel is what its adapter does: every statement against the channel's loopback server."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from distributor import sheet, statements
from distributor.cli.main import main
from distributor.posts import Social
from distributor.text import entities
from tests import sites
from tests.scheduled import LIFT, Scheduled
from tests.test_networks_whole import NAMES, network, posts
from tests.test_photos_by_address import NEWSROOM, Website, noise, out

PHOTOS = ("one.jpg", "two.png")
Faces = dict[str, Any]


@contextmanager
def live(name: str, root: Path, monkeypatch: pytest.MonkeyPatch, media: str) -> Iterator[tuple[Scheduled, Any]]:
    """A scheduled release with two photos."""
    for setting in ("_PATIENCE", "_BETWEEN"):  # one question for each attempt, as slow as it may be
        monkeypatch.setattr(f"distributor.outbox.page.{setting}", 30.0)
    (root / "one.jpg").write_bytes(noise((400, 300), "JPEG"))
    (root / "two.png").write_bytes(noise((120, 90), "PNG", seed=8))
    listed = "".join(f"  - {{file: {file}, alt: Quokkas of {file}, caption: A ferry., credit: Q}}\n" for file in PHOTOS)
    with network(name, monkeypatch, media=media) as (server, given), Website(root / "public") as website:
        block = given.replace("wait_for_page = false\n", "")
        blocks = f'[newsroom]\nurl = "{website.url}"\n{NEWSROOM}{block}'
        yield Scheduled(root, blocks, **{"issuer:": f"media:\n{listed}issuer:"}), server


def faces(site: Scheduled, capsys: pytest.CaptureFixture[str]) -> Faces:
    """What page, terminal and JSON say of the network; the three have to agree."""
    made = site.desk.preview(site.root / "piers.md")
    page = sheet.page(made, site.desk.press.templates, root=site.root)
    [card] = [one for one in page.split("<article ") if "<h2>net</h2>" in one]
    figures = re.findall(r'<figure><img src="data:[^,]+,([^"]+)"[^>]*><figcaption>(.*?)</figcaption>', card, re.DOTALL)
    html = {
        "photos": [base64.b64decode(data) for data, _ in figures],
        "alt_text": any("ALT" in words for _, words in figures),
        "edit": "can be edited" in card,
        "delete": "can be deleted" in card,
        "lost_answer": re.findall(r"\(([ABCD])\)</dd>", card)[0],
        "card": 'class="linkcard"' in card,
    }
    assert ("cannot be edited" in card) is not html["edit"]
    assert ("cannot be deleted" in card) is not html["delete"]
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["--site", str(site.root), "preview", str(site.root / "piers.md"), "--channel", "net"])
    words = " ".join(capsys.readouterr().out.split())
    terminal = {
        "photos": len(re.findall(r"\bphoto \S+\.(?:jpg|png)", words)),
        "alt_text": " ALT Quokkas" in words,
        "edit": "can be edited" in words,
        "delete": "can be deleted" in words,
        "card": " card " in words,
    }
    with pytest.raises(SystemExit):
        main(["--site", str(site.root), "preview", str(site.root / "piers.md"), "--json"])
    [shown] = [one for one in json.loads(capsys.readouterr().out)["messages"] if one["channel"] == "net"]
    said = {**shown["statements"], "photos": len(shown["statements"]["photos"])}
    said["card"] = bool(said["card"])
    assert said["alt_text"] or not any(one["alt"] for one in shown["statements"]["photos"])
    counted = {**html, "photos": len(html["photos"])}
    if not html["photos"]:
        del terminal["alt_text"], counted["alt_text"]  # no photo, no word about it
    assert {key: said[key] for key in counted} == counted
    assert {key: said[key] for key in terminal} == terminal
    assert said["once_live"] is False
    return {**said, "drawn": html["photos"]}


def sent(server: Any) -> bytes:
    """All that came to the server, and the same with what forms and JSON escape undone."""
    raw = b"\n".join(request.body for request in server.received)
    return raw + unquote_plus(raw.decode("utf-8", "replace")).encode()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_of_photos_edits_and_kills_is_done(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with live(name, tmp_path, monkeypatch, "photos") as (site, server):
        said = faces(site, capsys)
        server.clock = site.clock.now
        out(site, LIFT)
        arrived = sent(server)
        [row] = [row for row in site.rows() if row.channel == "net"]
        assert row.state == "delivered", row.reason
        assert str(row.idempotency) == said["lost_answer"]
        [message] = [
            one.message for one in site.desk.preview(tmp_path / "piers.md").rendered if one.channel.name == "net"
        ]
        assert said["drawn"] == [file.data for file in message.media]
        assert said["drawn"]
        there = [file for file in message.media if file.data in arrived or file.address.encode() in arrived]
        assert len(there) == len(said["drawn"])
        assert (b"Quokkas of one.jpg" in arrived) is said["alt_text"]
        before = len(posts(server))
        text = (tmp_path / "piers.md").read_text().replace("Three piers", "Two piers")
        later = LIFT + timedelta(hours=1)
        corrects = "version: 2\ncorrects: {version: 1, class: A, text: Two piers.}\nmedia:"
        (tmp_path / "piers.md").write_text(
            text.replace("media:", corrects).replace(LIFT.isoformat(), later.isoformat())
        )
        site.desk.schedule(tmp_path / "piers.md")
        out(site, later)
        assert "Two piers" in repr(posts(server))
        assert (len(posts(server)) == before) is said["edit"]
        site.desk.kill("three-piers")
        for _ in range(2):
            out(site, site.clock.now())
        assert (posts(server) == []) is said["delete"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_of_the_card_is_in_the_request(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with live(name, tmp_path, monkeypatch, "card") as (site, server):
        said = faces(site, capsys)
        assert said["photos"] == 0
        assert said["card"]
        channel = site.desk.channels["net"]
        server.clock = site.clock.now
        out(site, LIFT)
        [one] = [one for one in site.desk.preview(tmp_path / "piers.md").rendered if one.channel.name == "net"]
        if isinstance(channel, Social) and channel.OWN_CARD:
            card = statements.of(one.channel, one.message).card
            assert all(words.encode() in sent(server) for words in (card["title"], card["description"]) if words)


@pytest.mark.parametrize("name", NAMES)
def test_before_there_is_a_credential_the_same_is_said(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with live(name, tmp_path, monkeypatch, "photos") as (site, _):
        [one] = [one for one in site.desk.preview(tmp_path / "piers.md").rendered if one.channel.name == "net"]
        said = statements.of(one.channel, one.message)
        config = tmp_path / "config" / "distributor.toml"
        config.write_text(re.sub(r"(?m)^(token|webhook|password) = .*\n", "", config.read_text()))
        if name == "slack-bot":
            return  # without a token nobody knows that it will be one
        desk = type(site.desk)(site=site.desk.site, clock=site.clock)
        made = desk.preview(sites.release(tmp_path, LIFT, name="new"))
        [(channel, message)] = [(one.channel, one.message) for one in made.rendered if one.channel.name == "net"]
        local = statements.of(channel, message)
        assert local.once_live
        assert not said.once_live
        for key in ("alt_text", "edit", "delete", "lost_answer"):
            assert getattr(local, key) == getattr(said, key)
        page = sheet.page(made, desk.press.templates)
        [card] = [one for one in page.split("<article ") if "<h2>net</h2>" in one]
        assert not ("can be deleted" in card and "cannot be deleted" in card)
        assert ("can be edited" in card) is said.edit


def test_every_network_s_live_words_are_its_own() -> None:
    text = "Ask @a.b_c or @tidewater about $ACME. #Harbour"
    found = {
        find.__name__: [part.text for part in find(text)]
        for find in (entities.telegram, entities.facebook, entities.threads)
    }
    assert found == {
        "telegram": ["@tidewater", "$ACME", "#Harbour"],
        "facebook": ["#Harbour"],
        "threads": ["@a.b_c", "@tidewater", "#Harbour"],
    }


def test_a_post_without_a_link_has_no_card_and_a_long_one_under_no_photo_draws_none(tmp_path: Path) -> None:
    block = '[channels.net]\ntype = "x"\nlink_in_post = false\n'
    site = Scheduled(tmp_path, block)
    [one] = site.desk.preview(tmp_path / "piers.md").rendered
    assert statements.of(one.channel, one.message).card == {}
    long = NEWSROOM + '[channels.net]\ntype = "telegram"\nchat = "@tidewater_news"\nmedia = "photos"\n'
    sites.configure(tmp_path, long)
    (tmp_path / "one.jpg").write_bytes(noise((40, 30), "JPEG"))
    media = "media:\n  - {file: one.jpg, alt: A, caption: B}\n"
    path = sites.release(
        tmp_path, LIFT, name="long", **{"issuer:": f"social: {{telegram: {'word ' * 300}}}\n{media}issuer:"}
    )
    desk = type(site.desk)(site=site.desk.site, clock=site.clock)
    [one] = [one for one in desk.preview(path).rendered if one.channel.name == "net"]
    said = statements.of(one.channel, one.message)
    assert said.photos == ()
    assert said.card
    assert "photos-left-out" in [finding.code for finding in one.findings]
