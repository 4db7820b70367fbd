"""The whole way in a real browser: write, preview, approve as another, schedule, watch it go. Also without scripts, and on a phone."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import sites
from tests.test_web_board import BLOCKS
from tests.web import PASSWORD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)"),
]


class Running:
    """The desk and the service as processes, and a browser."""

    def __init__(self, root: Path, base: str, first: str, browser: Any) -> None:
        self.root, self.base, self.first, self.browser = root, base, first, browser

    def page(self, **options: Any) -> Any:
        """A window of somebody's own; what goes wrong in it fails the test."""
        made = self.browser.new_context(**options).new_page()
        made.set_default_timeout(20_000)
        made.on("pageerror", lambda error: pytest.fail(f"script: {error}"))
        return made

    def sign_in(self, name: str, **options: Any) -> Any:
        made = self.page(**options)
        made.goto(f"{self.base}/signin")
        made.fill("#f-name", name)
        made.fill("#f-password", PASSWORD)
        made.click("main button")
        return made


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    from playwright.sync_api import sync_playwright

    root = sites.make(tmp_path / "site", BLOCKS)
    (root / "releases").mkdir()
    command = [sys.executable, "-m", "distributor", "--site", str(root)]
    env = {**os.environ, "PYTHONPATH": str(Path.cwd()), "PYTHONUNBUFFERED": "1"}
    desk = subprocess.Popen([*command, "desk", "--port", "0"], env=env, stdout=subprocess.PIPE, text=True)
    service = subprocess.Popen([*command, "run"], env=env, stdout=subprocess.DEVNULL)
    try:
        assert desk.stdout
        said = "".join(desk.stdout.readline() for _ in range(3))
        link = re.search(r"(http://[\d.:]+)(/first/\S+)", said)
        assert link, said
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            yield Running(root, link[1], link[1] + link[2], browser)
            browser.close()
    finally:
        for process in (desk, service):
            process.kill()
            process.wait()
        if desk.stdout:
            desk.stdout.close()


def begin(running: Running) -> Any:
    """The first admin, and an approver and an author, who choose their passwords by their links."""
    admin = running.page()
    admin.goto(running.first)
    for field, text in (("#f-name", "Mira"), ("#f-password", PASSWORD), ("#f-again", PASSWORD)):
        admin.fill(field, text)
    admin.click("main button")
    for name, role in (("Wan", "approver"), ("Ada", "author")):
        admin.goto(f"{running.base}/people")
        admin.fill("#f-name", name)
        admin.select_option("#f-role", role)
        admin.click("main button:has-text('Add')")
        other = running.page()
        other.goto(admin.locator("#link").inner_text().strip())
        other.fill("#f-password", PASSWORD)
        other.fill("#f-again", PASSWORD)
        other.click("main button")
        other.wait_for_url(lambda url: "/first/" not in url)
    return admin


def write(running: Running, author: Any, seconds: float) -> str:
    """A release as an author types it."""
    author.goto(f"{running.base}/releases/new")
    author.fill("#f-headline", "Three piers reopen after the storm")
    author.click("main button")
    lift = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    text = sites.RELEASE.format(lift=lift).replace("Three piers reopen\n", "Three piers reopen after the storm\n", 1)
    author.locator("textarea.source").first.fill(text.replace("id: three-piers", "id: three-piers-reopen"))
    return str(author.url).rpartition("/")[2]


def test_from_the_first_word_to_the_last_delivery(running: Running) -> None:
    admin = begin(running)
    author = running.sign_in("Ada")
    name = write(running, author, 75)
    author.locator("#live >> text=Three piers reopen after the storm").first.wait_for(state="attached")
    author.click("button:has-text('Save and preview')")
    author.wait_for_url(f"**/r/{name}/preview")
    author.goto(f"{running.base}/r/{name}/approve")
    author.locator("text=Nobody approved these bytes yet.").wait_for()
    assert author.locator("button:has-text('Approve these bytes')").count() == 0
    admin.goto(f"{running.base}/r/{name}/approve")
    admin.click("button:has-text('Approve these bytes')")
    admin.locator("text=Approved by Mira").wait_for()
    boss = running.sign_in("Wan")
    boss.goto(f"{running.base}/r/{name}/schedule")
    boss.click("button:has-text('Seal and schedule')")
    boss.wait_for_url("**/board/three-piers-reopen")
    assert boss.locator("[data-countdown]").first.inner_text().startswith("−")
    boss.locator("[data-events] >> text=3 / 3").wait_for(timeout=100_000)  # nobody loads the page again
    boss.reload()
    boss.locator("td .is-delivered").nth(2).wait_for()
    boss.click("a:has-text('Report')")
    boss.locator("td:has-text('delivered')").nth(1).wait_for()
    with boss.expect_download() as saved:
        boss.click("a:has-text('CSV')")
    assert Path(saved.value.path()).read_text().count("delivered") == 3


def test_words_typed_before_the_script_came_are_seen_and_kept(running: Running) -> None:
    """Found by a slow machine: the page is there, somebody types, and only then the script begins to listen."""
    admin = begin(running)
    late: list[Any] = []
    admin.route("**/edit.js*", lambda route: late.extend([route]))
    name = write(running, admin, 3600)
    assert late, "the script was not asked for"
    late[0].continue_()
    admin.locator("#live >> text=Three piers reopen after the storm").first.wait_for(state="attached")
    admin.wait_for_function("place => place.textContent === place.dataset.kept", arg=admin.query_selector("#state"))
    (kept,) = (running.root / "var" / "drafts").glob(f"{name}.*")
    assert "id: three-piers-reopen" in kept.read_text()


def test_it_works_without_scripts(running: Running) -> None:
    begin(running)
    author = running.sign_in("Ada", java_script_enabled=False)
    name = write(running, author, 3600)
    author.click("button:has-text('Save and preview')")
    author.locator("h1:has-text('Three piers reopen after the storm')").wait_for()
    author.goto(f"{running.base}/releases?q=storm")
    author.locator(f"a[href='/r/{name}/preview']").wait_for()


def test_a_phone_shows_every_page_whole(running: Running) -> None:
    admin = begin(running)
    write(running, admin, 3600)
    admin.click("button:has-text('Save'):not(:has-text('preview'))")
    admin.set_viewport_size({"width": 375, "height": 800})
    for path in ("/releases", "/r/three-piers-reopen-after-the-storm", "/r/three-piers-reopen-after-the-storm/preview",
                 "/r/three-piers-reopen-after-the-storm/schedule", "/r/three-piers-reopen-after-the-storm/approve", "/people", "/audit", "/account", "/releases/new", "/releases/import", "/board"):  # fmt: skip
        admin.goto(f"{running.base}{path}")
        assert admin.evaluate("document.documentElement.scrollWidth") <= 375, path


def test_a_lost_connection_loses_no_word(running: Running) -> None:
    admin = begin(running)
    name = write(running, admin, 3600)
    admin.click("button:has-text('Save'):not(:has-text('preview'))")
    admin.context.set_offline(True)
    area = admin.locator("textarea.source").first
    area.focus()
    admin.keyboard.press("Control+End")
    admin.keyboard.type("Typed without a connection.")
    admin.locator("#offline:visible").wait_for()
    with admin.expect_response("**/autosave", timeout=30_000) as answered:
        admin.context.set_offline(False)
    assert answered.value.ok
    admin.locator("#offline").wait_for(state="hidden")
    again = running.sign_in("Mira")
    again.goto(f"{running.base}/r/{name}")
    assert "Typed without a connection." in again.locator("textarea.source").first.input_value()
