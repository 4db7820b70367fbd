"""The whole way in a real browser: write, preview, approve as another, schedule, watch it go. Also without scripts, and on a phone."""

import os
import re
import shutil
import subprocess
import sys
import time
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


HEADLINE = "Three piers reopen after the storm"
PASTED = f"""{HEADLINE}

HONG KONG, 1 March 2030 – Three piers reopen today, the Harbour Board said.

Media contact: Wan, press@harbour.example
"""


class Running:
    """The desk and the service as processes, and a browser."""

    def __init__(self, root: Path) -> None:
        self.root, self.base, self.first = root, "", ""
        self.browser: Any = None
        self.command = [sys.executable, "-m", "distributor", "--site", str(root)]
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command of ours beside this test."""
        env = {**os.environ, "PYTHONPATH": str(Path.cwd()), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen([*self.command, *words], env=env, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def open(self) -> None:
        """The desk, anywhere, with its link for the first admin."""
        process = self.start("desk", "--port", "0")
        assert process.stdout
        said = "".join(process.stdout.readline() for _ in range(3))
        link = re.search(r"(http://[\d.:]+)(/first/\S+)", said)
        assert link, said
        self.base, self.first = link[1], link[1] + link[2]

    def end(self) -> None:
        """Nothing that this test began goes on."""
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def restart(self) -> None:
        """The desk ends at once and comes back at the same place a moment later."""
        self.processes[0].kill()
        self.processes[0].wait()
        time.sleep(1)
        process = self.start("desk", "--port", self.base.rpartition(":")[2])
        assert process.stdout
        assert "the desk is at" in process.stdout.readline()

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
    made = Running(root)
    try:
        made.open()
        with sync_playwright() as play:
            made.browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            yield made
            made.browser.close()
    finally:
        made.end()


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


def typed(author: Any, lift: datetime) -> str:
    """The text of the sample as an author types it; the name of its file."""
    text = sites.RELEASE.format(lift=lift.isoformat(timespec="seconds"))
    text = text.replace("Three piers reopen\n", f"{HEADLINE}\n", 1)
    author.locator("textarea.source").first.fill(text.replace("id: three-piers", "id: three-piers-reopen"))
    return str(author.url).rpartition("/")[2]


def write(running: Running, author: Any, seconds: float) -> str:
    """A release of one's own."""
    author.goto(f"{running.base}/releases/new")
    author.fill("#f-headline", HEADLINE)
    author.click("main button")
    return typed(author, datetime.now(UTC) + timedelta(seconds=seconds))


def test_from_the_first_word_to_the_last_delivery(running: Running) -> None:
    running.start("run")
    admin = begin(running)
    author = running.sign_in("Ada")
    author.goto(f"{running.base}/releases/import")
    author.fill("textarea", PASTED)
    author.click("main form button")
    author.click("text=Go on writing")
    name = typed(author, datetime.now(UTC) + timedelta(seconds=75))
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
    assert boss.locator("[data-countdown]").first.inner_text().startswith("in ")
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
                 "/r/three-piers-reopen-after-the-storm/schedule", "/r/three-piers-reopen-after-the-storm/approve", "/people", "/audit", "/account", "/releases/new", "/releases/import", "/board",
                 "/r/three-piers-reopen-after-the-storm/channels", "/calendar", "/calendar?view=week", "/calendar?view=agenda",
                 "/calendar/move?release=draft:three-piers-reopen-after-the-storm"):  # fmt: skip
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


SAVE = "button:has-text('Save'):not(:has-text('preview'))"


def drafted(running: Running) -> tuple[Any, str]:
    """A saved release, open in the editor."""
    admin = begin(running)
    name = write(running, admin, 3600)
    admin.click(SAVE)
    admin.locator("text=Saved.").wait_for()
    return admin, name


def type_on(page: Any, words: str) -> None:
    page.locator("textarea.source").first.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(words)


def test_a_session_that_ends_while_somebody_writes_loses_no_word(running: Running) -> None:
    admin, name = drafted(running)
    other = admin.context.new_page()
    other.goto(f"{running.base}/account")
    other.click("text=Sign out")
    type_on(admin, "Typed without a session.")
    admin.locator("#signedout:visible").wait_for()
    assert admin.locator("#offline").is_hidden()
    assert not list((running.root / "var" / "drafts").glob(f"{name}.*"))
    with admin.context.expect_page() as opened:
        admin.click("#signedout a")
    again = opened.value
    for field, text in (("#f-name", "Mira"), ("#f-password", PASSWORD)):
        again.fill(field, text)
    again.click("main button")
    admin.locator("#signedout").wait_for(state="hidden")
    (kept,) = (running.root / "var" / "drafts").glob(f"{name}.*")
    assert "Typed without a session." in kept.read_text()
    admin.click(SAVE)
    admin.locator("text=Saved.").wait_for()
    assert "Typed without a session." in (running.root / "releases" / f"{name}.md").read_text()


def test_what_was_typed_when_the_desk_was_killed_is_offered_by_the_browser(running: Running) -> None:
    admin, name = drafted(running)
    running.processes[0].kill()
    running.processes[0].wait()
    type_on(admin, "Typed into nothing.")
    with admin.expect_event("requestfailed", lambda request: request.is_navigation_request()):
        admin.evaluate("document.getElementById('edit').requestSubmit()")
    running.restart()
    admin.goto(f"{running.base}/r/{name}")
    admin.locator("#net:visible").wait_for()
    assert "Typed into nothing." not in admin.locator("textarea.source").first.input_value()
    admin.click("#net [data-take]")
    assert "Typed into nothing." in admin.locator("textarea.source").first.input_value()
    assert admin.locator("#net").is_hidden()
    admin.click(SAVE)
    admin.locator("text=Saved.").wait_for()
    assert "Typed into nothing." in (running.root / "releases" / f"{name}.md").read_text()
    admin.goto(f"{running.base}/r/{name}")
    assert admin.locator("#net").is_hidden()
    assert admin.evaluate("Object.keys(localStorage).filter(key => key.startsWith('desk/'))") == []


def test_who_writes_alone_is_alone_after_a_save(running: Running) -> None:
    admin, _name = drafted(running)
    for number in range(3):
        type_on(admin, f" {number}")
        admin.fill("#f-headline\\.main", f"Typed in the moment before the save {number}")
        admin.click(SAVE)
        admin.wait_for_function(f"document.querySelector('h1').textContent.endsWith('{number}')")
        assert admin.locator("#presence").is_hidden()
        assert admin.locator("text=that was not saved").count() == 0
        assert admin.locator("#net").is_hidden()
    admin.reload()
    admin.locator("#presence").wait_for(state="hidden", timeout=5_000)


def test_a_half_typed_embargo_takes_nothing_away(running: Running) -> None:
    admin, _name = drafted(running)
    before = admin.locator("textarea.source").first.input_value()
    admin.focus("#f-wall")
    admin.keyboard.press("Delete")  # the month: the browser calls it empty now
    assert admin.input_value("#f-wall") == ""
    for place in ("#f-wall", "#f-zone"):
        with admin.expect_response("**/live"):
            admin.focus(place)
            admin.evaluate("document.getElementById('edit').dispatchEvent(new Event('input'))")
        admin.wait_for_timeout(200)
        assert admin.locator("textarea.source").first.input_value() == before
        assert admin.evaluate("document.getElementById('f-wall').validity.badInput")
    with admin.expect_response("**/live"):
        admin.check("[name=free]")
    admin.wait_for_function("!document.querySelector('textarea.source').value.includes('embargoed_until')")


def test_the_preview_holds_no_keyboard(running: Running) -> None:
    admin, _name = drafted(running)
    admin.locator("#live iframe").first.wait_for()
    places = []
    admin.locator("#live summary").first.focus()
    for _ in range(40):
        admin.keyboard.press("Tab")
        places.append(admin.evaluate("[document.activeElement.tagName, !!document.activeElement.closest('#live')]"))
        if not places[-1][1]:
            break
    assert places[-1][1] is False
    assert all(tag != "IFRAME" for tag, _ in places)
    assert len(places) <= admin.locator("#live a, #live summary").count() + 1


def test_two_who_write_the_same_line_see_both(running: Running) -> None:
    admin = begin(running)
    name = write(running, admin, 3600)
    admin.click("button:has-text('Save'):not(:has-text('preview'))")
    admin.locator("text=Saved.").wait_for()
    other = running.sign_in("Ada")
    other.goto(f"{running.base}/r/{name}")
    for page, words in ((admin, "The piers reopen at six."), (other, "The piers reopen at nine.")):
        area = page.locator("textarea.source").first
        area.fill(area.input_value().replace("The piers reopen.", words))
    admin.click("button:has-text('Save'):not(:has-text('preview'))")
    admin.locator("text=Saved.").wait_for()
    other.locator("#newer:visible").wait_for(timeout=30_000)
    other.click("button:has-text('Save'):not(:has-text('preview'))")
    other.locator("text=The piers reopen at six.").first.wait_for()
    assert "The piers reopen at nine." in other.locator("textarea").first.input_value()
    assert "at six" in (running.root / "releases" / f"{name}.md").read_text()


def test_the_board_comes_back_after_a_restart(running: Running) -> None:
    admin = begin(running)
    name = write(running, admin, 3600)
    admin.click("button:has-text('Save'):not(:has-text('preview'))")
    admin.locator("text=Saved.").wait_for()
    assert running.start("approve", str(running.root / "releases" / f"{name}.md")).wait() == 0  # somebody else
    admin.goto(f"{running.base}/r/{name}/schedule")
    admin.click("button:has-text('Seal and schedule')")
    admin.wait_for_url("**/board/three-piers-reopen")
    admin.locator("[data-events] >> text=2 planned").wait_for()
    running.restart()
    admin.locator("[data-lost]").wait_for(state="hidden")
    assert running.start("hold", "three-piers-reopen").wait() == 0
    admin.locator("[data-events] >> text=2 held").wait_for(timeout=30_000)  # nobody loads the page again


def test_a_release_is_dragged_to_another_day(running: Running) -> None:
    admin = begin(running)
    lift = datetime.now(UTC) + timedelta(days=3)
    admin.goto(f"{running.base}/releases/new")
    admin.fill("#f-headline", HEADLINE)
    admin.click("main button")
    name = typed(admin, lift)
    admin.click("button:has-text('Save'):not(:has-text('preview'))")
    admin.locator("text=Saved.").wait_for()
    admin.set_viewport_size({"width": 1280, "height": 1600})
    admin.goto(f"{running.base}/calendar?month={lift:%Y-%m}")
    days = [one.get_attribute("data-day") for one in admin.locator("td[data-day]").all()]
    day = next(one for one in reversed(days) if one != lift.date().isoformat())
    admin.locator(f"[data-release='draft:{name}']").drag_to(admin.locator(f"td[data-day='{day}']"))
    admin.wait_for_url("**/calendar/move?*")
    assert day not in (running.root / "releases" / f"{name}.md").read_text()
    admin.click("button:has-text('Move it')")
    admin.locator("text=It was moved.").wait_for()
    assert f"embargoed_until: {day} {lift:%H:%M}" in (running.root / "releases" / f"{name}.md").read_text()
