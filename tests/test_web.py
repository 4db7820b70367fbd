"""The desk in a browser: who may come in, who may do what, and that nothing foreign gets through."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from distributor.web import signin
from distributor.web.kit import inside
from distributor.web.passwords import Guesses
from tests import sites
from tests.web import BLOCKS, PASSWORD, Office

ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{ 7*7 }}"
ROLES = ("", "author", "approver", "admin")
#: Route and method → the least role; "" is open to everybody.
LEAST = {
    ("/static/{hash}/{name}", "GET"): "",
    ("/signin", "GET"): "", ("/signin", "POST"): "",
    ("/signout", "POST"): "author",
    ("/first/{token}", "GET"): "", ("/first/{token}", "POST"): "",
    ("/account", "GET"): "author", ("/account", "POST"): "author",
    ("/people", "GET"): "admin", ("/people", "POST"): "admin",
    ("/audit", "GET"): "admin",
    ("/releases/new", "GET"): "author", ("/releases/new", "POST"): "author",
    ("/r/{name}", "GET"): "author", ("/r/{name}", "POST"): "author",
    ("/r/{name}/keep", "POST"): "author",
    ("/r/{name}/live", "GET"): "author", ("/r/{name}/live", "POST"): "author",
    ("/events/board/{release_id}", "GET"): "author",
    ("/report/{release_id}.csv", "GET"): "author",
    ("/", "GET"): "", ("/releases", "GET"): "author",
    ("/r/{name}/preview", "GET"): "author", ("/r/{name}/sheet", "GET"): "author",
    ("/r/{name}/approve", "POST"): "approver",
    ("/r/{name}/schedule", "GET"): "approver", ("/r/{name}/schedule", "POST"): "approver",
    ("/board/{release_id}", "GET"): "author",
    ("/board/{release_id}/{action}", "POST"): "approver",
}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin, "_GUESSES", Guesses())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


# ── who may do what ──


def test_every_route_is_in_the_table(office: Office) -> None:
    there = {
        (route.path, method)
        for route in office.app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }
    assert {key for key in there if key[1] != "HEAD"} == set(LEAST)


@pytest.mark.parametrize("role", ROLES)
def test_the_matrix(office: Office, role: str) -> None:
    """Nobody gets further than their role, whatever else is wrong with what they send."""
    client = office.client(role)
    for (path, method), least in LEAST.items():
        if path.startswith(("/events", "/static")):
            continue
        url = (
            path.replace("{name}", "piers")
            .replace("{release_id}", "nothing")
            .replace("{action}", "hold")
            .replace("{token}", "x")
        )
        answer = client.request(method, url)
        enough = ROLES.index(role) >= ROLES.index(least)
        if not role and not enough:
            assert answer.status_code in (303, 401), (path, method)
            assert answer.status_code == 401 or answer.headers["location"].startswith("/signin?next=")
        elif not enough:
            assert answer.status_code == 403, (path, method)
        else:  # not stopped by the role: the form without its token, or the thing that is not there, is another matter
            assert answer.status_code in (200, 303, 403, 404, 411, 422), (path, method, answer.status_code)
            assert answer.status_code != 403 or method == "POST", (path, method)


def test_only_an_admin_kills(office: Office) -> None:
    office.desk.schedule(office.path)
    assert office.client("approver").send_form("/board/three-piers/kill", {"sure": "three-piers"}).status_code == 403
    admin = office.client("admin")
    assert admin.send_form("/board/three-piers/kill", {"sure": "three"}).status_code == 422
    assert admin.send_form("/board/three-piers/kill", {"sure": "three-piers"}).status_code == 303
    assert "killed" in admin.get("/releases").text or "canceled" in admin.get("/releases").text


# ── coming in ──


def test_the_first_admin_comes_by_a_link_that_works_once(tmp_path: Path) -> None:
    from distributor.web.app import app

    office = Office(tmp_path)
    for name in ("author", "approver", "admin"):
        with office.ledger._engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM person WHERE name = ?", (name,))
    made = app(office.desk.site, office.clock, office.ledger, base="http://testserver")
    office.app = made
    client, link = office.client(), f"/first/{made.state.first}"
    assert client.get("/first/guess").status_code == 404
    assert client.get(link).status_code == 200
    both = {"name": "Mira", "password": "short", "again": "short"}
    assert client.post(link, data=both).status_code == 422
    both = {"name": "Mira", "password": PASSWORD, "again": PASSWORD}
    assert client.post(link, data=both).headers["location"] == "/account"
    assert client.get("/people").status_code == 200
    assert client.get(link).status_code == 404
    assert office.client().post(link, data=both).status_code == 404


def test_a_session_is_new_at_every_sign_in_and_ends(office: Office) -> None:
    client = office.client()
    client.cookies.set("desk", "chosen-by-somebody-else")
    answer = client.post("/signin", data={"name": "author", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "chosen-by" not in cookie
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    token = cookie.partition("=")[2].partition(";")[0]
    with office.ledger._engine.connect() as connection:
        stored = str(connection.exec_driver_sql("SELECT * FROM session").fetchall())
    assert token not in stored
    again = office.client("author")
    assert again.get("/releases").status_code == 200
    office.clock.set(office.clock.now() + timedelta(hours=13))
    assert again.get("/releases").status_code == 303
    client = office.client("author")
    assert client.send_form("/signout").headers["location"] == "/signin"
    assert client.get("/releases").status_code == 303


def test_a_new_password_or_role_ends_the_sessions(office: Office) -> None:
    author, admin = office.client("author"), office.client("admin")
    change = {"action": "change", "name": "author", "role": "approver"}
    assert admin.send_form("/people", change, at="/people").status_code == 303
    assert author.get("/releases").status_code == 303
    locked = {"action": "change", "name": "author", "role": "author", "disabled": "1"}
    admin.send_form("/people", locked, at="/people")
    assert office.client().post("/signin", data={"name": "author", "password": PASSWORD}).status_code == 403
    assert admin.send_form("/people", {**change, "name": "admin"}, at="/people").status_code == 422
    other = office.client("admin")
    wrong = {"action": "password", "old": "no", "password": PASSWORD * 2, "again": PASSWORD * 2}
    assert admin.send_form("/account", wrong).status_code == 422
    assert admin.send_form("/account", {**wrong, "old": PASSWORD}).headers["location"] == "/signin"
    assert other.get("/releases").status_code == 303


def test_guesses_cost_time_and_names_are_not_told(office: Office) -> None:
    client, says = office.client(), set()
    for name in ("author", "nobody"):
        answer = client.post("/signin", data={"name": name, "password": "wrong"})
        says.add(re.sub(r"\s+", " ", answer.text.replace(name, "")))
        assert answer.status_code == 403
    assert len(says) == 1
    for _ in range(4):
        client.post("/signin", data={"name": "author", "password": "wrong"})
    assert client.post("/signin", data={"name": "author", "password": PASSWORD}).status_code == 429
    guesses = Guesses()
    waits = []
    for number in range(20):
        guesses.wrong(("a",), float(number) * 10_000)
        waits.append(guesses.wait(("a",), float(number) * 10_000))
    assert waits[:4] == [0.0] * 4
    assert waits[4:8] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == 900.0


# ── what is foreign ──


def test_a_form_of_another_site_does_nothing(office: Office) -> None:
    client = office.client("admin")
    data = {"action": "add", "name": "Eve", "role": "admin", "password": PASSWORD}
    assert client.post("/people", data=data).status_code == 403
    assert client.post("/people", data={**data, "csrf": "guess"}).status_code == 403
    foreign = {"origin": "https://evil.example"}
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/people").text)
    assert token
    assert client.post("/people", data={**data, "csrf": token[1]}, headers=foreign).status_code == 403
    assert (
        client.post("/people", data={**data, "csrf": token[1]}, headers={"sec-fetch-site": "cross-site"}).status_code
        == 403
    )
    assert office.client("approver").post("/people", data={**data, "csrf": token[1]}).status_code == 403
    assert office.people.find("Eve") is None


@pytest.mark.parametrize(
    "url", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nX: y", ""]
)
def test_no_way_out_to_another_site(office: Office, url: str) -> None:
    answer = office.client().post("/signin", params={"next": url}, data={"name": "author", "password": PASSWORD})
    assert answer.headers["location"] == "/"
    assert inside("/r/piers?x=1") == "/r/piers?x=1"


def test_another_host_name_is_refused(office: Office) -> None:
    assert office.client().get("/signin", headers={"host": "evil.example"}).status_code == 400


def test_every_answer_carries_its_headers(office: Office) -> None:
    client = office.client("admin")
    for path in ("/releases", "/signin", "/nothing", "/r/piers", "/audit"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    for path in ("/releases", "/r/piers", "/r/piers/preview", "/r/piers/schedule", "/people", "/account"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=|<style", page), path


@pytest.mark.parametrize(
    "name", ["..", "../config/distributor", "%2e%2e%2fconfig", "piers%00", ".hidden", "nothing", "piers.zh-Hant"]
)
def test_no_path_leads_out_of_the_folder(office: Office, name: str) -> None:
    (office.root / "releases" / ".hidden.md").write_text("secret")
    client = office.client("admin")
    for page in ("", "/preview", "/sheet", "/schedule"):
        answer = client.get(f"/r/{name}{page}")
        assert answer.status_code in (303, 404, 307)
        assert "secret" not in answer.text
    assert client.send_form("/r/piers", {"text:../../evil.md": "x", "seen:../../evil.md": ""}).status_code in (303, 409)
    assert not list(office.root.parent.rglob("evil*"))


def test_markup_in_any_field_stays_text(tmp_path: Path) -> None:
    """What the release model lets through, what it refuses (and quotes), and what stands in the history."""
    quoted = 'Piers" onmouseover="alert(3)" \'{{ 7*7 }}\' &amp; x < y'
    office = Office(tmp_path, **{"Three piers reopen\n": "'" + quoted.replace("'", "''") + "'\n"})
    sites.release(
        office.root / "releases",
        None,
        name="refused",
        **{"Three piers reopen\n": "'" + ATTACK.replace("'", "''") + "'\n"},
    )
    office.people.note(office.clock.now(), who=ATTACK, action=ATTACK, detail=ATTACK)
    client = office.client("admin")
    office.desk.schedule(office.path)
    client.post("/r/refused/live", data=_fields(client.get("/r/refused").text))
    pages = (
        "/releases", "/r/piers", "/r/piers/preview", "/r/piers/sheet", "/r/piers/schedule", "/board/three-piers", "/audit",
        f"/releases?q={ATTACK}", "/r/refused", "/r/refused/preview", "/r/refused/schedule",
    )  # fmt: skip
    for path in pages:
        shown = client.get(path).text
        assert "<script>alert" not in shown, path
        assert "<img src=x" not in shown, path
        assert '" onmouseover="' not in shown, path
        assert "'49'" not in shown, path


def test_a_form_that_is_too_big_is_refused(office: Office) -> None:
    client = office.client("author")
    assert client.send_form("/account", {"zone": "x" * 1_100_000}).status_code == 413


# ── the work ──


def test_the_list_shows_what_is_there(office: Office) -> None:
    client = office.client("author")
    shown = client.get("/releases").text
    assert "three-piers" in shown
    assert 'class="state draft"' in shown
    assert "CET" in shown  # the reader's zone beside the release's
    office.desk.schedule(office.path)
    assert 'class="state planned"' in client.get("/releases").text
    (office.root / "releases" / "broken.md").write_text("no front matter")
    shown = client.get("/releases").text
    assert 'class="state broken"' in shown
    assert "three-piers" not in client.get("/releases?q=nothing+like+it").text
    assert "three-piers" in client.get("/releases?q=PIERS&status=planned").text
    assert "three-piers" not in client.get("/releases?status=broken").text


def test_schedule_asks_and_refuses_as_the_command_line_does(office: Office) -> None:
    client = office.client("approver")
    page = client.get("/r/piers/schedule").text
    assert "Seal and schedule" in page
    early = client.send_form("/r/piers/schedule", {"at": "2030-03-01 12:30 UTC"})
    assert early.status_code == 422
    assert "is before the embargo of" in early.text
    zoneless = client.send_form("/r/piers/schedule", {"at": "2030-03-05 09:00"})
    assert zoneless.status_code == 422
    assert "zone" in zoneless.text
    seal = re.search(r'name="sure" value="([0-9a-f]{64})"', page)
    assert seal
    assert (
        client.send_form("/r/piers/schedule", {"sure": "0" * 64}).status_code == 200
    )  # asks again: these are other bytes
    with office.desk.ledger() as ledger:
        assert ledger.release("three-piers") is None
    done = client.send_form("/r/piers/schedule", {"sure": seal[1]})
    assert done.headers["location"] == "/board/three-piers"
    with office.desk.ledger() as ledger:
        sealed = ledger.release("three-piers")
    assert sealed
    assert sealed.seal == seal[1]
    lines = [(one.who, one.action) for _, one in office.people.history(5)]
    assert ("approver", "schedule") in lines


def test_the_board_shows_and_acts(office: Office) -> None:
    office.desk.schedule(office.path)
    client = office.client("approver")
    board = client.get("/board/three-piers").text
    assert "wan@post.example" in board
    assert 'data-events="/events/board/three-piers"' in board
    for action, state in (("hold", "held"), ("resume", "planned"), ("cancel", "canceled")):
        assert client.send_form(f"/board/three-piers/{action}").status_code == 303
        assert f'class="state {state}"' in client.get("/board/three-piers").text
    assert client.send_form("/board/three-piers/explode").status_code == 404
    assert client.send_form("/board/nothing/hold").status_code == 422
    report = client.get("/report/three-piers.csv")
    assert report.headers["content-type"].startswith("text/csv")
    assert report.text.count("\n") == 4
    assert client.get("/report/nothing.csv").status_code == 404
    filtered = client.get("/board/three-piers?channel=rss").text
    assert "wan@post.example" not in filtered


def test_two_editors_and_nothing_is_lost(office: Office) -> None:
    one, two = office.client("author"), office.client("approver")
    first = _fields(one.get("/r/piers").text)
    second = _fields(two.get("/r/piers").text)
    first["text:piers.md"] += "\nA line of mine.\n"
    second["text:piers.md"] += "\nA line of theirs.\n"
    assert one.post("/r/piers", data=first).headers["location"] == "/r/piers?saved=1"
    late = two.post("/r/piers", data=second)
    assert late.status_code == 409
    assert "A line of theirs." in late.text
    assert "nothing was overwritten" in late.text
    assert "A line of mine." in office.path.read_text()
    assert "A line of theirs." not in office.path.read_text()
    assert "A line of theirs." in two.get("/r/piers").text  # kept for the one who typed it
    assert "A line of theirs." not in one.get("/r/piers").text


def test_what_is_typed_is_kept_and_told(office: Office) -> None:
    client = office.client("author")
    fields = _fields(client.get("/r/piers").text)
    fields["text:piers.md"] += "\nNot saved.\n"
    assert client.post("/r/piers/keep", data=fields).json() == {"kept": True, "changed": []}
    assert "Not saved." not in office.path.read_text()
    assert "was not saved" in client.get("/r/piers").text
    office.path.write_text(office.path.read_text() + "\nBy hand.\n")
    assert client.post("/r/piers/keep", data=fields).json()["changed"] == ["piers.md"]


def test_the_preview_of_what_is_typed(office: Office) -> None:
    client = office.client("author")
    fields = _fields(client.get("/r/piers").text)
    fields["text:piers.md"] += "\nTyped just now.\n"
    assert client.post("/r/piers/live", data=fields).json() == {"problems": []}
    shown = client.get("/r/piers/live")
    assert "Typed just now." in shown.text
    assert "sandbox" in shown.headers["content-security-policy"]
    assert "Typed just now." not in office.path.read_text()
    fields["text:piers.md"] = fields["text:piers.md"].replace("id: three-piers", "id: three piers")
    wrong = client.post("/r/piers/live", data=fields)
    assert wrong.status_code == 422
    assert wrong.json()["problems"][0].startswith("piers.md")
    assert "/tmp" not in wrong.text


def test_a_new_release_begins_with_its_headline(office: Office) -> None:
    client = office.client("author")
    answer = client.send_form("/releases/new", {"headline": "Ferries: it's “all” electric & 香港"})
    assert answer.headers["location"] == "/r/ferries-it-s-all-electric"
    assert "Ferries: it" in client.get(answer.headers["location"]).text
    again = client.send_form("/releases/new", {"headline": "Ferries: it's “all” electric & 香港"})
    assert again.headers["location"] == "/r/ferries-it-s-all-electric-2"
    assert client.send_form("/releases/new", {"headline": " "}).status_code == 422


def _fields(page: str) -> dict[str, Any]:
    """The form of the edit page as a browser sends it."""
    from html import unescape

    found = {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    }
    for name, value in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL):
        found[name] = unescape(value)
    return found


# ── languages ──


def test_every_sentence_is_translated() -> None:
    from distributor.lifecycle import State
    from distributor.web.kit import Role
    from distributor.web.speech import Speech, languages

    root = Path(__file__).parent.parent
    sources = [*root.glob("templates/desk/*.html"), *root.glob("distributor/web/*.py")]
    used = {one for path in sources for one in re.findall(r'\b_\("((?:[^"\\]|\\.)*)"\)', path.read_text())}
    assert len(used) > 100
    for lang in languages()[1:]:
        missing = {one for one in (*used, *State, *Role) if Speech.of(lang).say(one) == one}
        assert missing == set(), lang


def test_the_desk_speaks_the_readers_language(office: Office) -> None:
    assert "登入" in office.client().get("/signin", headers={"accept-language": "zh-HK,en;q=0.5"}).text
    assert "Sign in" in office.client().get("/signin", headers={"accept-language": "fr"}).text
    client = office.client("author")
    assert (
        client.send_form("/account", {"action": "read", "lang": "zh-Hant", "zone": "Asia/Hong_Kong"}).status_code == 303
    )
    shown = client.get("/releases").text
    assert 'lang="zh-Hant"' in shown
    assert "HKT" in shown
    assert (
        client.send_form("/account", {"action": "read", "lang": "zh-Hant", "zone": "Asia/Hongkong2"}).status_code == 422
    )


def test_approval_is_of_the_bytes_that_were_shown(tmp_path: Path) -> None:
    office = Office(tmp_path, "[policy]\nfour_eyes = true\n" + BLOCKS)
    ada, boss = office.client("approver"), office.client("admin")
    assert "Nobody approved this yet" in ada.get("/r/piers/preview").text
    fields = _fields(ada.get("/r/piers/schedule").text)
    refused = ada.post("/r/piers/schedule", data=fields)
    assert refused.status_code == 422
    assert "nobody approved" in refused.text
    assert boss.send_form("/r/piers/approve", {"sure": "0" * 64}).status_code == 422
    shown = _fields(boss.get("/r/piers/preview").text)
    assert boss.post("/r/piers/approve", data=shown).status_code == 303
    assert "Approved by admin" in ada.get("/r/piers/preview").text
    office.path.write_text(office.path.read_text().replace("The piers reopen.", "The piers open again."))
    changed = ada.get("/r/piers/preview").text
    assert "The approval is void." in changed
    assert "mail/en" in changed
    assert "approval" not in office.client("author").get("/r/piers/preview").text.partition("<iframe")[0].replace(
        "approval is void", ""
    )
    boss.post("/r/piers/approve", data=_fields(boss.get("/r/piers/preview").text))
    fields = _fields(ada.get("/r/piers/schedule").text)
    assert ada.post("/r/piers/schedule", data=fields).headers["location"] == "/board/three-piers"
