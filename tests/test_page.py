"""What needs its public page waits for it: never before it answers 200, at once when it does, and not after a cancel."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from distributor.outbox.page import NoPage, Pages
from tests import sites
from tests.scheduled import LIFT, Scheduled
from tests.servers.http import LoopbackServer, Received, Reply


class Website(LoopbackServer):
    """The newsroom's public side."""

    def __init__(self, *, there: bool = False, after: int = 0) -> None:
        super().__init__()
        self.there = there
        self.after = after  #: the page is there from this question on
        self.asked = 0

    def answer(self, request: Received) -> Reply:
        if request.path == "/round":
            return Reply(status=301, headers={"Location": "/round"})
        if request.path.endswith("/"):
            self.asked += 1
            self.there = self.there or self.asked == self.after
            return Reply(status=200 if self.there else 404)
        return Reply(status=301, headers={"Location": f"{request.path}/"})


def scheduled(root: Path, website: Website, **keys: object) -> Scheduled:
    newsroom = f'[newsroom]\nurl = "{website.url}"\npage_url = "{website.url}/news/{{id}}"\n'
    site = Scheduled(root, newsroom + sites.box(root, live=True, **keys))
    site.clock.set(LIFT)
    return site


@pytest.mark.usefixtures("asks_once")
def test_a_post_waits_for_its_page_and_can_be_canceled_meanwhile(tmp_path: Path) -> None:
    with Website() as website:
        site = scheduled(tmp_path / "one", website, wait_for_page=True)
        other = scheduled(tmp_path / "two", website, wait_for_page=True)
        for waiting in (site, other):
            waiting.drain()
            assert waiting.states() == {"box public/en": "retrying"}
            assert f"waits for its page: {website.url}/news/three-piers " in (waiting.rows()[0].reason or "")
        other.desk.cancel("three-piers")
        website.there = True
        for waiting in (site, other):
            waiting.clock.step(timedelta(seconds=2))  # soon, not after the long pauses of a server that is down
            waiting.drain()
        assert site.states() == {"box public/en": "delivered"}
        assert other.states() == {"box public/en": "canceled"}
        assert len(sites.log(site.root)) == 1
        assert sites.log(other.root, word="begin") == []


def test_what_needs_no_page_does_not_ask(tmp_path: Path) -> None:
    with Website() as website:
        site = scheduled(tmp_path, website)
        site.drain()
        assert site.states() == {"box public/en": "delivered"}
        assert website.received == []


def test_the_preview_says_that_it_waits(tmp_path: Path) -> None:
    with Website() as website:
        site = scheduled(tmp_path, website, wait_for_page=True)
        [shown] = site.desk.preview(sites.release(site.root, LIFT + timedelta(hours=1), name="later")).rendered
    assert (shown.message.page, shown.message.page_within) == (f"{website.url}/news/later", 600)


def test_a_page_that_never_lets_us_in_holds_up_nothing_for_long(tmp_path: Path) -> None:
    with Website() as website:
        site = scheduled(tmp_path, website, wait_for_page=True)
        site.drain()
        site.clock.set(LIFT + timedelta(minutes=9, seconds=50))
        site.drain()
        assert site.states() == {"box public/en": "retrying"}
        site.clock.set(LIFT + timedelta(minutes=12))
        site.drain()
        assert site.states() == {"box public/en": "delivered"}
        assert f"its page {website.url}/news/three-piers " in (site.rows()[0].reason or "")


def test_our_own_page_is_waited_for_as_long_as_it_may_be_late(tmp_path: Path) -> None:
    with Website() as website:
        blocks = f'[newsroom]\nurl = "{website.url}"\n[channels.newsroom]\ntype = "newsroom"\n'
        site = Scheduled(tmp_path, blocks + sites.box(tmp_path, live=True, wait_for_page=True))
        for late in (timedelta(), timedelta(minutes=12)):
            site.clock.set(LIFT + late)
            site.drain()
            assert site.states()["box public/en"] == "retrying"
        website.there = True
        site.clock.step(timedelta(minutes=2))
        site.drain()
        assert site.states()["box public/en"] == "delivered"


def test_a_page_that_nobody_makes_is_not_waited_for(tmp_path: Path) -> None:
    with Website() as website:
        blocks = f'[newsroom]\nurl = "{website.url}"\n'
        site = Scheduled(tmp_path, blocks + sites.box(tmp_path, live=True, wait_for_page=True))
        site.clock.set(LIFT)
        site.drain()
        assert site.states() == {"box public/en": "delivered"}
        assert website.received == []


def test_a_page_that_comes_within_a_second_is_waited_for() -> None:
    async def work(website: Website) -> None:
        pages = Pages(patience=30)  # the page comes with the third question, whenever that is
        await asyncio.gather(*(pages.wait(f"{website.url}/piers") for _ in range(50)))
        await pages.close()

    with Website(after=3) as website:
        asyncio.run(work(website))
        assert [one.path for one in website.received] == ["/piers", "/piers/"] * 3  # fifty waited for one answer


@pytest.mark.usefixtures("asks_once")
@pytest.mark.parametrize("path", ["/round", "/gone"])
def test_a_page_that_never_comes(path: str) -> None:
    async def work(url: str) -> None:
        pages = Pages()
        try:
            await pages.wait(url + path)
        finally:
            await pages.close()

    with Website() as website:
        with pytest.raises(NoPage, match="nothing was sent"):
            asyncio.run(work(website.url))
        url = website.url
    with pytest.raises(NoPage, match="no connection"):
        asyncio.run(work(url))
