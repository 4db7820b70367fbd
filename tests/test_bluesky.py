"""Bluesky: the record byte by byte, its key, the login, and how every answer is read."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distributor.contract import (
    Channel,
    DeliveryError,
    Finding,
    Idempotency,
    InDoubt,
    Kit,
    Message,
    Receipt,
    Refused,
    Severity,
    Throttled,
    Unauthorized,
    Unavailable,
)
from distributor.errors import ConfigError
from distributor.release import Release
from tests.conftest import at
from tests.servers.bluesky import BlueskyServer
from tests.servers.http import Received, Reply, garble, lose, say

HANDLE = "tidewater.bsky.example"
PASSWORD = "abcd-Geheim-efgh"
FAMILY = "👨‍👩‍👧‍👦"
PARTS = [*"ab 香港，。👍🏽\u0301\u200d#@:/.…\n", FAMILY, "🇭🇰", "https://a.bc/x ", "#Tag ", "שלום"]
WORDS = st.lists(st.sampled_from(PARTS), max_size=80).map("".join)


@pytest.fixture
def server() -> Iterator[BlueskyServer]:
    with BlueskyServer(HANDLE, PASSWORD) as running:
        yield running


@pytest.fixture
def live(server: BlueskyServer, make_channel: Callable[..., Channel], monkeypatch: pytest.MonkeyPatch) -> Channel:
    monkeypatch.setenv("PASSWORD_FOR_TESTS", PASSWORD)
    return make_channel(
        "bluesky",
        private_network=True,
        media="none",
        handle=HANDLE,
        pds=server.url,
        password={"env": "PASSWORD_FOR_TESTS"},
    )


@pytest.fixture
def message(make_channel: Callable[..., Channel], sample: Release, kit: Kit) -> Message:
    return make_channel("bluesky", media="none", handle=HANDLE).render(sample, kit)[0]


def deliver(channel: Channel, *messages: Message) -> list[Receipt]:
    """The messages one after the other."""

    async def run() -> list[Receipt]:
        try:
            return [await channel.deliver(message, message.recipients[0], "key-1") for message in messages]
        finally:
            await channel.close()

    return asyncio.run(run())


def record(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message.content)["record"]
    return found


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def assert_facets_are_exact(message: Message) -> None:
    """Every facet covers exactly the bytes of the entity that the preview shows."""
    body, wire = record(message), message.text.encode()
    assert body["text"] == message.text
    assert len(body["facets"]) == len(message.entities)
    end = 0
    for facet, entity in zip(body["facets"], message.entities, strict=True):
        start, end_ = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        assert end <= start
        end = end_
        assert wire[start:end].decode() == message.text[entity.start : entity.end]
        (feature,) = facet["features"]
        if entity.kind == "hashtag":
            assert wire[start:end].decode() == f"#{feature['tag']}"
        else:
            assert feature["uri"] == entity.target


# ── the record ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sample_in_two_languages(
    make_channel: Callable[..., Channel], sample: Release, kit: Kit, golden: Callable[[str, bytes], None]
) -> None:
    channel = make_channel("bluesky", languages=["en", "zh-Hant"])
    messages = channel.render(sample, kit)
    for message in messages:
        golden(f"bluesky/{message.lang}.json", message.content)
        golden(f"bluesky/{message.lang}.txt", message.text.encode())
        assert list(channel.check(message)) == []
        assert record(message)["langs"] == [message.lang]
        assert record(message)["createdAt"] == "2030-03-05T01:00:00.000Z"
        assert_facets_are_exact(message)
    assert channel.render(sample, kit) == messages
    assert len({message.meta["rkey"] for message in messages}) == 2


def test_the_key_is_a_tid_of_the_instant_and_differs_by_release(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    channel = make_channel("bluesky")

    def key(kit: Kit = kit, **changes: Any) -> str:
        return channel.render(make_release(**changes), kit)[0].meta["rkey"]

    assert key() == key()
    others = {key(id=f"release-{number}") for number in range(200)} | {key(version=2)}
    assert len({*others, key()}) == 202
    number = 0
    for letter in key():
        number = number << 5 | "234567abcdefghijklmnopqrstuvwxyz".index(letter)
    assert len(key()) == 13
    stamp = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number >> 10)
    assert abs(stamp - kit.lift) < timedelta(seconds=1.1)
    assert key(at(kit, kit.lift + timedelta(seconds=3))) > key()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(headline=WORDS.map(str.strip).filter(bool), subheadline=WORDS, written=WORDS.map(str.strip))
def test_facets_are_exact_and_the_counts_within_the_limits_or_an_error(
    make_channel: Callable[..., Channel],
    make_release: Callable[..., Release],
    kit: Kit,
    headline: str,
    subheadline: str,
    written: str,
) -> None:
    channel = make_channel("bluesky")
    social = {"bluesky": f"{written} #HarbourLine {written}"} if written else {}
    message = channel.render(make_release(headline=headline, subheadline=subheadline, social=social), kit)[0]
    assert_facets_are_exact(message)
    over = any(count.over for count in message.counts)
    assert over == ("too-long" in codes(list(channel.check(message))))
    page = "https://newsroom.tidewater.example/harbour-line-opening"
    assert [entity.target for entity in message.entities if entity.kind == "link"].count(page) == 1


@pytest.mark.parametrize(
    ("headline", "shown"), [(FAMILY * 121, FAMILY * 118 + "…"), ("🇭🇰" * 240, "🇭🇰" * 240), ("香" * 290, None)]
)
def test_both_limits_hold(
    make_channel: Callable[..., Channel],
    make_release: Callable[..., Release],
    kit: Kit,
    headline: str,
    shown: str | None,
) -> None:
    channel = make_channel("bluesky")
    release = make_release(headline=headline, short_headline=None, subheadline=None, hashtags=())
    message = channel.render(release, kit)[0]
    assert not any(count.over for count in message.counts)
    assert message.title == (shown or "香" * 267 + "…")
    assert [count.unit for count in message.counts] == ["graphemes", "bytes"]


def test_hashtags_that_do_not_fit_are_hidden_ones(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    tags = ("HarbourLine", *(f"Tag{letter * 30}" for letter in "ABCDEFGHIJKLMN"), "2030", "x" * 65)
    message = make_channel("bluesky").render(make_release(hashtags=tags), kit)[0]
    shown = [entity.target for entity in message.entities if entity.kind == "hashtag"]
    assert shown == list(tags[: len(shown)])
    assert record(message)["tags"] == list(tags[len(shown) : len(shown) + 8])
    assert len(record(message)["tags"]) == 8
    dropped = {dropped.text: dropped.why for dropped in message.dropped}
    assert "search still finds" in dropped["#Tag" + "D" * 30]
    assert "too long" in dropped["#" + "x" * 65]
    assert "needs" in dropped["#2030"]


def test_what_looks_live_but_is_not_is_shown(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    written = "Read https://a.bc/x by @ferry.bsky.social: #HarbourLine #Elsewhere ThePost.net.au #1 @Stanford"
    channel = make_channel("bluesky")
    message = channel.render(make_release(social={"bluesky": written}), kit)[0]
    findings = list(channel.check(message))
    assert [(f.code, f.text.split("'")[1]) for f in findings] == [
        ("unknown-handle", "@ferry.bsky.social"),
        ("unknown-handle", "@Stanford"),
    ]
    assert {finding.severity for finding in findings} == {Severity.warning}
    assert [entity.target for entity in message.entities][:3] == ["https://a.bc/x", "HarbourLine", "Elsewhere"]
    assert message.text.endswith("\n\nnewsroom.tidewater.example/ha…")
    assert record(message)["tags"] == ["ElectricFerry", "HongKong", "CleanTransport", "Tidewater"]


def test_release_text_is_data(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    headline = '{{ 7 * 7 }} \U0010f8f00\U0010f8f1 "a" \\ <script> </script>'
    message = make_channel("bluesky").render(make_release(headline=headline), kit)[0]
    assert message.title == '{{ 7 * 7 }} 0 "a" \\ <script> </script>'
    assert record(message)["embed"]["external"]["title"] == message.title
    assert_facets_are_exact(message)


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"pds": "http://pds.example"}, r"\[channels\.bluesky\] pds.*https"),
        ({"handle": "@tidewater.bsky.example"}, "handle.*without '@'"),
        ({"handle": "tidewater"}, "handle"),
        ({"password": "abcd"}, "never written here"),
    ],
)
def test_a_wrong_block_stops_the_start(make_channel: Callable[..., Channel], block: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        make_channel("bluesky", **block)


# ── delivery ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_password_the_request_is_written_to_a_folder(
    make_channel: Callable[..., Channel], message: Message, tmp_path: Path
) -> None:
    channel = make_channel("bluesky", handle=HANDLE)
    receipts = deliver(channel, message, message)
    assert [path.name for path in (tmp_path / "outbox" / "bluesky").iterdir()] == ["key-1.json"]
    assert json.loads(Path(receipts[0].id).read_bytes())["url"] == "https://bsky.social/xrpc/com.atproto.repo.putRecord"
    assert channel.read_back(receipts[1]) == message.content


def test_a_live_post_and_its_repeat_are_one_record_and_one_login(
    live: Channel, server: BlueskyServer, message: Message
) -> None:
    first, second = deliver(live, message, message)
    rkey = message.meta["rkey"]
    assert first == second
    assert first.id == f"at://{server.did}/app.bsky.feed.post/{rkey}"
    assert first.url == f"https://bsky.app/profile/{HANDLE}/post/{rkey}"
    assert server.writes == 1
    assert server.calls() == ["createSession", "putRecord", "putRecord"]
    assert server.received[1].body == message.content
    assert live.capabilities.idempotency is Idempotency.A


@pytest.mark.parametrize("fault", [lose, garble])
def test_a_lost_answer_is_in_doubt_and_the_repeat_writes_nothing_new(
    live: Channel, server: BlueskyServer, message: Message, fault: Callable[[Received, Callable[[], Reply]], Reply]
) -> None:
    server.faults.append(fault)
    with pytest.raises(InDoubt):
        deliver(live, message)
    assert deliver(live, message)[0].id.endswith(message.meta["rkey"])
    assert server.writes == 1


def test_a_kill_deletes_the_record_and_what_is_gone_is_no_error(
    live: Channel, server: BlueskyServer, message: Message
) -> None:
    [receipt] = deliver(live, message)
    assert len(server.records) == 1

    async def withdraw() -> Receipt:
        try:
            return await live.withdraw(message, message.recipients[0], "key-kill", receipt)
        finally:
            await live.close()

    for _ in range(2):
        server.expire()
        assert asyncio.run(withdraw()).detail == "withdrawn"
    assert server.records == {}


def test_an_expired_token_is_renewed_once(live: Channel, server: BlueskyServer, message: Message) -> None:
    deliver(live, message)
    server.expire()
    deliver(live, message, message)
    assert server.calls() == ["createSession", "putRecord", "putRecord", "refreshSession", "putRecord", "putRecord"]


def test_a_new_login_is_made_when_renewing_fails(live: Channel, server: BlueskyServer, message: Message) -> None:
    deliver(live, message)
    server.expire()
    server.refresh = "revoked"
    deliver(live, message)
    assert server.calls()[2:] == ["putRecord", "refreshSession", "createSession", "putRecord"]
    assert server.writes == 1


def test_posts_at_one_instant_share_one_login_and_one_renewal(
    live: Channel, server: BlueskyServer, message: Message
) -> None:
    async def together() -> None:
        await asyncio.gather(*(live.deliver(message, message.recipients[0], f"key-{n}") for n in range(4)))

    async def run() -> None:
        await together()
        server.expire()
        await together()
        await live.close()

    asyncio.run(run())
    assert server.calls().count("createSession") == 1
    assert server.calls().count("refreshSession") == 1


def test_a_token_that_stays_expired_is_an_auth_outcome(live: Channel, server: BlueskyServer, message: Message) -> None:
    expired = say(Reply.of({"error": "ExpiredToken", "message": "Token has expired"}, 401))
    server.faults += [expired, expired]
    with pytest.raises(Unauthorized, match="expired"):
        deliver(live, message)
    assert server.calls() == ["createSession", "putRecord", "refreshSession", "putRecord"]


@pytest.mark.parametrize(
    ("reply", "outcome", "sentence"),
    [
        (Reply.of({"error": "InvalidRequest", "message": "longer than 300 graphemes"}, 400), Refused, "300 graphemes"),
        (Reply.of({"error": "AuthMissing", "message": "Authentication Required"}, 401), Unauthorized, "Required"),
        (Reply.of({"error": "InvalidToken", "message": "not verified"}, 400), Unauthorized, "not verified"),
        (Reply.of({"error": "RateLimitExceeded"}, 429, RateLimit_Reset="4102444800"), Throttled, "RateLimitExceeded"),
        (Reply(status=502, body=b"<html>"), InDoubt, "502"),
        (Reply(status=200, body=b"null"), InDoubt, "without the record's URI"),
        (Reply.of({"error": "InvalidRequest", "message": "Bearer access-1 refresh-1"}, 400), Refused, r"Bearer \*\*\*"),
    ],
)
def test_every_answer_has_its_outcome(
    live: Channel, server: BlueskyServer, message: Message, reply: Reply, outcome: type[DeliveryError], sentence: str
) -> None:
    server.faults.append(say(reply))
    with pytest.raises(outcome, match=sentence) as raised:
        deliver(live, message)
    assert "access-1" not in str(raised.value)
    assert "refresh-1" not in str(raised.value)
    if outcome is Throttled:
        assert raised.value.until


def test_a_refused_token_is_not_used_again(live: Channel, server: BlueskyServer, message: Message) -> None:
    server.faults.append(say(Reply.of({"error": "InvalidToken", "message": "not verified"}, 400)))
    with pytest.raises(Unauthorized):
        deliver(live, message)
    deliver(live, message)
    assert server.calls() == ["createSession", "putRecord"] * 2


class BrokenLogin(BlueskyServer):
    """Its login gives this reply; posts work."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(HANDLE, PASSWORD)
        self.reply = reply

    def answer(self, request: Received) -> Reply:
        return self.reply if request.path.endswith("createSession") else super().answer(request)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(lost=True), Unavailable),  # a login posts nothing
        (Reply(status=500), Unavailable),
        (Reply(status=200, body=b'{"accessJwt": "a'), Unavailable),
        (Reply.of({"accessJwt": "a\nb", "refreshJwt": "c"}), Unavailable),
        (Reply.of({"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}, 429), Throttled),
        (Reply.of({"error": "InvalidRequest", "message": f"not {PASSWORD}"}, 400), Unauthorized),
        (Reply.of({"error": "AuthFactorTokenRequired", "message": "A sign in code"}, 401), Unauthorized),
    ],
)
def test_a_failed_login_never_leaves_a_doubt(
    live: Channel, message: Message, reply: Reply, outcome: type[DeliveryError]
) -> None:
    with BrokenLogin(reply) as server, pytest.raises(outcome) as raised:
        deliver(replace(live, pds=server.url), message)  # type: ignore[call-arg]  # a field of the channel's own
    assert PASSWORD not in str(raised.value)
    assert [request.path for request in server.received] == ["/xrpc/com.atproto.server.createSession"]


def test_a_wrong_or_missing_password_is_an_auth_outcome_and_never_shown(
    live: Channel, server: BlueskyServer, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in ("wr-ong", ""):
        monkeypatch.setenv("PASSWORD_FOR_TESTS", wrong)
        with pytest.raises(Unauthorized) as raised:
            deliver(live, message)
        assert not wrong or wrong not in str(raised.value)
    assert server.calls() == ["createSession"]
    assert live.destination.missing == ("environment variable PASSWORD_FOR_TESTS",)
    monkeypatch.setenv("PASSWORD_FOR_TESTS", PASSWORD)
    assert deliver(live, message)
    assert PASSWORD not in repr(live)
    assert "access-1" not in repr(vars(live)["_session"].__dict__)
