"""The calendar: what lies where, what is close, moving by the page that asks, and the feed for calendar programs."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from distributor.web import months
from distributor.web.listing import Row, Status
from tests import sites
from tests.scheduled import LIFT, NOW
from tests.test_web_board import BLOCKS
from tests.web import Office, csrf, move

QUIET = BLOCKS.replace("four_eyes = true", "four_eyes = false").replace(
    "[channels.rss]", '[channels.rss]\nafter = "10m"'
)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path / "press", blocks=QUIET)
    made.release()
    return made


def add(office: Office, name: str, later: timedelta, *, sealed: bool = True) -> None:
    path = sites.release(office.root / "releases", LIFT + later, name)
    path.write_text(
        path.read_text().replace("id: three-piers", f"id: {name}").replace("Three piers reopen\n", f"About {name}\n", 1)
    )
    if sealed:
        office.desk.schedule(path)


def lift(office: Office, name: str) -> datetime:
    with office.desk.ledger() as ledger:
        found = ledger.release(name)
    assert found
    return found.lift


def test_days_of_the_viewer_and_what_is_close(office: Office) -> None:
    office.desk.schedule(office.root / "releases" / "piers.md")
    add(office, "second", timedelta(minutes=20))
    add(office, "later", timedelta(days=40), sealed=False)
    client = office.browser()
    month = client.get("/calendar").text
    assert month.count("close to another") == 2
    assert "About second" in month
    assert '<span class="num">13:00</span>' in month
    following = re.search(r'href="(/calendar\?month=2030-04)" rel="next"', month)
    assert following
    then = client.get(following[1]).text
    assert "About later" in then
    assert "is-draft" in then
    assert "close to another" not in then
    agenda = client.get("/calendar?view=agenda").text
    assert agenda.count('draggable="true"') == 1  # an author moves drafts
    mine = office.browser("approver").get("/calendar?view=agenda").text
    assert mine.count('draggable="true"') == 3


def test_a_week_shows_the_time_of_every_channel(office: Office) -> None:
    office.desk.schedule(office.root / "releases" / "piers.md")
    client = office.browser()
    week = client.get("/calendar?view=week").text
    assert "25 Feb\u2009–\u20093 Mar 2030" in week
    assert re.search(r"13:00</span> mail<.*13:10</span> rss<", week, re.DOTALL)
    assert "Three piers" not in client.get("/calendar?week=2030-W10").text
    office.desk.cancel("three-piers")
    assert "Three piers" not in client.get("/calendar?view=week").text


@pytest.mark.parametrize("query", ["month=2030-13", "month=0000-01", "month=9999-12", "month=x", "week=2030-W60", "week=0001-W01", "week=9999-W52", "week=../..", "view=<b>"])  # fmt: skip
def test_a_time_that_is_none_shows_today(office: Office, query: str) -> None:
    page = office.browser().get(f"/calendar?{query}")
    assert page.status_code == 200
    assert "<b>" not in page.text


def test_moving_asks_first_and_keeps_the_zone_of_the_release(office: Office) -> None:
    path = office.root / "releases" / "piers.md"
    path.write_text(path.read_text().replace(LIFT.isoformat(), "2030-03-01 21:00 Asia/Hong_Kong"))
    office.desk.schedule(path)
    add(office, "second", timedelta(days=2, minutes=10))
    client = office.browser("approver")
    asked = client.get("/calendar/move?release=three-piers&day=2030-03-03").text
    assert 'value="2030-03-03 21:00:00+08:00 Asia/Hong_Kong"><input' in asked
    assert 'type="datetime-local" value="2030-03-03T21:00"' in asked
    picked = client.get("/calendar/move?release=three-piers&wall=2030-03-04T08:30&zone=Europe/Paris").text
    assert 'value="2030-03-04 08:30:00+01:00 Europe/Paris"><input' in picked
    assert "About second" in asked
    assert lift(office, "three-piers") == LIFT
    assert (
        move(client, release="three-piers", at="2030-03-03 21:00:00 Asia/Hong_Kong")
        .headers["location"]
        .startswith("/calendar?month=2030-03")
    )
    assert lift(office, "three-piers") == LIFT + timedelta(days=2)
    for wrong in ("2030-03-31 01:30 Europe/London", "tomorrow", "2029-01-01 09:00 UTC"):
        refused = move(client, release="three-piers", at=wrong)
        assert refused.status_code == 422
        assert 'role="alert"' in refused.text
    assert client.get("/calendar/move?release=nobody").status_code == 404
    assert office.browser("author").get("/calendar/move?release=three-piers").status_code == 403
    assert move(office.browser("author"), release="three-piers", at="+1h").status_code == 403


def test_a_draft_is_moved_in_its_file_by_an_author(office: Office) -> None:
    client, path = office.browser(), office.root / "releases" / "piers.md"
    before, translation = path.read_text(), office.root / "releases" / "piers.fr.md"
    translation.write_text(f"---\nlang: fr\nheadline: Trois quais\nembargoed_until: {LIFT.isoformat()}\n---\nTexte.\n")
    asked = client.get("/calendar/move?release=draft:piers&day=2030-03-05").text
    found = re.search(r'name="at" value="([^"]+)"><button>', asked)
    assert found
    assert move(client, release="draft:piers", at=found[1]).status_code == 303
    assert "embargoed_until: 2030-03-05 13:00 UTC" in translation.read_text()
    assert move(client, release="draft:piers", at="2030-02-01 09:00 UTC").status_code == 422
    changed = [line for line in path.read_text().splitlines() if line not in before.splitlines()]
    assert changed == ["embargoed_until: 2030-03-05 13:00 UTC"]


def test_what_began_stays_where_it_is(office: Office) -> None:
    office.desk.schedule(office.root / "releases" / "piers.md")
    office.clock.set(LIFT)
    office.drain()
    client = office.browser("approver")
    assert 'draggable="true"' not in client.get("/calendar").text
    refused = move(client, release="three-piers", at="+1h")
    assert refused.status_code == 422
    assert "on its way already" in refused.text


def test_the_feed_is_for_whoever_has_its_address(office: Office) -> None:
    office.desk.schedule(office.root / "releases" / "piers.md")
    add(office, "draft", timedelta(days=1), sealed=False)
    add(office, "gone", timedelta(days=2))
    office.desk.cancel("gone")
    client = office.browser()
    client.post("/account/calendar", data={"csrf": csrf(client, "/account")})
    made = client.get("/account").text
    found = re.search(r"http://\S+/calendar/feed/calendar_[\w-]+\.ics", made)
    assert found
    path = urlsplit(found[0]).path
    stranger = office.anonymous()
    answer = stranger.get(path)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "no-store" in answer.headers["cache-control"]
    events = {str(one["uid"]): one for one in Calendar.from_ical(answer.content).walk("VEVENT")}
    assert set(events) == {"three-piers@127.0.0.1", "draft.draft@127.0.0.1", "gone@127.0.0.1"}
    assert [str(one["status"]) for one in events.values()] == ["CONFIRMED", "TENTATIVE", "CANCELLED"]
    event = events["three-piers@127.0.0.1"]
    assert event.decoded("dtstart") == LIFT
    assert "mail: Fri 1 Mar 2030 13:00 UTC\nrss: Fri 1 Mar 2030 13:10 UTC" in str(event["description"])
    secret = path.rpartition("/")[2].removesuffix(".ics")
    assert stranger.get("/api/v1/status", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    token = re.search(r'name="id" value="([0-9a-f]{64})"', client.get("/account").text)
    assert token
    assert secret not in client.get("/account").text
    office.house.people.change("author", disabled=1)
    assert stranger.get(path).status_code == 404
    office.house.people.change("author", disabled=0)
    client.post("/account/tokens/drop", data={"csrf": csrf(client, "/account"), "id": token[1]})
    assert stranger.get(path).status_code == 404


def row(name: str, at: datetime, status: Status = Status.scheduled) -> Row:
    return Row(name, name, "", status, at, "UTC", (), 1, {})


@given(st.lists(st.integers(0, 600), min_size=1, max_size=12))
def test_what_is_close_is_close_both_ways(minutes: list[int]) -> None:
    rows = [row(f"r{n}", LIFT + timedelta(minutes=m)) for n, m in enumerate(minutes)]
    near = {one.row.id: set(one.near) for one in months.entries(rows, "Asia/Hong_Kong")}
    for one in rows:
        assert one.lift
        expected = {
            other.id for other in rows if other is not one and other.lift and abs(other.lift - one.lift) < months.CLOSE
        }
        assert near[one.id] == expected


@given(st.dates(date(2, 1, 1), date(9990, 1, 1)), st.sampled_from(["month", "week"]))
def test_back_and_forth_leads_home(day: date, view: str) -> None:
    here = months.span(view, "", day)
    assert day in here.days
    assert months.span(view, months.span(view, here.after, NOW.date()).before, NOW.date()) == here
    assert months.span(view, months.span(view, here.before, NOW.date()).after, NOW.date()) == here


def test_a_secret_address_is_in_no_log(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("distributor.web.people.by_feed", lambda *_a, **_k: 1 / 0)
    assert office.anonymous().get("/calendar/feed/calendar_secret.ics").status_code == 500
    assert "/calendar/feed/…" in caplog.text
    assert "calendar_secret" not in "".join(record.getMessage() for record in caplog.records)


def test_dragging_keeps_the_wall_time_of_a_viewer_whose_zone_is_an_offset(office: Office) -> None:
    office.house.people.change("approver", zone="UTC+08:00")
    office.desk.schedule(office.root / "releases" / "piers.md")
    asked = office.browser("approver").get("/calendar/move?release=three-piers&day=2030-03-02").text
    assert "2030-03-02T13:00:00+00:00" in asked  # 21:00 there, as before


def test_months_and_weeks_are_named_in_the_language_of_the_viewer(office: Office) -> None:
    client = office.browser()
    assert '<h1>Calendar <span class="num">March 2030</span></h1>' in client.get("/calendar").text
    assert "18–24 Mar 2030" in client.get("/calendar?week=2030-W12").text
    office.house.people.change("author", lang="zh-Hant")
    assert "2030年3月" in client.get("/calendar").text
    assert "2030年3月18日至24日" in client.get("/calendar?week=2030-W12").text
    assert "2030年3月1日 週五" in client.get("/calendar?view=agenda").text


@pytest.mark.parametrize("view", ["month", "week", "agenda"])
def test_every_view_leads_to_the_page_that_moves(office: Office, view: str) -> None:
    """Dragging needs a mouse."""
    link = 'href="/calendar/move?release=draft%3Apiers"'
    assert link in office.browser().get(f"/calendar?view={view}").text
    office.desk.schedule(office.root / "releases" / "piers.md")
    assert link not in office.browser().get(f"/calendar?view={view}").text
    assert 'href="/calendar/move?release=three-piers"' in office.browser("approver").get(f"/calendar?view={view}").text


def test_what_is_out_says_so(office: Office) -> None:
    office.desk.schedule(office.root / "releases" / "piers.md")
    client, badge = office.browser(), 'class="badge is-out">out</span>'
    assert badge not in client.get("/calendar").text
    for later in (timedelta(hours=1, seconds=1), timedelta(minutes=10)):  # one channel is ten minutes after the lift
        office.clock.step(later)
        office.drain()
    office.house.listing.close()  # its counts may lag a second behind
    assert badge in client.get("/calendar").text
