"""WebSub: every changed feed is a ping of its own, and a hub's answer decides what happens next."""

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from distributor.contract import Channel, InDoubt, Kit, Receipt, Throttled, Unauthorized
from distributor.release import Release
from tests.servers.http import LoopbackServer, Received, Reply, lose, say


class Hub(LoopbackServer):
    def answer(self, request: Received) -> Reply:
        form = parse_qs(request.body.decode())
        ok = form["hub.mode"] == ["publish"] and form["hub.url"] == form["hub.topic"]
        return Reply(status=202 if ok else 400)


def ping(channel: Channel, release: Release, kit: Kit, number: int = 0) -> Receipt:
    async def work() -> Receipt:
        message = channel.render(release, kit)[0]
        try:
            return await channel.deliver(message, message.recipients[number], "k" * 32)
        finally:
            await channel.close()

    return asyncio.run(work())


def test_every_feed_that_changes_is_a_delivery(make_channel: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    english, chinese = make_channel("websub").render(sample, kit)
    topics = [recipient.address for recipient in english.recipients]
    assert topics[:4] == [
        f"https://newsroom.tidewater.example/{name}"
        for name in ("feed.xml", "feed.atom", "feed.json", "tag/harbourline/feed.xml")
    ]
    assert len(topics) == 8
    assert chinese.recipients[0].address == "https://newsroom.tidewater.example/feed.zh-hant.xml"


def test_a_ping_and_what_a_hub_may_answer(make_channel: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    with Hub() as hub:
        channel = make_channel("websub", hub=f"{hub.url}/hub", private_network=True)
        assert ping(channel, sample, kit).detail == "answered 202"
        hub.faults.append(say(Reply(status=503, headers={"Retry-After": "30"})))
        with pytest.raises(Throttled):
            ping(channel, sample, kit)
        hub.faults.append(lose)
        with pytest.raises(InDoubt):  # class A: sent again
            ping(channel, sample, kit)
        assert {request.path for request in hub.received} == {"/hub"}


def test_what_is_pinged_is_what_is_written(make_channel: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    rss = make_channel("rss")
    for message in rss.render(sample, kit):
        asyncio.run(rss.deliver(message, message.recipients[0], "k" * 32))
    for message in make_channel("websub").render(sample, kit):
        for recipient in message.recipients:
            from urllib.parse import unquote

            path = unquote(recipient.address).removeprefix("https://newsroom.tidewater.example/")
            assert (rss.places.public / path).is_file(), path


def test_a_hub_in_this_house_is_not_told(make_channel: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    with Hub() as hub:
        channel = make_channel("websub", hub=f"{hub.url}/hub")
        with pytest.raises(Unauthorized, match="is an address of a private network: nothing was sent there"):
            ping(channel, sample, kit)
        assert hub.received == []
