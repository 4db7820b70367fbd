"""Import: what is recognised, and that no word is ever lost."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distributor import importing, plain, preflight, reading
from distributor.importing import Draft
from distributor.release import Release
from distributor.settings import House

SAMPLES = Path(__file__).parent / "samples"
QUARRY = (SAMPLES / "quarry-tour.txt").read_text(encoding="utf-8")
WIRE = (SAMPLES / "wire.txt").read_text(encoding="utf-8")


def read_back(draft: Draft, folder: Path) -> Release:
    path = folder / "draft.md"
    path.write_text(draft.markdown, encoding="utf-8")
    return reading.read(path, House()).release


def words(text: str) -> "Counter[str]":
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    text = re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\ufffd]", " ", plain.normalize(text))
    text = re.sub(r"(?=https?://)", " ", text.replace("_", " "))  # addresses that run together are parted
    return Counter(re.findall(r"\w+", text))


def nothing_is_lost(text: str, draft: Draft, folder: Path) -> None:
    """Every word is in the release as it reads back, or in a dropped line that has a reason."""
    release = read_back(draft, folder)
    said = " ".join(_strings(release.model_dump())).replace("\\", " ")
    left_out = " ".join(line.text for line in draft.dropped)
    date = release.main.dateline.date if release.main.dateline else None
    assert not words(text) - words(f"{said} {left_out} {date}")
    assert all(line.reason for line in draft.dropped)
    last = len(plain.normalize(text.encode("utf-8", "replace").decode()).split("\n"))
    lines = [guess.line for guess in draft.guesses] + [line.line for line in draft.dropped]
    assert all(1 <= line <= last for line in lines)


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _strings(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _strings(one)]
    return [str(value)]


class TestASyndicatedRelease:
    """As a newspaper printed it: remnants of the site, the caption twice, the link lost."""

    def test_facts(self, tmp_path: Path) -> None:
        release = read_back(importing.draft(QUARRY), tmp_path)
        text = release.main
        assert text.headline.startswith("Northern Quarries’ delegation toured")
        assert text.byline == "The Quarry Times"
        assert text.hashtags == ("NorthernQuarries", "Geology", "kyoto", "training")
        assert [photo.caption for photo in text.media] == [
            "Northern Quarries met with the heads of four geology departments on its tour of Japan."
        ]
        assert text.disclaimer == "The issuer is solely responsible for the content of this announcement."
        assert release.issuer.name == "Northern Quarries Heritage Trust"
        assert text.boilerplate is not None
        assert len(text.boilerplate.split("\n\n")) == 2
        assert "<script>" not in text.body.replace("\\<script>", "")

    def test_guesses_and_dropped_lines_name_their_line(self) -> None:
        draft = importing.draft(QUARRY)
        by_field = {guess.field: guess for guess in draft.guesses}
        assert by_field["headline"].line == 4
        assert by_field["quote"].value.startswith("Rosa Lindqvist, Managing Director, Northern Quarries: The knowledge")
        assert by_field["quote"].line == 16
        dropped = {line.line: line.reason for line in draft.dropped}
        assert dropped[11] == "printed twice"
        assert "remnant" in dropped[1]
        assert "remnant" in dropped[2]
        for line in draft.dropped:
            assert f"line {line.line}: {line.text}" in draft.markdown

    def test_findings(self, tmp_path: Path) -> None:
        found = preflight.check(read_back(importing.draft(QUARRY), tmp_path), datetime.now(UTC))
        codes = {finding.code for finding in found}
        assert {"headline-long", "link-lost", "dateline-missing", "contact-missing", "embargo-missing"} <= codes

    def test_no_word_is_lost(self, tmp_path: Path) -> None:
        nothing_is_lost(QUARRY, importing.draft(QUARRY), tmp_path)

    def test_the_body_reads_back_as_it_was(self, tmp_path: Path) -> None:
        from distributor.markdown import Body

        shown = Body(read_back(importing.draft(QUARRY), tmp_path).main.body).plain
        for line in (
            "120 students, and 1. showed samples; the talks cost AU$40 * 2 in total [sic].",
            "- the museum's_new hall #2",
        ):
            assert line in shown
        assert "1. This line starts with a number, and <script>alert(1)</script> is only text." in shown


class TestAWire:
    """As a newswire carries it."""

    def test_facts(self, tmp_path: Path) -> None:
        release = read_back(importing.draft(WIRE), tmp_path)
        text = release.main
        assert release.embargoed_until is not None
        assert release.embargoed_until.spelled() == "Mon 25 Jan 2027 09:00 HKT (01:00 UTC)"
        assert text.headline == "Harbour Board names new pier Opening brought forward to May"
        assert text.dateline is not None
        assert text.dateline.city == "Hong Kong SAR"
        assert str(text.dateline.date) == "2027-01-25"
        assert release.distributor is not None
        assert release.distributor.name == "Media OutReach Newswire"
        assert text.media[0].caption == "The new pier at dawn"
        assert text.media[0].credit == "Lo Wing"
        assert text.hashtags == ("Harbour", "Pier")
        assert [link.url for link in text.links] == ["https://www.linkedin.com/company/x", "https://x.com/y"]
        assert release.issuer.name == "the Harbour Board"
        assert text.boilerplate == "The Harbour Board looks after 41 piers."
        [contact] = release.contacts
        assert (contact.name, contact.role, contact.email) == ("Wan Siu-ming", "Press Officer", "press@harbour.example")
        assert text.notes_to_editors == "Pictures are free to use."
        assert "ENDS" not in text.body

    def test_no_word_is_lost(self, tmp_path: Path) -> None:
        nothing_is_lost(WIRE, importing.draft(WIRE), tmp_path)


@pytest.mark.parametrize(
    ("line", "city", "wire", "date"),
    [
        ("SHANGHAI, CHINA - Media OutReach Newswire - 19 July 2026 - The", "Shanghai", "Media OutReach Newswire", "2026-07-19"),
        ("HONG KONG, Aug. 3, 2020 /PRNewswire/ -- The", "Hong Kong", "PRNewswire", "2020-08-03"),
        ("SAN FRANCISCO--(BUSINESS WIRE)--The", "San Francisco", "BUSINESS WIRE", "None"),
        ("NEW YORK, March 16, 2025 (GLOBE NEWSWIRE) -- The", "New York", "GLOBE NEWSWIRE", "2025-03-16"),
        ("RALEIGH, NC / ACCESSWIRE / December 5, 2023 / The", "Raleigh", "ACCESSWIRE", "2023-12-05"),
        ("PALO ALTO, CALIFORNIA, UNITED STATES, April 2, 2024 /EINPresswire.com/ -- The", "Palo Alto", "EINPresswire.com", "2024-04-02"),
        ("LONDON, 5 March 2026 – The", "London", None, "2026-03-05"),
    ],
)  # fmt: skip
def test_datelines(tmp_path: Path, line: str, city: str, wire: str | None, date: str) -> None:
    text = f"A headline\n\n{line} board met on 2 May and said nothing.\n"
    draft = importing.draft(text)
    release = read_back(draft, tmp_path)
    assert release.main.dateline is not None
    assert release.main.dateline.city == city
    assert str(release.main.dateline.date) == date
    assert (release.distributor.name if release.distributor else None) == wire
    assert release.main.body.startswith("The board met")
    nothing_is_lost(text, draft, tmp_path)


@pytest.mark.parametrize(
    ("line", "instant"),
    [
        ("EMBARGOED UNTIL 09:00 HKT (01:00 GMT), 25 January 2027", "2027-01-25 09:00 Asia/Hong_Kong"),
        ("Embargoed until 9:00 a.m. ET, March 16, 2027", "2027-03-16 09:00 America/New_York"),
        ("EMBARGOED UNTIL 09:00 EST, July 4, 2027", None),  # New York is on EDT then
        ("EMBARGOED UNTIL 12:01 a.m. ET, March 16, 2027", None),
        ("EMBARGOED UNTIL 16 March 2027", None),
        ("EMBARGOED UNTIL 02:30 CET, 28 March 2027", None),  # does not exist
        ("FOR IMMEDIATE RELEASE", None),
    ],
)
def test_an_embargo_only_where_it_is_certain(tmp_path: Path, line: str, instant: str | None) -> None:
    text = f"{line}\n\nA headline\n\nThe board met.\n"
    draft = importing.draft(text)
    nothing_is_lost(text, draft, tmp_path)
    found = re.search(r"^embargoed_until: (.*)$", draft.markdown, re.MULTILINE)
    assert (found[1] if found else None) == instant
    assert any(one.line == 1 and one.reason for one in draft.dropped)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n\n", " ", "-ENDS-", "\x00", "\x00\x08word\x1b", "﻿BOM first\n\nbody", "a\r\nb\r\n\r\nc", "\ud800 lone",
        "word " * 150_000, "#only #tags", "Hashtag: ###", "Hashtag:", "About", "Media contact:", "Photo:", "- - -",
        "---\nid: x\n---\nlooks like a release", "# heading\n\n> quote\n\n```\ncode\n```\n\n1. x", "a\\b *c* _d_ `e` [f](g) <b>h</b> &amp; |",
        "Headline\n\n<script>alert(1)</script>\n\n<b>About X</b>\n\ntext", "Embargoed until 99:99 ET, February 31, 2027", "香港\n\n渡輪公司",
        "x: y: z\n\n@at - #no", "Headline\n\nLONDON, 31 February 2026 - The", "Hashtag: #a #A #b\n\nx", "'quoted': \"both\"\n\n%percent",
    ],
)  # fmt: skip
def test_any_text_becomes_a_release(tmp_path: Path, text: str) -> None:
    draft = importing.draft(text)
    nothing_is_lost(text, draft, tmp_path)
    assert importing.draft(text) == draft


_PIECES = st.one_of(
    st.sampled_from([line for line in (QUARRY + WIRE).split("\n") if line.strip()]),
    st.sampled_from(["", "", "- item", "* star", "1. one", "# head", "> q", "| a | b |", "About Us", "Hashtag: #x #y", "By Ann", "***", "=====", "&lt;", "http://x.example/_a_b_*", "<br>", "Contact: a@b.example", "Photo: p (Credit: C)"]),
    st.text(max_size=60),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES, max_size=14))
def test_no_word_of_any_text_is_lost(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    text = "\n".join(lines)
    nothing_is_lost(text, importing.draft(text), tmp_path_factory.mktemp("any"))


def test_language_by_script(tmp_path: Path) -> None:
    for text, lang in (
        ("渡輪公司開辦新航線\n\n關於渡輪的發展", "zh-Hant"),
        ("渡轮公司开办新航线\n\n关于渡轮的发展", "zh-Hans"),
        ("フェリー\n\nです", "ja"),
        ("Ferry\n\nruns", "en"),
    ):
        assert read_back(importing.draft(text), tmp_path).main.lang == lang
    assert read_back(importing.draft("Ferry", lang="fr", id="my-id"), tmp_path).id == "my-id"
