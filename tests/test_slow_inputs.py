"""Texts and files made to cost seconds: each is read, or refused in a sentence, at once."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
import yaml

from distributor import frontmatter, preflight, reading
from distributor.errors import ActionError, ReleaseError
from distributor.release import Release
from distributor.settings import House
from distributor.web import documents, merging, photos

T = TypeVar("T")
_MOST = 2.0  #: seconds of this process; each took more before, most of them far more
FRAME = b"\x21\xf9\x04\x00\x05\x00\x00\x00\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\x00"


def at_once(call: Callable[[], T]) -> T:
    begun = time.process_time()
    made = call()
    assert time.process_time() - begun < _MOST
    return made


def release(folder: Path, headline: str, body: str) -> Release:
    path = folder / "long.md"
    path.write_text(f"---\nid: long\nheadline: {headline}\nissuer: {{name: A}}\n---\n{body}\n")
    return reading.read(path, House()).release


def codes(made: Release) -> list[str]:
    return [finding.code for finding in at_once(lambda: preflight.check(made, datetime.now(UTC)))]


@pytest.mark.parametrize(
    "body", ["see " * 4_000, r"\[name " * 30_000, "at: " * 4_000], ids=["links", "marks", "labels"]
)
def test_a_body_without_a_full_stop_is_checked(tmp_path: Path, body: str) -> None:
    assert "link-lost" not in codes(release(tmp_path, "Piers", body))


def test_where_a_link_was_lost_is_said_with_its_sentence_alone(tmp_path: Path) -> None:
    made = release(tmp_path, "Piers", "The board met. The map of all piers is available at . It is new.")
    found = {one.code: one.text for one in preflight.check(made, datetime.now(UTC))}
    assert found["link-lost"] == "a link seems to be lost here: 'The map of all piers is available at .'"


def test_capitals_in_a_headline_are_counted_once(tmp_path: Path) -> None:
    assert "headline-capitals" not in codes(release(tmp_path, "A" * 800 + "a", "x"))
    assert "headline-capitals" in codes(release(tmp_path, "PIERS REOPEN TODAY", "x"))


@pytest.mark.parametrize("page", [b"<!---->" * 25 + b"x", b"<!--" * 900, b"<!-- -->  " * 390])
def test_comments_before_a_page_are_skipped(page: bytes) -> None:
    assert at_once(lambda: documents.read(page)).text
    assert documents.read(b"<!-- a -->\n<!-- b --> <p>Words" + page).text.startswith("Words")


@pytest.mark.parametrize(
    "page",
    ["<p>" + "<b>x</b>" * 60_000, "<p>" + "<b>x</b> " * 20_000, "<p>" + "<a href='https://x.example/'>x</a>" * 10_000, "<table>" * 200 + "<tr><td>x" * 9_000],
    ids=["side by side", "apart", "links", "cells"],
)  # fmt: skip
def test_a_page_full_of_markup_is_read(page: str) -> None:
    assert "x" in at_once(lambda: documents.draft(documents.read(page.encode())))[0].markdown


def test_a_page_has_a_limit() -> None:
    with pytest.raises(ActionError, match="at most 5 MB and 200,000 tags"):
        at_once(lambda: documents.read(b"<p>" + b"<b></b>" * 800_000))


def test_front_matter_has_a_limit(tmp_path: Path) -> None:
    long = "---\n" + "a: b\n" * 13_000 + "---\n"
    with pytest.raises(ReleaseError, match="65 kB of front matter; at most 64 kB"):
        at_once(lambda: frontmatter.parse(long.encode(), tmp_path))
    fields = "".join(f"field{number}: word {number}\n" for number in range(2_900))
    assert len(at_once(lambda: frontmatter.parse(f"---\n{fields}---\n".encode(), tmp_path)).front) == 2_900


@pytest.mark.parametrize(
    "front",
    ["a: ~\nb:\n  - c: |\n      one\n\n      two\n    d: é香\n'q': \"x\\n\"\n", "? a\n", "a:\tb\n", "a: [\n", "a: &x b\n", "a: 'b\nc: d\n"],
)  # fmt: skip
def test_both_parsers_read_the_same_fields_and_lines(front: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> object:
        try:
            made = frontmatter.parse(f"---\n{front}---\n".encode(), Path("x.md"))
        except ReleaseError as error:
            return error.problems
        return made.front, made.lines

    first = told()
    monkeypatch.setattr(frontmatter, "_FAST", yaml.SafeLoader)
    assert told() == first


def test_texts_full_of_lines_alike_are_compared_and_merged() -> None:
    blank = "\n" * 4_000
    changed = at_once(lambda: merging.compare(f"a{blank}b", f"A{blank}b"))
    assert [(line.kind, line.text) for line in changed[:2]] == [("old", "a"), ("new", "A")]
    assert len(changed) < 10
    words = "\n".join("ab"[number % 3 % 2] for number in range(4_000))
    lines = at_once(lambda: merging.compare(f"x\n{words}\nx", f"y\n\n{words}\ny"))
    assert "\n".join(line.text for line in lines if line.kind != "old") == f"y\n\n{words}\ny"
    assert at_once(lambda: merging.merge(f"a{blank}b", f"A{blank}b", f"a{blank}B")) == f"A{blank}B"
    assert at_once(lambda: merging.merge(words, f"x{words}x", f"{words}\ny")) is None


def test_a_film_of_thousands_of_frames_is_no_photo() -> None:
    head = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"
    with pytest.raises(ActionError, match="more than 500 frames"):
        at_once(lambda: photos.read(head + FRAME * 8_000 + b";", "x.gif"))
    assert at_once(lambda: photos.read(head + FRAME * 50 + b";", "x.gif")).width == 1
