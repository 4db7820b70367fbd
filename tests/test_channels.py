"""The contract, for every channel that the shipped config has: a new channel passes this before anything else."""

import asyncio
import dataclasses
import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from distributor import seal, settings, site
from distributor.contract import ByHand, Channel, Finding, Idempotency, Kit, Message, Outcome, Recipient, Unavailable
from distributor.release import Release
from tests.conftest import at

NAMES = sorted(settings.load(site.Site(None)).channels)
MakeRelease = Callable[..., Release]
ATTACK = "\"><script>alert(1)</script><img src=x onerror=alert(2)> ' {{ 7*7 }} {% raise %} ]]> &amp; %0d%0a"


@pytest.fixture(params=NAMES)
def channel(request: pytest.FixtureRequest, make_channel: Callable[..., Channel]) -> Channel:
    return make_channel(request.param)


def copies(channel: Channel, release: Release, kit: Kit) -> Iterator[tuple[Message, Recipient]]:
    for message in channel.render(release, kit):
        for recipient in message.recipients:
            yield message, recipient


def tree(*folders: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for folder in folders for p in sorted(folder.rglob("*")) if p.is_file()}


def deliver(channel: Channel, message: Message, recipient: Recipient, key: str) -> Any:
    async def work() -> Any:
        try:
            return await channel.deliver(message, recipient, key)
        except ByHand as task:  # what a person posts is laid out
            return task.receipt
        finally:
            await channel.close()

    return asyncio.run(work())


def test_it_renders_something_for_somebody(channel: Channel, sample: Release, kit: Kit) -> None:
    messages = channel.render(sample, kit)
    assert messages
    for message in messages:
        assert message.channel == channel.name
        assert message.type == channel.TYPE
        assert message.content
        assert message.title
        assert message.text
        assert message.recipients
        assert re.fullmatch(r"[\w.-]+", message.filename)


def test_rendered_twice_it_is_the_same(channel: Channel, sample: Release, kit: Kit) -> None:
    assert list(channel.render(sample, kit)) == list(channel.render(sample, kit))
    for message, recipient in copies(channel, sample, kit):
        assert channel.compose(message, recipient) == channel.compose(message, recipient)


def test_recipients_are_distinct(channel: Channel, sample: Release, kit: Kit) -> None:
    addresses = [recipient.address for _, recipient in copies(channel, sample, kit)]
    assert len(set(addresses)) == len(addresses)


def test_the_sample_passes_its_checks(channel: Channel, sample: Release, kit: Kit) -> None:
    for message in channel.render(sample, kit):
        for finding in channel.check(message):
            assert isinstance(finding, Finding)
            assert finding.severity != "error", finding
            assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", finding.code)


def test_no_count_is_over_its_limit(channel: Channel, sample: Release, kit: Kit) -> None:
    assert not [count for message in channel.render(sample, kit) for count in message.counts if count.over]


def test_entities_lie_in_the_text(channel: Channel, sample: Release, kit: Kit) -> None:
    for message in channel.render(sample, kit):
        end = 0
        for entity in sorted(message.entities, key=lambda one: one.start):
            assert end <= entity.start < entity.end <= len(message.text)
            end = entity.end


def test_rendering_writes_nothing(channel: Channel, sample: Release, kit: Kit) -> None:
    for message in channel.render(sample, kit):
        list(channel.check(message))
        channel.exhibits(message)
    assert tree(channel.places.public, channel.places.outbox, channel.places.state) == {}


def test_sealed_and_loaded_it_sends_the_same_bytes(channel: Channel, sample: Release, kit: Kit) -> None:
    for message, recipient in copies(channel, sample, kit):
        frozen = seal.dump(message)
        thawed = seal.load(frozen.body, frozen.artefacts)
        assert channel.compose(thawed, recipient) == channel.compose(message, recipient)
        assert dataclasses.replace(thawed, recipients=()) == dataclasses.replace(message, recipients=())


def test_what_was_sealed_needs_neither_release_nor_kit(channel: Channel, sample: Release, kit: Kit) -> None:
    for message, recipient in copies(channel, sample, kit):
        frozen = seal.dump(message)
        receipt = deliver(channel, seal.load(frozen.body, frozen.artefacts), recipient, "k" * 32)
        assert receipt.id


def test_delivered_here_it_can_be_read_back(channel: Channel, sample: Release, kit: Kit) -> None:
    for number, (message, recipient) in enumerate(copies(channel, sample, kit)):
        receipt = deliver(channel, message, recipient, f"{number:032}")
        assert channel.read_back(receipt) == channel.compose(message, recipient)


def test_the_same_key_twice_is_one_delivery(channel: Channel, sample: Release, kit: Kit) -> None:
    by_hand = channel.TYPE == "copytext"  # a person posts it: never again on its own
    assert channel.capabilities.idempotency is (Idempotency.D if by_hand else Idempotency.A)  # everything local is A
    message, recipient = next(copies(channel, sample, kit))
    first = deliver(channel, message, recipient, "k" * 32)
    before = tree(channel.places.public, channel.places.outbox)
    assert deliver(channel, message, recipient, "k" * 32) == first
    assert tree(channel.places.public, channel.places.outbox) == before


def test_other_keys_are_other_deliveries(channel: Channel, sample: Release, kit: Kit) -> None:
    if channel.TYPE in ("rss", "newsroom"):
        pytest.skip("a feed or a newsroom shows a release once, whatever the key")
    message, recipient = next(copies(channel, sample, kit))
    deliver(channel, message, recipient, "a" * 32)
    files = len(tree(channel.places.outbox))
    deliver(channel, message, recipient, "b" * 32)
    assert len(tree(channel.places.outbox)) == 2 * files > 0


def test_a_full_disk_is_unavailable(
    channel: Channel, sample: Release, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    message, recipient = next(copies(channel, sample, kit))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left") as error:
        deliver(channel, message, recipient, "k" * 32)
    assert error.value.outcome is Outcome.unavailable
    monkeypatch.undo()
    assert not [name for name in tree(channel.places.public, channel.places.outbox) if "lock" not in name]
    assert deliver(channel, message, recipient, "k" * 32).id


def test_markup_and_template_code_stay_text(channel: Channel, make_release: MakeRelease, kit: Kit) -> None:
    """The reader refuses markup; a release that came another way is escaped all the same."""
    release = make_release(
        headline=f"Piers {ATTACK}", short_headline=None, summary=ATTACK, boilerplate=ATTACK, disclaimer=ATTACK
    )
    release = release.model_copy(update={"issuer": release.issuer.model_copy(update={"name": ATTACK})})
    for message in channel.render(release, kit):
        assert "<script>alert(1)" not in message.html
        assert "<img src=x" not in message.html
        assert "49" not in message.title
        assert "{{ 7*7 }}" in html.unescape(message.title) or len(message.title) < len(ATTACK)


def test_the_lift_decides_the_bytes_of_time_only(channel: Channel, sample: Release, kit: Kit) -> None:
    later = at(kit, kit.lift + timedelta(days=1))
    for one, two in zip(channel.render(sample, kit), channel.render(sample, later), strict=True):
        assert one.title == two.title
        assert one.recipients == two.recipients


def test_an_empty_body_and_no_media_still_render(channel: Channel, make_release: MakeRelease, kit: Kit) -> None:
    bare = make_release(
        body="", media=(), hashtags=(), summary=None, subheadline=None, boilerplate=None, disclaimer=None, dateline=None
    )
    unbound = dataclasses.replace(channel, languages=())
    assert unbound.render(bare.model_copy(update={"contacts": ()}), kit)


@pytest.mark.parametrize("lang", ["ar", "he", "ja", "zh-Hans", "hi", "th"])
def test_every_script(channel: Channel, make_release: MakeRelease, kit: Kit, lang: str) -> None:
    words = {
        "ar": "شركة العبّارات تفتتح خطًا جديدًا",
        "he": "חברת המעבורות פותחת קו חדש",
        "ja": "フェリー会社が新航路を開設",
        "zh-Hans": "渡轮公司开辟新航线",
        "hi": "नौका कंपनी ने नया मार्ग खोला",
        "th": "บริษัทเรือข้ามฟากเปิดเส้นทางใหม่",
    }
    release = make_release(lang=lang, headline=words[lang], short_headline=None, hashtags=(), summary=words[lang] * 3)
    changed = dataclasses.replace(channel, languages=())
    for message in changed.render(release, kit):
        assert message.lang == lang
        assert words[lang] in message.title


def test_a_destination_names_no_secret(
    channel: Channel, make_channel: Callable[..., Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_SECRET", "hunter2-very-secret")
    keys = {field.name for field in dataclasses.fields(channel)} & {"token", "password", "webhook"}
    extra: dict[str, Any] = {key: {"env": "THE_SECRET"} for key in keys}
    if channel.TYPE == "email":
        extra["smtp"] = "smtp://press@mail.example:587"
    if channel.TYPE == "slack":
        extra["channel"] = "C0123456789"
    live = make_channel(channel.name, **extra)
    assert "hunter2" not in repr(live) + repr(live.destination)
    if keys:
        assert live.destination.live
        monkeypatch.delenv("THE_SECRET")
        assert "THE_SECRET" in str(live.destination.missing)
