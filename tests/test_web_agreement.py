"""What was agreed and is no longer so, as the desk and the API tell it: another destination, an old text, a broken config."""

import re
from pathlib import Path

import pytest

from tests import sites
from tests.scheduled import LIFT
from tests.test_web_board import send
from tests.web import Office


def blocks(root: Path, log: str = "box.log") -> str:
    return sites.box(root).replace("box.log", log) + sites.box(root, "wall")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    root = tmp_path / "press"
    made = Office(root, blocks=blocks(root))
    made.release()
    made.desk.schedule(root / "releases" / "piers.md")
    return made


def edit(office: Office) -> None:
    path = office.root / "releases" / "piers.md"
    path.write_text(path.read_text().replace("headline: Three piers", "headline: Four piers"))


OLD = "The scheduled version is the old text."


def test_an_edited_release_is_told_on_every_page_and_replaced(office: Office) -> None:
    client = office.browser("approver")
    pages = ["/r/piers", "/r/piers/preview", "/board/three-piers", "/r/piers/schedule", "/r/piers/photos"]
    for page in pages:
        assert OLD not in client.get(page).text, page
    assert "old text" not in client.get("/releases").text
    edit(office)
    for page in pages:
        assert OLD in client.get(page).text, page
    assert "old text" in client.get("/releases").text
    assert "/board/three-piers/replace" in client.get("/board/three-piers").text
    assert "/board/three-piers/replace" not in office.browser("author").get("/board/three-piers").text
    assert office.browser("author").get("/board/three-piers/replace").status_code == 403
    page = client.get("/board/three-piers/replace").text
    sure = re.search(r'name="sure" value="([0-9a-f]{64})"', page)
    assert sure
    assert "It reads otherwise" in page
    asked = send(client, "/board/three-piers/replace", sure="0" * 64)
    assert (asked.status_code, "Look again" in asked.text) == (200, True)
    done = send(client, "/board/three-piers/replace", sure=sure[1])
    assert (done.status_code, done.headers["location"]) == (303, "/board/three-piers")
    for page in pages:
        assert OLD not in client.get(page).text, page
    assert office.desk.old_texts() == []
    office.clock.set(LIFT)
    office.drain()
    assert len(sites.log(office.root)) == 1


def test_the_api_replaces(office: Office) -> None:
    edit(office)
    program = office.program("approver")
    assert office.program("author").post("/api/v1/releases/three-piers/replace", json={}).status_code == 403
    assert program.post("/api/v1/releases/three-piers/replace", json={"agreed": "0" * 64}).status_code == 422
    answer = program.post("/api/v1/releases/three-piers/replace", json={})
    assert answer.status_code == 200
    assert answer.json()["release"] == "three-piers"
    assert program.post("/api/v1/releases/three-piers/replace", json={}).status_code == 422  # nothing differs


def test_another_destination_is_shown_and_agreed_to(office: Office) -> None:
    client = office.browser("approver")
    assert "leads elsewhere" not in client.get("/board/three-piers").text
    sites.configure(office.root, blocks(office.root, "other.log"))
    page = client.get("/board/three-piers").text
    assert "leads elsewhere" in page
    assert "box.log → <strong>other.log</strong>" in page
    sure = re.search(r'/confirm".*?name="sure" value="([0-9a-f]{64})"', page, re.DOTALL)
    assert sure
    url = "/board/three-piers/confirm"
    assert send(office.browser("author"), url, channel="box", sure=sure[1]).status_code == 403
    assert send(client, url, channel="box", sure="0" * 64).status_code == 422
    assert send(client, url, channel="wall", sure=sure[1]).status_code == 422
    assert send(client, url, channel="box", sure=sure[1]).status_code == 303
    assert "leads elsewhere" not in client.get("/board/three-piers").text
    assert "place box.log → other.log" in office.browser("admin").get("/audit").text.replace("&#34;", '"')


def test_the_api_shows_and_agrees(office: Office) -> None:
    sites.configure(office.root, blocks(office.root, "other.log"))
    program = office.program("approver")
    [found] = program.get("/api/v1/releases/three-piers/destinations").json()["channels"]
    assert found["differences"] == [{"what": "place", "agreed": "box.log", "now": "other.log"}]
    url = "/api/v1/releases/three-piers/confirm"
    assert program.post(url, json={"channel": "box", "agreed": "0"}).status_code == 422
    done = program.post(url, json={"channel": "box", "agreed": found["agreed"]}).json()
    assert done["channels"][0]["confirmed"] is True
    assert program.get("/api/v1/releases/three-piers/destinations").json()["channels"] == []


def test_a_channel_that_is_gone_is_told_on_the_board(office: Office) -> None:
    sites.configure(office.root, sites.box(office.root, "wall"))
    page = office.browser("author").get("/board/three-piers").text
    assert "no longer in the settings" in page


def test_a_broken_config_leaves_the_desk_working(office: Office) -> None:
    client, admin = office.browser("approver"), office.browser("admin")
    words = "The settings cannot be read; the last good ones are in force."
    assert words not in client.get("/board/three-piers").text
    (office.root / "config" / "distributor.toml").write_text("[channels.box\n")
    page = client.get("/board/three-piers")
    assert (page.status_code, words in page.text) == (200, True)
    assert "distributor.toml:1" not in page.text
    assert "config/distributor.toml:1: is not TOML" in admin.get("/releases").text
    assert send(client, "/board/three-piers/hold").status_code == 303
    assert send(client, "/board/three-piers/cancel").status_code == 303
    assert send(admin, "/board/three-piers/kill", sure="three-piers").status_code == 303
    (office.root / "config" / "distributor.toml").write_text(blocks(office.root))
    assert words not in client.get("/board/three-piers").text


def test_a_desk_starts_with_a_config_that_broke(office: Office, tmp_path: Path) -> None:
    from distributor.site import Site
    from distributor.web.app import app

    (office.root / "config" / "distributor.toml").write_text("[channels.box\n")
    made = app(Site(office.root), office.clock, base=office.base)
    assert made.state.house.desk("somebody").hold("three-piers")[1] == 2
    made.state.house.people.close()
