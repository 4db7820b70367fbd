"""Who may come in, what they may do there, and what other sites can make their browsers do."""

import re
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from click.testing import CliRunner
from starlette.routing import Route

from distributor.cli.desk_ import desk_command
from distributor.cli.main import Setting
from distributor.errors import ActionError
from distributor.web import people, signin
from tests import sites
from tests.web import BASE, PASSWORD, Office, csrf, sign_in

#: The least role of every route: "" for everybody, "token" for whoever has a one-time link. A new route needs a line.
ROLES = {
    ("GET", "/"): "author",
    ("GET", "/static/{name}"): "",
    ("GET", "/signin"): "",
    ("POST", "/signin"): "",
    ("POST", "/signout"): "",
    ("GET", "/first/{token}"): "token",
    ("POST", "/first/{token}"): "token",
    ("GET", "/account"): "author",
    ("POST", "/account"): "author",
    ("POST", "/account/password"): "author",
    ("GET", "/account/totp"): "author",
    ("POST", "/account/totp"): "author",
    ("POST", "/account/totp/off"): "author",
    ("POST", "/account/tokens"): "author",
    ("POST", "/account/tokens/drop"): "author",
    ("GET", "/people"): "admin",
    ("POST", "/people"): "admin",
    ("POST", "/people/{name}"): "admin",
    ("POST", "/people/{name}/link"): "admin",
    ("GET", "/audit"): "admin",
    ("GET", "/releases"): "author",
    ("GET", "/releases/findings/{name}"): "author",
    ("GET", "/releases/new"): "author",
    ("POST", "/releases/new"): "author",
    ("GET", "/releases/import"): "author",
    ("POST", "/releases/import"): "author",
    ("GET", "/r/{name}"): "author",
    ("GET", "/r/{name}/photos"): "author",
    ("GET", "/r/{name}/photos/file/{file:path}"): "author",
    ("GET", "/r/{name}/preview"): "author",
    ("GET", "/r/{name}/preview/frame/{channel}/{lang}"): "author",
    ("GET", "/r/{name}/preview/picture/{sha256}"): "author",
    ("GET", "/r/{name}/signoff.html"): "author",
    ("POST", "/r/{name}"): "author",
    ("POST", "/r/{name}/autosave"): "author",
    ("POST", "/r/{name}/discard"): "author",
    ("POST", "/r/{name}/language"): "author",
    ("POST", "/r/{name}/live"): "author",
    ("POST", "/r/{name}/photos/add"): "author",
    ("POST", "/r/{name}/delete"): "author",
    ("POST", "/r/{name}/photos/arrange"): "author",
    ("POST", "/r/{name}/photos/crop"): "author",
    ("POST", "/r/{name}/photos/words"): "author",
    ("GET", "/r/{name}/channels"): "author",
    ("POST", "/r/{name}/channels"): "author",
    ("POST", "/r/{name}/correct"): "author",
    ("GET", "/r/{name}/approve"): "author",
    ("POST", "/r/{name}/approve"): "approver",
    ("GET", "/r/{name}/schedule"): "approver",
    ("POST", "/r/{name}/schedule"): "approver",
    ("GET", "/calendar"): "author",
    ("GET", "/calendar/feed/{secret}.ics"): "token",
    ("GET", "/calendar/move"): "author",
    ("POST", "/calendar/move"): "author",
    ("POST", "/account/calendar"): "author",
    ("GET", "/board"): "author",
    ("GET", "/board/{release_id}"): "author",
    ("POST", "/board/{release_id}/{action}"): "approver",
    ("GET", "/events/board/{release_id}"): "author",
    ("GET", "/report/{release_id}.csv"): "author",
    ("GET", "/report/{release_id}"): "author",
    ("GET", "/api/v1/openapi.json"): "",
    ("GET", "/api/v1/releases"): "author",
    ("GET", "/api/v1/releases/{release}"): "author",
    ("GET", "/api/v1/releases/{release}/preview"): "author",
    ("GET", "/api/v1/releases/{release}/status"): "author",
    ("GET", "/api/v1/status"): "author",
    ("GET", "/api/v1/releases/{release}/approval"): "author",
    ("GET", "/api/v1/releases/{release}/report"): "author",
    ("POST", "/api/v1/releases/{release}/approve"): "approver",
    ("POST", "/api/v1/releases/{release}/revoke"): "approver",
    ("POST", "/api/v1/releases/{release}/retry"): "approver",
    ("POST", "/api/v1/releases/{release}/settle"): "approver",
    ("POST", "/api/v1/releases/{release}/kill"): "admin",
    ("POST", "/api/v1/releases/{release}/schedule"): "approver",
    ("POST", "/api/v1/releases/{release}/reschedule"): "approver",
    ("POST", "/api/v1/releases/{release}/hold"): "approver",
    ("POST", "/api/v1/releases/{release}/resume"): "approver",
    ("POST", "/api/v1/releases/{release}/cancel"): "approver",
    ("POST", "/api/v1/releases/{release}/replace"): "approver",
    ("POST", "/api/v1/releases/{release}/confirm"): "approver",
    ("GET", "/api/v1/releases/{release}/destinations"): "author",
    ("GET", "/board/{release_id}/replace"): "approver",
    ("POST", "/board/{release_id}/replace"): "approver",
    ("POST", "/board/{release_id}/confirm"): "approver",
}
ORDER = ["", "author", "approver", "admin"]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "press")


def routes(office: Office) -> list[tuple[str, str]]:
    found = []
    for route in office.app.routes:
        assert isinstance(route, Route), route  # a mount would hide its routes from this test
        found += [(method, route.path) for method in route.methods or () if method != "HEAD"]
    return found


# ── the authorisation matrix ──────────────────────────────────────────────────────────────────────────────────────


def test_every_route_has_a_least_role(office: Office) -> None:
    assert sorted(routes(office)) == sorted(ROLES)


@pytest.mark.parametrize("who", ORDER)
def test_no_route_lets_in_a_smaller_role(office: Office, who: str) -> None:
    """Every route by every role; with the right CSRF token, so that nothing but the role can refuse."""
    browser = office.browser(who) if who else office.anonymous()
    program = office.program(who) if who else office.anonymous()
    token = csrf(browser, "/account" if who else "/signin")
    for (method, path), least in ROLES.items():
        if path in ("/signout", "/account/password"):
            continue  # would end this session; tested on its own
        url = (
            path.replace("{name}", "nobody")
            .replace("{release}", "nobody")
            .replace("{token}", "nobody")
            .replace("{secret}", "nobody")
            .replace("{release_id}", "nobody")
            .replace("{action}", "hold")
        )
        if path.startswith("/events"):
            continue  # never ends; tested on its own
        client = program if path.startswith("/api/") else browser
        answer = client.request(method, url, data={"csrf": token} if method == "POST" and client is browser else None)
        status = answer.status_code
        to_signin = status == 303 and answer.headers["location"].startswith("/signin")
        if least == "token":
            assert status == 404, (who, method, path, status)
        elif ORDER.index(who) >= ORDER.index(least):
            assert status not in (403, 500), (who, method, path, status)
            assert not to_signin, (who, method, path, status)
            assert status != 401 or path == "/signin", (who, method, path, status)
        elif not who:
            assert status == 401 if path.startswith("/api/") else to_signin or status == 403, (method, path, status)
        else:
            assert status == 403, (who, method, path, status)


def test_every_form_wants_its_token(office: Office) -> None:
    browser = office.browser("admin")
    other = csrf(office.browser("admin"))
    for (method, path), least in ROLES.items():
        if method != "POST" or path.startswith("/api/") or least == "token":
            continue
        url = (
            path.replace("{name}", "author")
            .replace("{release}", "nobody")
            .replace("{release_id}", "nobody")
            .replace("{action}", "hold")
        )
        for given in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": other}):
            assert browser.post(url, data=given).status_code == 403, (path, given)
    assert office.account("author").role == "author"


@pytest.mark.parametrize(
    "header", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_of_another_site_is_refused_whatever_it_knows(office: Office, header: dict[str, str]) -> None:
    browser = office.browser()
    data = {"csrf": csrf(browser), "lang": "en", "zone": "Asia/Tokyo"}
    assert browser.post("/account", data=data, headers=header).status_code == 403
    assert browser.post("/account", data=data, headers={"Origin": BASE}).headers["location"] == "/account?saved=1"
    assert office.account("author").zone == "Asia/Tokyo"


# ── the gate ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/signin", "/releases", "/nowhere", "/static/desk.css", "/api/v1/releases", "/first/x"]
)
def test_every_answer_is_hardened(office: Office, path: str) -> None:
    headers = office.anonymous().get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in headers


def test_a_broken_page_is_hardened_and_says_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distributor.web.releases.choose", lambda *_a, **_k: 1 / 0)
    answer = office.browser().get("/releases")
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8700", "", "[", "desk.example.com"]
)
def test_a_name_that_is_not_ours_is_refused(office: Office, host: str) -> None:
    assert office.anonymous().get("/signin", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8700", "[::1]:9", "LOCALHOST"])
def test_loopback_has_three_names(office: Office, host: str) -> None:
    assert office.anonymous().get("/signin", headers={"Host": host}).status_code == 200


def test_over_tls_cookies_are_secure_and_hosts_only(tmp_path: Path) -> None:
    office = Office(tmp_path / "press", base="https://desk.example.com")
    browser = office.anonymous()
    answer = sign_in(browser)
    [cookie] = [one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-desk=")]
    assert {"httponly", "secure", "path=/", "samesite=lax"} <= set(cookie.lower().split("; "))
    assert "domain" not in cookie.lower()
    assert browser.get("/account").headers["strict-transport-security"]


def test_who_is_not_the_proxy_is_not_believed(tmp_path: Path) -> None:
    forged = {"X-Forwarded-For": "198.51.100.1"}
    for folder, proxies, seen in (("a", (), "203.0.113.7"), ("b", ("203.0.113.7",), "198.51.100.1")):
        office = Office(tmp_path / folder, proxies=proxies)
        browser = office.anonymous()
        token = csrf(browser, "/signin")
        browser.post("/signin", data={"csrf": token, "name": "author", "password": PASSWORD}, headers=forged)
        assert office.house.people.deeds()[0].address == seen


def test_pages_are_never_stored_and_files_for_ever(office: Office) -> None:
    browser = office.browser()
    assert browser.get("/account").headers["cache-control"] == "no-store"
    url = office.house.link("desk.css")
    assert "immutable" in browser.get(url).headers["cache-control"]
    assert browser.get("/static/desk.css").headers["cache-control"] == "no-cache"
    assert browser.get("/static/desk.css?v=0").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["preview.html", "base.html", "..%2fdesk.css", "%2e%2e/%2e%2e/config/distributor.toml", "x.css"]
)
def test_templates_and_the_site_are_no_static_files(office: Office, name: str) -> None:
    assert office.anonymous().get(f"/static/{name}").status_code == 404


# ── signing in ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_signing_in_and_out(office: Office) -> None:
    browser = office.anonymous()
    assert browser.get("/releases?q=x y").headers["location"] == "/signin?next=/releases%3Fq%3Dx%2520y"
    assert sign_in(browser, next="/account").headers["location"] == "/account"
    assert "author" in browser.get("/account").text
    old = browser.cookies["desk_session"]
    assert browser.post("/signout", data={"csrf": csrf(browser)}).headers["location"] == "/signin"
    browser.cookies.set("desk_session", old)
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/signout",
        "",
    ],
)
def test_nobody_is_led_away_after_signing_in(office: Office, url: str) -> None:
    assert sign_in(office.anonymous(), next=url).headers["location"] == "/"


def test_a_planted_session_is_worth_nothing(office: Office) -> None:
    """Fixation: whatever cookie the browser brought, the session after signing in is a new one."""
    browser = office.anonymous()
    browser.cookies.set("desk_session", "planted-by-somebody")
    sign_in(browser)
    assert browser.cookies.get("desk_session", domain="127.0.0.1") != "planted-by-somebody"
    planted = office.anonymous()
    planted.cookies.set("desk_session", "planted-by-somebody")
    assert planted.get("/account").status_code == 303


def test_signing_in_again_ends_the_session_before(office: Office) -> None:
    browser = office.browser()
    before = browser.cookies["desk_session"]
    token = csrf(browser)
    browser.post("/signin", data={"csrf": token, "name": "author", "password": PASSWORD})
    other = office.anonymous()
    other.cookies.set("desk_session", before)
    assert other.get("/account").status_code == 303


def test_the_database_knows_no_secret(office: Office) -> None:
    browser = office.anonymous()
    sign_in(browser)
    browser.post("/account/tokens", data={"csrf": csrf(browser), "label": "x", "role": "author"})
    page = browser.get("/account").text
    token = page.partition("pd_")[2].partition("<")[0]
    link = people.new_link(office.house.people, "author", office.clock.now())
    with sites.database(office.root) as db:
        dump = "\n".join(db.iterdump())
    for secret in (browser.cookies["desk_session"], token, link, PASSWORD):
        assert len(secret) > 10
        assert secret not in dump
    assert "$argon2id$" in dump


def test_a_session_ends_when_it_idles_and_for_good_after_a_week(office: Office) -> None:
    browser = office.browser()
    for _ in range(13):
        office.clock.step(timedelta(hours=11, minutes=59))
        assert browser.get("/account").status_code == 200
    office.clock.step(timedelta(hours=12, minutes=1))
    assert browser.get("/account").status_code == 303
    browser = office.browser()
    for _ in range(16):
        office.clock.step(timedelta(hours=10, minutes=29))
        assert browser.get("/account").status_code == 200
    office.clock.step(timedelta(hours=1))
    assert browser.get("/account").status_code == 303


def test_guessing_gets_slower_and_other_people_are_not_locked_out(office: Office) -> None:
    browser = office.anonymous()
    assert [sign_in(browser, password="wrong").status_code for _ in range(6)] == [401, 401, 401, 401, 429, 429]
    assert sign_in(browser).status_code == 429  # even the right one has to wait
    assert sign_in(office.anonymous("198.51.100.2")).status_code == 429  # the name waits, from everywhere
    assert sign_in(office.anonymous("198.51.100.2"), "approver").status_code == 303
    assert sign_in(browser, "approver").status_code == 429  # the address waits, for every name
    office.clock.step(timedelta(seconds=3))
    assert sign_in(browser).status_code == 303


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    brake, now, waits = people.Brake(), 0.0, []
    for _ in range(16):
        left = brake.take(("name a",), now)
        waits.append(left)
        now += left
        assert not left or brake.take(("name a",), now) == 0.0
    assert waits[:4] == [0.0, 0.0, 0.0, 0.0]
    assert waits[4:8] == [2.0, 4.0, 8.0, 16.0]
    assert max(waits) == 900.0


def test_many_names_do_not_fill_the_memory() -> None:
    brake = people.Brake(most=10)
    for number in range(100):
        brake.take((f"name {number}",), 0.0)
    assert len(brake._tries) == 10


@pytest.mark.slow
def test_an_unknown_name_takes_as_long_and_sounds_alike(office: Office) -> None:
    def timed(name: str) -> tuple[float, str]:
        account, begin = office.house.people.find(name), time.perf_counter()
        assert not people.right(account, "wrong wrong wrong")
        return time.perf_counter() - begin, ""

    timed("author"), timed("nobody")
    known = statistics.median(timed("author")[0] for _ in range(7))
    unknown = statistics.median(timed("nobody")[0] for _ in range(7))
    assert 0.4 < known / unknown < 2.5
    pages = [sign_in(office.anonymous(), name, "wrong").text for name in ("author", "nobody")]
    assert all("That name, password or code is not right." in page for page in pages)


def test_who_is_disabled_is_out_at_once(office: Office) -> None:
    browser, admin, program = office.browser(), office.browser("admin"), office.program()
    assert program.get("/api/v1/releases").status_code == 200
    admin.post("/people/author", data={"csrf": csrf(admin), "disabled": "1"})
    assert browser.get("/account").status_code == 303
    assert program.get("/api/v1/releases").status_code == 401
    assert sign_in(office.anonymous()).status_code == 401


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "authorauthor", "x" * 1001])
def test_bad_passwords_are_refused(office: Office, password: str) -> None:
    browser = office.browser()
    data = {"csrf": csrf(browser), "old": PASSWORD, "new": password, "again": password}
    assert browser.post("/account/password", data=data).status_code == 422
    assert people.right(office.account("author"), PASSWORD)


def test_a_new_password_ends_the_other_sessions(office: Office) -> None:
    browser, elsewhere = office.browser(), office.browser()
    data = {"csrf": csrf(browser), "old": "wrong", "new": "five boats in a row", "again": "five boats in a row"}
    assert browser.post("/account/password", data=data).status_code == 422
    data["old"] = PASSWORD
    assert browser.post("/account/password", data=data).status_code == 303
    assert browser.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    assert sign_in(office.anonymous(), password="five boats in a row").status_code == 303


# ── one-time codes ────────────────────────────────────────────────────────────────────────────────────────────────


def test_codes_are_asked_for_and_never_taken_twice(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = office.browser()
    for page in ("/account", "/account/totp"):
        assert (
            "need DISTRIBUTOR_KEY in the desk" in browser.get(page).text
        )  # it is said before anybody sets anything up
        assert "Set up an app" not in browser.get(page).text
    monkeypatch.setenv("DISTRIBUTOR_KEY", "the phrase of the press office")
    page = browser.get("/account/totp").text
    secret = page.partition('name="secret" value="')[2].partition('"')[0]
    assert "data:image/svg+xml" in page
    totp = pyotp.TOTP(secret)

    def code(later: int = 0) -> str:
        return totp.at(office.clock.now() + timedelta(seconds=later))

    data = {"csrf": csrf(browser), "secret": secret, "password": PASSWORD}
    assert browser.post("/account/totp", data={**data, "code": "000000"}).status_code == 422
    made_up = browser.post("/account/totp", data={**data, "secret": "0189" * 8, "code": "000000"})  # no base32
    assert made_up.status_code == 422
    assert "Set up an app" in made_up.text
    assert browser.post("/account/totp", data={**data, "code": code()}).status_code == 303
    assert sign_in(office.anonymous()).status_code == 401
    assert sign_in(office.anonymous("198.51.100.2"), code=code()).status_code == 401  # it was used to turn them on
    office.clock.step(timedelta(minutes=1))
    assert sign_in(office.anonymous("198.51.100.3"), code=code()).status_code == 303
    assert sign_in(office.anonymous("198.51.100.4"), code=code()).status_code == 401
    assert sign_in(office.anonymous("198.51.100.4"), code=code(-30)).status_code == 401  # older than what was used
    office.clock.step(timedelta(minutes=1))
    assert sign_in(office.anonymous("198.51.100.5"), code=code(60)).status_code == 401  # two steps ahead
    browser = office.browser()
    assert browser.post("/account/totp/off", data={"csrf": csrf(browser), "password": "wrong"}).status_code == 422
    office.clock.step(timedelta(minutes=1))
    assert browser.post("/account/totp/off", data={"csrf": csrf(browser), "password": PASSWORD}).status_code == 303
    assert office.account("author").totp is None


# ── first start, people, tokens ───────────────────────────────────────────────────────────────────────────────────


def test_the_first_admin_comes_by_a_link_that_works_once(tmp_path: Path) -> None:
    office = Office(tmp_path / "press", crew=False)
    link = signin.first_link(office.house)
    assert link
    path = link.removeprefix(BASE)
    browser, late = office.anonymous(), office.anonymous()
    assert browser.get("/first/guessed").status_code == 404
    data = {
        "csrf": csrf(browser, path),
        "name": "Mira",
        "password": PASSWORD,
        "again": PASSWORD,
        "zone": "Asia/Hong_Kong",
    }
    late_token = csrf(late, path)
    assert browser.post(path, data={**data, "again": "other"}).status_code == 422
    assert browser.post(path, data={**data, "zone": "Nowhere"}).status_code == 422
    assert browser.post(path, data=data).headers["location"] == "/"
    assert browser.get("/people").status_code == 200
    assert late.post(path, data={**data, "csrf": late_token, "name": "eve"}).status_code == 404
    assert [one.name for one in office.house.people.all()] == ["mira"]
    assert signin.first_link(office.house) is None


def test_a_new_person_chooses_a_password_by_a_link_that_works_once(office: Office) -> None:
    admin, browser = office.browser("admin"), office.anonymous()
    assert admin.post("/people", data={"csrf": csrf(admin), "name": "Lo", "role": "approver"}).status_code == 303
    page = admin.get("/people").text
    assert f"{BASE}/first/" not in admin.get("/people").text  # nor does loading the page again make another
    path = page.partition(f"{BASE}/first/")[2].partition("<")[0]
    data = {"csrf": csrf(browser, f"/first/{path}"), "password": PASSWORD, "again": PASSWORD}
    assert browser.post(f"/first/{path}", data=data).status_code == 303
    assert browser.get("/account").status_code == 200
    assert browser.get("/people").status_code == 403
    assert office.anonymous().get(f"/first/{path}").status_code == 404
    admin.post("/people/lo/link", data={"csrf": csrf(admin)})
    page = admin.get("/people").text
    path = page.partition(f"{BASE}/first/")[2].partition("<")[0]
    office.clock.step(timedelta(hours=25))
    assert office.anonymous().get(f"/first/{path}").status_code == 404


def test_somebody_stays_an_admin(office: Office) -> None:
    admin = office.browser("admin")
    token = csrf(admin)
    refused = admin.post("/people/admin", data={"csrf": token, "role": "author"}).text
    assert "Somebody has to stay an admin" in refused
    assert "Nobody disables themselves" in admin.post("/people/admin", data={"csrf": token, "disabled": "1"}).text
    assert 'aria-label="Disable admin"' not in refused
    assert 'aria-label="Disable author"' in refused
    assert admin.post("/people/approver", data={"csrf": token, "role": "admin"}).status_code == 303
    assert admin.post("/people/admin", data={"csrf": token, "role": "author"}).status_code == 303
    assert admin.get("/people").status_code == 403


def test_two_spellings_of_a_name_are_one_person(office: Office) -> None:
    admin = office.browser("admin")
    for name in ("AUTHOR", "ａｕｔｈｏｒ", " author "):
        answer = admin.post("/people", data={"csrf": csrf(admin), "name": name, "role": "admin"})
        assert answer.status_code == 422
    with pytest.raises(ActionError):
        people.tidy_name("<script>")
    assert people.tidy_name(" Bo\u00a0  Approver ") == "bo approver"
    assert admin.post("/people", data={"csrf": csrf(admin), "name": "Bo Approver", "role": "author"}).status_code == 303
    assert "/people/bo%20approver/link" in admin.get("/people").text


def test_a_token_can_do_no_more_than_its_role_and_its_person(office: Office) -> None:
    browser = office.browser("approver")
    data = {"csrf": csrf(browser), "label": "robot", "role": "admin"}
    assert browser.post("/account/tokens", data=data).status_code == 422
    assert browser.post("/account/tokens", data={**data, "role": "approver"}).status_code == 303
    page = browser.get("/account").text
    secret = "pd_" + page.partition("pd_")[2].partition("<")[0]
    assert secret not in browser.get("/account").text
    program = office.anonymous()
    program.headers["Authorization"] = f"Bearer {secret}"
    assert program.post("/api/v1/releases/x/hold").status_code == 422
    office.house.people.change("approver", role="author")
    assert program.post("/api/v1/releases/x/hold").status_code == 403
    assert program.get("/account").status_code == 303  # a token opens no page
    [token] = office.house.people.tokens("approver")
    admin = office.browser("admin")
    assert admin.post("/account/tokens/drop", data={"csrf": csrf(admin), "id": token.id}).status_code == 422
    browser = office.browser("approver")
    assert browser.post("/account/tokens/drop", data={"csrf": csrf(browser), "id": token.id}).status_code == 303
    assert program.get("/api/v1/releases").status_code == 401


def test_a_browser_cookie_opens_no_api(office: Office) -> None:
    assert office.browser("admin").get("/api/v1/releases").status_code == 401


def test_the_audit_log_says_who_did_what(office: Office) -> None:
    admin = office.browser("admin")
    admin.post("/people", data={"csrf": csrf(admin), "name": "lo", "role": "author"})
    sign_in(office.anonymous(), "lo", "wrong")
    office.desk.schedule(office.release())
    page = admin.get("/audit").text
    for word in ("person added", "lo (author)", "sign-in refused", "schedule", "three-piers", "203.0.113.7"):
        assert word in page, word
    assert "person added" not in admin.get("/audit?q=three-piers").text
    assert admin.get("/audit?page=x&q=%25").status_code == 200


def test_a_deed_is_one_line_with_its_address(office: Office) -> None:
    office.release()
    approver = office.program("approver")
    approver.post("/api/v1/releases/three-piers/schedule")
    office.clock.step(timedelta(seconds=1))
    browser = office.browser("approver")
    browser.post("/board/three-piers/hold", data={"csrf": csrf(browser)})
    office.clock.step(timedelta(minutes=10))
    office.desk.resume("three-piers")
    office.house.people.note("approver", "save", "", release_id="three-piers", address="x", now=office.clock.now())
    deeds = [(deed.who, deed.action, deed.address) for deed in office.house.people.deeds()]
    assert sorted(deeds[:2]) == [("approver", "save", "x"), ("somebody", "resume", "")]
    assert deeds[2:] == [("approver", "hold", "203.0.113.7"), ("approver", "schedule", "203.0.113.7")]
    assert [deed.action for deed in office.house.people.deeds(limit=1, skip=2)] == ["hold"]


def test_names_are_shown_as_text(office: Office) -> None:
    browser = office.anonymous()
    nasty = '"><script>alert(1)</script>'
    token = csrf(browser, "/signin")
    page = browser.post("/signin", data={"csrf": token, "name": nasty, "password": nasty, "next": nasty}).text
    assert "<script>alert" not in page
    assert "<script>alert" not in office.browser("admin").get(f"/audit?q={nasty}").text


def test_a_large_form_is_refused_before_it_is_read(office: Office) -> None:
    browser = office.browser()
    big = {"csrf": csrf(browser), "zone": "x" * 300_000}
    assert browser.post("/account", data=big).status_code == 413

    def lying() -> "object":
        yield b"csrf=" + b"x" * 300_000

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/account", content=lying(), headers=kind).status_code == 413


def test_the_interface_speaks_the_persons_language(office: Office) -> None:
    anonymous = office.anonymous()
    assert 'lang="en"' in anonymous.get("/signin").text
    asked = anonymous.get("/signin", headers={"Accept-Language": "fr, zh-HK;q=0.9, en;q=0.5"}).text
    assert 'lang="zh-Hant"' in asked
    assert "登入" in asked
    browser = office.browser()
    browser.post("/account", data={"csrf": csrf(browser), "lang": "zh-Hant", "zone": "Asia/Hong_Kong"})
    assert "語言" in browser.get("/account", headers={"Accept-Language": "en"}).text


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "args",
    [("--host", "0.0.0.0"), ("--url", "http://desk.example.com"), ("--host", "0.0.0.0", "--url", "http://x.example")],
)
def test_no_password_travels_in_the_clear(office: Office, args: tuple[str, ...]) -> None:
    setting = Setting(office.clock)
    setting.site_name = str(office.root)
    result = CliRunner().invoke(desk_command, [*args, "--port", "0"], obj=setting)
    assert isinstance(result.exception, ActionError)
    assert "in the clear" in str(result.exception)


def test_without_the_extra_the_command_says_what_to_install(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distributor.cli.desk_.find_spec", lambda _name: None)
    result = CliRunner().invoke(desk_command, [], obj=Setting(office.clock))
    assert "press-distributor[desk]" in str(result.exception)


def test_what_is_no_text_is_refused(office: Office) -> None:
    browser = office.browser("admin")
    data = {"csrf": csrf(browser), "name": "lo\0", "role": "author"}
    assert browser.post("/people", data=data).status_code == 400
    assert browser.post("/people", data={**data, "name": "lo", "x\0": "1"}).status_code == 400
    for address in ("/audit?q=%00", "/releases?q=a%00b", "/r/%00/preview", "/calendar?%00=1"):
        assert browser.get(address).status_code == 400, address


def test_an_error_leads_back_to_the_page_before(office: Office) -> None:
    browser = office.browser("author")
    for came, link in (
        (f"{BASE}/releases?q=piers", 'href="/releases?q=piers"'),
        ("https://elsewhere.example/releases", ""),
        (f"{BASE}//elsewhere.example/", ""),
        (f"{BASE}/nowhere", ""),
        ("http://[", ""),
    ):
        page = browser.get("/nowhere", headers={"Referer": came}).text
        assert ("Back to the page before" in page) is bool(link), came
        assert link in page
    assert "elsewhere.example" not in page


def test_files_are_named_as_they_lie_in_the_site(office: Office) -> None:
    office.release(**{"headline: Three piers reopen": "headline: [1"})
    program, browser = office.program("author"), office.browser("author")
    assert str(office.root) not in browser.get("/r/piers/preview").text
    browser.get("/releases")
    office.release(**{"headline: Three piers reopen": "headlin: Three piers reopen"})
    for answer in (
        browser.get("/r/piers/preview"),
        browser.get("/r/piers/channels"),
        program.get("/api/v1/releases/piers/preview"),
    ):
        assert str(office.root) not in answer.text


def test_whoever_comes_first_is_told_where_the_link_is(tmp_path: Path) -> None:
    empty = Office(tmp_path, crew=False)
    assert "Nobody can sign in yet." in empty.anonymous().get("/signin").text
    link = signin.first_link(empty.house)
    assert link
    page = empty.anonymous().get(link.removeprefix(BASE)).text
    assert '<option value="Asia/Hong_Kong">' in page


def test_nobody_is_told_of_the_link_later(office: Office) -> None:
    page = office.anonymous().get("/signin").text
    assert "Nobody can sign in yet." not in page
    icon = re.search(r'<link rel="icon" href="(/static/icon.svg[^"]*)"', page)
    assert icon
    assert office.anonymous().get(icon[1]).headers["content-type"] == "image/svg+xml"


def test_two_passwords_are_hashed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 64 MiB: forty sign-ins at once are 2.5 GiB."""
    most, now, lock = 0, 0, threading.Lock()

    class Slow:
        def hash(self, _password: str) -> str:
            nonlocal most, now
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.02)
            with lock:
                now -= 1
            return ""

    monkeypatch.setattr(people, "_HASHER", Slow())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(people.hashed, [PASSWORD] * 8))
    assert most == 2
