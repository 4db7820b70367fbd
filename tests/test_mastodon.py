"""Mastodon: the post as it is counted and sent, and how every answer is read."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

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
from distributor.render import Templates
from tests.servers.http import LoopbackServer, Received, Reply, garble, lose, say
from tests.servers.mastodon import MastodonServer

TOKEN = "tok-Sehr-Geheim-123"
PARTS = [*"ab 香港，。👍🏽🇭🇰\u0301\u200d#@:/.…\n", "https://a.bc/x ", "#Tag ", "@a@b.co "]
WORDS = st.lists(st.sampled_from(PARTS), max_size=60).map("".join)


@pytest.fixture
def server() -> Iterator[MastodonServer]:
    with MastodonServer(TOKEN) as running:
        yield running


@pytest.fixture
def live(server: MastodonServer, make_channel: Callable[..., Channel], monkeypatch: pytest.MonkeyPatch) -> Channel:
    monkeypatch.setenv("TOKEN_FOR_TESTS", TOKEN)
    return make_channel("mastodon", private_network=True, instance=server.url, token={"env": "TOKEN_FOR_TESTS"})


@pytest.fixture
def message(make_channel: Callable[..., Channel], sample: Release, kit: Kit) -> Message:
    return make_channel("mastodon").render(sample, kit)[0]


def deliver(channel: Channel, message: Message, key: str = "key-1") -> Receipt:
    async def run() -> Receipt:
        try:
            return await channel.deliver(message, message.recipients[0], key)
        finally:
            await channel.close()

    return asyncio.run(run())


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def test_the_sample_in_two_languages(
    make_channel: Callable[..., Channel], sample: Release, kit: Kit, golden: Callable[[str, bytes], None]
) -> None:
    channel = make_channel("mastodon", languages=["en", "zh-Hant"])
    for message in channel.render(sample, kit):
        golden(f"mastodon/{message.lang}.json", message.content)
        golden(f"mastodon/{message.lang}.txt", message.text.encode())
        assert list(channel.check(message)) == []
        assert json.loads(message.content)["status"] == message.text
        link = message.entities[0]
        assert message.text[link.start : link.end] == link.target
        assert message.recipients[0].address == f"public/{message.lang}"
    assert channel.render(sample, kit) == channel.render(sample, kit)


def test_the_language_is_iso_639(make_channel: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    messages = make_channel("mastodon", languages=["zh-Hant"], visibility="unlisted").render(sample, kit)
    body = json.loads(messages[0].content)
    assert (body["language"], body["visibility"]) == ("zh", "unlisted")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(headline=WORDS.map(str.strip).filter(bool), summary=WORDS, limit=st.integers(1, 200))
def test_the_count_is_within_the_limit_or_an_error(
    make_channel: Callable[..., Channel],
    make_release: Callable[..., Release],
    kit: Kit,
    headline: str,
    summary: str,
    limit: int,
) -> None:
    channel = make_channel("mastodon", max_characters=limit)
    message = channel.render(make_release(headline=headline, summary=summary), kit)[0]
    assert message.counts[0].over == ("too-long" in codes(list(channel.check(message))))
    assert [entity.kind for entity in message.entities].count("link") == 1
    for entity in message.entities:
        shown = entity.target if entity.kind == "link" else f"#{entity.target}"
        assert message.text[entity.start : entity.end] == shown
    assert "dead-entity" not in codes(list(channel.check(message)))


def test_a_long_release_loses_hashtags_first_and_says_so(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    channel = make_channel("mastodon", max_characters=320)
    message = channel.render(make_release(slugline="x"), kit)[0]
    assert [dropped.text for dropped in message.dropped] == ["#Tidewater", "#CleanTransport", "#HongKong"][::-1]
    assert not message.counts[0].over
    findings = list(channel.check(message))
    assert codes(findings) == ["left-out"] * 3
    assert {finding.severity for finding in findings} == {Severity.note}
    assert {finding.channel for finding in findings} == {"mastodon"}


def test_a_headline_that_the_program_cut_must_be_seen(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    channel = make_channel("mastodon", max_characters=60)
    message = channel.render(make_release(short_headline=None), kit)[0]
    assert message.title.endswith("…")
    assert [f.severity for f in channel.check(message) if f.code == "headline-cut"] == [Severity.warning]


@pytest.mark.parametrize("name", ["mastodon", "fediverse"])
def test_a_written_text_replaces_the_made_one_and_is_never_shortened(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit, name: str
) -> None:
    channel = replace(make_channel("mastodon"), name="fediverse")
    written = "All aboard! #HarbourLine #Elsewhere"
    message = channel.render(make_release(social={name: written}), kit)[0]
    assert message.text == f"{written}\n\nhttps://newsroom.tidewater.example/harbour-line-opening"
    assert message.entities[0].target == "HarbourLine"
    assert codes(list(channel.check(message))) == []
    assert message.entities[1].target == "Elsewhere"  # what a person writes is live
    long = channel.render(make_release(social={name: "word " * 100}), kit)[0]
    errors = [f for f in channel.check(long) if f.severity is Severity.error]
    assert [(f.code, f.field) for f in errors] == [("too-long", f"social.{name}")]
    assert "524 of 500 characters" in errors[0].text


def test_what_the_server_would_make_live_by_accident_is_shown(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    headline = "The @Stanford lab opens ThePost.net.au #1 and #2Go at https://a.bc/x"
    channel = make_channel("mastodon")
    message = channel.render(make_release(headline=headline, hashtags=("I&T", "2030", "siliconvalley")), kit)[0]
    found = [(f.code, f.text.split("'")[1]) for f in channel.check(message) if f.code.startswith("accidental")]
    assert found == [
        ("accidental-mention", "@Stanford"),
        ("accidental-hashtag", "#2Go"),
        ("accidental-link", "https://a.bc/x"),
    ]
    assert [dropped.text for dropped in message.dropped] == ["#I&T", "#2030"]
    assert "hashtag-case" in codes(list(channel.check(message)))
    assert len(message.entities) == 3


def test_release_text_is_data(
    make_channel: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit
) -> None:
    headline = '{{ 7 * 7 }} {% raw %} <script>alert(1)</script> \U0010f8f00\U0010f8f1 "quoted" I&T &amp;'
    message = make_channel("mastodon").render(make_release(headline=headline), kit)[0]
    assert message.title == headline.replace("\U0010f8f0", "").replace("\U0010f8f1", "")
    assert [entity.kind for entity in message.entities].count("link") == 1


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{{ headline }}", "no-link"),
        ("{{ headline }}{{ link }}", "dead-entity"),
        ("{{ link }}{{ headline }}", "dead-entity"),
    ],
)
def test_a_template_of_one_s_own_is_checked(
    make_channel: Callable[..., Channel],
    make_release: Callable[..., Release],
    kit: Kit,
    tmp_path: Path,
    template: str,
    code: str,
) -> None:
    (tmp_path / "mastodon").mkdir()
    (tmp_path / "mastodon" / "post.txt").write_text(template, encoding="utf-8")
    channel = make_channel("mastodon")
    message = channel.render(make_release(headline="Ahoi"), replace(kit, templates=Templates([tmp_path])))[0]
    assert code in codes(list(channel.check(message)))
    (tmp_path / "mastodon" / "post.txt").write_text("{{ link[:2] }}", encoding="utf-8")
    with pytest.raises(ConfigError, match="in two"):
        channel.render(make_release(headline="Ahoi"), replace(kit, templates=Templates([tmp_path])))


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"instance": "http://mastodon.example"}, r"\[channels\.mastodon\] instance.*https"),
        ({"max_characters": 0}, "max_characters"),
        ({"visibility": "direct"}, "visibility"),
        ({"token": "abc"}, "never written here"),
    ],
)
def test_a_wrong_block_stops_the_start(make_channel: Callable[..., Channel], block: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        make_channel("mastodon", **block)


# ── delivery ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_token_the_request_is_written_to_a_folder(
    make_channel: Callable[..., Channel], message: Message, tmp_path: Path
) -> None:
    channel = make_channel("mastodon")
    receipts = [deliver(channel, message) for _ in range(2)]
    assert not channel.destination.live
    assert [path.name for path in (tmp_path / "outbox" / "mastodon").iterdir()] == ["key-1.json"]
    written = json.loads(Path(receipts[0].id).read_text(encoding="utf-8"))
    assert (written["method"], written["url"]) == ("POST", "https://mastodon.example/api/v1/statuses")
    assert written["headers"]["Idempotency-Key"] == "key-1"
    assert channel.read_back(receipts[1]) == message.content
    assert channel.read_back(Receipt(id=str(tmp_path / "gone.json"))) is None


def test_a_kill_deletes_the_status_and_what_is_gone_is_no_error(
    live: Channel, server: MastodonServer, message: Message, make_channel: Callable[..., Channel]
) -> None:
    receipt = deliver(live, message)

    async def withdraw(channel: Channel, there: Receipt) -> Receipt:
        try:
            return await channel.withdraw(message, message.recipients[0], "key-1-kill", there)
        finally:
            await channel.close()

    assert len(server.statuses) == 1
    for _ in range(2):
        assert asyncio.run(withdraw(live, receipt)).detail == "withdrawn"
    assert server.statuses == []
    with pytest.raises(Refused, match="by hand"):
        asyncio.run(withdraw(live, Receipt(id="")))
    assert live.capabilities.delete
    assert not make_channel("mastodon").capabilities.delete


def test_photos_wait_until_they_are_processed(
    live: Channel, server: MastodonServer, sample: Release, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_time(_self: object, _seconds: float) -> None:
        return None

    monkeypatch.setattr(type(live), "pause", no_time)
    with_photos = replace(live, media="photos")  # type: ignore[call-arg]  # a field of the channel's own
    message = with_photos.render(sample, kit)[0]
    assert deliver(with_photos, message).id == "1"
    assert server.received[-1].json()["media_ids"] == ["1"]
    assert server.files["1"]["alt"] == sample.main.media[0].alt
    assert json.loads(message.content)["media_ids"] == [f"media:{message.media[0].sha256[:16]}"]


def test_a_live_post_and_its_repeat_are_one_status(live: Channel, server: MastodonServer, message: Message) -> None:
    first, second = deliver(live, message), deliver(live, message)
    assert first == second == Receipt(id="1", url=f"{server.url}/@tidewater/1")
    assert [status["status"] for status in server.statuses] == [message.text]
    assert server.received[0].body == message.content
    assert live.capabilities.idempotency is Idempotency.C  # nobody has asked yet what it is
    assert live.destination.live
    assert live.read_back(first) is None


@pytest.mark.parametrize("fault", [lose, garble])
def test_a_lost_answer_is_in_doubt_and_the_repeat_posts_nothing_new(
    live: Channel, server: MastodonServer, message: Message, fault: Callable[[Received, Callable[[], Reply]], Reply]
) -> None:
    server.faults.append(fault)
    with pytest.raises(InDoubt):
        deliver(live, message)
    assert deliver(live, message).id == "1"
    assert len(server.statuses) == 1


@pytest.mark.parametrize(
    ("reply", "outcome", "sentence"),
    [
        (Reply.of({"error": "Validation failed: Text can't be blank"}, 422), Refused, "Text can't be blank"),
        (Reply.of({"error": "This action is not allowed"}, 403), Unauthorized, "not allowed"),
        (Reply.of({"error": "Too many requests"}, 429), Throttled, "Too many"),
        (Reply(status=500, body=b"<html>"), InDoubt, "500"),
        (Reply(status=503, headers={"Retry-After": "7"}), Throttled, "503"),
        (Reply(status=302, headers={"Location": "https://evil.example/"}), Refused, "302"),
        (Reply(status=200, body=b"[]"), InDoubt, "without the status's id"),
        (Reply.of({"error": {"a": 1}}, 422), Refused, "422"),
        (Reply.of({"error": f"bad\r\nheader Bearer {TOKEN}"}, 422), Refused, r"bad header Bearer \*\*\*"),
    ],
)
def test_every_answer_has_its_outcome(
    live: Channel, server: MastodonServer, message: Message, reply: Reply, outcome: type[DeliveryError], sentence: str
) -> None:
    server.faults.append(say(reply))
    with pytest.raises(outcome, match=sentence) as raised:
        deliver(live, message)
    assert TOKEN not in str(raised.value)
    assert len(server.received) == 1


def in_five_minutes() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (lambda: {"X-RateLimit-Reset": f"{in_five_minutes():%Y-%m-%dT%H:%M:%S.000000Z}"}, 300),
        (lambda: {"Retry-After": format_datetime(in_five_minutes(), usegmt=True)}, 300),
        (lambda: {"Retry-After": "2.5"}, 2.5),
        (lambda: {"X-RateLimit-Reset": "soon"}, None),
        (dict, None),
    ],
)
def test_when_a_throttled_post_may_be_tried_again(
    live: Channel,
    server: MastodonServer,
    message: Message,
    headers: Callable[[], dict[str, str]],
    seconds: float | None,
) -> None:
    server.faults.append(say(Reply(status=429, headers=headers())))
    with pytest.raises(Throttled) as raised:
        deliver(live, message)
    until, now = raised.value.until, datetime.now(UTC)
    assert (until is None) == (seconds is None)
    if until and seconds:
        assert until - now == pytest.approx(timedelta(seconds=seconds), abs=timedelta(seconds=30))


def test_a_wrong_or_missing_token_is_an_auth_outcome_and_never_shown(
    live: Channel, server: MastodonServer, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in ("tok-wrong", "tok-wrong\nX-Evil: 1", "tok-wröng", ""):
        monkeypatch.setenv("TOKEN_FOR_TESTS", wrong)
        with pytest.raises(Unauthorized) as raised:
            deliver(live, message)
        assert not wrong or wrong not in str(raised.value)
    assert [request.headers["authorization"] for request in server.received] == ["Bearer tok-wrong"]
    assert live.destination.missing == ("environment variable TOKEN_FOR_TESTS",)
    assert TOKEN not in repr(live)


def test_no_connection_is_unavailable(live: Channel, message: Message) -> None:
    with LoopbackServer() as gone:
        url = gone.url
    with pytest.raises(Unavailable):
        deliver(replace(live, instance=url), message)  # type: ignore[call-arg]  # a field of the channel's own


def test_a_receipt_holds_web_addresses_only(live: Channel, server: MastodonServer, message: Message) -> None:
    server.faults.append(say(Reply.of({"id": "9", "url": "javascript:alert(1)"})))
    assert deliver(live, message) == Receipt(id="9", url=None)
