"""A kill: what is not out never goes, what can be taken back is, and its address says so from then on."""

import asyncio
import errno
import os
import shutil
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from distributor.cli.folder import Public
from distributor.cli.main import main
from distributor.contract import Receipt, Refused
from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.lifecycle import Late, State
from distributor.site import Site
from distributor.store import Room, Settlement, Worker, queries
from tests import sites
from tests.scheduled import LIFT, Scheduled
from tests.test_nothing_early import BLOCKS, ask, drain, secret


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".gone"
    }


@pytest.fixture
def site(tmp_path: Path) -> Scheduled:
    """One release is out that stays."""
    made = Scheduled(tmp_path, BLOCKS + sites.box(tmp_path))
    made.clock.set(LIFT)
    made.drain()
    return made


def publish(site: Scheduled, number: int) -> None:
    lift = site.clock.now() + timedelta(hours=1)
    Desk(site=Site(site.root), clock=site.clock).schedule(secret(site.root, number, lift))
    site.clock.set(lift)
    drain(site)


def test_a_kill_leaves_the_public_folder_as_if_it_had_never_been(site: Scheduled) -> None:
    public, app = site.root / "public", Public(site.root / "public")
    before = tree(public)
    publish(site, 1)
    during = tree(public)
    photo = next(f"/{path}" for path in during if path.endswith("quokka1.png"))
    assert ask(app, "/quokka-merger-1")[0] == ask(app, photo)[0] == 200
    newest, back, left = site.desk.kill("quokka-merger-1")
    assert newest.id == "quokka-merger-1"
    assert {row.channel for row in back} == {"newsroom", "rss", "websub", "bucket"}
    assert [row.channel for row in left] == ["box"]  # a channel that cannot
    drain(site)
    assert tree(public) == before
    assert ask(app, "/quokka-merger-1")[0] == ask(app, "/quokka-merger-1/release.txt")[0] == 410
    assert b"withdrawn" in ask(app, "/quokka-merger-1")[2]
    assert ask(app, photo)[0] == ask(app, "/quokka-merger-2")[0] == 404
    assert kills(site) == dict.fromkeys(("newsroom", "rss", "websub", "bucket"), "delivered")


def test_killed_again_rebuilt_or_delivered_late_it_does_not_come_back(site: Scheduled) -> None:
    publish(site, 1)
    site.desk.kill("quokka-merger-1")
    drain(site)
    killed = tree(site.root / "public")
    site.desk.kill("quokka-merger-1")
    drain(site)
    assert tree(site.root / "public") == killed
    shutil.rmtree(site.root / "public")
    with pytest.raises(SystemExit, match="0"):
        main(["--site", str(site.root), "publish", "--rebuild"])
    assert tree(site.root / "public") == killed
    assert ask(Public(site.root / "public"), "/quokka-merger-1")[0] == 410
    for action in (site.desk.hold, site.desk.resume, site.desk.cancel):
        with pytest.raises(ActionError, match="was killed"):
            action("quokka-merger-1")


def test_a_late_delivery_of_what_was_withdrawn_is_refused(site: Scheduled) -> None:
    publish(site, 1)
    preview = site.desk.preview(site.root / "quokka-merger-1.md")
    site.desk.kill("quokka-merger-1")
    drain(site)
    for one in preview.rendered:
        if one.channel.name in ("newsroom", "rss"):
            with pytest.raises(Refused, match="withdrawn"):
                asyncio.run(one.channel.deliver(one.message, one.message.recipients[0], "k"))


def test_a_channel_that_left_the_config_holds_up_nothing(site: Scheduled) -> None:
    publish(site, 1)
    sites.configure(site.root, BLOCKS.replace('[channels.websub]\ntype = "websub"\n', ""))
    desk = Desk(site=Site(site.root), clock=site.clock)
    _, back, left = desk.kill("quokka-merger-1")
    assert {row.channel for row in back} == {"newsroom", "rss", "bucket"}
    assert {row.channel for row in left} == {"box", "websub"}


def test_on_either_store(tmp_path: Path, store: str) -> None:
    site = Scheduled(tmp_path, BLOCKS)
    site.clock.set(LIFT)
    drain(site)
    for _ in range(2):
        site.desk.kill("three-piers")
    drain(site)
    assert kills(site) == dict.fromkeys(("newsroom", "rss", "websub", "bucket"), "delivered")
    assert ask(Public(tmp_path / "public"), "/three-piers")[0] == 410


def test_killed_before_its_instant_nothing_goes_out(site: Scheduled) -> None:
    before = tree(site.root / "public")
    lift = site.clock.now() + timedelta(hours=1)
    site.desk.schedule(secret(site.root, 3, lift))
    _, back, left = site.desk.kill("quokka-merger-3")
    assert back == left == []
    site.clock.set(lift + timedelta(minutes=1))
    drain(site)
    assert tree(site.root / "public") == before


def test_verify_still_proves_what_was_sent(site: Scheduled) -> None:
    publish(site, 1)
    site.desk.kill("quokka-merger-1")
    drain(site)
    _, seal_holds, proofs = site.desk.verify("quokka-merger-1")
    assert seal_holds
    assert all(proof.holds for proof in proofs)


def test_a_disk_that_fails_meanwhile_is_tried_again(site: Scheduled, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(site.root / "public")
    publish(site, 1)
    site.desk.kill("quokka-merger-1")
    real, left = os.replace, iter(range(7))

    def full(*args: Any) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*args)

    monkeypatch.setattr(os, "replace", full)
    drain(site)
    states = kills(site)
    assert "retrying" in states.values()
    assert states["bucket"] == "planned"  # it copies when all is right
    monkeypatch.undo()
    site.clock.step(timedelta(seconds=10))
    drain(site)
    assert set(kills(site).values()) == {"delivered"}
    assert tree(site.root / "public") == before


def test_what_is_on_the_wire_is_taken_back_when_it_has_landed(site: Scheduled) -> None:
    before = tree(site.root / "public")
    lift = site.clock.now() + timedelta(hours=1)
    done = site.desk.schedule(secret(site.root, 1, lift))
    site.clock.set(lift)
    page = next(one for one in done.preview.rendered if one.channel.name == "newsroom")
    with site.desk.ledger() as ledger:
        rooms = [Room(channel="newsroom", free=1)]
        turn = ledger.turn("other", lift, rooms=rooms, verdict=lambda _due: Late.on_time)
        ledger.beat(Worker(name="other", pid=1, began_at=lift, beat_at=lift))
    asyncio.run(page.channel.deliver(page.message, page.message.recipients[0], "k"))
    _, back, _ = site.desk.kill("quokka-merger-1")
    assert [row.channel for row in back] == ["newsroom"]
    drain(site)
    assert kills(site) == {"newsroom": "planned"}  # nobody knows yet whether it has landed
    with site.desk.ledger() as ledger:
        [due] = turn.begun
        ended = Settlement(
            delivery_id=due.delivery.id, number=due.number, state=State.delivered, outcome="delivered", began_at=lift,
            ended_at=lift, due=lift,
        )  # fmt: skip
        ledger.turn("other", lift, settlements=[ended], verdict=lambda _due: Late.on_time)
    drain(site)
    assert kills(site) == {"newsroom": "delivered"}
    assert tree(site.root / "public") == before


def test_a_new_version_may_follow_and_an_old_kill_leaves_it_alone(site: Scheduled) -> None:
    publish(site, 1)
    old = site.desk.preview(site.root / "quokka-merger-1.md").rendered
    site.desk.kill("quokka-merger-1")
    drain(site)
    lift = site.clock.now() + timedelta(hours=1)
    path = secret(site.root, 1, lift)
    text = path.read_text().replace("id: ", 'version: 2\ncorrects: {version: 1, class: A, text: "Mended."}\nid: ', 1)
    path.write_text(text)
    site.desk.schedule(path)
    site.clock.set(lift)
    drain(site)
    after = tree(site.root / "public")
    app = Public(site.root / "public")
    assert b"Mended." in ask(app, "/quokka-merger-1")[2]
    for one in old:
        if one.channel.name in ("newsroom", "rss"):
            recipient = one.message.recipients[0]
            asyncio.run(one.channel.withdraw(one.message, recipient, "k", Receipt(id="")))
    assert tree(site.root / "public") == after
    assert ask(app, "/quokka-merger-1")[0] == 200


def kills(site: Scheduled) -> dict[str, str]:
    """State of each channel's kill."""
    rows = [row for one, found in site.desk.status()[1] for row in found if row.kind == "kill"]
    return {row.channel: str(row.state) for row in rows}


def test_a_kill_is_for_good(tmp_path: Path, store: str) -> None:
    """What cannot be taken back, or was never out, is not let out again: not by resuming, moving, retrying or scheduling anew."""
    site = Scheduled(tmp_path, sites.box(tmp_path, to=["a@x"]) + sites.box(tmp_path, "wall", after="1h"))
    site.clock.set(LIFT)
    site.drain()
    site.desk.kill("three-piers")
    assert site.desk.kill("three-piers")[1] == []  # once more changes nothing
    later = LIFT + timedelta(hours=2)
    for again in (
        lambda: site.desk.resume("three-piers"),
        lambda: site.desk.hold("three-piers"),
        lambda: site.desk.reschedule("three-piers", later),
        lambda: site.desk.retry("three-piers"),
        lambda: site.desk.schedule(site.root / "piers.md", later),
    ):
        with pytest.raises(ActionError):
            again()
    site.clock.set(later)
    site.drain()
    assert site.states() == {"box a@x": State.delivered, "wall public/en": State.canceled}
    with site.desk.ledger() as ledger:
        [standing] = ledger.standings()
    assert standing.killed


def test_what_was_killed_before_it_was_out_is_not_scheduled_again(tmp_path: Path, store: str) -> None:
    site = Scheduled(tmp_path, sites.box(tmp_path))
    site.desk.kill("three-piers")
    with pytest.raises(ActionError, match="was killed: nothing of it goes out any more; a new version may"):
        site.desk.schedule(site.root / "piers.md")
    assert site.states() == {"box public/en": State.canceled}


def test_what_was_canceled_is_not_moved_but_scheduled_anew(tmp_path: Path, store: str) -> None:
    site = Scheduled(tmp_path, sites.box(tmp_path))
    site.desk.cancel("three-piers")
    with pytest.raises(ActionError, match="was canceled: it is not moved"):
        site.desk.reschedule("three-piers", LIFT + timedelta(hours=2))
    assert not site.desk.schedule(site.root / "piers.md").already
    assert site.states() == {"box public/en": State.planned}


def test_what_a_person_does_to_a_new_version_leaves_a_killed_one_alone(tmp_path: Path, store: str) -> None:
    site = Scheduled(tmp_path, sites.box(tmp_path, to=["a@x"]))
    site.desk.kill("three-piers")
    path = site.root / "piers.md"
    head = "version: 2\ncorrects: {version: 1, class: A, text: Mended.}\nid: "
    path.write_text(path.read_text().replace("id: ", head, 1))
    site.desk.schedule(path)
    assert site.desk.hold("three-piers")[1] == 1
    assert site.desk.resume("three-piers")[1] == 1
    site.clock.set(LIFT)
    site.drain()
    assert [str(row.state) for _, rows in site.desk.status()[1] for row in rows] == ["delivered", "canceled"]


def test_a_kill_waits_for_whoever_moves_it_and_comes_after(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A move writes the release's row anew: a kill at the same time finds the new one, not nothing."""
    site = Scheduled(tmp_path, sites.box(tmp_path))
    moving, go_on = threading.Event(), threading.Event()
    real = queries.add_messages

    def slow(*given: Any) -> Any:
        moving.set()
        go_on.wait(10)
        return real(*given)

    monkeypatch.setattr(queries, "add_messages", slow)
    other = Desk(site=Site(site.root), clock=site.clock)
    move = threading.Thread(target=lambda: site.desk.reschedule("three-piers", LIFT + timedelta(hours=1)))
    kill = threading.Thread(target=lambda: other.kill("three-piers"))
    move.start()
    moving.wait(10)
    kill.start()
    time.sleep(0.3)
    go_on.set()
    move.join()
    kill.join()
    with site.desk.ledger() as ledger:
        release = ledger.release("three-piers")
    assert release
    assert release.killed_at
    site.clock.set(LIFT + timedelta(hours=1))
    site.drain()
    assert site.states() == {"box public/en": State.canceled}
