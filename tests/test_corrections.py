"""A correction on the networks: nothing where the post reads the same, else an edit or what the config says."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from distributor.errors import ConfigError
from distributor.posts import Social
from distributor.store import Delivery
from tests import sites
from tests.scheduled import LIFT, Scheduled
from tests.servers.http import LoopbackServer, Reply, say
from tests.test_networks_whole import NAMES, network, posts

DELETES = ("x", "linkedin", "threads", "facebook", "telegram", "slack-bot", "discord", "matrix", "mastodon", "bluesky")
SAME = {"The piers reopen.": "The piers reopen at noon."}  # no post shows the body


def settle(site: Scheduled, server: LoopbackServer) -> None:
    server.clock = site.clock.now  # type: ignore[attr-defined]
    for _ in range(4):  # Slack takes one request a second
        site.drain()
        site.clock.step(timedelta(seconds=20))


def prepare(site: Scheduled, version: int, **changes: str) -> Path:
    """A correction's file, to go out an hour later."""
    head = f"version: {version}\ncorrects: {{version: {version - 1}, class: A, text: We erred.}}\nissuer:"
    return sites.release(site.root, LIFT + timedelta(hours=version), **{"issuer:": head, **changes})


def issue(site: Scheduled, server: LoopbackServer, version: int, **changes: str) -> Delivery:
    """Correct the release; the delivery of the network's message."""
    site.desk.schedule(prepare(site, version, **changes))
    site.clock.set(LIFT + timedelta(hours=version))
    settle(site, server)
    [row] = [
        row
        for one, rows in site.desk.status()[1]
        for row in rows
        if one.version == version and row.kind == "correction"
    ]
    return row


def writes(server: LoopbackServer) -> int:
    return sum(request.method in ("POST", "PUT", "PATCH", "DELETE") for request in server.received)


def codes(site: Scheduled, path: Path) -> dict[str, str]:
    [one] = [one for one in site.desk.preview(path).rendered if one.channel.name == "net"]
    return {found.code: found.text for found in one.findings if found.code.startswith("correction-")}


@pytest.mark.parametrize("name", NAMES)
def test_a_post_that_reads_the_same_stays_and_what_is_up_is_compared(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network(name, monkeypatch) as (server, block):
        site = Scheduled(tmp_path, block)
        site.clock.set(LIFT)
        settle(site, server)
        before, sent = len(posts(server)), writes(server)
        path = prepare(site, 2, **SAME)
        assert codes(site, path) == {"correction-unchanged": "version 1 stays up: its words did not change"}
        second = issue(site, server, 2, **SAME)
        assert (second.state, second.reason) == ("delivered", "version 1 stays up: its words did not change")
        assert len(posts(server)) == before == 1
        if name not in ("bluesky", "mastodon"):  # a login, a look at what the server is
            assert writes(server) == sent
        third = {**SAME, "Three piers reopen": "Four piers reopen"}
        able = site.desk.channels["net"].able
        if able.edit:
            assert codes(site, prepare(site, 3, **third)) == {}
        else:
            assert codes(site, prepare(site, 3, **third))["correction-post"].startswith(
                f"{getattr(site.desk.channels['net'], 'NETWORK', '')} cannot edit version 1"
            )
        assert issue(site, server, 3, **third).state == "delivered"
        assert len(posts(server)) == (1 if able.edit else 2)
        assert "Four piers reopen" in repr(posts(server))
        assert ("Correction: Four piers" in repr(posts(server))) is not able.edit
        fourth = issue(site, server, 4, **{**third, "at noon": "at one"})
        assert fourth.reason == "version 3 stays up: its words did not change"
        assert len(posts(server)) == (1 if able.edit else 2)
        site.desk.kill("three-piers")
        for _ in range(2):
            settle(site, server)
        assert (posts(server) == []) is able.delete


@pytest.mark.parametrize("name", DELETES)
def test_deleted_and_posted_anew(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network(name, monkeypatch, corrections="post", on_correction="repost") as (server, block):
        site = Scheduled(tmp_path, block)
        site.clock.set(LIFT)
        settle(site, server)
        changes = {"Three piers reopen": "Four piers reopen"}
        assert codes(site, prepare(site, 2, **changes)) == {
            "correction-repost": "version 1 is deleted, and this is posted in its place"
        }
        assert issue(site, server, 2, **changes).state == "delivered"
        assert len(posts(server)) == 1
        assert "Four piers" in repr(posts(server))
        assert "Correction" not in repr(posts(server))
        assert "version 2 stays up" in (issue(site, server, 3, **changes).reason or "")
        last = {"Three piers reopen": "Five piers reopen"}
        assert issue(site, server, 4, **last).state == "delivered"  # what version 3 let stand goes, too
        assert len(posts(server)) == 1
        assert "Five piers" in repr(posts(server))
        site.desk.kill("three-piers")
        for _ in range(2):
            settle(site, server)
        assert posts(server) == []


@pytest.mark.parametrize("name", ["x", "bluesky", "slack", "line"])
def test_let_be_by_the_config(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network(name, monkeypatch, on_correction="nothing") as (server, block):
        site = Scheduled(tmp_path, block)
        site.clock.set(LIFT)
        settle(site, server)
        changes = {"Three piers reopen": "Four piers reopen"}
        assert "stays up although its words changed" in codes(site, prepare(site, 2, **changes))["correction-nothing"]
        second = issue(site, server, 2, **changes)
        assert second.state == "delivered"
        assert second.reason == "version 1 stays up: the config lets corrections be (on_correction)"
        assert "Four piers" not in repr(posts(server))
        third = issue(site, server, 3)  # compared with what is up, not with what was let be
        assert third.reason == "version 1 stays up: its words did not change"
        site.desk.kill("three-piers")
        settle(site, server)
        assert (posts(server) == []) is site.desk.channels["net"].able.delete


@pytest.mark.parametrize("name", ["x", "bluesky", "telegram", "line"])
def test_a_correction_of_what_did_not_arrive_is_posted_whole(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network(name, monkeypatch) as (server, block):
        site = Scheduled(tmp_path, block)
        path = prepare(site, 2, **SAME)
        assert "correction-unchanged" in codes(site, path)  # version 1 waits for its turn
        site.desk.schedule(path)
        for _ in range(8):
            server.faults.append(say(Reply.of({"error": "InvalidRequest", "ok": False}, 400)))
        site.clock.set(LIFT)
        site.drain()
        [(row, _)] = [(row, one) for one, rows in site.desk.status()[1] for row in rows if row.kind == "release"]
        assert row.state in ("refused", "failed")
        server.faults.clear()
        site.clock.set(LIFT + timedelta(hours=2))
        settle(site, server)
        assert len(posts(server)) == 1
        assert "Three piers reopen" in repr(posts(server))


def test_it_says_so_in_the_release_s_language_and_counts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network("x", monkeypatch) as (server, block):
        chinese = "lang: zh-Hant\nheadline: 三個碼頭重開"
        site = Scheduled(tmp_path, block, **{"headline: Three piers reopen": chinese})
        site.clock.set(LIFT)
        settle(site, server)
        long = "渡輪" * 80
        path = prepare(site, 2, **{"headline: Three piers reopen": f"lang: zh-Hant\nheadline: {long}"})
        [one] = site.desk.preview(path).rendered
        assert one.message.text.startswith("更正：渡輪")
        assert not one.message.counts[0].over  # the words in front are part of what has to fit
        own = {"headline: Three piers reopen": f"{chinese}\nsocial: {{x: 改為四個碼頭。}}"}
        [one] = site.desk.preview(prepare(site, 2, **own)).rendered
        assert one.message.text.startswith("更正：改為四個碼頭。")


def test_a_language_of_the_site_s_own_begins_in_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network("x", monkeypatch) as (server, block):
        swedish = "lang: sv\nheadline: Tre bryggor"
        site = Scheduled(tmp_path, block, **{"headline: Three piers": swedish})
        site.clock.set(LIFT)
        settle(site, server)
        own = tmp_path / "templates" / "words"
        own.mkdir()
        (own / "sv.toml").write_text('[release]\ncorrection = "RÄTTELSE"\n', encoding="utf-8")
        changed = {"headline: Three piers": swedish.replace("Tre", "Fyra")}
        [one] = site.desk.preview(prepare(site, 2, **changed)).rendered
        assert one.message.text.startswith("Rättelse: Fyra bryggor")


def test_another_photo_is_a_change_and_another_card_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network("bluesky", monkeypatch) as (server, block):
        site = Scheduled(tmp_path, '[channels.newsroom]\ntype = "newsroom"\n' + block)
        site.clock.set(LIFT)
        settle(site, server)
        found = codes(site, prepare(site, 2, **{"summary: Three": "summary: Four"}))
        assert found.keys() == {"correction-unchanged", "correction-card"}
    photos = tmp_path / "photos"
    with network("x", monkeypatch, media="photos") as (server, block):
        from tests.test_photos_by_address import noise

        photos.mkdir()
        (photos / "a.jpg").write_bytes(noise((60, 40), "JPEG"))
        media = "media:\n  - {file: a.jpg, alt: A, caption: B}\nissuer:"
        site = Scheduled(photos, block, **{"issuer:": media})
        site.clock.set(LIFT)
        settle(site, server)
        path = prepare(site, 2)
        path.write_text(path.read_text().replace("issuer:", media))
        assert codes(site, path).keys() == {"correction-unchanged"}
        (photos / "a.jpg").write_bytes(noise((60, 40), "JPEG", seed=8))
        assert codes(site, path).keys() == {"correction-post"}


@pytest.mark.parametrize("name", ["line", "teams", "slack"])
def test_what_cannot_be_deleted_is_not_posted_anew(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network(name, monkeypatch, on_correction="repost") as (_, block), pytest.raises(ConfigError) as error:
        Scheduled(tmp_path, block)
    assert "on_correction" in str(error.value)
    assert "write 'post' or 'nothing'" in str(error.value)


def test_what_is_sealed_is_what_the_preview_showed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network("x", monkeypatch) as (server, block):
        site = Scheduled(tmp_path, block)
        site.clock.set(LIFT)
        settle(site, server)
        path = prepare(site, 2, **{"Three piers reopen": "Four piers reopen"})
        shown: Any = site.desk.preview(path)
        sealed = site.desk.schedule(path, agreed=shown.agreed)
        assert site.desk.schedule(path).already
        assert sealed.release.seal == shown.digest
        moved = site.desk.reschedule("three-piers", LIFT + timedelta(hours=5))
        assert moved.preview.rendered[0].message.text == shown.rendered[0].message.text
        assert isinstance(site.desk.channels["net"], Social)
