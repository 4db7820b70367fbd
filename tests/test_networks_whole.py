"""The whole tool on every network: lost answers, corrections, kills and killed processes, and one post each."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from distributor.lifecycle import KILL, State
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, Scheduled
from tests.servers.bluesky import BlueskyServer
from tests.servers.http import LoopbackServer, Received, Reply, garble, lose
from tests.servers.mastodon import MastodonServer
from tests.servers.networks import Network
from tests.test_cli import Cli
from tests.test_networks import CASES
from tests.test_outbox import schedule_soon, spawn, status

NAMES = (*CASES, "mastodon", "bluesky")
_MORE = {
    "linkedin": 'organization = "10000001"\n',
    "threads": 'user = "10000002"\n',
    "facebook": 'page = "10000003"\n',
    "telegram": 'chat = "@tidewater_news"\n',
    "matrix": 'room = "!press:matrix.example"\n',
    "slack-bot": 'channel = "C0123456789"\n',
    "bluesky": 'handle = "tidewater.bsky.example"\n',
}
END = {"A": "delivered", "B": "delivered", "C": "delivered", "D": "in_doubt"}


@contextmanager
def network(name: str, monkeypatch: pytest.MonkeyPatch, **more: str) -> Iterator[tuple[LoopbackServer, str]]:
    """A running server and the config block that sends to it."""
    made: LoopbackServer
    if name == "mastodon":
        made = MastodonServer("tok-Sehr-Geheim-123")
        secret, credential, address = "tok-Sehr-Geheim-123", "token", "instance"
    elif name == "bluesky":
        made = BlueskyServer("tidewater.bsky.example", "pass-word-1234")
        secret, credential, address = "pass-word-1234", "password", "pds"
    else:
        case = CASES[name]
        made, credential, address = case.server(), case.credential, case.address
        secret = ""
    with made as server:
        monkeypatch.setenv("SECRET_FOR_TESTS", secret or getattr(server, "secret", ""))
        kind = CASES[name].channel if name in CASES else name
        block = f'[channels.net]\ntype = "{kind}"\nprivate_network = true\nwait_for_page = false\n'
        block += f'{credential} = {{ env = "SECRET_FOR_TESTS" }}\n{_MORE.get(name, "")}'
        block += f'{address} = "{server.url}"\n' if address else ""
        yield server, block + "".join(f'{key} = "{value}"\n' for key, value in more.items())


def readable(server: LoopbackServer) -> list[Any]:
    """Everything of ours that somebody could still read there."""
    if isinstance(server, MastodonServer):
        return [*server.statuses, *server.files]
    return list(server.readable()) if isinstance(server, Network) else posts(server)


def posts(server: LoopbackServer) -> list[Any]:
    if isinstance(server, MastodonServer):
        return list(server.statuses)
    if isinstance(server, BlueskyServer):
        return list(server.records.values())
    return list(server.posts.values())  # type: ignore[attr-defined]


@pytest.mark.parametrize("fault", [lose, pytest.param(garble, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NAMES)
def test_a_lost_answer_ends_in_one_post(name: str, fault: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network(name, monkeypatch) as (server, block):
        site = Scheduled(tmp_path, block)
        site.clock.set(LIFT)
        server.clock = site.clock.now  # type: ignore[attr-defined]
        server.faults.append(fault)
        for _ in range(10):
            site.drain()
            site.clock.step(timedelta(seconds=40))
        (row,) = site.rows()
        kind = site.desk.channels["net"].capabilities.idempotency
        answered = (
            row.attempts == 1 and row.state is State.delivered
        )  # half an answer said enough, or a PUT was repeated
        assert answered or row.state == END[kind], row.reason
        assert len(posts(server)) == 1
        if row.state is State.delivered and kind != "D" and name not in ("slack", "teams"):
            assert row.remote_id


@pytest.mark.parametrize("name", ["linkedin", "facebook", "telegram", "slack-bot", "discord", "matrix", "mastodon"])
@pytest.mark.parametrize("corrections", ["edit", "post"])
def test_a_correction_edits_the_post_and_a_kill_deletes_it(
    name: str, corrections: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with network(name, monkeypatch, corrections=corrections) as (server, block):
        site = Scheduled(tmp_path, block)
        site.clock.set(LIFT)
        site.drain()
        later = LIFT + timedelta(hours=1)
        corrects = "version: 2\ncorrects: {version: 1, class: A, text: Two piers.}"
        site.desk.schedule(
            sites.release(site.root, later, **{"issuer:": f"{corrects}\nissuer:", "Three piers": "Two piers"}), at=None
        )
        site.clock.set(later)
        site.drain()
        assert "Two piers" in repr(posts(server))
        assert len(posts(server)) == (1 if corrections == "edit" else 2)
        site.desk.kill("three-piers")
        for _ in range(3):  # Slack takes one request a second
            site.clock.step(timedelta(seconds=2))
            site.drain()
        assert posts(server) == []


def test_a_correction_of_what_never_went_out_is_a_post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with network("telegram", monkeypatch) as (server, block):
        site = Scheduled(tmp_path, block)
        site.desk.cancel("three-piers")
        corrects = "version: 2\ncorrects: {version: 1, class: A, text: Two piers.}"
        site.desk.schedule(sites.release(site.root, LIFT, **{"issuer:": f"{corrects}\nissuer:"}))
        site.clock.set(LIFT)
        site.drain()
        assert [request.path.rpartition("/")[2] for request in server.received] == ["sendMessage"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_process_killed_between_write_and_receipt_ends_in_one_post(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has the post; the process dies before it hears so; another one comes."""
    with network(name, monkeypatch) as (server, block):
        root = tmp_path / "site"
        schedule_soon(root, block, seconds=2.0)
        running: list[int] = []

        def kill(request: Received, usual: Callable[[], Reply]) -> Reply:
            usual()
            os.kill(running[0], signal.SIGKILL)
            return Reply(lost=True)

        server.faults.append(kill)
        with spawn(root, "run") as process:
            running.append(process.pid)
            process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL
        assert len(posts(server)) == 1
        for _ in range(2):
            with spawn(root, "run", "--until-idle") as process:
                output, _ = process.communicate(timeout=60)
        kind = {**dict.fromkeys(("mastodon", "bluesky", "matrix", "line"), "A"), "linkedin": "B"}.get(name)
        kind = kind or ("C" if name in ("x", "threads", "facebook") else "D")
        assert {state for state, _ in status(root).values()} == {END[kind]}, output
        assert len(posts(server)) == 1


def test_copy_text_is_a_task_that_a_person_ticks_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    block = '[channels.weibo]\ntype = "copytext"\nfor_network = "weibo"\n'
    site = Scheduled(tmp_path / "site", block)
    assert not (site.root / "outbox").exists()
    site.clock.set(LIFT)
    site.drain()
    (row,) = site.rows()
    assert row.state is State.in_doubt
    assert row.reason
    assert "to do" in row.reason
    laid = Path(row.remote_id or "")
    assert laid.parent.parent == site.root / "outbox" / "weibo"
    assert "Three piers" in laid.read_text()
    cli = Cli(site.root, capsys)
    cli.clock = FakeClock(LIFT)
    code, _, err = cli("settle", "three-piers", "--there", "--channel", "weibo", "--url", "weibo.com/1")
    assert (code, "not a web address" in err) == (2, True)
    code, out, _ = cli("settle", "three-piers", "--there", "--channel", "weibo", "--url", "https://weibo.com/1")
    assert (code, "delivered" in out) == (0, True)
    (row,) = site.rows()
    assert (row.state, row.remote_url) == (State.delivered, "https://weibo.com/1")
    assert cli("verify", "three-piers")[0] == 0
    site.desk.kill("three-piers")
    site.drain()
    assert not laid.exists()  # nobody posts it any more
    back = next(row for row in site.rows() if row.kind == KILL)
    assert (back.state, "https://weibo.com/1" in (back.reason or "")) == (State.in_doubt, True)
    assert cli("settle", "three-piers", "--there", "--channel", "weibo")[0] == 0
    assert {row.state for row in site.rows()} == {State.delivered}
