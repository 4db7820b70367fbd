"""Everything that a release made at a network is taken back by a kill; what cannot be is named, with what to do."""

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import delete, update

from distributor.lifecycle import KILL, State
from distributor.store import Delivery
from distributor.store import schema as s
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, Scheduled
from tests.servers.http import Received, Reply, lose, say
from tests.servers.networks import FacebookServer, MatrixServer
from tests.test_cli import Cli
from tests.test_kill import tree
from tests.test_networks_whole import network, posts, readable
from tests.test_nothing_early import BLOCKS, drain, secret

TAKEN_BACK = (
    "x",
    "linkedin",
    "threads",
    "facebook",
    "telegram",
    "slack-bot",
    "discord",
    "matrix",
    "mastodon",
    "bluesky",
)
BY_ADDRESS = ("threads", "telegram", "slack-bot")  #: their photos are the newsroom's
STAYS = {"slack": "in Slack by hand", "teams": "in Teams by hand", "line": "every friend"}


def with_photo(site: Scheduled) -> str:
    made = io.BytesIO()
    Image.new("RGB", (640, 480), "navy").save(made, "PNG")
    (site.root / "pier.png").write_bytes(made.getvalue())
    return "media:\n  - {kind: photo, file: pier.png, alt: A pier, caption: A pier., credit: HB}\n"


def issue(site: Scheduled, version: int, words: str) -> None:
    """Correct the release, an hour later."""
    later = LIFT + timedelta(hours=version)
    head = f"version: {version}\ncorrects: {{version: {version - 1}, class: A, text: {words}.}}\n{with_photo(site)}"
    changes = {"issuer:": f"{head}issuer:", "Three piers": words}
    site.desk.schedule(sites.release(site.root, later, **changes), at=None)
    site.clock.set(later)
    settle(site)


def settle(site: Scheduled) -> None:
    for _ in range(4):  # Slack takes one request a second
        site.drain()
        site.clock.step(timedelta(seconds=20))


def begun(folder: Path, block: str) -> Scheduled:
    """A site whose first version waits."""
    site = Scheduled(folder, block)
    site.desk.cancel("three-piers")
    site.desk.schedule(sites.release(site.root, LIFT, **{"issuer:": f"{with_photo(site)}issuer:"}), at=None)
    return site


def rows(site: Scheduled) -> list[Delivery]:
    return [row for _, found in site.desk.status()[1] for row in found]


@pytest.mark.parametrize("corrections", ["edit", "post"])
@pytest.mark.parametrize(
    ("name", "media"),
    [*((name, "card") for name in TAKEN_BACK), *((name, "photos") for name in TAKEN_BACK if name not in BY_ADDRESS)],
)
def test_sent_corrected_twice_and_killed_nothing_is_readable(
    name: str, corrections: str, media: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network(name, monkeypatch, corrections=corrections, media=media) as (server, block):
        site = begun(tmp_path, '[channels.newsroom]\ntype = "newsroom"\n' + block)
        site.clock.set(LIFT)
        settle(site)
        issue(site, 2, "Two piers")
        issue(site, 3, "Four piers")
        assert "Four piers" in repr(readable(server))
        site.desk.kill("three-piers")
        settle(site)
        assert readable(server) == []
        assert {row.state for row in rows(site) if row.kind == KILL} == {State.delivered}


def test_a_kill_redacts_every_event_once_and_says_which_pictures_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network("matrix", monkeypatch, media="photos") as (server, block):
        assert isinstance(server, MatrixServer)
        server.relates = False  # the receipts alone know the edits
        site = begun(tmp_path, block)
        site.clock.set(LIFT)
        settle(site)
        issue(site, 2, "Two piers")
        issue(site, 3, "Four piers")
        site.desk.kill("three-piers")
        settle(site)
        assert readable(server) == []
        assert len(server.redacted) == len(set(server.redacted)) == 3
        assert all("1 pictures stay" in (row.reason or "") for row in rows(site) if row.kind == KILL)


def test_what_an_earlier_program_sent_is_taken_back_with_its_edits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its receipts name the post alone."""
    with network("matrix", monkeypatch) as (server, block):
        site = begun(tmp_path, block)
        site.clock.set(LIFT)
        settle(site)
        issue(site, 2, "Two piers")
        with site.desk.ledger() as ledger, ledger.writing() as connection:
            connection.execute(delete(s.made))
        site.desk.kill("three-piers")
        settle(site)
        assert readable(server) == []


def test_a_kill_that_fails_half_way_takes_the_rest_at_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network("matrix", monkeypatch) as (server, block):
        assert isinstance(server, MatrixServer)
        site = begun(tmp_path, block)
        site.clock.set(LIFT)
        settle(site)
        issue(site, 2, "Two piers")
        monkeypatch.setattr(server, "fault_for", lambda request: "/redact/" in request.path)
        server.faults += [lose, say(Reply(status=503)), say(Reply(lost=True))]
        site.desk.kill("three-piers")
        for _ in range(6):
            settle(site)
        assert readable(server) == []
        assert len(server.redacted) == len(set(server.redacted))


def test_an_edit_whose_answer_was_lost_is_taken_back_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network("matrix", monkeypatch) as (server, block):
        site = begun(tmp_path, block)
        site.clock.set(LIFT)
        settle(site)
        server.faults += [lose, lose]  # the transport repeats a PUT once
        later = LIFT + timedelta(hours=2)
        head = "version: 2\ncorrects: {version: 1, class: A, text: Two.}\n"
        site.desk.schedule(sites.release(site.root, later, **{"issuer:": f"{head}issuer:", "Three": "Two"}), at=None)
        site.clock.set(later)
        site.drain()
        assert "Two piers" in repr(readable(server))
        site.desk.kill("three-piers")
        settle(site)
        assert readable(server) == []


@pytest.mark.parametrize("name", ["matrix", "x", "facebook", "threads"])
def test_a_post_in_doubt_is_looked_for_and_taken_back(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network(name, monkeypatch) as (server, block):
        site = Scheduled(tmp_path, block)
        site.clock.set(LIFT)
        server.clock = site.clock.now  # type: ignore[attr-defined]
        server.faults += [lose, lose] if name == "matrix" else [lose]  # the transport repeats a PUT once
        site.drain()
        assert len(posts(server)) == 1
        assert not rows(site)[0].remote_id
        site.desk.kill("three-piers")
        settle(site)
        assert readable(server) == []
        assert {row.state for row in rows(site) if row.kind == KILL} == {State.delivered}


def test_refused_after_a_lost_answer_may_be_out_and_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network("x", monkeypatch) as (server, block):
        site = Scheduled(tmp_path, block)
        site.clock.set(LIFT)
        server.clock = site.clock.now  # type: ignore[attr-defined]
        server.faults.append(lose)
        site.drain()
        with site.desk.ledger() as ledger, ledger.writing() as connection:
            connection.execute(update(s.delivery).values(state=State.refused))
        site.desk.kill("three-piers")
        settle(site)
        assert readable(server) == []


def test_uploads_of_a_post_that_was_refused_are_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network("facebook", monkeypatch, media="photos") as (server, block):
        assert isinstance(server, FacebookServer)

        def refuse(request: Received, usual: Any) -> Reply:
            return Reply.of({"error": {"message": "No", "code": 100, "error_subcode": 1609008}}, 400)

        server.faults.append(refuse)
        site = begun(tmp_path, block)
        site.clock.set(LIFT)
        settle(site)
        assert readable(server) == list(server.files) != []
        site.desk.kill("three-piers")
        settle(site)
        assert readable(server) == []


@pytest.mark.parametrize("name", STAYS)
def test_what_cannot_be_taken_back_is_named_with_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with network(name, monkeypatch) as (_, block):
        site = Scheduled(tmp_path, block)
        site.clock.set(LIFT)
        settle(site)
        cli = Cli(site.root, capsys)
        cli.clock = FakeClock(site.clock.now())
        code, out, _ = cli("kill", "three-piers", "--yes")
        assert code == 0
        assert re.search(rf"net: 1 cannot be taken back; .*{STAYS[name]}", out)


def test_the_receipts_hold_what_each_attempt_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network("mastodon", monkeypatch, media="photos") as (server, block):
        site = begun(tmp_path, block)
        site.clock.set(LIFT)
        settle(site)
        with site.desk.ledger() as ledger, ledger.reading() as connection:
            assert connection.execute(s.made.select()).all() == [(1, "1")]
        site.desk.kill("three-piers")
        settle(site)
        deletes = [request.path for request in server.received if request.method == "DELETE"]
        assert deletes == ["/api/v1/statuses/1?delete_media=true", "/api/v1/media/1"]


def test_the_public_lane_and_its_copies_are_as_before(tmp_path: Path) -> None:
    """Newsroom, feeds, hub and bucket: sent, corrected twice and killed; a mail list is told by hand."""
    mail = '[channels.email]\ntype = "email"\nsender = "press@harbour.example"\nto = ["ann@paper.example"]\n'
    site = Scheduled(tmp_path, BLOCKS + mail)
    site.clock.set(LIFT)
    drain(site)
    before = tree(site.root / "public")
    lift = LIFT + timedelta(hours=1)
    path = secret(site.root, 1, lift)
    plain = path.read_text()
    site.desk.schedule(path)
    for version in (2, 3):
        site.clock.set(lift)
        drain(site)
        lift += timedelta(hours=1)
        head = f"version: {version}\ncorrects: {{version: {version - 1}, class: A, text: Mended {version}.}}\nissuer:"
        text = plain.replace("issuer:", head, 1).replace("reopen", f"reopen {version}")
        path.write_text(text.replace((LIFT + timedelta(hours=1)).isoformat(), lift.isoformat()))
        site.desk.schedule(path)
    site.clock.set(lift)
    drain(site)
    assert b"Mended 3" in b"".join(tree(site.root / "public").values())
    _, _, left = site.desk.kill("quokka-merger-1")
    assert {row.channel for row in left} <= {"email"}
    drain(site)
    assert tree(site.root / "public") == before
    assert "notice" in site.desk.remains(["email"])["email"]
