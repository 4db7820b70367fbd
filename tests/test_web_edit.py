"""Writing in the desk: nobody's words are lost, nothing but the changed field changes, no name leads out of the folder."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor import frontmatter
from distributor.errors import ActionError, ReleaseError
from distributor.web import fronts, merging
from distributor.web.drafts import MAIN, Conflict, Drafts, Edit
from tests.desks import NAME, WebDesk, fields

URL = f"/r/{NAME}"


@pytest.fixture
def desk(tmp_path: Path) -> WebDesk:
    return WebDesk(tmp_path / "site")


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
    assert client.post(f"{URL}/discard").status_code == 303
    assert not desk.drafts.unsaved(NAME, "mira")


def test_who_else_is_there_is_forgotten_after_half_a_minute() -> None:
    presence = merging.Presence()
    assert presence.here("a", "mira", "1", 0) == []
    assert presence.here("a", "tom", "2", 29) == ["mira"]
    assert presence.here("b", "tom", "3", 29) == []
    assert presence.here("a", "mira", "4", 29.5) == ["mira", "tom"]
    assert presence.here("a", "tom", "2", 60) == []
    presence.leave("a", "tom", "2")
    assert presence.here("a", "mira", "1", 60) == []


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


def test_a_stranger_and_a_forged_form_change_nothing(desk: WebDesk) -> None:
    client = desk.client()
    form = fields(client.get(URL).text)
    form.pop("csrf")
    form["text.main"] = "gone"
    del client.headers["X-CSRF"]
    for path in ("", "/live", "/autosave", "/discard", "/language", "/photos/add", "/photos/words", "/photos/crop"):
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
    assert "link" not in desk.drafts.names()
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
    kept = drafts.autosave("one", MAIN, person, tab, Edit(source=words, seen=""))
    found = [one.source for one in drafts.unsaved("one", person)]
    plain = words.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "backslashreplace").decode()
    assert found == ([plain] if kept else [])
    assert drafts.unsaved("one", person + "x") == []
    assert {path.parent.name for path in (root / "var").rglob("*.md")} <= {"drafts"}
    drafts.forget("one", person)
    assert drafts.unsaved("one", person) == []


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
