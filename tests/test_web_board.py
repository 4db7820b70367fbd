"""Approving, scheduling, the board and the report, as a browser meets them."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from distributor.web import board
from tests import sites
from tests.scheduled import LIFT
from tests.web import Office, csrf, move

BLOCKS = """
[policy]
four_eyes = true

[channels.mail]
type = "email"
sender = "Press <press@lam.example>"
to = ["Wan <wan@post.example>", "ada@ferry.example"]

[channels.rss]
type = "rss"
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path / "press", blocks=BLOCKS.replace("four_eyes = true", "four_eyes = false"))
    made.release()
    return made


def send(client: TestClient, url: str, page: str = "/account", **fields: str) -> Any:
    return client.post(url, data={"csrf": csrf(client, page), **fields})


def seal(client: TestClient, page: str) -> str:
    found = re.search(r'name="sure" value="([0-9a-f]{64})"', client.get(page).text)
    assert found
    return found[1]


def test_schedule_asks_and_refuses_as_the_command_line_does(office: Office) -> None:
    client = office.browser("approver")
    page = client.get("/r/piers/schedule")
    assert "ada@ferry.example" not in page.text
    assert "outbox/mail" in page.text
    early = send(client, "/r/piers/schedule", at="2030-03-01 12:30 UTC")
    assert early.status_code == 422
    assert "is before the embargo of" in early.text
    assert send(client, "/r/piers/schedule", at="2030-03-05 09:00").status_code == 422
    picked = send(client, "/r/piers/schedule", wall="2030-03-05T09:00", zone="Asia/Hong_Kong").text
    assert 'name="at" value="2030-03-05 09:00:00+08:00 Asia/Hong_Kong"' in picked
    gap = send(client, "/r/piers/schedule", wall="2030-03-31T01:30", zone="Europe/London")
    assert gap.status_code == 422
    other = send(client, "/r/piers/schedule", sure="0" * 64)
    assert other.status_code == 200  # asks again: these are other bytes
    with office.desk.ledger(create=True) as ledger:
        assert ledger.release("three-piers") is None
    digest = seal(client, "/r/piers/schedule")
    done = send(client, "/r/piers/schedule", sure=digest)
    assert done.headers["location"] == "/board/three-piers"
    with office.desk.ledger() as ledger:
        sealed = ledger.release("three-piers")
    assert sealed
    with office.desk.ledger() as ledger:
        assert sealed.seal in client.get("/report/three-piers").text
    assert send(client, "/r/nothing/schedule").status_code == 404


def test_the_board_shows_and_acts(office: Office) -> None:
    office.desk.schedule(office.root / "releases" / "piers.md")
    client = office.browser("approver")
    page = client.get("/board/three-piers").text
    assert "wan@post.example" in page
    assert 'data-events="/events/board/three-piers"' in page
    assert "three-piers" in client.get("/board").text
    for action, state in (("hold", "held"), ("resume", "planned"), ("cancel", "canceled")):
        assert send(client, f"/board/three-piers/{action}").status_code == 303
        assert f"is-{state}" in client.get("/board/three-piers").text
    assert send(client, "/board/three-piers/explode").status_code == 404
    assert send(client, "/board/nothing/hold").status_code == 422
    assert send(client, "/board/three-piers/kill", sure="three-piers").status_code == 403
    assert "wan@post.example" not in client.get("/board/three-piers?channel=rss").text
    admin = office.browser("admin")
    assert send(admin, "/board/three-piers/kill", sure="three").status_code == 422
    assert send(admin, "/board/three-piers/kill", sure="three-piers").status_code == 303


def test_the_part_that_moves_counts_what_there_is(office: Office) -> None:
    office.desk.schedule(office.root / "releases" / "piers.md")
    with office.desk.ledger() as ledger:
        release = ledger.release("three-piers")
        assert release
        found = board.look(ledger, release, office.desk)
    assert (found["total"], found["rate"]) == (3, 0)
    assert [(one.channel, dict(one.states), one.ended) for one in found["channels"]] == [
        ("mail", {"planned": 2}, 0), ("rss", {"planned": 1}, 0),
    ]  # fmt: skip
    assert office.browser("author").get("/events/board/nothing").status_code == 404


def test_the_report(office: Office) -> None:
    office.desk.schedule(office.root / "releases" / "piers.md")
    client = office.browser()
    report = client.get("/report/three-piers.csv")
    assert report.headers["content-type"].startswith("text/csv")
    assert report.text.count("\n") == 4
    assert "'" not in report.text
    assert client.get("/report/nothing.csv").status_code == 404
    office.clock.set(LIFT)
    office.drain()
    page = client.get("/report/three-piers").text
    assert page.count("1 delivered") == 1
    assert page.count("2 delivered") == 1
    assert "+0.000 s" in page
    assert "did not arrive" not in page
    assert client.get("/report/nothing").status_code == 404


def test_the_report_says_what_did_not_arrive_and_where_the_rest_is(tmp_path: Path) -> None:
    folder = tmp_path / "press"
    office = Office(folder, blocks=sites.box(folder, to=["a@x", "b@x"], fault="refused"))
    office.desk.schedule(office.release())
    office.clock.set(LIFT)
    office.drain()
    with office.desk.ledger() as ledger:
        assert {str(row.state) for row in ledger.deliveries("three-piers", 1)} == {"refused"}
    page = office.browser().get("/report/three-piers").text
    assert "box · refused · 2: " in page
    assert "a@x, b@x" in page


def test_approval_is_of_the_bytes_that_were_shown(tmp_path: Path) -> None:
    office = Office(tmp_path / "press", blocks=BLOCKS)
    path = office.release()
    approver, admin = office.browser("approver"), office.browser("admin")
    assert "Nobody approved these bytes yet." in approver.get("/r/piers/approve").text
    asks = approver.get("/r/piers/schedule").text
    assert "Seal and schedule" not in asks
    assert 'href="/r/piers/approve"' in asks
    refused = send(approver, "/r/piers/schedule", sure=seal(approver, "/r/piers/approve"))
    assert refused.status_code == 422
    assert "Nobody approved" in refused.text
    assert send(admin, "/r/piers/approve", sure="0" * 64).status_code == 422
    assert send(admin, "/r/piers/approve", sure=seal(admin, "/r/piers/approve")).status_code == 303
    assert "Approved by admin" in approver.get("/r/piers/approve").text
    path.write_text(path.read_text().replace("The piers reopen.", "The piers open again."))
    changed = approver.get("/r/piers/approve").text
    assert "The approval is void." in changed
    assert "mail/en" in changed
    assert re.search(r'<span class="old">[^<]*The piers reopen\.', changed)
    assert re.search(r'<span class="new">[^<]*The piers open again\.', changed)
    assert "Approve these bytes" not in office.browser("author").get("/r/piers/approve").text
    send(admin, "/r/piers/approve", sure=seal(admin, "/r/piers/approve"))
    done = send(approver, "/r/piers/schedule", sure=seal(approver, "/r/piers/schedule"))
    assert done.headers["location"] == "/board/three-piers"
    send(admin, "/r/piers/approve", revoke="1")
    assert "The approval is void." in approver.get("/r/piers/approve").text


def test_the_api_asks_for_four_eyes_too(tmp_path: Path) -> None:
    office = Office(tmp_path / "press", blocks=BLOCKS)
    office.release()
    answer = office.program("approver").post("/api/v1/releases/three-piers/schedule", json={})
    assert answer.status_code == 422
    assert "nobody approved" in answer.text


def test_markup_stays_text(tmp_path: Path) -> None:
    office = Office(tmp_path / "press", blocks=BLOCKS.replace("four_eyes = true", ""))
    quoted = 'Piers" onmouseover="alert(3)" \'{{ 7*7 }}\' & x < y'
    path = sites.release(
        office.root / "releases", LIFT, **{"Three piers reopen\n": "'" + quoted.replace("'", "''") + "'\n"}
    )
    office.desk.schedule(path)
    client = office.browser("admin")
    for page in (
        "/r/piers/schedule", "/r/piers/approve", "/r/piers/channels", "/board", "/board/three-piers", "/report/three-piers",
        "/calendar", "/calendar?view=week", "/calendar?view=agenda", "/calendar/move?release=three-piers",
    ):  # fmt: skip
        shown = client.get(page).text
        assert '" onmouseover="' not in shown, page
        assert "'49'" not in shown, page
        assert not re.search(r"<script(?![^>]*src=)|\sstyle=|<style", shown), page


def test_what_did_not_arrive_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "press"
    office = Office(folder, blocks=sites.box(folder, to=["a@x", "b@x"], fault="refused"))
    office.desk.schedule(office.release())
    client = office.browser("approver")
    assert send(client, "/board/three-piers/retry").status_code == 422
    office.clock.set(LIFT)
    office.drain()
    page = client.get("/board/three-piers").text
    assert page.count("Try now</button>") == 3  # the channel, and each of two
    assert "Try now" not in office.browser("author").get("/board/three-piers").text
    sites.configure(office.root, sites.box(folder, to=["a@x", "b@x"]))
    office.clock.step(timedelta(hours=9))
    assert send(client, "/board/three-piers/retry", channel="box", recipient="a@x").status_code == 303
    office.drain()
    with office.desk.ledger() as ledger:
        found = {row.recipient: str(row.state) for row in ledger.deliveries("three-piers", 1)}
    assert found == {"a@x": "delivered", "b@x": "refused"}
    page = client.get("/board/three-piers").text
    assert "+32,400.000 s" in page
    assert page.count("Try now</button>") == 2
    assert any(deed.action == "retry" and "box a@x" in deed.detail for deed in office.house.people.deeds())


def test_another_time_is_approved_in_the_browser(tmp_path: Path) -> None:
    """With four eyes a time of its own, and a move, are looked at by two, as the text is."""
    office = Office(tmp_path / "press", blocks=BLOCKS)
    office.release()
    approver, admin = office.browser("approver"), office.browser("admin")
    at = "2030-03-05 09:00:00+08:00 Asia/Hong_Kong"
    early = admin.get("/r/piers/approve", params={"at": "2030-03-01 12:30 UTC"})
    assert early.status_code == 422
    assert "is before the embargo of" in early.text
    page = approver.get("/r/piers/schedule", params={"wall": "2030-03-05T09:00", "zone": "Asia/Hong_Kong"}).text
    asked = re.search(r'href="(/r/piers/approve[^"]+)"', page)
    assert asked
    sure = seal(admin, asked[1])
    assert sure != seal(admin, "/r/piers/approve")
    assert send(admin, "/r/piers/approve", sure=sure).status_code == 422  # it is of another time
    assert send(admin, "/r/piers/approve", sure=sure, at=at).headers["location"] == asked[1]
    assert "Seal and schedule" not in approver.get("/r/piers/schedule").text
    assert send(approver, "/r/piers/schedule", at=at, sure=sure).headers["location"] == "/board/three-piers"
    there = "/calendar/move?release=three-piers&at=2030-03-06+09:00+Asia/Hong_Kong"
    page = approver.get(there).text
    assert "Move it</button>" not in page
    assert "Changed since then:" in page
    later = {"release": "three-piers", "at": "2030-03-06 09:00 Asia/Hong_Kong"}
    alone = send(approver, "/calendar/move", **later, sure=seal(approver, there))
    assert alone.status_code == 422
    assert "changed since admin approved it" in alone.text
    assert send(admin, "/calendar/move", **later, approve="1", sure=sure).status_code == 422  # not what was shown
    assert send(admin, "/calendar/move", **later, approve="1", sure=seal(admin, there)).status_code == 303
    assert "Move it</button>" not in admin.get(there).text  # alone
    assert "Move it</button>" in approver.get(there).text
    assert move(approver, **later).headers["location"].startswith("/calendar?month=2030-03")
    with office.desk.ledger() as ledger:
        moved = ledger.release("three-piers")
    assert moved
    assert str(moved.lift) == "2030-03-06 01:00:00+00:00"


def test_the_board_leads_to_where_a_release_is_moved(office: Office) -> None:
    office.desk.schedule(office.root / "releases" / "piers.md")
    client = office.browser("approver")
    assert 'href="/calendar/move?release=three-piers"' in client.get("/board/three-piers").text
    assert (
        move(client, release="three-piers", at="2030-03-01 20:30 Asia/Hong_Kong", break_embargo="Radio").status_code
        == 303
    )
    with office.desk.ledger() as ledger:
        moved = ledger.release("three-piers")
    assert moved
    assert moved.lift == LIFT - timedelta(minutes=30)
    assert move(client, release="three-piers", at="2029-03-01 20:30 UTC").status_code == 422
    page = client.get("/calendar/move?release=three-piers").text
    form = dict(re.findall(r'name="(at|wall|zone)"[^>]* value="([^"]*)"', page.partition('method="get"')[2]))
    picked = {**form, "at": "", "wall": "2030-03-05T09:00", "zone": "Asia/Hong_Kong"}
    assert move(client, release="three-piers", **picked).status_code == 303
    office.clock.set(LIFT + timedelta(days=9))
    office.drain()
    assert "/calendar/move" not in client.get("/board/three-piers").text


def test_a_move_is_of_what_was_looked_at(tmp_path: Path) -> None:
    """Press lists and templates may have changed since it was sealed: that is shown, and only what was shown is sealed."""
    folder = tmp_path / "press"
    office = Office(folder, blocks=sites.box(folder, to=["a@x"]))
    office.desk.schedule(office.release())
    sites.configure(office.root, sites.box(folder, to=["new@rival.example"]))
    client, later = office.browser("approver"), {"release": "three-piers", "at": "2030-03-06 09:00 UTC"}
    page = client.get("/calendar/move", params=later).text
    assert "+ new@rival.example" in page
    assert "a@x (box)" in page.partition("No more to:")[2]
    assert send(client, "/calendar/move", **later).status_code == 200  # asks
    sure = seal(client, "/calendar/move?release=three-piers&at=2030-03-06+09:00+UTC")
    sites.configure(office.root, sites.box(folder, to=["b@x"]))
    again = send(client, "/calendar/move", **later, sure=sure)
    assert "than the one that was looked at" in again.text
    with office.desk.ledger() as ledger:
        assert [row.recipient for row in ledger.deliveries("three-piers", 1)] == ["a@x"]


def test_without_an_embargo_it_is_asked_when(office: Office) -> None:
    path = office.root / "releases" / "piers.md"
    path.write_text("\n".join(line for line in path.read_text().split("\n") if "embargoed" not in line))
    client = office.browser("approver")
    page = client.get("/r/piers/schedule").text
    assert "It has no embargo" in page
    assert "Seal and schedule" not in page
    assert "It has no embargo" in client.get("/r/piers/approve").text
    asked = send(client, "/r/piers/schedule", at="now")
    at = re.search(r'name="at" value="([^"]+)"><input', asked.text)
    sure = re.search(r'name="sure" value="([0-9a-f]{64})"', asked.text)
    assert at
    assert sure
    office.clock.step(timedelta(seconds=20))
    assert send(client, "/r/piers/schedule", at=at[1], sure=sure[1]).headers["location"] == "/board/three-piers"
    assert "scheduled already" in client.get("/r/piers/schedule?at=" + at[1].replace("+", "%2B")).text


def test_a_time_that_is_refused_stays_in_the_form(office: Office) -> None:
    client = office.browser("approver")
    page = send(client, "/r/piers/schedule", wall="2030-03-31T01:30", zone="Europe/London").text
    assert 'value="2030-03-31T01:30"' in page
    assert 'name="zone" type="text" value="Europe/London"' in page
    assert 'value="next tuesday"' in send(client, "/r/piers/schedule", at="next tuesday").text


def test_who_may_approve_no_more_has_approved_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path / "press", blocks=BLOCKS)
    office.release()
    approver, admin = office.browser("approver"), office.browser("admin")
    send(approver, "/r/piers/approve", sure=seal(approver, "/r/piers/approve"))
    assert "Seal and schedule" in admin.get("/r/piers/schedule").text
    office.house.people.change("approver", role="author")
    assert "Seal and schedule" not in admin.get("/r/piers/schedule").text


def test_what_is_out_is_corrected_from_its_board(tmp_path: Path) -> None:
    folder = tmp_path / "press"
    office = Office(folder, blocks=sites.box(folder, to=["a@x"]))
    path = office.release()
    office.desk.schedule(path)
    client = office.browser("approver")
    assert "Correct it" not in client.get("/board/three-piers").text
    said = {"class": "A", "text": "It is four piers."}
    assert send(client, "/r/piers/correct", **said).status_code == 422  # nothing is out
    office.clock.set(LIFT)
    office.drain()
    assert "Begin version 2" in client.get("/board/three-piers").text
    assert send(client, "/r/piers/correct", **{"class": "A", "text": " "}).status_code == 422
    assert send(client, "/r/piers/correct", **said).headers["location"] == "/r/piers"
    release = office.desk.read(path).release
    assert (release.version, release.embargoed_until) == (2, None)
    assert release.corrects
    assert (release.corrects.version, release.corrects.severity, release.corrects.text) == (1, "A", "It is four piers.")
    assert "Correct it" not in client.get("/board/three-piers").text
    at = "2030-03-02 09:00:00+00:00"
    sure = seal(client, "/r/piers/schedule?at=2030-03-02+09:00+UTC")
    assert send(client, "/r/piers/schedule", at=at, sure=sure).status_code == 303


def test_the_board_says_what_a_kill_cannot_take_back(tmp_path: Path) -> None:
    folder = tmp_path / "press"
    office = Office(folder, blocks=sites.box(folder, to=["a@x", "b@x"]) + '[channels.rss]\ntype = "rss"\n')
    office.desk.schedule(office.release())
    office.clock.set(LIFT)
    office.drain()
    office.desk.kill("three-piers")
    page = office.browser("admin").get("/board/three-piers").text
    assert "It was withdrawn for good" in page
    assert "2 cannot be taken back: tell those who have it." in page
    assert "1 planned" in page
    for button in ("Hold<", "Resume<", "Cancel the rest<", "Kill<"):
        assert button not in page
    office.drain()
    page = office.browser("admin").get("/board/three-piers").text
    assert "1 delivered" in page.partition("cannot be taken back")[0]
    assert "2 cannot be taken back" in office.browser("admin").get("/report/three-piers").text
    with office.desk.ledger() as ledger:
        release = ledger.release("three-piers")
        assert release
        assert (
            board.look(ledger, release, office.desk)["rate"] == 0.3
        )  # three went out, and what took back is none of them


def test_the_board_has_the_buttons_that_do_something(office: Office) -> None:
    path = office.root / "releases" / "piers.md"
    office.desk.schedule(path)
    client = office.browser("approver")
    page = client.get("/board/three-piers").text
    assert ("Hold<" in page, "Cancel the rest<" in page, "Resume<" in page) == (True, True, False)
    assert "something else than what was sealed" not in page
    send(client, "/board/three-piers/hold")
    page = client.get("/board/three-piers").text
    assert ("Hold<" in page, "Cancel the rest<" in page, "Resume<" in page) == (False, True, True)
    assert "<strong>0 / 3</strong>" in page  # what is on hold has not ended
    path.write_text(path.read_text().replace("The piers reopen.", "The piers open again."))
    assert "The scheduled version is the old text." in client.get("/board/three-piers").text


def test_what_is_settled_or_tried_again_is_the_version_of_the_board(tmp_path: Path) -> None:
    folder = tmp_path / "press"
    office = Office(folder, blocks=sites.box(folder, to=["a@x"], fault="in-doubt"))
    path = office.release()
    office.desk.schedule(path)
    office.clock.set(LIFT)
    office.drain()
    text = path.read_text().replace("id: ", "version: 2\ncorrects: {version: 1, class: A, text: Four.}\nid: ", 1)
    path.write_text(text)
    office.desk.schedule(path, LIFT)
    office.drain()
    client = office.browser("approver")
    page = client.get("/board/three-piers").text
    assert page.count('name="version" value="2"') == 1
    assert len(sites.log(folder)) == 2
    one = {"channel": "box", "recipient": "a@x", "version": "2", "there": "0"}
    assert send(client, "/board/three-piers/settle", **one).status_code == 303
    office.drain()
    assert len(sites.log(folder)) == 3  # the text of version 2 once more, not that of version 1
    with office.desk.ledger() as ledger:
        states = {one: [str(row.state) for row in ledger.deliveries("three-piers", one)] for one in (1, 2)}
    assert states == {1: ["in_doubt"], 2: ["in_doubt"]}


def test_the_button_of_a_channel_tries_the_version_that_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "press"
    office = Office(folder, blocks=sites.box(folder, to=["old@x"], fault="refused"))
    path = office.release()
    office.desk.schedule(path)
    office.clock.set(LIFT)
    office.drain()
    sites.configure(office.root, sites.box(folder, to=["new@x"], fault="refused"))
    path.write_text(
        path.read_text().replace("id: ", "version: 2\ncorrects: {version: 1, class: A, text: Four.}\nid: ", 1)
    )
    office.desk.schedule(path, LIFT)
    office.drain()
    client = office.browser("approver")
    form = re.search(
        r'action="/board/three-piers/retry">(.*?)</form>', client.get("/board/three-piers").text, re.DOTALL
    )
    assert form
    fields = dict(re.findall(r'name="(channel|version)" value="([^"]*)"', form[1]))
    assert send(client, "/board/three-piers/retry", **fields).status_code == 303
    with office.desk.ledger() as ledger:
        assert [str(row.state) for row in ledger.deliveries("three-piers", 1)] == ["refused"]
        assert [str(row.state) for row in ledger.deliveries("three-piers", 2)] == ["planned"]


def test_a_draft_is_not_approved_by_moving_it(office: Office) -> None:
    client = office.browser()
    for button in ("approve", "revoke"):
        done = send(client, "/calendar/move", release="draft:piers", at="2030-03-05 09:00 UTC", **{button: "1"})
        assert done.status_code in (200, 303)
