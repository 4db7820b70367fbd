"""Writing in the desk: nobody's words are lost, nothing but the changed field changes, no name leads out of the folder."""

import json
import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor import frontmatter
from distributor.errors import ActionError, ReleaseError
from distributor.web import fronts, merging, unsaved
from distributor.web.drafts import MAIN, Conflict, Drafts, Edit
from tests.desks import NAME, WebDesk, fields
from tests.web import Office, csrf

URL = f"/r/{NAME}"


@pytest.fixture
def desk(tmp_path: Path) -> WebDesk:
    return WebDesk(tmp_path / "site")


def marks(html: str, action: str = "") -> list[str]:
    """What a form of the page says was shown of what is not saved."""
    from lxml import html as parser

    [form] = [form for form in parser.fromstring(html).forms if form.get("action") == f"{URL}{action and '/'}{action}"]
    return [str(value) for key, value in form.form_values() if key == "shown"]


def edit(desk: WebDesk, key: str = MAIN) -> Edit:
    text = desk.drafts.texts(NAME)[key]
    return Edit(source=text.source, seen=text.digest)


# ── the form ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_javascript_a_form_saves_text_and_fields(desk: WebDesk) -> None:
    client = desk.client()
    form = fields(client.get(URL).text)
    before = desk.text()
    form["text.main"] = (
        form["text.main"].replace("Fares stay as they are.", "Fares do not change.").replace("\n", "\r\n")
    )
    form |= {
        "headline.zh-Hant": "新標題",
        "wall": "2030-03-06T10:30",
        "hashtags.main": "#Ferry, Harbour",
        "own.0.email": "x@y.example",
    }
    answer = client.post(URL, data=form)
    assert answer.status_code == 303
    after = desk.text()
    assert "Fares do not change." in after
    assert "embargoed_until: 2030-03-06 10:30 Asia/Hong_Kong\n" in after
    assert "hashtags: [Ferry, Harbour]\n" in after
    assert "contacts:\n  - press\n  - email: x@y.example\n" in after
    assert "headline: 新標題\n" in desk.text("zh-Hant")
    changed = {"embargoed_until", "hashtags", "contacts", "x@y", "Fares", "- press"}
    lines = [line for line in merging.compare(before, after, around=0) if line.kind != "same"]
    assert all(any(word in line.text for word in changed) for line in lines)


def test_opening_and_saving_without_a_change_leaves_the_files_byte_for_byte(desk: WebDesk) -> None:
    path = desk.root / "releases" / f"{NAME}.md"
    for data in (path.read_bytes(), path.read_bytes().replace(b"\n", b"\r\n"), b"---\n---\n\n\nx\n\n"):
        path.write_bytes(data)
        client = desk.client()
        assert client.post(URL, data=fields(client.get(URL).text)).status_code == 303
        assert path.read_bytes() == data


def test_a_text_that_cannot_be_read_is_saved_all_the_same_and_says_why(desk: WebDesk) -> None:
    client = desk.client()
    form = fields(client.get(URL).text)
    form["text.main"] = form["text.main"].replace("issuer: tidewater", "isuer: tidewater")
    assert client.post(URL, data=form).status_code == 303
    assert "isuer: tidewater" in desk.text()
    page = client.get(URL).text
    assert "did you mean &#39;issuer&#39;?" in page
    assert 'data-line="11"' in page
    assert client.get(f"{URL}/preview").status_code == 422


def test_a_field_that_cannot_be_put_in_gives_everything_back(desk: WebDesk) -> None:
    client = desk.client()
    form = fields(client.get(URL).text)
    form["text.main"] = "words without front matter"
    form["headline.main"] = "Another"
    answer = client.post(URL, data=form)
    assert answer.status_code == 422
    assert "words without front matter" in answer.text
    assert "words without" not in desk.text()
    assert "words without front matter" in client.get(URL).text  # kept, too


def test_two_editors_the_second_is_told_and_nothing_is_overwritten(desk: WebDesk) -> None:
    mira, tom = desk.client("mira"), desk.client("tom")
    first, second = fields(mira.get(URL).text), fields(tom.get(URL).text)
    assert "mira" in tom.get(URL).text.split('id="presence"')[1][:300]
    assert "you, in another window" in mira.get(URL).text
    first["text.main"] = first["text.main"].replace("Fares stay as they are.", "Fares fall.")
    second["text.main"] = second["text.main"].replace("Fares stay as they are.", "Fares rise.")
    second["headline.zh-Hant"] = "另一標題"
    assert mira.post(URL, data=first).status_code == 303
    saved, translation = desk.text(), desk.text("zh-Hant")
    around = tom.post(f"{URL}/autosave", data={**second, "number": "1"}).json()
    assert around["newer"] == [f"{NAME}.md"]
    answer = tom.post(URL, data=second)
    assert answer.status_code == 409
    assert desk.text() == saved
    assert desk.text("zh-Hant") == translation
    assert "Fares fall." in answer.text
    assert "Fares rise." in answer.text
    assert "Fares rise." in tom.get(URL).text  # and it is offered again


def test_changes_of_different_lines_are_brought_together_and_saved_by_the_second(desk: WebDesk) -> None:
    mira, tom = desk.client("mira"), desk.client("tom")
    first, second = fields(mira.get(URL).text), fields(tom.get(URL).text)
    first["text.main"] = first["text.main"].replace("34 metres long", "35 metres long")
    second["text.main"] = second["text.main"].replace("Fares stay as they are.", "Fares rise.")
    mira.post(URL, data=first)
    answer = tom.post(URL, data=second)
    assert answer.status_code == 409
    from lxml import html

    form = next(form for form in html.fromstring(answer.text).forms if form.get("action") == URL)
    assert tom.post(URL, data=dict(form.form_values())).status_code == 303
    assert "35 metres long" in desk.text()
    assert "Fares rise." in desk.text()


def test_what_was_not_saved_is_offered_again_and_merged_with_what_others_saved(desk: WebDesk) -> None:
    client = desk.client()
    form = fields(client.get(URL).text)
    form["text.main"] = form["text.main"].replace("Fares stay as they are.", "Fares rise.")
    assert client.post(f"{URL}/autosave", data={**form, "number": "2"}).json()["kept"]
    client.post(f"{URL}/autosave", data={**form, "text.main": "older, and late", "number": "1"})
    assert "Fares stay" in desk.text()
    other = desk.client("tom")
    theirs = fields(other.get(URL).text)
    assert "Fares rise." not in theirs["text.main"]
    theirs["text.main"] = theirs["text.main"].replace("34 metres long", "35 metres long")
    other.post(URL, data=theirs)
    again = fields(client.get(URL).text)
    assert "Fares rise." in again["text.main"]
    assert "35 metres long" in again["text.main"]
    assert client.post(URL, data=again).status_code == 303
    assert "that was not saved" not in client.get(URL).text
    assert not list((desk.root / "var" / "drafts").glob("*.md"))


def test_what_was_not_saved_can_be_given_up(desk: WebDesk) -> None:
    client = desk.client()
    form = {**fields(client.get(URL).text), "number": "1"}
    client.post(f"{URL}/autosave", data={**form, "text.main": form["text.main"] + "more"})
    page = client.get(URL).text
    assert client.post(f"{URL}/discard").status_code == 303
    assert unsaved.find(desk.drafts, NAME, "mira")  # nobody was shown it
    other = {**fields(page), "number": "1"}
    client.post(f"{URL}/autosave", data={**other, "text.main": form["text.main"] + "in another window"})
    assert client.post(f"{URL}/discard", data={"shown": marks(page, "discard")}).status_code == 303
    assert "in another window" in fields(client.get(URL).text)["text.main"]
    assert len(unsaved.find(desk.drafts, NAME, "mira")) == 1


def test_only_what_a_page_took_over_is_dropped_with_its_save(desk: WebDesk) -> None:
    client = desk.client()
    one, two = fields(client.get(URL).text), fields(client.get(URL).text)
    for form, words in (
        (one, "Fares fall."),
        (two, "Fares rise."),
    ):  # the same line: one is taken over, one stands alone
        form["text.main"] = form["text.main"].replace("Fares stay as they are.", words)
        assert client.post(f"{URL}/autosave", data={**form, "number": "1"}).json()["kept"]
    page = client.get(URL).text
    assert len(marks(page)) == 1
    assert len(marks(page, "discard")) == 2
    form = fields(page)
    taken, left = ("rise", "fall") if "Fares rise." in form["text.main"] else ("fall", "rise")
    assert client.post(URL, data=form).status_code == 303
    assert f"Fares {taken}." in desk.text()
    [kept] = unsaved.find(desk.drafts, NAME, "mira")
    assert f"Fares {left}." in kept.source


def test_what_another_window_wrote_since_it_was_shown_outlives_the_save(desk: WebDesk) -> None:
    client = desk.client()
    other = fields(client.get(URL).text)
    other["text.main"] += "First words.\n"
    client.post(f"{URL}/autosave", data={**other, "number": "1"})
    page = client.get(URL).text
    other["text.main"] += "More words.\n"
    client.post(f"{URL}/autosave", data={**other, "number": "2"})
    form = {**fields(page), "shown": marks(page)}
    assert client.post(URL, data=form).status_code == 303
    [kept] = unsaved.find(desk.drafts, NAME, "mira")
    assert "More words." in kept.source


def test_a_conflict_goes_on_to_know_what_its_page_took_over(desk: WebDesk) -> None:
    from lxml import html

    client, tom = desk.client(), desk.client("tom")
    first = fields(client.get(URL).text)
    first["text.main"] += "Words.\n"
    client.post(f"{URL}/autosave", data={**first, "number": "1"})
    second, theirs = fields(client.get(URL).text), fields(tom.get(URL).text)
    theirs["text.main"] = theirs["text.main"].replace("34 metres long", "35 metres long")
    tom.post(URL, data=theirs)
    answer = client.post(URL, data=second)
    assert answer.status_code == 409
    form = next(form for form in html.fromstring(answer.text).forms if form.get("action") == URL)
    assert client.post(URL, data=dict(form.form_values())).status_code == 303
    assert unsaved.find(desk.drafts, NAME, "mira") == []


def test_inputs_are_kept_while_the_text_cannot_be_read(desk: WebDesk) -> None:
    client = desk.client()
    opened = fields(client.get(URL).text)
    broken = opened["text.main"].replace("lang: en", "lang: en: en")
    form = {
        **opened,
        "text.main": broken,
        "headline.main": "Typed meanwhile",
        "own.0.email": "x@y.example",
        "number": "1",
    }
    said = client.post(f"{URL}/live", data=form).json()
    assert said["fields"] == {}  # what is in the inputs stays there
    quiet = client.post(f"{URL}/live", data={**opened, "text.main": broken}).json()
    assert set(quiet["fields"]) == {"headline.zh-Hant", "hashtags.zh-Hant"}
    assert client.post(f"{URL}/autosave", data=form).json()["kept"]
    for page in (client.post(URL, data=form), client.get(URL)):  # refused, and after a crash
        assert page.status_code == (422 if page.request.method == "POST" else 200)
        again = fields(page.text)
        assert again["text.main"] == broken
        assert again["headline.main"] == "Typed meanwhile"
        assert again["own.0.email"] == "x@y.example"
        assert json.loads(again["was"])["headline.main"] != "Typed meanwhile"
    assert fields(client.post(URL, data=form).text)["wall"] == opened["wall"]  # the page has what the form had
    again |= {"text.main": opened["text.main"], "shown": marks(page.text)}  # type: ignore[dict-item]
    assert client.post(URL, data=again).status_code == 303
    assert "headline: Typed meanwhile\n" in desk.text()
    assert "email: x@y.example" in desk.text()
    assert unsaved.find(desk.drafts, NAME, "mira") == []


def test_inputs_whose_text_somebody_changed_since_stand_alone(desk: WebDesk) -> None:
    client = desk.client()
    opened = fields(client.get(URL).text)
    broken = opened["text.main"].replace("lang: en", "lang: en: en")
    client.post(f"{URL}/autosave", data={**opened, "text.main": broken, "headline.main": "Mine", "number": "1"})
    [text] = [one for one in unsaved.find(desk.drafts, NAME, "mira") if one.key == MAIN]
    unsaved.forget(desk.drafts, NAME, "mira", marks=[text.mark])
    theirs = {**fields(desk.client("tom").get(URL).text), "headline.main": "Theirs"}
    desk.client("tom").post(URL, data=theirs)
    page = client.get(URL).text
    assert fields(page)["headline.main"] == "Theirs"
    assert "headline.main: Mine" in page
    assert marks(page) == []


def test_a_window_that_saved_is_gone_and_what_it_sent_before_changes_nothing(desk: WebDesk) -> None:
    client = desk.client()
    form = {**fields(client.get(URL).text), "number": "5"}
    assert client.post(URL, data=form).status_code == 303
    for number in ("4", "5"):  # before it, or at the same moment
        late = {**form, "text.main": form["text.main"] + "Typed before the save.\n", "number": number}
        assert client.post(f"{URL}/live", data=late).status_code == 200
        assert client.post(f"{URL}/autosave", data=late).json()["kept"]
    page = client.get(f"{URL}?said=saved").text
    assert "Saved." in page
    assert "you, in another window" not in page
    assert "that was not saved" not in page


def test_a_window_is_told_up_to_when_the_desk_has_its_words(desk: WebDesk) -> None:
    client = desk.client()
    form = {**fields(client.get(URL).text), "number": "7"}
    client.post(f"{URL}/autosave", data=form)
    assert f'data-safe="{{&#34;{form["tab"]}&#34;: 7.0}}"' in client.get(URL).text
    assert 'data-safe="{}"' in desk.client("tom").get(URL).text


def test_words_that_come_after_the_session_are_handed_back(desk: WebDesk) -> None:
    client = desk.client()
    form = fields(client.get(URL).text)
    form["text.main"] = "</textarea><script>my words</script>"
    stale = client.post(URL, data=form, headers={"X-CSRF": "0" * 64})
    client.cookies.clear()
    gone = client.post(URL, data=form)
    for answer, status in ((stale, 403), (gone, 401)):
        assert answer.status_code == status
        assert "&lt;/textarea&gt;&lt;script&gt;my words" in answer.text
    foreign = client.post(URL, data=form, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert "my words" not in foreign.text
    assert client.post(URL, data={"x": "y"}).headers["location"].startswith("/signin")
    assert "my words" not in desk.text()


def test_who_else_is_there_is_forgotten_after_half_a_minute() -> None:
    presence = merging.Presence()
    assert presence.here("a", "mira", "1", 0) == []
    assert presence.here("a", "tom", "2", 29) == ["mira"]
    assert presence.here("b", "tom", "3", 29) == []
    assert presence.here("a", "mira", "4", 29.5) == ["mira", "tom"]
    assert presence.here("a", "tom", "2", 60) == []
    presence.leave("a", "tom", "2")
    assert presence.here("a", "mira", "1", 60) == []


# ── the embargo ───────────────────────────────────────────────────────────────────────────────────────────────────────

LINE = "embargoed_until: 2030-03-05 09:00 Asia/Hong_Kong"


def lift(desk: WebDesk, line: str) -> dict[str, str]:
    """The form of the sample with another embargo in it."""
    path = desk.root / "releases" / f"{NAME}.md"
    assert LINE in path.read_text()
    path.write_text(path.read_text().replace(LINE, line))
    return fields(desk.client().get(URL).text)


@pytest.mark.parametrize(
    ("written", "wall", "zone"),
    [
        ("2030-03-05 09:00 Asia/HongKong", "2030-03-05T09:00", "Asia/HongKong"),
        ("2030-02-31 09:00 Asia/Hong_Kong", "", "Asia/Hong_Kong"),
        ("31 February", "", ""),
        ("2030-03-05 09:00:30", "2030-03-05T09:00:30", ""),
        ("2030-03-05 9:00 pm Asia/Hong_Kong", "", "Asia/Hong_Kong"),
        ("2030-03-05 Asia/Hong_Kong", "", "Asia/Hong_Kong"),
        ("2030-03-05 09:00 HKT", "2030-03-05T09:00", "HKT"),
    ],
)
def test_an_embargo_that_cannot_be_read_stays_and_the_pickers_show_what_can(
    desk: WebDesk, written: str, wall: str, zone: str
) -> None:
    form = lift(desk, f"embargoed_until: {written}  # agreed by phone")
    page = desk.client().get(URL).text
    assert f"The text says “{written}”" in page
    assert (form["wall"], form["zone"]) == (wall, zone)
    assert "free" not in form
    form["zone"] = "Europe/London"
    said = desk.client().post(f"{URL}/live", data=form).json()
    assert said["fields"]["zone"] == ("Europe/London" if wall or not zone else zone)
    assert desk.client().post(URL, data=form).status_code == 303
    expected = f"{wall.replace('T', ' ')} Europe/London" if wall else written
    assert f"embargoed_until: {expected}" in desk.text()
    assert "# agreed by phone" in desk.text()


def test_an_empty_picker_never_takes_the_embargo_out_and_its_own_box_does(desk: WebDesk) -> None:
    client = desk.client()
    form = lift(desk, f"{LINE}  # agreed by phone")
    half = client.post(f"{URL}/live", data={**form, "wall": "", "zone": "Europe/London"}).json()
    assert "embargoed_until: 2030-03-05 09:00 Europe/London" in half["sources"]["main"]
    assert client.post(f"{URL}/live", data={**form, "wall": ""}).json()["sources"]["main"] == form["text.main"]
    assert client.post(URL, data={**form, "wall": ""}).status_code == 303
    assert f"{LINE}  # agreed by phone" in desk.text()
    assert client.post(URL, data={**fields(client.get(URL).text), "free": "on"}).status_code == 303
    assert "embargoed_until" not in desk.text()
    bare = fields(client.get(URL).text)
    assert (bare["free"], bare["wall"]) == ("on", "")
    waiting = client.post(f"{URL}/live", data={**bare, "zone": "Asia/Hong_Kong"}).json()
    assert waiting["fields"]["zone"] == "Asia/Hong_Kong"
    again = {**bare, "wall": "2030-03-06T10:30", "zone": "Asia/Hong_Kong"}
    assert client.post(URL, data=again).status_code == 303
    assert "embargoed_until: 2030-03-06 10:30 Asia/Hong_Kong\n" in desk.text()


# ── beside the text ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_preview_follows_what_is_not_saved_and_leads_to_the_line(desk: WebDesk) -> None:
    client = desk.client()
    form = fields(client.get(URL).text)
    form["headline.main"] = "TYPED & NOT SAVED" + "!" * 100
    answer = client.post(f"{URL}/live", data=form).json()
    assert "TYPED &amp; NOT SAVED" in answer["html"]
    assert 'data-line="6"' in answer["html"]  # headline-long leads there
    assert answer["sources"]["main"].count("TYPED & NOT SAVED") == 1
    assert answer["fields"]["headline.main"].startswith("TYPED")
    assert "TYPED" not in desk.text()
    import re
    from html import unescape

    frame = re.search(r'src="([^"]+/frame/email/en[^"]+)"', answer["html"])
    assert frame
    assert "TYPED &amp; NOT SAVED" in client.get(unescape(frame[1])).text
    form["text.main"] = form["text.main"].replace("lang: en", "lang: en: en")
    broken = client.post(f"{URL}/live", data=form).json()
    assert "It cannot be read" in broken["html"]


def test_a_finding_on_a_translation_leads_to_its_own_text(desk: WebDesk) -> None:
    client = desk.client()
    form = fields(client.get(URL).text)
    for key in (MAIN, "zh-Hant"):
        lines = [line for line in form[f"text.{key}"].split("\n") if "caption:" not in line]
        form[f"text.{key}"] = "\n".join(lines)
    form["text.zh-Hant"] += "\n\n[insert name]\n"
    shown = client.post(f"{URL}/live", data=form).json()["html"]
    where = dict(
        re.findall(r'<span class="soft">([\w-]+)</span> +<a class="mono" [^>]*data-key="([\w-]+)"[^>]*>media', shown)
    )
    assert where == {"en": "main", "zh-Hant": "zh-Hant"}
    line = form["text.zh-Hant"].split("---\n")[1].count("\n") + 3
    assert f'data-key="zh-Hant" data-line="{line}">body' in shown
    bare = "\n".join(form["text.zh-Hant"].split("\n"))
    front, body = re.sub(r"media:\n(?: .*\n)+", "", bare.split("---\n")[1]), bare.split("---\n")[2]
    form["text.zh-Hant"] = f"---\n{front}---\n{body}"
    shown = client.post(f"{URL}/live", data=form).json()["html"]
    where = dict(
        re.findall(r'<span class="soft">([\w-]+)</span> +<a class="mono" [^>]*data-key="([\w-]+)"[^>]*>media', shown)
    )
    assert where == {"en": "main", "zh-Hant": "main"}  # it takes them from there


def test_words_beside_each_other_are_apart_in_every_list_of_findings(desk: WebDesk) -> None:
    from distributor.contract import Finding, Severity

    [one] = [Finding(severity=Severity.error, code="x", text="why", field="summary", channel="rss")]
    templates = desk.house.templates
    macro = templates.render(
        "desk/_live.html", {"look": {"problems": [], "findings": [(one, "en", MAIN, 3)], "cards": []}, "_": str}
    )
    assert "rss en summary why" in " ".join(re.sub(r"<[^>]+>", "", macro).split())
    source = (desk.house.site.file("templates/desk/_macros.html")).read_text()
    assert source.count('<span class="mono">{{ one.channel }}</span> {% endif %}') == 1


def test_only_words_of_a_release_are_marked_with_its_language_and_frames_hold_no_tab(desk: WebDesk) -> None:
    from lxml import html

    for path in ("", "/photos"):
        page = html.fromstring(desk.client().get(URL + path).text)
        marked = {one.tag for one in page.xpath("//*[@lang='zh-Hant']")}
        assert "textarea" in marked
        assert marked <= {"textarea", "input", "p"}  # a post in the preview is a paragraph in its language
    frames = html.fromstring(desk.client().get(URL).text).xpath("//iframe")
    assert frames
    assert all(frame.get("tabindex") == "-1" and frame.get("title") for frame in frames)
    assert all(frame.xpath("preceding-sibling::p/a[@target]") for frame in frames)


def test_a_stranger_and_a_forged_form_change_nothing(desk: WebDesk) -> None:
    client = desk.client()
    form = fields(client.get(URL).text)
    form.pop("csrf")
    form["text.main"] = "gone"
    del client.headers["X-CSRF"]
    for path in (
        "",
        "/live",
        "/autosave",
        "/discard",
        "/language",
        "/photos/add",
        "/photos/words",
        "/photos/crop",
        "/delete",
    ):
        assert client.post(URL + path, data=form).status_code == 403, path
    client.cookies.clear()
    assert client.get(URL).headers["location"].startswith("/signin")
    assert "gone" not in desk.text()


# ── begin ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_release_begins_with_a_headline_and_can_be_read_at_once(desk: WebDesk) -> None:
    client = desk.client()
    for name in ("harbour-line-opens", "harbour-line-opens-2"):
        answer = client.post("/releases/new", data={"headline": "Harbour Line: opens", "lang": "en"})
        assert answer.headers["location"] == f"/r/{name}"
        assert client.get(f"/r/{name}/preview").status_code == 200
    assert client.post("/releases/new", data={"headline": " "}).status_code == 422
    assert client.post("/releases/new", data={"headline": "x", "lang": "../x"}).status_code == 422


def test_a_language_version_is_a_file_of_its_own(desk: WebDesk) -> None:
    client = desk.client()
    assert client.post(f"{URL}/language", data={"lang": "fr-ca"}).status_code == 303
    assert desk.text("fr-CA").startswith("---\nlang: fr-CA\nheadline: Tidewater")
    for lang in ("fr-CA", "en", "", "../../x", "a/b"):
        assert client.post(f"{URL}/language", data={"lang": lang}).status_code == 422
    assert "text.fr-CA" in fields(client.get(URL).text)


# ── end ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_draft_is_deleted_by_its_name_and_nothing_of_it_is_lost(desk: WebDesk) -> None:
    client, folder = desk.client(), desk.root / "releases"
    form = fields(client.get(URL).text)
    client.post(f"{URL}/autosave", data={**form, "text.main": form["text.main"] + "Unsaved.\n", "number": "1"})
    before = {path.name: path.read_bytes() for path in folder.glob("*.md")}
    answer = client.post(f"{URL}/delete", data={"confirm": "harbour"})
    assert answer.status_code == 422
    assert {path.name: path.read_bytes() for path in folder.glob("*.md")} == before
    assert client.post(f"{URL}/delete", data={"confirm": NAME}).status_code == 303
    assert client.get(URL).status_code == 404
    [kept] = (desk.root / "var" / "drafts" / "deleted").iterdir()
    assert kept.name == f"{NAME}-20300301T120000Z"
    assert before.items() <= {path.name: path.read_bytes() for path in kept.iterdir()}.items()
    assert any("Unsaved." in path.read_text() for path in kept.iterdir())
    assert not list((desk.root / "var" / "drafts").glob("*.md"))  # it is in nobody's way if the name comes again
    assert (folder / "harbour-line-ferry.jpg").exists()
    deed = desk.house.people.deeds()[0]
    assert (deed.who, deed.action) == ("mira", "delete")
    assert kept.name in deed.detail


def test_what_was_ever_scheduled_is_not_deleted_even_when_its_file_is_broken(tmp_path: Path) -> None:
    office = Office(tmp_path / "press")
    path = office.release("piers")
    office.desk.schedule(path)
    office.desk.cancel("three-piers")
    browser = office.browser()
    for text in (path.read_text(), path.read_text().replace("lang:", "lang: a: b\nlang:")):
        path.write_text(text)
        data = {"csrf": csrf(browser), "confirm": "piers"}
        assert browser.post("/r/piers/delete", data=data).status_code == 422
        assert path.exists()


def test_what_nobody_was_shown_for_a_month_is_not_kept(desk: WebDesk) -> None:
    seen = desk.root / "var" / "drafts" / "seen"
    seen.mkdir(parents=True)
    now = time.time()
    for name, days in (("old", 31), ("new", 29), (desk.drafts.texts(NAME)[MAIN].digest, 31)):
        (seen / name).write_text("x")
        os.utime(seen / name, (now - days * 86_400, now - days * 86_400))
    desk.client().get(URL)
    assert {path.name for path in seen.iterdir()} == {
        "new",
        *(text.digest for text in desk.drafts.texts(NAME).values()),
    }


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    ["..", "../config/distributor", "a/b", "a\\b", ".hidden", "x\0y", "harbour-line.zh-Hant", "", "x" * 500, "%2e%2e"],
)
def test_no_name_leads_out_of_the_folder(desk: WebDesk, name: str) -> None:
    assert not desk.drafts.exists(name)
    with pytest.raises(ActionError):
        desk.drafts.texts(name)


def test_a_link_out_of_the_folder_is_no_draft(desk: WebDesk) -> None:
    (desk.root / "secret.md").write_text("---\nid: x\n---\nsecret")
    (desk.root / "releases" / "link.md").symlink_to(desk.root / "secret.md")
    (desk.root / "releases" / f"{NAME}.fr.md").symlink_to(desk.root / "secret.md")
    assert not desk.drafts.exists("link")
    assert desk.client().get("/r/link").status_code == 404
    assert "secret" not in desk.client().get(URL).text


@given(st.text(max_size=200))
def test_a_headline_makes_a_name_of_a_file_here(tmp_path_factory: pytest.TempPathFactory, headline: str) -> None:
    root = tmp_path_factory.getbasetemp()
    drafts = Drafts(root, root / "var")
    name = drafts.unused(headline)
    assert drafts.path(name).parent == (root / "releases").resolve()


# ── front matter ──────────────────────────────────────────────────────────────────────────────────────────────────────

VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=40).map(str.strip)
STYLES = st.sampled_from(["plain", "block", "folded", "quoted", "flow", "list"])


@st.composite
def files(draw: st.DrawFn) -> str:
    """A release file as a person may write it."""
    lines = []
    for name in draw(
        st.lists(st.sampled_from(["id", "headline", "media", "summary", "hashtags", "ednote"]), unique=True)
    ):
        if draw(st.booleans()):
            lines.append(draw(st.sampled_from(["# a comment: with [things", "", "   ", "# --- "])))
        value = draw(VALUES)
        style = draw(STYLES)
        quoted = json.dumps(value, ensure_ascii=False)
        lines += {
            "plain": [f"{name}: words  # why"],
            "block": [f"{name}: |", "  # not a comment", "", f"  a {value or 'b'}".replace("\n", " ")],
            "folded": [f"{name}: >-", "    x: y", "    z"],
            "quoted": [f"{name}: {quoted}"],
            "flow": [f"{name}: [{{file: a.jpg, alt: {quoted}}},", "  {file: b.jpg}]"],
            "list": [f"{name}:", "  - file: a.jpg", f"    alt: {quoted}", "  # between", "  - file: b.jpg"],
        }[style]
    return (
        "---\n" + "".join(f"{line}\n" for line in lines) + "---\n" + draw(st.sampled_from(["", "\nbody\n", "---\nx\r"]))
    )


@given(
    files(), st.sampled_from(["headline", "media", "ednote", "new"]), st.one_of(VALUES, st.lists(VALUES, max_size=3))
)
def test_a_field_is_set_and_nothing_else_changes(source: str, name: str, value: str | list[str]) -> None:
    try:
        before = frontmatter.parse(source.encode(), Path("x"))
        after = fronts.set_field(source, name, value)
    except (ReleaseError, ActionError):
        return
    read = frontmatter.parse(after.encode(), Path("x"))
    assert read.front == {**before.front, name: value}
    assert read.body == before.body
    kept = [line for line in source.split("\n") if line.startswith("#")]
    left = [line for line in after.split("\n") if line.startswith("#")]
    assert [line for line in left if line not in ("# why", "# between")] == kept  # those two may stand inside the field
    assert "# not a comment" not in left
    if name in before.front:
        assert fronts.set_field(fronts.set_field(after, name, "x"), name, value) == after


@given(files(), VALUES.filter(bool))
def test_an_entry_of_a_list_is_changed_where_it_stands(source: str, alt: str) -> None:
    try:
        before = frontmatter.parse(source.encode(), Path("x")).front
    except ReleaseError:
        return
    if not isinstance(before.get("media"), list):
        return
    after = fronts.set_in_list(source, "media", 0, {"alt": alt, "credit": "me: \u2028 too"})
    read = fronts.values(after)
    assert read["media"] == [{**before["media"][0], "alt": alt, "credit": "me: \u2028 too"}, *before["media"][1:]]
    longer = fronts.append_to_list(after, "media", {"file": "c.jpg"})
    assert fronts.values(longer)["media"] == [*read["media"], {"file": "c.jpg"}]
    if (
        "  # between\n" in source
        and "  - file: b.jpg\n" in source.partition("media:")[2].rpartition("# between")[2][:20]
    ):
        assert "  # between\n" in longer


ENTRIES = [
    "  - alt: one\n    file: a.jpg # a\n",
    "  # of b\n\n  - file: b.jpg\n    alt: |\n      # two\n",
    "  - {file: c.jpg}\n",
]


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 2], [2], [2, 1, 0]])
def test_entries_change_places_with_their_comments_as_they_are_written(order: list[int]) -> None:
    source = f"---\nid: x\nmedia: # photos\n{''.join(ENTRIES)}\n# tags\nhashtags: [a]\n---\nbody\n"
    after = fronts.arrange(source, "media", order)
    assert after == source.replace("".join(ENTRIES), "".join(ENTRIES[index] for index in order))
    assert (
        fronts.arrange("---\nmedia: [{file: a}, {file: b}]\n---\n", "media", [1]) == "---\nmedia:\n  - file: b\n---\n"
    )
    assert "media: []\n" in fronts.arrange(source, "media", [])


def test_setting_a_field_keeps_comments_order_and_spelling() -> None:
    source = "---\n# first\nid: abc   # mine\nheadline: 'Old'\n\n# about\nissuer: {name: X}\n---\nbody\n"
    assert fronts.set_field(source, "headline", "New: one") == source.replace("'Old'", "'New: one'")
    assert fronts.set_field(source, "headline", None) == source.replace("headline: 'Old'\n", "")
    with pytest.raises(ActionError, match="cannot be read"):
        fronts.set_field("---\na: [\n---\n", "headline", "x")
    with pytest.raises(ActionError, match="one 'name: value' a line"):
        fronts.set_field("---\n{id: x}\n---\n", "headline", "x")


# ── texts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

LINES = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=8).map("\n".join)


@given(LINES, LINES, LINES)
def test_a_merge_holds_both_changes_or_says_that_it_cannot(base: str, mine: str, theirs: str) -> None:
    assert merging.merge(base, mine, base) == mine
    assert merging.merge(base, base, theirs) == theirs
    assert merging.merge(base, mine, mine) == mine
    both = merging.merge(base, mine, theirs)
    assert both == merging.merge(base, theirs, mine)
    if both is not None and mine != theirs:
        added = {line for line in mine.split("\n") + theirs.split("\n") if line not in base.split("\n")}
        assert added <= set(both.split("\n"))


def test_a_save_over_a_newer_text_is_a_conflict_unless_both_wrote_the_same(desk: WebDesk) -> None:
    seen = edit(desk)
    desk.drafts.save(NAME, {MAIN: Edit(source=seen.source + "one\n", seen=seen.seen)})
    with pytest.raises(Conflict):
        desk.drafts.save(NAME, {MAIN: Edit(source=seen.source + "two\n", seen=seen.seen)})
    desk.drafts.save(NAME, {MAIN: Edit(source=seen.source + "one\n", seen=seen.seen)})
    assert desk.text().endswith("one\n")
    assert desk.drafts.seen(seen.seen) == seen.source
    assert desk.drafts.seen("../../config") is None


@given(person=st.text(min_size=1, max_size=80), tab=st.text(max_size=80), words=st.text(max_size=50))
def test_an_autosave_stays_in_its_folder_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, person: str, tab: str, words: str
) -> None:
    root = tmp_path_factory.mktemp("site", numbered=True)
    drafts = Drafts(root, root / "var")
    (root / "releases").mkdir()
    drafts.put(drafts.path("one"), b"old")
    kept = unsaved.keep(drafts, "one", MAIN, person, tab, Edit(source=words, seen=""))
    found = [one.source for one in unsaved.find(drafts, "one", person)]
    plain = words.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "backslashreplace").decode()
    assert found == ([plain] if kept else [])
    assert unsaved.find(drafts, "one", person + "x") == []
    assert {path.parent.name for path in (root / "var").rglob("*.md")} <= {"drafts"}
    unsaved.forget(drafts, "one", person, tab or " ")
    assert bool(unsaved.find(drafts, "one", person)) == (kept and not tab)
    unsaved.forget(drafts, "one", person, marks=[one.mark for one in unsaved.find(drafts, "one", person)])
    assert unsaved.find(drafts, "one", person) == []


def test_what_is_written_in_another_window_outlives_a_save(desk: WebDesk) -> None:
    client = desk.client()
    one, two = fields(client.get(URL).text), fields(client.get(URL).text)
    two["text.main"] = two["text.main"].replace("Fares stay as they are.", "Written in the second window.")
    assert client.post(f"{URL}/autosave", data={**two, "number": "1"}).json()["kept"]
    one["text.main"] = one["text.main"].replace("34 metres long", "35 metres long")
    assert client.post(URL, data=one).status_code == 303
    again = fields(client.get(URL).text)
    assert "Written in the second window." in again["text.main"]
    assert client.post(URL, data=again).status_code == 303  # it was shown here: now it is saved, and dropped
    assert "You had written something" not in client.get(URL).text
