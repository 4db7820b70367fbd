"""Out before its embargo: refused by every way, unless somebody says why; then it is said how much earlier, everywhere."""

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text

from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.site import Site
from tests import sites
from tests.scheduled import LIFT, NOW, Scheduled
from tests.test_cli import Cli
from tests.web import Office, csrf

FAR = NOW + timedelta(days=1190, hours=3)
WHY = "The minister said it on the radio."


def spelled(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(sites.make(tmp_path / "site", sites.box(tmp_path / "site")), capsys)


@contextlib.contextmanager
def database(root: Path) -> Iterator[Connection]:
    """The ledger's database, behind the ledger's back."""
    engine = create_engine(sites.store or f"sqlite:///{root / 'var' / 'distributor.db'}")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def flat(words: str) -> str:
    return " ".join(words.split())


def test_moving_before_the_embargo_is_refused_and_says_how_much_earlier(cli: Cli) -> None:
    assert cli("schedule", str(sites.release(cli.root, FAR)))[0] == 0
    before = cli("status", "--json")[1]
    code, _, err = cli("reschedule", "three-piers", "--at", "+2s")
    assert (code, "1,190 days EARLIER" in err, "--break-embargo" in err) == (2, True, True)
    assert json.loads(cli("status", "--json")[1])["releases"] == json.loads(before)["releases"]
    assert cli("reschedule", "three-piers", "--at", "+2s", "--break-embargo", "  ")[0] == 2
    assert cli("reschedule", "three-piers", "--at", spelled(FAR + timedelta(days=1)), "--break-embargo", WHY)[0] == 2


def test_a_broken_embargo_is_shown_everywhere(cli: Cli) -> None:
    cli("schedule", str(sites.release(cli.root, FAR)))
    code, out, _ = cli("reschedule", "three-piers", "--at", "+2s", "--break-embargo", WHY)
    told = "1,190 days EARLIER. Reason: The minister said it on the radio."
    assert (code, told in flat(out)) == (0, True)
    for command in (("status",), ("verify", "three-piers"), ("report", "three-piers")):
        assert told in flat(cli(*command)[1]), command
    assert told in json.loads(cli("verify", "three-piers", "--json")[1])["remarks"][0]
    with database(cli.root) as connection:
        events = connection.execute(text("SELECT detail FROM event WHERE action = 'agree'")).scalars().all()
    assert any(told in one for one in events)
    # The embargo that was agreed stays the measure: a little later is still before it.
    assert cli("reschedule", "three-piers", "--at", "+1h")[0] == 2
    assert "1,190 days EARLIER" in flat(cli("reschedule", "three-piers", "--at", "+1h", "--break-embargo", WHY)[1])
    code, out, _ = cli("reschedule", "three-piers", "--at", spelled(FAR))
    assert (code, "EARLIER" in out) == (0, False)
    assert "EARLIER" not in cli("status")[1]


def test_scheduling_and_approving_before_the_embargo(cli: Cli) -> None:
    path = str(sites.release(cli.root, LIFT))
    for command in ("schedule", "approve"):
        code, _, err = cli(command, path, "--at", "+10m")
        assert (code, "3 days EARLIER" in err or "50 minutes EARLIER" in err) == (2, True), command
    assert cli("schedule", path, "--break-embargo", WHY)[0] == 2  # no time
    code, out, _ = cli("schedule", path, "--at", "+10m", "--break-embargo", WHY)
    assert (code, "50 minutes EARLIER" in flat(out)) == (0, True)
    page = cli.root / "sheet.html"
    cli("preview", path, "--at", "+10m", "--break-embargo", WHY, "--html", str(page))
    assert "50 minutes EARLIER" in page.read_text()


def test_editing_the_file_lets_nothing_out_earlier(cli: Cli) -> None:
    path = sites.release(cli.root, FAR)
    cli("schedule", str(path))
    early = sites.release(cli.root, LIFT)
    assert cli("schedule", str(early))[0] == 2
    cli("cancel", "three-piers")
    for changed in (sites.release(cli.root, LIFT), sites.release(cli.root, None)):
        code, _, err = cli("schedule", str(changed), "--at", spelled(LIFT))
        assert (code, "EARLIER" in err) == (2, True)
    code, out, _ = cli("schedule", str(sites.release(cli.root, LIFT)), "--break-embargo", WHY)
    assert (code, "1,190 days EARLIER" in flat(out)) == (0, True)


def test_a_correction_does_not_go_before_what_it_corrects(cli: Cli) -> None:
    cli("schedule", str(sites.release(cli.root, FAR)))
    second = {"id: three-piers": "id: three-piers\nversion: 2\ncorrects: {version: 1, class: C}"}
    code, _, err = cli("schedule", str(sites.release(cli.root, None, **second)), "--at", "now")
    assert (code, "1,190 days EARLIER" in err) == (2, True)


def test_what_has_no_embargo_moves_freely(cli: Cli) -> None:
    cli("schedule", str(sites.release(cli.root, None)), "--at", spelled(FAR))
    assert cli("reschedule", "three-piers", "--at", "+1h")[0] == 0


def test_four_eyes_approve_that_time_and_that_reason(tmp_path: Path) -> None:
    root = sites.make(tmp_path, sites.box(tmp_path) + "[policy]\nfour_eyes = true\n")
    from tests.conftest import FakeClock

    clock, path = FakeClock(NOW), sites.release(root, FAR)
    ann, bob = (Desk(site=Site(root), clock=clock, who=who) for who in ("ann", "bob"))
    ann.approve(ann.preview(path))
    bob.schedule(path)
    bob.break_embargo = ann.break_embargo = WHY
    with pytest.raises(ActionError, match="approved"):
        bob.reschedule("three-piers", LIFT)
    ann.approve(ann.moved("three-piers", LIFT))
    bob.break_embargo = "another reason"
    with pytest.raises(ActionError, match="embargo"):
        bob.reschedule("three-piers", LIFT)
    bob.break_embargo = WHY
    with pytest.raises(ActionError):
        bob.reschedule("three-piers", LIFT - timedelta(minutes=1))
    assert bob.reschedule("three-piers", LIFT).release.lift == LIFT


def test_desk_and_api_ask_for_the_reason(tmp_path: Path) -> None:
    office = Office(tmp_path / "press")
    sites.release(office.root / "releases", FAR)
    program, browser = office.program("approver"), office.browser("approver")
    at, one = spelled(LIFT), "/api/v1/releases/three-piers"
    for action in ("schedule", "approve"):
        body = {"at": at, "agreed": program.get(f"{one}/preview").json()["agreed"]}
        assert "1,190 days EARLIER" in program.post(f"{one}/{action}", json=body).text, action
    assert "1,190 days EARLIER" in browser.get(f"/r/piers/schedule?at={at}").text
    assert "1,190 days EARLIER" in browser.get(f"/r/piers/approve?at={at}").text
    program.post(f"{one}/schedule", json={})
    assert program.post(f"{one}/reschedule", json={"at": at}).status_code == 422
    page = browser.get(f"/calendar/move?release=three-piers&at={at}")
    assert (page.status_code, "1,190 days EARLIER" in page.text, 'name="break_embargo"' in page.text) == (
        422,
        True,
        True,
    )
    day = browser.get(f"/calendar/move?release=three-piers&day={LIFT.date()}")
    assert "EARLIER" in day.text
    page = browser.get(f"/calendar/move?release=three-piers&at={at}&break_embargo=Radio")
    assert "EMBARGO BROKEN" in page.text
    sure = page.text.split('name="sure" value="')[1].split('"')[0]
    form = {"csrf": csrf(browser), "release": "three-piers", "at": at, "sure": sure}
    assert browser.post("/calendar/move", data=form).status_code == 422
    assert browser.post("/calendar/move", data={**form, "break_embargo": "Radio"}).status_code == 303
    assert "Reason: Radio" in program.get(f"{one}/report").json()["versions"][0]["remarks"][0]
    for where in ("/board/three-piers", "/report/three-piers"):
        assert "1,190 days EARLIER" in browser.get(where).text, where
    assert "Reason: Radio" in office.browser("admin").get("/audit").text
    done = program.post(f"{one}/reschedule", json={"at": spelled(LIFT + timedelta(minutes=5)), "break_embargo": "TV"})
    assert "Reason: TV" in done.json()["remarks"][0]


def test_a_time_that_was_changed_in_the_database_sends_nothing(tmp_path: Path) -> None:
    made = Scheduled(tmp_path, sites.box(tmp_path))
    early = int((NOW - timedelta(seconds=1)).timestamp() * 1_000_000)
    with database(tmp_path) as connection:
        for table, columns in (("delivery", "lift = :at, due = :at, planned_for = :at"), ("release", "lift = :at")):
            connection.execute(text(f"UPDATE {table} SET {columns}"), {"at": early})
    made.drain()
    [row] = made.rows()
    assert (str(row.state), "sealed embargo" in (row.reason or "")) == ("refused", True)
    assert not (tmp_path / "box.log").exists() or "written" not in (tmp_path / "box.log").read_text()


def test_a_public_network_has_no_prebrief(cli: Cli) -> None:
    block = '[channels.mastodon]\ntype = "mastodon"\ntier = "prebrief"\nafter = "-1h"\n'
    sites.configure(cli.root, block)
    code, out, _ = cli("check", str(sites.release(cli.root, LIFT)))
    assert (code, "public-before-lift" in out) == (1, True)


def test_a_release_file_breaks_no_embargo(cli: Cli) -> None:
    broken = "broken_embargo: {until: 2031-01-01 09:00 UTC, reason: x}\nsummary:"
    code, _, err = cli("check", str(sites.release(cli.root, LIFT, **{"summary:": broken})))
    assert (code, "no field of this name" in err) == (2, True)
