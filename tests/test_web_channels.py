"""The page of a release's channels: what is chosen there stands in the release's file, and is refused as everywhere."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests import sites
from tests.web import Office, csrf

BLOCKS = """
[channels.mail]
type = "email"
sender = "Press <press@lam.example>"
to = ["Wan <wan@post.example>"]
lists = ["trade"]
after = "5m"

[channels.second]
type = "email"
sender = "Press <press@lam.example>"
lists = ["trade"]

[channels.rss]
type = "rss"

[channels.spare]
type = "rss"
path = "feeds/spare.xml"
enabled = false
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path / "press", blocks=BLOCKS)
    (made.root / "contacts").mkdir(exist_ok=True)
    for name in ("trade", "city"):
        (made.root / "contacts" / f"{name}.csv").write_text(f"address,tags\n{name}@x.example,rail\n")
    made.release()
    return made


def text(office: Office) -> str:
    return (office.root / "releases" / "piers.md").read_text()


def form(client: TestClient) -> dict[str, Any]:
    """The form as a browser would send it back."""
    page = client.get("/r/piers/channels").text
    found: dict[str, Any] = {"csrf": csrf(client, "/account")}
    for tag in re.findall(r"<input [^>]*>", page):
        facts = {key: unescape(value) for key, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if facts.get("type") == "checkbox" and " checked" in tag:
            found.setdefault(facts["name"], []).append(facts.get("value", "on"))
        elif facts.get("type") != "checkbox" and facts["name"] != "csrf":
            found[facts["name"]] = facts.get("value", "")
    return found


def save(client: TestClient, **changes: Any) -> Any:
    return client.post("/r/piers/channels", data={**form(client), **changes})


def test_what_nobody_changed_stays_as_it_is_written(office: Office) -> None:
    client, before = office.browser(), text(office)
    assert form(client)["lists.mail"] == ["trade"]
    assert "on.spare" not in form(client)
    assert save(client).headers["location"] == "/r/piers/channels?said=saved"
    assert text(office) == before


def test_a_time_and_recipients_for_this_release(office: Office) -> None:
    client, before = office.browser("approver"), text(office)
    done = save(
        client, **{"after.mail": "2h", "lists.mail": ["trade", "city"], "tags.mail": "rail, port", "on.second": []}
    )
    assert done.status_code == 303, done.text
    assert "channels: [mail, rss]\n" in text(office)
    assert "channels: [mail]\n    after: 2h\n    lists: [trade, city]\n    tags: [rail, port]\n" in text(office)
    page = client.get("/r/piers/schedule").text
    assert page.count("<tr>") == 3  # the head, mail and feed
    assert "3 listed" in page
    again = form(client)
    assert (again["after.mail"], again["lists.mail"], again["tags.mail"]) == ("2h", ["city", "trade"], "rail port")
    save(client)
    assert "lists: [trade, city]" in text(office)
    save(client, **{"after.mail": "", "lists.mail": ["trade"], "tags.mail": "", "on.second": "on", "on.spare": "on"})
    assert "audiences" not in text(office)
    save(client, **{"on.spare": []})
    assert text(office).replace("channels: [mail, second, rss]\n", "") == before


def test_one_of_a_shared_audience_goes_its_own_way(office: Office) -> None:
    path = office.root / "releases" / "piers.md"
    shared = "audiences:\n  - name: All\n    channels: [mail, second]\n    after: 1h\nsummary:"
    path.write_text(text(office).replace("summary:", shared, 1))
    client = office.browser()
    save(client, **{"after.second": "3h"})
    assert (
        "- name: All\n    channels: [mail]\n    after: 1h\n  - name: second\n    channels: [second]\n    after: 3h\n"
        in text(office)
    )
    save(client, **{"on.mail": []})
    assert "name: All" not in text(office)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"after.mail": "soon"}, "&#39;soon&#39; is not a duration"),
        ({"lists.mail": [], "tags.mail": "rail"}, "there is no list: say lists, too"),
        ({"after.rss": "-1h"}, "would send before the embargo"),
        ({"on.mail": [], "on.second": [], "on.rss": []}, "Choose at least one channel."),
        ({"seen": "0" * 64}, "somebody saved a newer text"),
        ({"tags.mail": "<script>alert(1)</script>", "after.mail": "x"}, "is not a duration"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(office: Office, changes: dict[str, Any], says: str) -> None:
    client, before = office.browser(), text(office)
    if "seen" in changes:
        changes = {**changes, "after.mail": "1h"}
    answer = save(client, **changes)
    assert answer.status_code == 422
    assert says in answer.text
    assert "<script>alert" not in answer.text
    assert text(office) == before


def test_a_list_that_is_not_there_is_told_by_the_preview(office: Office) -> None:
    client = office.browser("approver")
    assert save(client, **{"lists.mail": ["gone"]}).status_code == 303
    page = client.get("/r/piers/schedule").text
    assert "gone" in page
    assert "Seal and schedule" not in page


def test_other_mistakes_in_the_text_do_not_stand_in_the_way(office: Office) -> None:
    path = office.root / "releases" / "piers.md"
    path.write_text(text(office).replace("summary:", "expires_at: 2030-01-01 09:00 UTC\nsummary:", 1))
    assert save(office.browser(), **{"after.mail": "2h"}).status_code == 303
    assert save(office.browser(), **{"after.mail": "soon"}).status_code == 422
    path.write_text(text(office).replace("headline:", "headlin:", 1))
    assert save(office.browser(), **{"after.mail": "1h"}).status_code == 303
    assert "after: 1h" in text(office)
    assert office.browser().get("/r/nothing/channels").status_code == 404


def test_what_was_chosen_stays_where_something_was_wrong(office: Office) -> None:
    client = office.browser()
    chosen = {"after.mail": "soon", "after.rss": "2h", "lists.mail": ["city"], "tags.mail": "rail", "on.second": []}
    page = save(client, **chosen).text
    assert 'name="after.mail" value="soon"' in page
    assert 'name="after.rss" value="2h"' in page
    assert 'name="tags.mail" value="rail"' in page
    assert 'value="city" checked' in page
    assert 'value="trade" checked' not in page.partition("on.second")[0]
    assert 'name="on.second"> ' in page
    with_seen = save(client, seen="0" * 64, **{"after.rss": "2h"}).text
    assert f'name="seen" value="{"0" * 64}"' in with_seen  # who did not see the newer text does not overwrite it


def test_a_channel_that_the_config_has_no_more_can_be_taken_out(office: Office) -> None:
    path = office.root / "releases" / "piers.md"
    named = "channels: [rss, gone]\naudiences:\n  - {name: Old, channels: [gone], after: 1h}\nsummary:"
    path.write_text(text(office).replace("summary:", named, 1))
    client = office.browser()
    assert "does not have it any more" in client.get("/r/piers/channels").text
    assert save(client, **{"after.rss": "1h"}).status_code == 422
    assert save(client, **{"after.rss": "1h", "on.gone": []}).status_code == 303
    assert "gone" not in text(office)
    assert "channels: [rss]\n" in text(office)


def test_a_release_may_go_to_every_tag(office: Office) -> None:
    sites.configure(
        office.root, BLOCKS.replace('lists = ["trade"]\nafter', 'lists = ["trade"]\ntags = ["port"]\nafter')
    )
    client = office.browser()
    assert save(client, **{"any.mail": "on"}).status_code == 303
    assert "tags: []" in text(office)
    assert form(client)["any.mail"] == ["on"]
    assert save(client, **{"any.mail": []}).status_code == 303
    assert "audiences" not in text(office)


def test_comments_inside_an_audience_are_kept(office: Office) -> None:
    path = office.root / "releases" / "piers.md"
    said = (
        "audiences:\n  # the union asked for it\n  - name: Late  # Wan\n    channels: [mail]\n    after: 1h\nsummary:"
    )
    path.write_text(text(office).replace("summary:", said, 1))
    assert save(office.browser(), **{"after.mail": "2h"}).status_code == 303
    assert "# the union asked for it\n# Wan\naudiences:\n" in text(office)
