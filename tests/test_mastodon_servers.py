"""What a repeat does is a fact of the server that answers: it is asked, and what is unknown is read before a repeat."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from distributor.contract import Channel, Idempotency
from distributor.lifecycle import KILL, State
from tests.scheduled import LIFT, Scheduled
from tests.servers.http import Received, Reply, lose, say
from tests.servers.mastodon import MastodonServer

TOKEN = "tok-Sehr-Geheim-123"
SERVERS = {
    "gotosocial": {"version": "0.17.3 git-1a2b3c4"},
    "pleroma": {"version": "2.7.2 (compatible; Pleroma 2.9.1)"},
    "": {"version": "4.3.0"},  # says nothing of itself
}


def begun(folder: Path, server: MastodonServer, monkeypatch: pytest.MonkeyPatch, **changes: str) -> Scheduled:
    monkeypatch.setenv("SECRET_FOR_TESTS", TOKEN)
    block = '[channels.net]\ntype = "mastodon"\nprivate_network = true\nwait_for_page = false\n'
    block += f'token = {{ env = "SECRET_FOR_TESTS" }}\ninstance = "{server.url}"\n'
    site = Scheduled(folder, block, **changes)
    server.clock = site.clock.now
    site.clock.set(LIFT)
    return site


def settle(site: Scheduled) -> None:
    for _ in range(6):
        site.drain()
        site.clock.step(timedelta(seconds=40))


@pytest.mark.parametrize("software", SERVERS)
def test_a_server_that_ignores_the_key_gets_one_post(
    software: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MastodonServer(TOKEN, software=software) as server:
        server.about, server.keeps_keys = SERVERS[software], False
        words = "Three piers reopen for @board@harbour.example & all"
        site = begun(tmp_path, server, monkeypatch, **{"Three piers reopen": words})
        server.faults.append(lose)
        settle(site)
        assert len(server.statuses) == 1
        (row,) = site.rows()
        assert (row.state, row.remote_id) == (State.delivered, "1")
        assert site.desk.channels["net"].capabilities.idempotency is Idempotency.C


def test_what_was_not_written_is_sent_again_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MastodonServer(TOKEN, software="gotosocial") as server:
        site = begun(tmp_path, server, monkeypatch)
        server.faults.append(say(Reply(lost=True)))
        settle(site)
        assert [status["status"] for status in server.statuses] == [
            site.desk.preview(site.root / "piers.md").rendered[0].message.text
        ]
        assert site.rows()[0].attempts == 2


def test_a_text_that_the_server_draws_otherwise_is_known_by_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MastodonServer(TOKEN, software="gotosocial") as server:
        site = begun(tmp_path, server, monkeypatch)
        monkeypatch.setattr(server, "_shown", lambda status: {**status, "content": "<h1>drawn</h1>"})
        server.faults.append(lose)
        settle(site)
        assert (len(server.statuses), site.rows()[0].state) == (1, State.delivered), site.rows()[0].reason


def test_where_it_cannot_be_read_a_person_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token without the right to read."""
    with MastodonServer(TOKEN, software="gotosocial") as server:
        site = begun(tmp_path, server, monkeypatch)
        forbidden = Reply.of({"error": "This action is outside the authorized scopes"}, 403)
        monkeypatch.setattr(server, "_own", lambda path: forbidden)
        server.faults.append(lose)
        settle(site)
        assert (len(server.statuses), site.rows()[0].state) == (1, State.in_doubt)


def test_mastodon_itself_is_asked_once_and_repeats_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MastodonServer(TOKEN) as server:
        site = begun(tmp_path, server, monkeypatch)
        server.faults += [lose, lose]
        settle(site)
        assert (len(server.statuses), site.rows()[0].state) == (1, State.delivered), site.rows()[0].reason
        asked = [request.path for request in server.received if request.method == "GET"]
        assert asked == ["/api/v2/instance", "/.well-known/nodeinfo", "/nodeinfo/2.0"]
        assert site.desk.channels["net"].capabilities.idempotency is Idempotency.A


def test_a_forgotten_key_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MastodonServer(TOKEN) as server:
        site = begun(tmp_path, server, monkeypatch)
        server.faults.append(lose)
        site.drain()
        site.clock.step(timedelta(hours=2))
        server.keeps_keys = False  # an hour has passed
        settle(site)
        assert (len(server.statuses), site.rows()[0].state) == (1, State.delivered), site.rows()[0].reason


def test_a_kill_finds_the_post_whose_answer_was_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for software in ("mastodon", "gotosocial"):
        with MastodonServer(TOKEN, software=software) as server:
            site = begun(tmp_path / software, server, monkeypatch)
            server.faults.append(lose)
            site.drain()
            assert len(server.statuses) == 1
            site.desk.kill("three-piers")
            settle(site)
            assert server.statuses == []
            assert [row.state for row in site.rows() if row.kind == KILL] == [State.delivered]


def test_the_token_never_travels_to_who_only_says_what_it_is(
    make_channel: Callable[..., Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_FOR_TESTS", TOKEN)
    with MastodonServer(TOKEN, software="") as server:
        elsewhere: list[Received] = []

        def redirect(request: Received) -> Reply:
            elsewhere.append(request)
            return Reply.of({"links": [{"href": "https://evil.example/nodeinfo/2.0"}]})

        monkeypatch.setattr(server, "_public", lambda path: redirect(server.received[-1]))
        channel = make_channel("mastodon", private_network=True, instance=server.url, token={"env": "SECRET_FOR_TESTS"})

        async def learn() -> None:
            await channel.learn()
            await channel.close()

        asyncio.run(learn())
        assert len(elsewhere) == 2  # the address elsewhere was not asked
        assert all("authorization" not in request.headers for request in elsewhere)
        assert channel.capabilities.idempotency is Idempotency.C
