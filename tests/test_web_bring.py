"""Bringing a text along: what the page says, and that nothing is lost on the way without a word."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor.markdown import Body
from distributor.web import documents, fronts, webtext
from tests.desks import NAME, WebDesk

URL = "/releases/import"


@pytest.fixture
def desk(tmp_path: Path) -> WebDesk:
    return WebDesk(tmp_path / "site")


def test_a_file_and_a_pasted_text_are_not_taken_at_once(desk: WebDesk) -> None:
    before = desk.drafts.names()
    upload = {"file": ("x.txt", b"From a file\n\nWords.", "text/plain")}
    answer = desk.client().post(URL, data={"text": "Pasted words"}, files=upload)
    assert answer.status_code == 422
    assert "bring one of the two" in answer.text
    assert "\nPasted words</textarea>" in answer.text
    assert desk.drafts.names() == before


def test_an_upload_that_is_too_large_comes_back_to_the_page_with_the_limit(desk: WebDesk) -> None:
    upload = {"file": ("x.txt", b"x" * (documents.MAX_DOCUMENT + 2_000_000), "text/plain")}
    answer = desk.client().post(URL, files=upload)
    assert answer.status_code == 413
    assert "at most 20 MB are taken" in answer.text
    assert 'name="file"' in answer.text


def test_an_id_that_another_release_has_is_not_taken_twice(desk: WebDesk) -> None:
    client, folder = desk.client(), desk.root / "releases"
    (folder / "other.md").write_text("---\nid: brought-along\nheadline: Other\n---\n")
    source = "---\nid: brought-along\nheadline: x\n# why\nissuer: {name: A}\n---\nBody.\n"
    answer = client.post(URL, data={"text": source})
    assert "Its id brought-along was taken by another release: it is now brought-along-2." in answer.text
    assert (folder / "brought-along-2.md").read_text() == source.replace("id: brought-along", "id: brought-along-2")
    client.post(URL, data={"text": "Brought along\n\nA text that is no release file yet."})
    assert fronts.values((folder / "brought-along-3.md").read_text())["id"] == "brought-along-3"
    assert "was taken" not in client.post(URL, data={"text": source.replace("along", "home")}).text
    assert desk.text().startswith("---")
    assert NAME in desk.drafts.names()


def test_an_embargo_that_could_not_be_read_is_told_on_top(desk: WebDesk) -> None:
    line = "EMBARGOED UNTIL 12:00 am, 3 March 2031 Hong Kong time"
    answer = desk.client().post(URL, data={"text": f"{line}\n\nPiers reopen\n\nThe piers reopen today."})
    assert answer.text.index("cannot be scheduled until its time is set") < answer.text.index("What was read as what")
    sure = line.replace("12:00 am", "9:00 am")
    answer = desk.client().post(URL, data={"text": f"{sure}\n\nPiers open\n\nThe piers open today."})
    assert "cannot be scheduled" not in answer.text
    assert "2031-03-03 09:00 Asia/Hong_Kong" in answer.text


def body(page: str) -> tuple[str, tuple[str, ...]]:
    """The body of the release that is made of a page, and what was left out."""
    made, left = documents.draft(documents.read(f"<html><body>{page}".encode()))
    return made.markdown.partition("\n---\n")[2].strip(), left


@pytest.mark.parametrize(
    ("page", "written"),
    [
        ("HONG KONG, 3 March 2031 - The <b>board</b> met <i>today</i>", "The **board** met *today*"),
        ("HONG KONG, 3 March 2031 - See <a href='https://x.example/a'>the <i>map</i></a>!", "See [the *map*](https://x.example/a)!"),
        ("<strong>named </strong><b>it</b> so", "**named it** so"),
        ("<b>one;<br>two</b>", "**one;**\n\n**two**"),
        ("<b><strong>twice</strong></b> a<b>(b)</b>c", "**twice** a(**b**)c"),
        ("x <span style='font-weight: 700'>s</span> <b style='font-weight:normal'>n</b>", "x **s** n"),
        ("<span style='font-style:italic; font-weight:bold'>bi</span> <b><i>bi</i></b>", "***bi*** ***bi***"),
        ("今天<b>「海港線」</b>開通", "今天「**海港線**」開通"),
        ("1. a <i>b</i>", "1\\. a *b*"),
        ("wow!<a href='https://y.example'>this</a>", "wow\\![this](https://y.example)"),
        ("2 * 3 * <i>4</i>*", "2 * 3 * *4*\\*"),
        ("<a href='mailto:a@b.example'>a@b.example</a> and <a href='javascript:x'>none</a>", "[a@b.example](mailto:a@b.example) and none"),
    ],
)  # fmt: skip
def test_links_and_emphasis_stay_where_the_words_do(page: str, written: str) -> None:
    assert body(f"<h1>Headline</h1><p>{page}.</p><p>The end of it.</p>") == (f"{written}.\n\nThe end of it.", ())


def test_emphasis_in_a_field_of_plain_words_is_told() -> None:
    left = body("<h1>Headline</h1><p>It met.</p><p>About Us</p><p>We are <b>great</b> people of the sea.</p>")[1]
    assert left == ("bold or italics of 'great': those words are in fields of plain text now",)


def test_a_table_is_a_line_for_each_row_and_the_page_says_so(desk: WebDesk) -> None:
    table = "<table><tr><th>Pier</th><th>Opens</th></tr><tr><td><p>Star <b>Ferry</b></p></td><td></td><td><p>9</p><p>am</p></td></tr>"
    page = f"<html><h1>Piers reopen</h1><p>They do.</p>{table}<tr><td> </td></tr></table><p>The end of it.</p>"
    answer = desk.client().post(URL, files={"file": ("x", page.encode(), "text/html")})
    assert "Left out: the form of a table: each row is an item of a list now" in " ".join(answer.text.split())
    source = (desk.root / "releases" / "piers-reopen.md").read_text()
    assert "They do.\n\n- Pier | Opens\n- Star **Ferry** | | 9 am\n\nThe end of it." in source


def test_a_table_that_lays_out_a_page_is_no_table() -> None:
    layout = "<table><tr><td><h2>Piers</h2><p>One.</p></td><td>Two.</td></tr></table>"
    assert body(f"<h1>Headline</h1><p>It met.</p>{layout}") == ("It met.\n\n## Piers\n\nOne.\n\nTwo.", ())


_BITS = st.sampled_from(
    ["a", "b c", " ", "*", "_", "`", "[", "](x)", "!", "\\", "1. ", "- ", "# ", "「", "」", "&lt;b&gt;", "&amp;amp;", "|", "<br>", "é", "香港"]
    + [f"<{end}{tag}>" for tag in ("b", "i", "em", "strong", "li", "h2") for end in ("", "", "/")]
    + ["<a href='https://x.example/_a_'>", "</a>", "<p>", "</p>", "<td>", "<tr>", "<table>", "</table>"]
)  # fmt: skip


@given(st.lists(_BITS, max_size=25).map("".join))
def test_markup_never_changes_the_words(page: str) -> None:
    for block in webtext.read(f"<p>x{page}").blocks:
        for text in (block.words, block.words[2:].strip(), block.words[:-2].strip()):
            made = block.written(text)
            if made is not None and text:
                assert Body(made).paragraphs == (text,)
                assert Body(made).markup() is None


@pytest.mark.parametrize("page", [URL, "/releases/new"])
def test_usual_languages_are_offered(desk: WebDesk, page: str) -> None:
    text = desk.client().get(page).text
    assert 'list="languages"' in text
    assert '<option value="zh-Hant" lang="zh-Hant">繁體中文</option>' in text
