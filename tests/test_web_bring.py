"""Bringing a text along: what the page says, and that nothing is lost on the way without a word."""

from pathlib import Path

import pytest

from distributor.web import documents, fronts
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
    source = "---\nid: brought-along\nheadline: x # why\nissuer: {name: A}\n---\nBody.\n"
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


@pytest.mark.parametrize("page", [URL, "/releases/new"])
def test_usual_languages_are_offered(desk: WebDesk, page: str) -> None:
    text = desk.client().get(page).text
    assert 'list="languages"' in text
    assert '<option value="zh-Hant" lang="zh-Hant">繁體中文</option>' in text
