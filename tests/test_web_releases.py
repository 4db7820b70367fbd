"""The list of releases: what it shows, how it is searched, and that it is fast with ten thousand."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from distributor.lifecycle import PubStatus, State
from distributor.store import Standing, schema
from distributor.web.listing import Status, read_draft, status_of
from tests import sites
from tests.scheduled import LIFT
from tests.web import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "press")


def test_an_empty_site_says_what_to_do(office: Office) -> None:
    assert "There is no release yet" in office.browser().get("/releases").text


def test_a_release_is_there_once_with_its_times_and_its_status(office: Office) -> None:
    path = office.release()
    browser = office.browser()
    page = browser.get("/releases").text
    assert page.count("Three piers reopen") == 1
    assert "is-draft" in page
    assert "Fri 1 Mar 2030 13:00 UTC" in page
    assert f'data-countdown="{LIFT.isoformat()}"' in page
    office.desk.schedule(path)
    page = browser.get("/releases").text
    assert page.count('class="headline"') == 1
    assert "is-scheduled" in page
    assert "1 planned" in page
    office.desk.hold("three-piers")
    assert "is-held" in browser.get("/releases").text  # at once, although another process wrote it
    office.desk.cancel("three-piers")
    assert "is-canceled" in browser.get("/releases").text


def test_times_are_shown_in_the_releases_zone_in_the_viewers_and_in_utc(office: Office) -> None:
    office.release(**{LIFT.isoformat(): "2030-07-01 09:00 Asia/Hong_Kong"})
    page = office.browser().get("/releases").text
    assert "Mon 1 Jul 2030 09:00 HKT (01:00 UTC)" in page
    assert "yours: Mon 1 Jul 2030 02:00 BST" in page


def test_language_versions_and_hidden_files_are_no_releases(office: Office) -> None:
    path = office.release()
    path.with_name("piers.zh-Hant.md").write_text("---\nheadline: 碼頭\n---\n", encoding="utf-8")
    path.with_name(".piers.md.swp.md").write_text("x")
    path.with_name("piers.old_one.md").write_text(path.read_text().replace("id: three-piers", "id: old"))
    page = office.browser().get("/releases").text
    assert page.count('class="headline"') == 2
    assert "碼頭" not in page


def test_a_broken_file_is_listed_with_what_is_wrong(office: Office) -> None:
    (office.root / "releases" / "bad.md").write_text("no front matter <b>")
    (office.root / "releases" / "when.md").write_text(
        "---\nid: when\nheadline: When\nembargoed_until: 2030-03-01\n---\n"
    )
    (office.root / "releases" / "bytes.md").write_bytes(b"---\nheadline: \xff\n---\n")
    page = office.browser().get("/releases").text
    assert "has no front matter" in page
    assert "has a date but no time" in page
    assert page.count('class="headline"') == 3


def test_what_stands_in_a_headline_is_text(office: Office) -> None:
    office.release(**{"headline: Three": "headline: <script>alert(1)</script> Three"})
    page = office.browser().get("/releases").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_search_and_filter_and_pages_are_in_the_address(office: Office) -> None:
    for number in range(60):
        office.release(f"pier-{number}", **{"Three piers reopen": f"Pier {number} opens"})
    office.desk.schedule(office.root / "releases" / "pier-7.md")
    browser = office.browser()
    first, second = browser.get("/releases").text, browser.get("/releases?page=2").text
    assert first.count('class="headline"') == 50
    assert second.count('class="headline"') == 10
    assert browser.get("/releases?q=pier+59").text.count('class="headline"') == 1
    assert browser.get("/releases?q=PIER-59").text.count('class="headline"') == 1
    assert browser.get("/releases?status=scheduled").text.count('class="headline"') == 1
    assert browser.get("/releases?status=draft&q=opens").text.count('class="headline"') == 50
    assert "Nothing fits" in browser.get("/releases?q=nowhere").text
    for odd in ("page=-1", "page=99999999999", "page=x", "status=nonsense", "page=0&status=&q="):
        assert browser.get(f"/releases?{odd}").status_code == 200, odd


def test_findings_are_counted_again_only_when_the_content_changes(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = office.release()
    browser = office.browser()
    assert 'data-findings="/releases/findings/piers"' in browser.get("/releases").text
    first = browser.get("/releases/findings/piers").json()
    assert set(first) == {"error", "warning", "note"}
    assert "data-findings" not in browser.get("/releases").text
    with monkeypatch.context() as patch:
        patch.setattr("distributor.desk.Desk.preview", lambda *_: pytest.fail("looked again"))
        assert browser.get("/releases/findings/piers").json() == first
    path.write_text(path.read_text().replace("issuer:", "isuer:"))
    assert browser.get("/releases/findings/piers").json()["error"] >= 1


@pytest.mark.parametrize("name", ["nothing", "..%2fconfig%2fdistributor", "%2e%2e%2fx", ".hidden"])
def test_findings_are_of_files_in_releases_only(office: Office, name: str) -> None:
    (office.root / "x.md").write_text("x")
    assert office.browser().get(f"/releases/findings/{name}").status_code == 404


def test_a_correction_that_is_written_stands_beside_what_is_out(office: Office) -> None:
    path = office.release()
    office.desk.schedule(path)
    path.write_text(
        path.read_text().replace("id: three-piers", "id: three-piers\nversion: 2\ncorrects: {version: 1, class: C}")
    )
    page = office.browser().get("/releases").text
    assert "is-scheduled" in page
    assert "is-draft" in page


@pytest.mark.parametrize(
    ("counts", "status", "killed", "expected"),
    [
        ({State.planned: 2}, PubStatus.usable, False, Status.scheduled),
        ({State.planned: 2, State.failed: 1}, PubStatus.usable, False, Status.scheduled),
        ({State.held: 2}, PubStatus.withheld, False, Status.held),
        ({State.missed: 1}, PubStatus.usable, False, Status.failed),
        ({State.in_doubt: 1, State.canceled: 1}, PubStatus.usable, False, Status.failed),
        ({State.delivered: 2}, PubStatus.usable, False, Status.out),
        ({State.delivered: 2, State.canceled: 1}, PubStatus.usable, False, Status.out),
        ({State.delivered: 2, State.refused: 1}, PubStatus.usable, False, Status.partly),
        ({State.delivered: 2, State.planned: 1}, PubStatus.usable, False, Status.partly),
        ({State.canceled: 2}, PubStatus.canceled, False, Status.canceled),
        ({State.canceled: 1}, PubStatus.canceled, True, Status.killed),
        ({State.delivered: 1}, PubStatus.canceled, True, Status.killed),
    ],
)
def test_where_a_release_stands(counts: dict[State, int], status: PubStatus, killed: bool, expected: Status) -> None:
    assert status_of(Standing("x", 1, LIFT, "UTC", "X", status, counts, killed, out=False)) is expected


def test_standings_count_the_newest_version_and_no_kills(office: Office) -> None:
    path = office.release()
    office.desk.schedule(path)
    path.write_text(
        path.read_text().replace("id: three-piers", "id: three-piers\nversion: 2\ncorrects: {version: 1, class: C}")
    )
    office.desk.schedule(path)
    with office.desk.ledger() as ledger:
        [one] = ledger.standings()
        assert (one.version, one.counts, one.killed) == (2, {State.planned: 1}, False)
        before = ledger.mark()
        assert ledger.mark() == before
        office.desk.hold("three-piers")
        assert ledger.mark() != before


@pytest.mark.parametrize(
    ("line", "headline"),
    [
        ("headline: Plain words\n# a comment", "Plain words"),
        ('headline: "Quoted: words"', "Quoted: words"),
        ("headline: >-\n  Folded\n  words", "Folded words"),
        ("headline: 'It''s'", "It's"),
        ("headline: C# is a language", "C# is a language"),
    ],
)
def test_the_short_reading_says_what_the_long_one_says(tmp_path: Path, line: str, headline: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"---\nid: a\n{line}\nchannels: [rss, email]\n---\nid: not-this\n")
    draft = read_draft(path)
    assert (draft.id, draft.headline, draft.channels) == ("a", headline, ("rss", "email"))


@pytest.mark.slow
def test_ten_thousand_releases_take_a_tenth_of_a_second(office: Office) -> None:
    from distributor.store.open import open_ledger

    ledger = open_ledger(f"sqlite:///{office.root}/var/distributor.db")
    micro = int(LIFT.timestamp() * 1_000_000)
    facts = {
        "digest": "d",
        "seal": "s",
        "zone": "Asia/Hong_Kong",
        "pub_status": "usable",
        "catch_up_within": 1,
        "sealed_at": 1,
    }
    rest = {
        "kind": "release", "recipient": "public/en", "recipient_name": "", "digest": "d" * 64, "planned_for": micro,
        "lift": micro, "tier": "public", "idempotency": "A", "in_doubt": "hold", "priority": 0, "late_ok": 0, "attempts": 0,
    }  # fmt: skip
    ids = range(10_000)
    releases = [
        {"id": f"r-{n}", "version": 1, "snapshot": "x" * 3000, "lift": micro, "headline": f"Headline {n}", **facts}
        for n in ids
    ]
    messages = [
        {
            "id": n * 8 + k + 1,
            "release_id": f"r-{n}",
            "version": 1,
            "channel": f"c{k}",
            "lang": "en",
            "body": "{}",
            "content": "a",
        }
        for n in ids
        for k in range(8)
    ]
    deliveries = [
        {"release_id": m["release_id"], "version": 1, "channel": m["channel"], "message_id": m["id"], "key": f"k{m['id']}",
         "state": "planned", "due": micro, **rest}
        for m in messages
    ]  # fmt: skip
    with ledger._engine.begin() as connection:
        connection.execute(insert(schema.artefact), [{"sha256": "a", "data": b"x"}])
        for table, rows in ((schema.release, releases), (schema.message, messages), (schema.delivery, deliveries)):
            connection.execute(insert(table), rows)
    source = sites.RELEASE.format(lift=LIFT.isoformat())
    for number in range(2_000):
        (office.root / "releases" / f"d{number}.md").write_text(source.replace("three-piers", f"d-{number}"))
    browser = office.browser()
    assert "12,000" in browser.get("/releases").text
    taken = []
    for number in range(30):
        begin = time.perf_counter()
        assert browser.get(f"/releases?page={number}").status_code == 200
        taken.append(time.perf_counter() - begin)
        office.clock.step(timedelta(seconds=1))
    assert sorted(taken)[-3] < 0.1, taken


def test_channels_in_a_block_are_read_as_they_stand(office: Office) -> None:
    path = office.release(**{"headline: Three": "channels:\n  - one\n  - two\nheadline: Three"})
    assert read_draft(path).channels == ("one", "two")


CORRECTION = "id: three-piers\nversion: 2\ncorrects: {version: 1, class: C}"


def test_two_files_with_one_id_are_both_there(office: Office) -> None:
    """The second was not to be seen at all once the first was scheduled."""
    path = office.release()
    (path.parent / "copy.md").write_text(path.read_text().replace("Three piers reopen", "Another text"))
    browser, program = office.browser(), office.program("approver")
    for _ in range(2):
        page = browser.get("/releases").text
        assert page.count('class="headline"') == 2
        assert page.count("copy.md has the id &#39;three-piers&#39; too") == 1
        answer = program.get("/api/v1/releases/three-piers/preview")
        assert answer.status_code == 422
        assert "several files have the id 'three-piers': copy.md, piers.md" in answer.json()["errors"][0]["text"]
        office.desk.schedule(path)
    path.write_text(path.read_text().replace("id: three-piers", CORRECTION))
    os.utime(path.parent)  # what was changed in place shows within a second, what was written whole at once
    assert program.get("/api/v1/releases/three-piers/preview").status_code == 200


def test_times_are_written_in_the_language_of_the_viewer(office: Office) -> None:
    office.release(**{LIFT.isoformat(): "2030-03-05 09:00 Asia/Hong_Kong"})
    browser = office.browser()
    assert "Tue 5 Mar 2030 09:00 HKT (01:00 UTC)" in browser.get("/releases").text
    office.house.people.change("author", lang="zh-Hant")
    for url in ("/releases", "/r/piers/preview"):
        page = browser.get(url).text
        assert "2030年3月5日 週二 09:00 HKT" in page
        assert "2030年3月5日 週二 01:00 GMT" in page  # the viewer's
        assert "Mar 2030" not in page


def test_a_report_names_times_in_the_zone_of_the_release_and_files_in_the_site(office: Office) -> None:
    path = office.release(**{LIFT.isoformat(): "2030-03-01 21:00 Asia/Hong_Kong"})
    office.desk.schedule(path)
    office.clock.step(timedelta(hours=1, seconds=5))
    office.drain()
    with office.desk.ledger() as ledger, ledger.writing() as connection:
        odd = {"remote_id": f"{office.root}/public/=1+1", "reason": f"cannot write {office.root}/public/x"}
        connection.execute(update(schema.delivery).values(state="failed", **odd))
    browser = office.browser()
    page, table = browser.get("/report/three-piers").text, browser.get("/report/three-piers.csv").text
    assert page.count("Fri 1 Mar 2030 21:00:05 HKT (13:00:05 UTC)") == 3  # now, the first and the last
    assert str(office.root) not in page + table
    assert "cannot write public/x" in page
    assert "public/=1+1" in table
