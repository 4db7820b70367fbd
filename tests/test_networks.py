"""Every social network: its golden posts, and its adapter against a strict server that can fail in each documented way."""

import asyncio
import html
import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from distributor import images, sheet
from distributor.contract import (
    AlreadyThere,
    Channel,
    DeliveryError,
    Idempotency,
    InDoubt,
    Kit,
    MediaFile,
    Message,
    Receipt,
    Severity,
    Throttled,
    Unauthorized,
    Unavailable,
)
from distributor.errors import ConfigError
from distributor.posts.photos import short
from distributor.preview import Press
from distributor.reading import ReleaseFile
from distributor.release import Release
from distributor.text.count import pieces
from tests.nasty import NASTY
from tests.servers import networks
from tests.servers.http import LoopbackServer, Reply, garble, lose, say

MakeChannel = Callable[..., Channel]
TYPES = ("bluesky", "mastodon", "x", "linkedin", "threads", "facebook", "telegram", "slack", "discord", "teams", "matrix", "line", "copytext")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Case:
    """One adapter and its server."""

    server: type[networks.Network]
    channel: str
    credential: str = "token"
    address: str = "api"  #: the config key of the server's address; empty: it is the credential itself
    more: dict[str, Any] = field(default_factory=dict)


CASES = {
    "x": Case(server=networks.XServer, channel="x"),
    "linkedin": Case(server=networks.LinkedInServer, channel="linkedin"),
    "threads": Case(server=networks.ThreadsServer, channel="threads"),
    "facebook": Case(server=networks.FacebookServer, channel="facebook"),
    "telegram": Case(server=networks.TelegramServer, channel="telegram"),
    "slack": Case(server=networks.SlackServer, channel="slack", credential="webhook", address=""),
    "slack-bot": Case(server=networks.SlackBotServer, channel="slack", more={"channel": "C0123456789"}),
    "discord": Case(server=networks.DiscordServer, channel="discord", credential="webhook", address=""),
    "teams": Case(server=networks.TeamsServer, channel="teams", credential="webhook", address=""),
    "matrix": Case(server=networks.MatrixServer, channel="matrix", address="homeserver"),
    "line": Case(server=networks.LineServer, channel="line"),
}
DELETES = ("x", "linkedin", "threads", "facebook", "telegram", "slack-bot", "discord", "matrix")
EDITS = ("linkedin", "facebook", "telegram", "slack-bot", "discord", "matrix")
UPLOADS = ("x", "linkedin", "facebook", "discord", "matrix")


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def server(case: Case) -> Iterator[networks.Network]:
    with case.server() as running:
        yield running


@pytest.fixture
def connect(
    case: Case, server: networks.Network, make_channel: MakeChannel, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Channel]:
    monkeypatch.setenv("SECRET_FOR_TESTS", server.secret)
    where = {case.address: server.url} if case.address else {}
    given = {case.credential: {"env": "SECRET_FOR_TESTS"}, "private_network": True, **where, **case.more}
    return lambda **more: make_channel(case.channel, **{**given, **more})


@pytest.fixture
def live(connect: Callable[..., Channel]) -> Channel:
    return connect()


@pytest.fixture
def message(live: Channel, sample: Release, kit: Kit) -> Message:
    return live.render(sample, kit)[0]


def run(channel: Channel, work: Callable[[], Any]) -> Any:
    async def whole() -> Any:
        try:
            return await work()
        finally:
            await channel.close()

    return asyncio.run(whole())


def deliver(channel: Channel, message: Message, key: str = "k" * 32) -> Receipt:
    receipt: Receipt = run(channel, lambda: channel.deliver(message, message.recipients[0], key))
    return receipt


def errors(channel: Channel, message: Message) -> list[str]:
    return [found.code for found in channel.check(message) if found.severity is Severity.error]


# ── what goes out ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", TYPES)
def test_the_sample_in_two_languages(
    name: str, make_channel: MakeChannel, sample: Release, kit: Kit, golden: Callable[[str, bytes], None]
) -> None:
    channel = make_channel(name, languages=["en", "zh-Hant"])
    for message in channel.render(sample, kit):
        suffix = "json" if message.content_type.endswith("json") else "txt"
        golden(f"{name}/{message.lang}.{suffix}", message.content)
        golden(f"{name}/{message.lang}.shown.txt", message.text.encode())
        assert errors(channel, message) == []
    assert channel.render(sample, kit) == channel.render(sample, kit)


@pytest.mark.parametrize("name", TYPES)
def test_the_nasty_texts(
    name: str,
    make_channel: MakeChannel,
    make_release: Callable[..., Release],
    kit: Kit,
    golden: Callable[[str, bytes], None],
) -> None:
    channel = make_channel(name, media="none", languages=["en"])
    made = []
    for headline in NASTY:
        release = make_release(headline=headline, short_headline=None, subheadline=None, summary=None, slugline="x")
        message = channel.render(release, kit)[0]
        over = any(count.over for count in message.counts)
        assert over == ("too-long" in errors(channel, message)), headline
        whole = set(pieces(headline))
        assert all(
            piece in whole or piece in "…\n #" or not piece.strip()
            for piece in pieces(message.title)
            if piece not in headline
        )
        made.append(
            {
                "headline": headline,
                "shown": message.text,
                "counts": [f"{one.used} of {one.limit} {one.unit}" for one in message.counts],
                "findings": sorted({finding.code for finding in channel.check(message)}),
            }
        )
    golden(f"{name}/nasty.json", json.dumps(made, ensure_ascii=False, indent=1).encode())


PARTS = [
    *"ab 香港，。👍🏽🇭🇰\u0301\u200d#@:/.…\n&<>|_*~`()[]{}\\$", "https://a.bc/x ", "#Tag ", "@name ", "$AAPL ", "node.js ", "👨‍👩‍👧‍👦",
]  # fmt: skip
WORDS = st.lists(st.sampled_from(PARTS), max_size=120).map("".join)


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(headline=WORDS.map(lambda text: " ".join(text.split())).filter(bool), summary=WORDS)
@example(headline="a", summary="<https://a.bc/x >")
@example(headline="\\", summary="\\<https://a.bc/x>")
def test_a_count_is_within_its_limit_or_an_error(
    name: str,
    make_channel: MakeChannel,
    make_release: Callable[..., Release],
    kit: Kit,
    headline: str,
    summary: str,
) -> None:
    channel = make_channel(name, media="none", languages=["en"])
    release = make_release(headline=headline, summary=summary, short_headline=None)
    message = channel.render(release, kit)[0]
    assert any(count.over for count in message.counts) == ("too-long" in errors(channel, message))
    end = 0
    for entity in message.entities:
        assert end <= entity.start < entity.end
        end = entity.end
        spelled = message.text[entity.start : entity.end]
        assert entity.kind == "link" or entity.target in spelled
    if name in CASES:
        body: Any = json.loads(message.content) if message.content_type.endswith("json") else {"text": message.text}
        body = body["attachments"][0]["content"] if name == "teams" else body
        seen = CASES[name].server.read(None, body)  # type: ignore[arg-type]  # it reads its argument alone
        assert _without_gaps(seen) == _without_gaps(message.text)


def _without_gaps(text: str) -> str:
    """Teams draws a line as a block, and no empty ones."""
    return "\n".join(line for line in text.split("\n") if line)


def test_x_takes_one_cashtag_and_says_what_a_post_costs(
    make_channel: MakeChannel, make_release: Callable[..., Release], kit: Kit
) -> None:
    channel = make_channel("x")
    message = channel.render(make_release(headline="Results: $AAPL and $TSLA rise", short_headline=None), kit)[0]
    assert errors(channel, message) == ["too-many-cashtags"]
    assert message.meta["cost"] == "$0.200, prices of 2026-08-22"
    bare = make_channel("x", link_in_post=False)
    message = bare.render(make_release(headline="Harbour Line opens"), kit)[0]
    assert message.meta["cost"] == "$0.015, prices of 2026-08-22"
    assert "https://" not in message.text
    assert "no-link" not in [finding.code for finding in bare.check(message)]
    linked = bare.render(make_release(headline="Harbour Line opens at tidewater.com"), kit)[0]
    assert linked.meta["cost"].startswith("$0.200")


def test_linkedin_s_little_text_escapes_every_reserved_character(
    make_channel: MakeChannel, make_release: Callable[..., Release], kit: Kit
) -> None:
    line = r"HKSTP (Hong Kong) met I&T_startups * [2024] <UPWEST LABS> ~250 people | 50% @Stanford #1 {x} \o/"
    message = make_channel("linkedin").render(make_release(headline=line, short_headline=None), kit)[0]
    written = json.loads(message.content)["commentary"].partition("\n")[0]
    assert len(written) - len(line) == 15
    assert (
        r"\(Hong Kong\) met I&T\_startups \* \[2024\] \<UPWEST LABS\> \~250 people \| 50% \@Stanford \#1 \{x\} \\o/"
        in written
    )
    assert r"{hashtag|\#|HarbourLine}" in json.loads(message.content)["commentary"]


def test_a_text_too_long_for_a_caption_goes_without_the_photo(
    connect: Callable[..., Channel], case: Case, make_release: Callable[..., Release], kit: Kit
) -> None:
    if case.channel != "telegram":
        pytest.skip("only Telegram has captions")
    channel = connect(media="photos")
    short = channel.render(make_release(summary="s " * 100), kit)[0]
    assert json.loads(short.content)["caption"]
    long = channel.render(make_release(summary="long " * 200), kit)[0]
    assert json.loads(long.content)["text"]
    assert "photos-left-out" in [finding.code for finding in channel.check(long)]


# ── how it is sent ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_live_post_is_what_was_sealed(live: Channel, server: networks.Network, message: Message) -> None:
    receipt = deliver(live, message)
    (post,) = server.posts.values()
    assert _without_gaps(server.read(post)) == _without_gaps(message.text)
    assert bool(receipt.id) == live.capabilities.returns_id
    assert live.destination.live
    assert live.read_back(receipt) is None
    sent = [request.body for request in server.received if server.fault_for(request)]
    media = b"urn:li:image" in sent[0] or b"creation_id" in sent[0]
    assert media or sent == [message.content]


@pytest.mark.parametrize("fault", [lose, garble])
def test_a_lost_answer_never_makes_a_second_post(
    live: Channel, server: networks.Network, message: Message, fault: Any
) -> None:
    began = datetime.now(UTC)
    server.faults.append(fault)
    try:
        deliver(live, message)
    except InDoubt:
        pass
    else:  # half an answer that still says all there is to say
        assert live.TYPE in ("teams", "linkedin", "line", "matrix")  # a PUT is repeated below us: the same event
    for _ in range(3):  # ten in test_networks_whole
        kind = live.capabilities.idempotency
        if kind is Idempotency.A:
            assert deliver(live, message).id
        elif kind is Idempotency.B:
            with pytest.raises(AlreadyThere) as there:
                deliver(live, message)
            assert there.value.receipt
            assert there.value.receipt.id in server.posts
        elif kind is Idempotency.C:
            found = run(live, lambda: live.reconcile(message, message.recipients[0], "k" * 32, began))
            assert found
            assert found.id in server.posts
    assert len(server.posts) == 1


def test_what_is_not_there_is_not_found(live: Channel, server: networks.Network, message: Message) -> None:
    if live.capabilities.idempotency is not Idempotency.C:
        pytest.skip("it cannot be looked up")
    server.faults.append(say(Reply(lost=True)))
    with pytest.raises(InDoubt):
        deliver(live, message)
    look = run(live, lambda: live.reconcile(message, message.recipients[0], "k" * 32, datetime.now(UTC)))
    assert look is None
    deliver(live, message)
    late = datetime.now(UTC) + timedelta(hours=1)
    if live.TYPE == "x":  # an older post of the same words is not ours
        assert run(live, lambda: live.reconcile(message, message.recipients[0], "k" * 32, late)) is None


@pytest.mark.parametrize("name", ["x", "facebook"])
def test_a_refusal_as_duplicate_says_so(
    name: str, make_channel: MakeChannel, sample: Release, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CASES[name].server() as server:
        monkeypatch.setenv("SECRET_FOR_TESTS", server.secret)
        channel = make_channel(name, token={"env": "SECRET_FOR_TESTS"}, api=server.url, private_network=True)
        message = channel.render(sample, kit)[0]
        deliver(channel, message)
        with pytest.raises(AlreadyThere):
            deliver(channel, message, "l" * 32)
        assert len(server.posts) == 1


def test_asked_to_wait(live: Channel, server: networks.Network, message: Message) -> None:
    server.faults.append(say(server.throttled()))
    with pytest.raises(Throttled) as raised:
        deliver(live, message)
    if live.TYPE not in ("threads", "facebook", "line"):  # they name no time
        assert raised.value.until
        assert abs(raised.value.until - datetime.now(UTC) - timedelta(seconds=30)) < timedelta(seconds=5)
    assert not server.posts
    assert deliver(live, message) is not None
    assert len(server.posts) == 1


def test_an_expired_credential(live: Channel, server: networks.Network, message: Message) -> None:
    server.faults.append(say(server.expired()))
    with pytest.raises(Unauthorized) as raised:
        deliver(live, message)
    assert server.token not in raised.value.reason
    assert not server.posts


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_failing_server_leaves_it_in_doubt(
    live: Channel, server: networks.Network, message: Message, status: int
) -> None:
    server.faults.append(say(Reply(status=status, body=b"<html>bad gateway</html>")))
    with pytest.raises(InDoubt, match=str(status)):
        deliver(live, message)


def test_a_blind_network_that_says_503_is_in_doubt_a_seeing_one_is_asked_later(
    live: Channel, server: networks.Network, message: Message
) -> None:
    server.faults.append(say(Reply(status=503, headers={"Retry-After": "7"})))
    blind = live.capabilities.idempotency is Idempotency.D
    with pytest.raises(InDoubt if blind else Throttled):
        deliver(live, message)


def test_no_connection_is_unavailable(
    connect: Callable[..., Channel],
    case: Case,
    message: Message,
    monkeypatch: pytest.MonkeyPatch,
    server: networks.Network,
) -> None:
    with LoopbackServer() as gone:
        url = gone.url
    monkeypatch.setenv("SECRET_FOR_TESTS", server.secret.replace(server.url, url))
    channel = connect(**({case.address: url} if case.address else {}))
    with pytest.raises(Unavailable):
        deliver(channel, message)


def test_a_redirect_is_not_followed(live: Channel, server: networks.Network, message: Message) -> None:
    with LoopbackServer() as other:
        server.faults.append(say(Reply(status=302, headers={"Location": f"{other.url}/steal"})))
        with pytest.raises(DeliveryError):
            deliver(live, message)
        assert other.received == []


def test_no_secret_in_any_log_or_reason(
    live: Channel, server: networks.Network, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    deliver(live, message)
    server.faults += [say(Reply(status=400, body=server.secret.encode())), lose]
    reasons = []
    for _ in range(2):
        try:
            deliver(live, message, "m" * 32)
        except DeliveryError as error:
            reasons.append(error.reason)
    assert reasons
    assert server.token not in caplog.text + "".join(reasons) + repr(live) + repr(live.destination)


def test_a_server_in_this_house_is_not_written_to(
    connect: Callable[..., Channel], server: networks.Network, message: Message
) -> None:
    with pytest.raises(Unauthorized, match="private network"):
        deliver(connect(private_network=False), message)
    assert server.received == []


def test_photos_arrive_with_their_words_and_without_their_secrets(
    connect: Callable[..., Channel], case: Case, server: networks.Network, sample: Release, kit: Kit
) -> None:
    channel = connect(media="photos")
    message = channel.render(sample, kit)[0]
    deliver(channel, message)
    assert len(server.posts) == 1
    alt = sample.main.media[0].alt or "-"
    body = json.dumps(list(server.posts.values()), ensure_ascii=False, default=str)
    if case.channel in UPLOADS:
        (file,) = server.files.values()
        if case.channel == "linkedin":
            assert alt in body
            assert file["data"] == message.media[0].data
        else:
            assert file["alt"] == alt
    else:  # named by its address on the newsroom, which is open from the instant on
        assert message.media[0].sha256[:16] in body
        if case.channel in ("slack", "teams", "threads"):
            assert alt in body


def test_a_lost_upload_posts_nothing(
    connect: Callable[..., Channel], case: Case, server: networks.Network, sample: Release, kit: Kit
) -> None:
    if case.channel not in UPLOADS or case.channel == "discord":
        pytest.skip("it uploads nothing before the post")
    channel = connect(media="photos")
    message = channel.render(sample, kit)[0]
    server.fault_for = lambda request: True  # type: ignore[method-assign]
    server.faults.append(lose)
    with pytest.raises(Unavailable):
        deliver(channel, message)
    assert not server.posts
    assert deliver(channel, message).id
    assert len(server.posts) == 1


@pytest.mark.parametrize("name", DELETES)
def test_a_kill_takes_the_post_back_and_what_is_gone_is_no_error(
    name: str, make_channel: MakeChannel, sample: Release, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CASES[name].server() as server:
        channel = _connected(name, server, make_channel, monkeypatch)
        message = channel.render(sample, kit)[0]
        receipt = deliver(channel, message)
        assert channel.capabilities.delete
        for number in range(2):
            key = f"kill-{number}"
            done = run(channel, lambda key=key: channel.withdraw(message, message.recipients[0], key, receipt))  # type: ignore[misc]
            assert done.detail == "withdrawn"
            assert not server.posts


@pytest.mark.parametrize("name", EDITS)
def test_a_correction_changes_the_post(
    name: str,
    make_channel: MakeChannel,
    sample: Release,
    make_release: Callable[..., Release],
    kit: Kit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with CASES[name].server() as server:
        channel = _connected(name, server, make_channel, monkeypatch)
        message = channel.render(sample, kit)[0]
        receipt = deliver(channel, message)
        new = channel.render(make_release(headline="Corrected: opens on 19 March", short_headline=None), kit)[0]
        assert channel.capabilities.edit
        for number in range(2):  # the answer to the first was lost, perhaps
            key = f"edit-{number}"
            done = run(channel, lambda key=key: channel.amend(new, new.recipients[0], key, receipt))  # type: ignore[misc]
            assert done.id == receipt.id
        (post,) = server.posts.values()
        assert server.read(post) == new.text
        another = _connected(name, server, make_channel, monkeypatch, corrections="post")
        assert not another.capabilities.edit


def _connected(
    name: str, server: networks.Network, make_channel: MakeChannel, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> Channel:
    case = CASES[name]
    monkeypatch.setenv("SECRET_FOR_TESTS", server.secret)
    where = {case.address: server.url} if case.address else {}
    given = {case.credential: {"env": "SECRET_FOR_TESTS"}, "private_network": True, **where, **case.more}
    return make_channel(case.channel, **{**given, **more})


def test_linkedin_s_sunset_names_the_way_out(
    make_channel: MakeChannel, sample: Release, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with networks.LinkedInServer() as server:
        channel = _connected("linkedin", server, make_channel, monkeypatch, media="none")
        monkeypatch.setattr(type(server), "version", "202701")
        message = channel.render(sample, kit)[0]
        with pytest.raises(Unauthorized, match=r"networks\.toml"):
            deliver(channel, message)


@pytest.mark.parametrize(
    ("name", "block", "named"),
    [
        ("linkedin", {"organization": "tidewater"}, "organization"),
        ("matrix", {"room": "#press:matrix.example"}, "room id"),
        ("slack", {"token": {"env": "T"}}, "channel's id"),
        ("x", {"token": {"env": "T"}, "client_id": "c"}, "one of the two"),
        ("x", {"api": "http://api.x.example"}, "https"),
        ("threads", {"media": "video"}, "media"),
    ],
)
def test_a_wrong_block_stops_the_start(make_channel: MakeChannel, name: str, block: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        make_channel(name, **block)


def test_copytext_knows_its_networks(make_channel: MakeChannel, sample: Release, kit: Kit) -> None:
    with pytest.raises(ConfigError, match="did you mean 'weibo'"):
        make_channel("copytext", for_network="weibbo").render(sample, kit)
    weibo = make_channel("copytext").render(sample, kit)[0]
    assert "#HarbourLine#" in weibo.text or weibo.dropped


def test_the_preview_draws_what_a_reader_meets(
    make_channel: MakeChannel, sample: Release, sample_folder: Path, kit: Kit
) -> None:
    names = {"x": {}, "linkedin": {}, "mastodon": {"media": "photos"}, "bluesky": {}, "threads": {}, "copytext": {}}
    channels = {name: make_channel(name, languages=["en"], **more) for name, more in names.items()}
    file = ReleaseFile(release=sample, path=sample_folder / "harbour-line.md", lines={}, digest="x")
    made = Press(templates=kit.templates, newsroom=kit.newsroom, networks=kit.networks).preview(
        file, channels, datetime(2030, 3, 1, tzinfo=UTC), pages=frozenset({"en"})
    )
    page = sheet.page(made, kit.templates)
    for words in (
        "$0.200, prices of 2026-08-22",
        "173 of 280 weighted characters",
        "527 of 3,000 characters as escaped",
        f'<span class="alt">ALT</span> {html.escape(sample.main.media[0].alt or "-").replace("&#x27;", "&#39;")}',
        "Readers see about the first 140 to 210 characters",
        "looked up, then decided (C)</dd>",
        "<dt>Afterwards</dt><dd>cannot be edited, can be deleted</dd>",
        "written to a file on this machine; what follows holds once it is live",
        "sent up to 15 minutes late, then held for a person",
        "<dt>Topic</dt><dd>HarbourLine</dd>",
        '<span class="live-hashtag folded" title="HarbourLine">#HarbourLine</span>',
        "a file of another kind than text",
    ):
        assert words in page, words
    assert page.count('<div class="linkcard"') == 4
    assert page.count("data:image/jpeg;base64,") >= 6
    assert "\0" not in page
    assert "<script" not in page


def test_photos_are_made_to_fit() -> None:
    def photo(size: tuple[int, int], kind: str = "JPEG", **options: Any) -> MediaFile:
        target = io.BytesIO()
        Image.effect_noise(size, 90).convert("RGB").save(target, kind, **options)
        return MediaFile(name=f"a.{kind.lower()}", content_type=f"image/{kind.lower()}", data=target.getvalue())

    def fitted(file: MediaFile, **more: Any) -> tuple[MediaFile, tuple[int, int]]:
        limits = {"kinds": ("image/jpeg",), "max_bytes": 10**7, "max_side": 4000, "max_pixels": 10**7}
        made = images.within(file, images.Recipe(**{**limits, **more}))
        assert made
        size = images.size(made)
        assert size
        return made, size

    small = photo((300, 200))
    assert fitted(small)[0] is small
    made, size = fitted(photo((300, 200), "PNG"))
    assert (made.name, made.content_type, size) == ("a.jpg", "image/jpeg", (300, 200))
    assert fitted(small, max_side=150)[1] == (150, 100)
    width, height = fitted(small, max_pixels=15_000)[1]
    assert width * height <= 15_000
    made, _ = fitted(photo((900, 600), quality=98), max_bytes=60_000)
    assert len(made.data) <= 60_000
    nothing = images.Recipe(kinds=("image/jpeg",), max_bytes=100, max_side=4000, max_pixels=10**7)
    assert images.within(small, nothing) is None
    text = MediaFile(name="a.jpg", content_type="image/jpeg", data=b"no photo")
    assert images.within(text, nothing) is None


def test_alt_texts_are_cut_between_words() -> None:
    words = short("A white ferry crosses the harbour at dawn", 20)
    assert words == "A white ferry…"
    assert short("A white ferry", 20) == "A white ferry"


def test_more_photos_than_a_post_has_room_for(
    make_channel: MakeChannel, sample: Release, make_release: Callable[..., Release], kit: Kit
) -> None:
    channel = make_channel("x", media="photos")
    (media,) = sample.main.media
    six = tuple(media.model_copy(update={"alt": f"Ferry {number}"}) for number in range(6))
    message = channel.render(make_release(media=six), kit)[0]
    assert [file.alt for file in message.media] == [f"Ferry {number}" for number in range(4)]
    assert [one.why for one in message.dropped] == ["a post has at most 4 photos"] * 2
    video = media.model_copy(update={"kind": "video"})
    assert channel.render(make_release(media=(video,)), kit)[0].media == ()
