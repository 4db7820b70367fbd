"""Every page of the desk judged by axe-core for WCAG 2.2 AA, in light and dark, and whole at 375 px: on a site that is full."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.routing import Route

from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.site import Site
from distributor.web import people
from distributor.web.app import app, close
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import drain, outbox
from tests.test_web_browser import CHROMIUM
from tests.web import HASH

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(500),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)"),
]
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
LONG = "Harbour Board names the day on which all of its piers reopen and says what passengers have to know about " * 3
CHINESE = "海港局宣布各碼頭重開日期，並說明乘客須知事項，" * 9
NOW = datetime.now(UTC)
#: Every page by its route; what is no page is in ASIDE.
PAGES = {
    "/releases": ["/releases", "/releases?q=nothing+fits"],
    "/releases/new": ["/releases/new"],
    "/releases/import": ["/releases/import"],
    "/r/{name}": ["/r/full", "/r/broken"],
    "/r/{name}/photos": ["/r/full/photos"],
    "/r/{name}/channels": ["/r/full/channels"],
    "/r/{name}/preview": [
        "/r/full/preview", "/r/full/preview?view=dark&channel=mail", "/r/full/preview?view=source&channel=rss",
        "/r/full/preview?view=text&channel=mail", "/r/broken/preview",
    ],
    "/r/{name}/signoff.html": ["/r/full/signoff.html"],
    "/r/{name}/approve": ["/r/full/approve", "/r/done/approve"],
    "/r/{name}/schedule": ["/r/full/schedule", "/r/done/schedule", "/r/full/schedule?at=tomorrow"],
    "/calendar": ["/calendar", "/calendar?view=week", "/calendar?view=agenda"],
    "/calendar/move": ["/calendar/move?release=coming&at=%2B2d", "/calendar/move?release=draft:full"],
    "/board": ["/board"],
    "/board/{release_id}/replace": ["/board/coming/replace"],
    "/board/{release_id}": ["/board/done", "/board/coming", "/board/gone", "/board/done?state=delivered"],
    "/report/{release_id}": ["/report/done", "/report/gone"],
    "/people": ["/people"],
    "/audit": ["/audit"],
    "/account": ["/account"],
    "/account/totp": ["/account/totp"],
    "/nowhere": ["/nowhere"],
}  # fmt: skip
ASIDE = {
    "/", "/static/{name}", "/signin", "/first/{token}", "/releases/findings/{name}", "/r/{name}/photos/file/{file}",
    "/r/{name}/photos/file/{file:path}", "/r/{name}/preview/frame/{channel}/{lang}", "/r/{name}/preview/picture/{sha256}",
    "/report/{release_id}.csv", "/events/board/{release_id}", "/calendar/feed/{secret}.ics",
}  # fmt: skip


class Full:
    """A site with forty channels, five thousand deliveries, long headlines in two scripts, and everything that can go wrong."""

    def __init__(self, folder: Path) -> None:
        faults = {3: "refused", 5: "in-doubt", 7: "unavailable"}
        boxes = [
            sites.box(folder, f"box{n}", to=[f"r{n}-{i}@press.example" for i in range(130)], fault=faults.get(n, ""))
            for n in range(38)
        ]
        mail = (
            '[channels.mail]\ntype = "email"\nsender = "Press <press@lam.example>"\nto = ["Wan <wan@post.example>"]\n'
        )
        self.root = sites.make(
            folder, "".join(boxes) + mail + '[channels.rss]\ntype = "rss"\nlanguages = ["en", "zh-Hant"]\n'
        )
        self.releases = self.root / "releases"
        self.releases.mkdir()
        self.clock = FakeClock(NOW - timedelta(hours=3))
        for name, hours in (("done", -2), ("gone", -1), ("coming", 50)):
            path = self.write(name, NOW + timedelta(hours=hours))
            self.desk.schedule(path)
        for hours in (-2, -1):
            self.clock.set(NOW + timedelta(hours=hours))
            drain(self.desk, lambda ledger: outbox(self.desk, ledger, self.clock, []))
        self.desk.kill("gone")
        self.write("full", NOW + timedelta(hours=51))
        Image.new("RGB", (640, 400), "teal").save(self.releases / "pier.jpg")
        (self.releases / "broken.md").write_text("---\nheadline: [x\nembargoed_until: soon\n---\nText.\n")

    @property
    def desk(self) -> Desk:
        return Desk(site=Site(self.root), clock=self.clock, who="mira")

    def write(self, name: str, lift: datetime) -> Path:
        path = sites.release(self.releases, lift.replace(microsecond=0), name)
        text = path.read_text().replace("headline: Three piers reopen\n", f"headline: {LONG.strip()}\n")
        path.write_text(text.replace("summary:", "hashtags: [Harbour, Piers]\nsummary:", 1))
        words = f"---\nlang: zh-Hant\nheadline: {CHINESE}\nsummary: {CHINESE}\n---\n{CHINESE}\n"
        (self.releases / f"{name}.zh-Hant.md").write_text(words)
        return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Any]]:
    """The desk's address, an admin's cookie, and the application, served by a thread."""
    import threading

    import uvicorn

    from distributor.cli import listening

    full = Full(tmp_path_factory.mktemp("full") / "site")
    listener = listening.listener("127.0.0.1", 0)
    base = listening.address("127.0.0.1", listener)
    made = app(Site(full.root), SystemClock(), base=base)
    made.state.house.people.add("mira", "admin", lang="en", zone="Asia/Hong_Kong", now=NOW, password=HASH)
    cookie = people.begin(made.state.house.people, "mira", address="", now=NOW)
    server = uvicorn.Server(uvicorn.Config(made, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    yield base, cookie, made
    server.should_exit = True
    thread.join()
    close(made)


def test_every_page_is_judged(served: tuple[str, str, Any]) -> None:
    _, _, made = served
    routes = {
        route.path
        for route in made.routes
        if isinstance(route, Route) and "GET" in (route.methods or {"GET"}) and not route.path.startswith("/api/")
    }
    assert routes - ASIDE - PAGES.keys() == set()


@pytest.mark.parametrize(
    ("scheme", "width", "lang"),
    [("light", 1280, "en"), ("dark", 1280, "zh-Hant"), ("light", 375, "en"), ("dark", 375, "zh-Hant")],
)
def test_no_page_is_in_the_way_of_anybody(served: tuple[str, str, Any], scheme: str, width: int, lang: str) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    base, cookie, made = served
    made.state.house.people.change("mira", lang=lang)
    wrong: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        size = {"width": width, "height": 900}
        context = browser.new_context(color_scheme=scheme, viewport=size, reduced_motion="reduce")  # type: ignore[arg-type]
        context.add_cookies([{"name": people.cookie(secure=False), "value": cookie, "url": base}])
        page = context.new_page()
        for path in (path for paths in PAGES.values() for path in paths):
            answer = page.goto(f"{base}{path}", wait_until="load")
            assert answer
            assert answer.status != 500, path
            assert "/signin" not in page.url, path
            found = Axe().run(page, options=RULES).response["violations"]
            wrong += [f"{path}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]
            wide = page.evaluate("document.documentElement.scrollWidth")
            wrong += [f"{path}: {wide} px wide"] if wide > width else []
        context.clear_cookies()
        page.goto(f"{base}/signin")
        wrong += [f"/signin: {one['id']}" for one in Axe().run(page, options=RULES).response["violations"]]
        browser.close()
    assert not wrong, "\n".join(wrong)
