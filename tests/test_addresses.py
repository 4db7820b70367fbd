"""A configured address keeps its path and its query, byte for byte, in everything that is sent there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from distributor.contract import Channel, Kit, Message
from distributor.errors import ConfigError
from distributor.http import extended
from distributor.release import Release
from distributor.text.count import pieces
from tests import sites
from tests.scheduled import LIFT, Scheduled
from tests.servers.http import LoopbackServer, Received, Reply
from tests.test_networks_whole import network

QUERY = "sv=1.0&sig=a%2Fb%2Bc%3D&sp=%2Ftriggers%2Fmanual"


class Anything(LoopbackServer):
    """Says yes to everything, in the words of each network."""

    def answer(self, request: Received) -> Reply:
        if "/webhooks/" in request.path:
            return Reply.of({"id": "11"}) if request.method != "DELETE" else Reply(status=204)
        if "/matrix" in request.path:
            return Reply.of({"event_id": "$e", "chunk": []})
        if "/masto" in request.path:
            return Reply.of({"id": "1", "url": "https://m.example/1"})
        return Reply(body=b"ok")


@pytest.fixture
def server() -> Any:
    with Anything() as running:
        yield running


def corrected(site: Scheduled) -> None:
    """Send, correct and kill."""
    site.clock.set(LIFT)
    site.drain()
    later = LIFT + timedelta(hours=1)
    head = "version: 2\ncorrects: {version: 1, class: A, text: Two.}\n"
    site.desk.schedule(sites.release(site.root, later, **{"issuer:": f"{head}issuer:", "Three": "Two"}), at=None)
    site.clock.set(later)
    site.drain()
    site.desk.kill("three-piers")
    for _ in range(3):
        site.clock.step(timedelta(seconds=5))
        site.drain()


def test_a_discord_thread_keeps_its_query_in_send_edit_and_delete(
    server: Anything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", f"{server.url}/api/webhooks/1/tok?thread_id=987&{QUERY}&wait=false")
    block = (
        '[channels.net]\ntype = "discord"\nprivate_network = true\nwebhook = { env = "HOOK" }\nwait_for_page = false\n'
    )
    corrected(Scheduled(tmp_path, block))
    base = "/api/webhooks/1/tok"
    calls = [(request.method, request.path) for request in server.received]
    assert calls[0] == ("POST", f"{base}?thread_id=987&{QUERY}&wait=true")
    assert calls[1] == ("PATCH", f"{base}/messages/11?thread_id=987&{QUERY}&wait=false")
    assert calls[2] == ("DELETE", f"{base}/messages/11?thread_id=987&{QUERY}&wait=false")


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_webhook_arrives_with_its_signature(
    kind: str, server: Anything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", f"{server.url}/workflows/a%2Fb/invoke?{QUERY}")
    block = f'[channels.net]\ntype = "{kind}"\nprivate_network = true\nwebhook = {{ env = "HOOK" }}\nwait_for_page = false\n'
    site = Scheduled(tmp_path, block)
    site.clock.set(LIFT)
    site.drain()
    assert [request.path for request in server.received] == [f"/workflows/a%2Fb/invoke?{QUERY}"]


def test_a_hub_arrives_with_its_query(server: Anything, tmp_path: Path) -> None:
    block = f'[channels.websub]\ntype = "websub"\nhub = "{server.url}/hub?{QUERY}"\nwait_for_page = false\nprivate_network = true\n'
    site = Scheduled(tmp_path, block)
    site.clock.set(LIFT)
    site.drain()
    assert {request.path for request in server.received} == {f"/hub?{QUERY}"}, [row.reason for row in site.rows()]


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("matrix", 'room = "!press:matrix.example"\nhomeserver = "{}/matrix"\n'),
        ("mastodon", 'instance = "{}/masto/"\n'),
    ],
)
def test_an_instance_under_a_path_keeps_it(
    kind: str, more: str, server: Anything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "tok-Sehr-Geheim-123")
    block = f'[channels.net]\ntype = "{kind}"\nprivate_network = true\ntoken = {{ env = "TOKEN" }}\n'
    corrected(Scheduled(tmp_path, block + "wait_for_page = false\n" + more.format(server.url)))
    paths = [request.path for request in server.received if ".well-known" not in request.path]
    assert len(paths) >= 3
    assert all(path.startswith(("/matrix/_matrix/", "/masto/api/")) for path in paths)


@pytest.mark.parametrize(
    ("kind", "key"),
    [("mastodon", "instance"), ("matrix", "homeserver"), ("bluesky", "pds"), ("x", "api"), ("telegram", "api")],
)
def test_the_address_of_an_api_has_no_query(kind: str, key: str, make_channel: Callable[..., Channel]) -> None:
    more = {"matrix": {"room": "!a:b"}, "bluesky": {"handle": "a.example"}, "telegram": {"chat": "@a"}}.get(kind, {})
    with pytest.raises(ConfigError, match="more than an address"):
        make_channel(kind, **{key: "https://social.example/?lang=en", **more})


@pytest.mark.parametrize(
    ("url", "path", "query", "made"),
    [
        ("https://a.example/w", "", {"wait": "true"}, "https://a.example/w?wait=true"),
        ("https://a.example/w/?t=%2F", "/m/1", {}, "https://a.example/w/m/1?t=%2F"),
        ("https://a.example/w?wait=0&t=1#x", "", {"wait": "true"}, "https://a.example/w?t=1&wait=true"),
        ("https://a.example/w?", "", {}, "https://a.example/w"),
        ("<webhook>", "", {"wait": "true"}, "<webhook>?wait=true"),
    ],
)
def test_an_address_is_made_longer(url: str, path: str, query: dict[str, str], made: str) -> None:
    assert extended(url, path, **query) == made


# ── cuts ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

FAMILY = "👨‍👩‍👧‍👦"


def discord(
    headline: str, make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> tuple[Channel, Message, dict[str, Any]]:
    import json

    channel = make_channel("discord")
    message = channel.render(make_release(headline=headline, social={"discord": "A word of our own."}), kit)[0]
    return channel, message, json.loads(message.content)["embeds"][0]


@pytest.mark.parametrize("before", range(240, 257))
def test_an_embed_title_is_cut_between_graphemes_and_listed(
    before: int, make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    headline = "n" * before + FAMILY * 3 + " and *more* of it"
    channel, message, embed = discord(headline, make_channel, make_release, kit)
    assert len(embed["title"]) <= 256
    shown = embed["title"].removesuffix("…").replace("\\", "")
    assert pieces(headline)[: len(pieces(shown))] == pieces(shown)
    listed = [one for one in message.dropped if one.text == headline]
    assert len(listed) == 1
    assert message.meta["card_title"] in listed[0].why
    assert "left-out" in [found.code for found in channel.check(message)]


def test_an_embed_title_is_escaped_and_its_escapes_are_counted(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    _, message, embed = discord("*New* [pier] _opens_", make_channel, make_release, kit)
    assert embed["title"] == r"\*New\* \[pier\] \_opens\_"
    assert not [one for one in message.dropped if "card" in one.why]
    _, _, embed = discord("*" * 200, make_channel, make_release, kit)
    assert len(embed["title"]) <= 256
    assert embed["title"].endswith(r"\*…")


def test_the_embed_as_a_whole_is_counted(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    _, message, embed = discord("Title", make_channel, make_release, kit)
    (whole,) = [count for count in message.counts if "card" in count.unit]
    assert (whole.used, whole.limit) == (len(embed["title"]) + len(embed["description"]), 6000)


@pytest.mark.parametrize("kind", ["mastodon", "discord", "x", "facebook"])
def test_an_alt_text_that_is_cut_is_listed(
    kind: str, make_channel: Callable[..., Channel], sample: Release, kit: Kit
) -> None:
    alt = FAMILY * 400
    media = tuple(one.model_copy(update={"alt": alt}) for one in sample.main.media)
    text = sample.main.model_copy(update={"media": media})
    release = sample.model_copy(update={"languages": (text,)})
    message = make_channel(kind, media="photos").render(release, kit)[0]
    assert any(one.text == alt and "alt text" in one.why for one in message.dropped)


def test_linkedin_uploads_to_the_very_address_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.test_taken_back import begun

    with network("linkedin", monkeypatch, media="photos") as (server, block):
        usual = server.answer

        def signed(request: Received) -> Reply:
            reply = usual(request)
            return replace(reply, body=reply.body.replace(b'/upload/C40"', f'/upload/C40?{QUERY}"'.encode()))

        monkeypatch.setattr(server, "answer", signed)
        site = begun(tmp_path, block)
        site.clock.set(LIFT)
        site.drain()
        assert [request.path for request in server.received if request.method == "PUT"] == [f"/upload/C40?{QUERY}"]
