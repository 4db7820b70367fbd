"""Import: what is recognised, and that no word is ever lost."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distributor import embargo, frontmatter, importing, plain, preflight, reading
from distributor.errors import ReleaseError
from distributor.importing import Draft
from distributor.importing.write import MAX_BODY, escaped
from distributor.markdown import Body
from distributor.release import Release
from distributor.settings import House

SAMPLES = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "samples").glob("*.txt")}
QUARRY, WIRE, WRAPPED, UK = (SAMPLES[name] for name in ("quarry-tour", "wire", "wrapped", "uk"))


def read_back(draft: Draft, folder: Path) -> Release:
    path = folder / "draft.md"
    path.write_text(draft.markdown, encoding="utf-8")
    return reading.read(path, House()).release


def words(text: str) -> "Counter[str]":
    return Counter(re.findall(r"\w+", text))


def nothing_is_lost(text: str, draft: Draft, folder: Path) -> None:
    """Every word is in the file's fields or its body as they read back, or in a dropped line that has a reason; the
    comments do not count.
    """
    read_back(draft, folder)
    file = frontmatter.load(folder / "draft.md")
    there = [*_strings(file.front), Body(file.body).plain, *(line.text for line in draft.dropped)]
    assert not words(plain.normalize(text)) - words("\n".join(there))
    assert all(line.reason for line in draft.dropped)
    last = plain.normalize(text).count("\n") + 1
    lines = [*(guess.line for guess in draft.guesses), *(dropped.line for dropped in draft.dropped)]
    assert all(1 <= line <= last for line in lines)


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return [str(value)]


def fields(draft: Draft) -> dict[str, str]:
    return {guess.field: guess.value for guess in draft.guesses}


def reasons(draft: Draft) -> dict[int, str]:
    return {line.line: line.reason for line in draft.dropped}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_samples(name: str, tmp_path: Path, golden: Callable[[str, bytes], None]) -> None:
    draft = importing.draft(SAMPLES[name])
    nothing_is_lost(SAMPLES[name], draft, tmp_path)
    golden(f"importing/{name}.md", draft.markdown.encode())
    crlf = importing.draft("\ufeff" + SAMPLES[name].replace("\n", "\r\n"))
    assert crlf == draft


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

    def test_guesses_and_dropped_lines_name_their_line(self) -> None:
        draft = importing.draft(QUARRY)
        by_field = {guess.field: guess for guess in draft.guesses}
        assert by_field["headline"].line == 4
        assert by_field["quote"].value.startswith("Rosa Lindqvist, Managing Director, Northern Quarries: The knowledge")
        assert by_field["quote"].line == 16
        assert by_field["boilerplate"].line == 31
        why = reasons(draft)
        assert why[11] == "printed twice"
        assert why[35] == "the link was lost"
        assert "remnant" in why[1]
        assert "remnant" in why[2]
        for line in draft.dropped:
            assert f"# dropped, line {line.line}: {line.text}  ({line.reason})\n" in draft.markdown

    def test_the_body_reads_back_as_it_was(self, tmp_path: Path) -> None:
        body = Body(read_back(importing.draft(QUARRY), tmp_path).main.body)
        assert "120 students, and 1. showed samples; the talks cost AU$40 * 2 in total [sic]." in body.source
        assert "\n- a drill core of 80 metres\n- two seismographs\n- the museum's_new hall #2" in body.source
        assert body.paragraphs[-1] == "1. This line starts with a number, and <script>alert(1)</script> is only text."
        assert "<script>" not in body.html


class TestAWire:
    """As a newswire carries it."""

    def test_facts(self, tmp_path: Path) -> None:
        release = read_back(importing.draft(WIRE), tmp_path)
        text = release.main
        assert release.embargoed_until is not None
        assert release.embargoed_until.spelled() == "Mon 25 Jan 2027 09:00 HKT (01:00 UTC)"
        assert (text.headline, text.subheadline) == ("Harbour Board names new pier", "Opening brought forward to May")
        assert text.dateline is not None
        assert (text.dateline.city, str(text.dateline.date)) == ("Hong Kong SAR", "2027-01-25")
        assert release.distributor is not None
        assert release.distributor.name == "Media OutReach Newswire"
        assert (text.media[0].caption, text.media[0].credit) == ("The new pier at dawn", "Lo Wing")
        assert text.hashtags == ("Harbour", "Pier")
        assert [link.url for link in text.links] == ["https://www.linkedin.com/company/x", "https://x.com/y"]
        assert release.issuer.name == "Harbour Board"
        assert text.boilerplate == "The Harbour Board looks after 41 piers."
        [contact] = release.contacts
        assert (contact.name, contact.role, contact.email) == ("Wan Siu-ming", "Press Officer", "press@harbour.example")
        assert text.notes_to_editors == "Pictures are free to use."
        assert text.body.startswith("The Harbour Board today named")
        assert "ENDS" not in text.body

    def test_wrapped_lines_become_paragraphs(self, tmp_path: Path) -> None:
        release = read_back(importing.draft(WRAPPED), tmp_path)
        text = release.main
        assert text.headline.endswith("workshop for wind turbines on the Humber")
        assert text.subheadline == "A hall of 9,000 square metres takes blades of up to 108 metres"
        assert text.dateline is not None
        assert (text.dateline.city, text.dateline.country) == ("Hull", "England")
        assert "- repair of lightning damage, cracks and worn edges\n- storage" in text.body
        assert [link.title for link in text.links] == ["Logo", "View original content to download multimedia"]
        assert [photo.url for photo in text.media] == ["https://media.example.com/photos/hall.jpg"]
        assert release.issuer.name == "Marlow & Finch"

    def test_contacts(self, tmp_path: Path) -> None:
        draft = importing.draft(WRAPPED)
        ines, ben, ravi = read_back(draft, tmp_path).contacts
        assert (ines.name, ines.role, ines.phone) == ("Ines Okafor", "Head of Press", "+44 1482 555 010")
        assert (ben.name, ben.email, ben.phone) == ("Ben Sharrow", "ben@marlowfinch.example", None)
        assert (ravi.audience, ravi.email) == ("investor", None)
        assert "not an international number" in reasons(draft)[48]

    def test_notes_and_the_block_under_them(self, tmp_path: Path) -> None:
        draft = importing.draft(UK)
        release = read_back(draft, tmp_path)
        assert release.embargoed_until == embargo.parse("2026-03-05 00:01 UTC")
        assert release.main.byline == "Joan Pettifer"
        assert release.main.notes_to_editors is not None
        assert release.main.notes_to_editors.split("\n\n")[0] == "1. The survey was open from 4 to 29 January 2026."
        assert [link.url for link in release.main.links] == ["https://halltrust.example/survey"]
        assert release.contacts == ()
        assert "020 7946 0000" in draft.markdown


@pytest.mark.parametrize(
    ("line", "place", "wire", "date"),
    [
        ("SHANGHAI, CHINA - Media OutReach Newswire - 19 July 2026 - The", ("Shanghai", None, "China"), "Media OutReach Newswire", "2026-07-19"),
        ("HONG KONG, Aug. 3, 2020 /PRNewswire/ -- The", ("Hong Kong", None, None), "PRNewswire", "2020-08-03"),
        ("SAN FRANCISCO--(BUSINESS WIRE)--The", ("San Francisco", None, None), "BUSINESS WIRE", "None"),
        ("NEW YORK, March 16, 2025 (GLOBE NEWSWIRE) -- The", ("New York", None, None), "GLOBE NEWSWIRE", "2025-03-16"),
        ("RALEIGH, NC / ACCESSWIRE / December 5, 2023 / The", ("Raleigh", "NC", None), "ACCESSWIRE", "2023-12-05"),
        ("PALO ALTO, CALIFORNIA, UNITED STATES, April 2, 2024 /EINPresswire.com/ -- The", ("Palo Alto", "California", "United States"), "EINPresswire.com", "2024-04-02"),
        ("LONDON, 5 March 2026 – The", ("London", None, None), None, "2026-03-05"),
        ("LONDON (5 March 2026) - The", ("London", None, None), None, "2026-03-05"),
        ("Stratford-upon-Avon, UK, 1st May 2026 — The", ("Stratford-upon-Avon", None, "UK"), None, "2026-05-01"),
        ("GENEVA – The", ("Geneva", None, None), None, "None"),
        ("【香港2026年3月5日】The", ("香港", None, None), None, "2026-03-05"),
    ],
)  # fmt: skip
def test_datelines(tmp_path: Path, line: str, place: tuple[str | None, ...], wire: str | None, date: str) -> None:
    text = f"A headline\n\n{line} board met on 2 May and said nothing.\n"
    draft = importing.draft(text)
    release = read_back(draft, tmp_path)
    found = release.main.dateline
    assert found is not None
    assert (found.city, found.region, found.country) == place
    assert str(found.date) == date
    assert (release.distributor.name if release.distributor else None) == wire
    assert release.main.body == "The board met on 2 May and said nothing."
    nothing_is_lost(text, draft, tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "LONDON, 31 February 2026 – The board met.",
        "Ferries will sail from 5 March 2026 – a first for the city.",
        "The board, which met on 5 March 2026 – in Hull – agreed.",
        "New – improved ferries are on their way, says the board.",
    ],
)
def test_a_sentence_is_no_dateline(tmp_path: Path, line: str) -> None:
    release = read_back(importing.draft(f"A headline\n\n{line}\n"), tmp_path)
    assert release.main.dateline is None
    assert release.main.body == line


@pytest.mark.parametrize(
    ("line", "instant", "why"),
    [
        ("EMBARGOED UNTIL 09:00 HKT (01:00 GMT), 25 January 2027", "2027-01-25 09:00 Asia/Hong_Kong", "HKT"),
        ("Embargoed until 9:00 a.m. ET, March 16, 2027", "2027-03-16 09:00 America/New_York", "ET"),
        ("EMBARGOED UNTIL 20:00 EST on 4 January 2027 (01:00 GMT)", "2027-01-04 20:00 America/New_York", "EST"),
        ("Under embargo until Monday 25 January 2027, 9am Singapore time", "2027-01-25 09:00 Asia/Singapore", "Singapore"),
        ("EMBARGO: 25 January 2027, 12 noon GMT", "2027-01-25 12:00 UTC", "GMT"),
        ("EMBARGOED UNTIL 09:00 CST (01:00 GMT), 25 January 2027", "2027-01-25 09:00 Asia/Shanghai", "CST"),
        ("EMBARGOED UNTIL 09:00 UTC+8, 25 January 2027", "2027-01-25 09:00:00+08:00", "UTC"),
        ("限時發布：2027年1月25日上午9時（香港時間）", "2027-01-25 09:00 Asia/Hong_Kong", "香港時間"),
        ("EMBARGOED UNTIL 09:00 CST, 25 January 2027", None, "several places"),
        ("EMBARGOED UNTIL 09:00 HKT (02:00 GMT), 25 January 2027", None, "not the same instant"),
        ("EMBARGOED UNTIL 09:00 EST, July 4, 2027", None, "has EDT, not EST"),
        ("EMBARGOED UNTIL 09:00 BST, 25 January 2027", None, "has GMT, not BST"),
        ("EMBARGOED UNTIL 12:01 a.m. ET, March 16, 2027", None, "midnight"),
        ("EMBARGOED UNTIL 16 March 2027", None, "no time of day"),
        ("EMBARGOED UNTIL 09:00, 16 March 2027", None, "no time zone"),
        ("EMBARGOED UNTIL 09:00 HKT, 16 March", None, "no date with a year"),
        ("EMBARGOED UNTIL 09:00 HKT, 03/04/2027", None, "no date with a year"),
        ("EMBARGOED UNTIL 09:00 HKT, Tuesday 25 January 2027", None, "is a Monday"),
        ("EMBARGOED UNTIL 09:00 HKT, 31 February 2027", None, "does not exist"),
        ("EMBARGOED UNTIL 09:00 XYT, 25 January 2027", None, "XYT"),
        ("EMBARGOED UNTIL 25:00 HKT, 25 January 2027", None, "no time of day"),
        ("EMBARGOED UNTIL 02:30 CET, 28 March 2027", None, "does not exist"),
        ("EMBARGOED UNTIL 01:30 ET, 7 November 2027", None, "happens twice"),
        ("EMBARGOED UNTIL 9:00 am, 3 March 2027 Hong Kong time", "2027-03-03 09:00 Asia/Hong_Kong", "Hong Kong"),
        ("EMBARGOED UNTIL 3 MARCH 2027 9 AM HONG KONG TIME", "2027-03-03 09:00 Asia/Hong_Kong", "HONG KONG TIME"),
        ("EMBARGOED UNTIL 9.30pm on Wednesday 3 March 2027, GMT", "2027-03-03 21:30 UTC", "GMT"),
        ("EMBARGOED UNTIL 9am 3 March 2027 in London", "2027-03-03 09:00 Europe/London", "London"),
        ("EMBARGOED UNTIL 9:00 am, 3 March 2027 (UTC+8)", "2027-03-03 09:00:00+08:00", "UTC"),
        ("EMBARGOED UNTIL 0001 hrs, 3 March 2027, UK time", "2027-03-03 00:01 Europe/London", "UK time"),
        ("EMBARGOED UNTIL 9 a.m. Pacific Daylight Time on June 3, 2027", "2027-06-03 09:00 America/Los_Angeles", "PDT"),
        ("PRESS RELEASE - EMBARGOED UNTIL 09:00, 3 March 2027, Paris", "2027-03-03 09:00 Europe/Paris", "Paris"),
        ("EMBARGOED UNTIL 9:00 am, 3 March 2027 HKT / 01:00 GMT", "2027-03-03 09:00 Asia/Hong_Kong", "HKT"),
        ("請勿於香港時間2027年3月3日上午9時前發布", "2027-03-03 09:00 Asia/Hong_Kong", "香港時間"),
        ("EMBARGOED UNTIL 9:00 am, July 4, 2027, Eastern Standard Time", None, "has EDT, not EST"),
        ("EMBARGOED UNTIL 9:00 am, 3 March 2027 HKT / 02:00 GMT", None, "not the same instant"),
        ("EMBARGOED UNTIL 9:00 am, 3 March 2027 HKT or GMT", None, "more than one time zone"),
        ("EMBARGOED UNTIL 09:00 HKT, 3 March 2027 (01:00)", None, "without its time zone"),
        ("EMBARGOED UNTIL 9:00, briefing 10:00, 3 March 2027 Hong Kong time", None, "more than one time of day"),
        ("EMBARGOED UNTIL 9am on 3 March 2027, London launch", None, "no time zone"),
        ("EMBARGOED UNTIL 9am local time, 3 March 2027", None, "local time"),
        ("FOR RELEASE ON 3 MARCH 2027", None, "no time of day"),
        ("FOR IMMEDIATE RELEASE", None, "no embargo"),
    ],
)  # fmt: skip
def test_an_embargo_only_where_it_is_certain(tmp_path: Path, line: str, instant: str | None, why: str) -> None:
    text = f"{line}\n\nA headline\n\nThe board met.\n"
    draft = importing.draft(text)
    nothing_is_lost(text, draft, tmp_path)
    found = re.search(r"^embargoed_until: (.*)$", draft.markdown, re.MULTILINE)
    assert (found[1].strip("'") if found else None) == instant
    assert why in reasons(draft)[1]
    if "EMBARGO" in line:
        assert "embargoed_until" in fields(draft)


@pytest.mark.parametrize(
    "text",
    [
        "EMBARGOED UNTIL 9am <b>sharp</b>\n\nHeadline\n\nThe board met.",
        "Headline\n\n"
        + "A paragraph about piers.\n\nAnother one about boats.\n\n" * 5
        + "Embargoed until 3 March 2027, noon",
        "STRICTLY EMBARGOED until noon. " + "This text is for your eyes only. " * 9 + "\n\nHeadline\n\nThe board met.",
        "限时发布：2027年3月3日9时\n\n渡轮公司开办新航线\n\n今日宣布。",
    ],
    ids=["markup", "below", "long", "hans"],
)
def test_an_embargo_line_is_kept_wherever_it_stands_and_however_it_is_written(tmp_path: Path, text: str) -> None:
    draft = importing.draft(text)
    nothing_is_lost(text, draft, tmp_path)
    release = read_back(draft, tmp_path)
    assert release.embargoed_until is None
    assert "embargo-unclear" in {finding.code for finding in preflight.check(release, datetime.now(UTC))}


def test_two_embargo_lines_that_disagree_leave_it_open() -> None:
    draft = importing.draft(
        "EMBARGOED UNTIL 09:00 HKT, 25 January 2027\nEMBARGOED UNTIL 09:00 GMT, 25 January 2027\n\nHeadline"
    )
    assert "\nembargoed_until:" not in draft.markdown
    assert any("do not agree" in guess.why for guess in draft.guesses)


@settings(deadline=None)
@given(
    st.datetimes(min_value=embargo.parse("2020-01-01 00:00 UTC").instant.replace(tzinfo=None), max_value=embargo.parse("2035-01-01 00:00 UTC").instant.replace(tzinfo=None)),
    st.sampled_from([("Asia/Hong_Kong", "HKT"), ("America/New_York", "EDT"), ("America/New_York", "EST"), ("Europe/London", "BST"), ("America/New_York", "ET")]),
)  # fmt: skip
def test_an_embargo_that_is_set_is_the_one_that_was_written(moment: object, zone: tuple[str, str]) -> None:
    line = f"EMBARGOED UNTIL {moment:%H:%M} {zone[1]}, {moment:%d %B %Y}"
    draft = importing.draft(f"{line}\n\nHeadline")
    found = re.search(r"^embargoed_until: (.*)$", draft.markdown, re.MULTILINE)
    if found:
        local = embargo.parse(found[1]).local()
        assert f"{local:%Y-%m-%d %H:%M}" == f"{moment:%Y-%m-%d %H:%M}"
        assert zone[1] in (local.tzname(), "ET")


class TestParts:
    def test_a_caption_with_credit_and_address(self, tmp_path: Path) -> None:
        text = "Headline\n\nThe body.\n\nPhoto: The pier. (Photo: Lo Wing) https://p.example/1.jpg\n\nCaption: Boats\nCredit: Ada Lam\n"
        first, second = read_back(importing.draft(text), tmp_path).main.media
        assert (first.caption, first.credit, first.url) == ("The pier.", "Lo Wing", "https://p.example/1.jpg")
        assert (second.caption, second.credit) == ("Boats", "Ada Lam")
        nothing_is_lost(text, importing.draft(text), tmp_path)

    @pytest.mark.parametrize(
        ("line", "tags", "links"),
        [
            ("Hashtag: #One #Two", ("One", "Two"), ()),
            ("Hashtags: One, Two", ("One", "Two"), ()),
            ("#One #Two #one", ("One", "Two"), ()),
            ("Hashtag: #One#Twohttps://a.example/x｜https://b.example/y", ("One", "Two"), ("https://a.example/x", "https://b.example/y")),
            ("Hashtag: #Onehttps://a.example/x%EF%BD%9Chttps://b.example/y", ("One",), ("https://a.example/x", "https://b.example/y")),
            ("Hashtag: #一 ＃二", ("一", "二"), ()),
        ],
    )  # fmt: skip
    def test_hashtags(self, tmp_path: Path, line: str, tags: tuple[str, ...], links: tuple[str, ...]) -> None:
        text = f"Headline\n\nThe body.\n\n{line}"
        draft = importing.draft(text)
        release = read_back(draft, tmp_path)
        assert release.main.hashtags == tags
        assert tuple(link.url for link in release.main.links) == links
        assert release.main.body == "The body."
        nothing_is_lost(text, draft, tmp_path)

    @pytest.mark.parametrize("mark", ["###", "-ENDS-", "ENDS", "-30-", "- Ends -", "（完）"])
    def test_end_marks(self, tmp_path: Path, mark: str) -> None:
        draft = importing.draft(f"Headline\n\nThe body ends.\n\n{mark}\n")
        assert reasons(draft)[5].startswith("an end mark")
        assert read_back(draft, tmp_path).main.body == "The body ends."

    def test_a_second_about_stays_in_the_body(self, tmp_path: Path) -> None:
        text = "Headline\n\nThe body.\n\nAbout Alpha Boats\n\nAlpha builds boats.\n\nAbout Beta Sails\n\nBeta sews sails.\n"
        release = read_back(importing.draft(text), tmp_path)
        assert (release.issuer.name, release.main.boilerplate) == ("Alpha Boats", "Alpha builds boats.")
        assert release.main.body == "The body.\n\nAbout Beta Sails\n\nBeta sews sails."

    def test_a_sentence_that_begins_like_a_label_is_none(self, tmp_path: Path) -> None:
        body = (
            "About 300 people came.\n\nBy 2030 the company will be green.\n\nContact tracing went on.\n\n"
            "Notes were taken. Photos were not."
        )
        release = read_back(importing.draft(f"Headline\n\nAn opening.\n\n{body}\n"), tmp_path)
        assert release.main.body == f"An opening.\n\n{body}"

    def test_a_text_without_issuer_says_so(self, tmp_path: Path) -> None:
        draft = importing.draft("Headline\n\nThe body.\n")
        assert read_back(draft, tmp_path).issuer.name == fields(draft)["issuer"] == "Unknown issuer"

    def test_a_text_without_headline_borrows_its_first_words(self, tmp_path: Path) -> None:
        text = "The board met on Monday. " + "It talked about the ferry for hours. " * 20
        release = read_back(importing.draft(text), tmp_path)
        assert release.main.headline == "The board met on Monday."
        assert release.main.body == text.strip()

    def test_names_for_texts_of_the_config_are_none_here(self, tmp_path: Path) -> None:
        text = "Headline\n\nThe body.\n\nAbout Alpha\n\ntidewater\n"  # one word would be read as a name of the config's
        release = read_back(importing.draft(text), tmp_path)
        assert release.main.boilerplate is None
        assert "tidewater" in release.main.body

    def test_id_and_language(self, tmp_path: Path) -> None:
        for text, lang in (
            ("渡輪公司開辦新航線\n\n關於渡輪的發展", "zh-Hant"),
            ("渡轮公司开办新航线\n\n关于渡轮的发展", "zh-Hans"),
            ("フェリー新航路\n\n運航開始です", "ja"),
            ("페리 회사\n\n새로운 노선", "ko"),
            ("Ferry\n\nruns", "en"),
        ):
            release = read_back(importing.draft(text), tmp_path)
            assert release.main.lang == lang
        assert read_back(importing.draft("Ferry", lang="fr", id="my-id"), tmp_path).id == "my-id"
        assert importing.draft("L’été à São Paulo – 5 % de plus!").id == "lete-a-sao-paulo-5-de-plus"
        assert len(importing.draft("word " * 40).id) <= 60
        with pytest.raises(ReleaseError):
            importing.draft("Ferry", id="No Slug")
        with pytest.raises(ReleaseError):
            importing.draft("Ferry", lang="english please")


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("plain words, 5 * 3 and snake_case and [sic] & Co.", "plain words, 5 * 3 and snake_case and [sic] & Co."),
        ("# 1", "\\# 1"), ("1. one", "1\\. one"), ("12) x", "12\\) x"), ("- x", "\\- x"), ("> x", "\\> x"), ("#tag", "#tag"),
        ("*a* b", "\\*a\\* b"), ("one * star", "one * star"), ("_a_", "\\_a\\_"), ("a_b_c", "a_b_c"), ("---", "\\---"),
        ("<b>", "\\<b>"), ("a < b", "a < b"), ("&amp; &c", "\\&amp; &c"), ("[x](javascript:y)", "[x]\\(javascript:y)"),
        ("[x]: http://y", "\\[x]: http://y"), ("a\\b \\*", "a\\b \\\\*"), ("`a`", "\\`a\\`"), ("it`s", "it`s"), ("```", "\\`\\`\\`"),
        ("2030. A year", "2030\\. A year"), ("3.5 m", "3.5 m"), ("{{ 7 * 7 }} {% x %}", "{{ 7 * 7 }} {% x %}"),
    ],
)  # fmt: skip
def test_the_least_escaping(text: str, markdown: str) -> None:
    assert escaped(text) == markdown
    assert Body(markdown).paragraphs == (text,)


@given(st.text(alphabet="ab1 *_`[]()<>!&;#\\-+.=|~:'\"@/é香", max_size=40).map(lambda text: " ".join(text.split())))
def test_escaped_text_reads_back_unchanged(text: str) -> None:
    body = Body(escaped(text))
    assert body.paragraphs == ((text,) if text else ())
    assert body.markup() is None
    assert not body.unsafe_links()


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n\n", " ", "-ENDS-", "\x00", "\x00\x08word\x1b", "\ufeffBOM first\n\nbody", "a\r\nb\r\n\r\nc", "\ud800 lone \udfff",
        "#only #tags", "Hashtag: ###", "Hashtag:", "Hashtag:\n\n#a #b", "About", "Media contact:", "Photo:", "- - -", "Notes to editors:",
        "---\nid: x\n---\nlooks like a release", "# heading\n\n> quote\n\n```\ncode\n```\n\n1. x", "a\\b *c* _d_ `e` [f](g) <b>h</b> &amp; |",
        "Headline\n\n<script>alert(1)</script>\n\n<b>About X</b>\n\ntext", "<h1>Big</h1>\n\nx", "Embargoed until 99:99 ET, February 31, 2027",
        "香港\n\n渡輪公司", "x: y: z\n\n@at - #no", "Hashtag: #a #A #b\n\nx", "'quoted': \"both\"\n\n%percent", "null", "~", "yes\n\nno", "!tag x\n\n&a *b",
        "H\n\nPhoto: A pier #a#bhttps://x.example/y", "H\n\nPhoto: <img src=x onerror=y>\n\nPhoto: ok <b", "H\n\nContact: <b>A</b>, a@b.example", "H\n\nContact: a@b..example, +1", "{{ 7 * 7 }}\n\n{% x %}",
        "../../etc/passwd\n\nx", "H\nBcc: x@y.example\n\nb", "H\n\n[a](javascript:alert(1)) ![b](data:x)", "\u202egnp.exe\n\n\u2066x\u2069", "e\u0301\n\n\u0301x",
    ],
)  # fmt: skip
def test_any_text_becomes_a_release(tmp_path: Path, text: str) -> None:
    draft = importing.draft(text)
    nothing_is_lost(text, draft, tmp_path)
    assert importing.draft(text) == draft


def test_control_characters_are_reported(tmp_path: Path) -> None:
    draft = importing.draft("Head\x07line\n\nbody\x00 text")
    assert read_back(draft, tmp_path).main.headline == "Head line"
    assert [(line.line, line.text) for line in draft.dropped] == [(1, "U+0007"), (3, "U+0000")]


@pytest.mark.parametrize(
    "text",
    ["a b, c. " * 125_000, "Paragraph with words.\n\n" * 43_000, "\n" * 300_000, "x _y_ *z* \\" * 5_000, "ENDS\n" * 40_000,
     "\n\n".join(f"Text {number} <b> [x](y) `z` of *it*." for number in range(2_500))],
    ids=["line", "copies", "empty", "marks", "ends", "paragraphs"],
)  # fmt: skip
def test_large_texts(tmp_path: Path, text: str) -> None:
    draft = importing.draft(text)
    nothing_is_lost(text, draft, tmp_path)
    assert len(draft.markdown.encode()) < frontmatter.MAX_FILE
    assert MAX_BODY < frontmatter.MAX_FILE


_LINES = sorted({line for text in SAMPLES.values() for line in text.split("\n") if line.strip()})
_ODD = [
    "", "", "", "  indented", "- item", "– dash", "* star", "• bullet", "1. one", "# head", "> q", "| a | b |", "About Us", "About The Foo Company",
    "關於青嶼", "Hashtag: #x #y", "Hashtag:", "#a#bhttps://x.example/y", "By Ann Lee", "***", "=====", "---", "&lt;", "http://x.example/_a_b_*", "<br>",
    "Contact: a@b.example", "Contact:", "Ada Lam, Chair | T. +852 2555 0199", "020 7946 0000", "+44 (0)20 7946 0000", "Photo: p (Credit: C)",
    "Photo credit: Zed", "Logo - https://x.example", "Read more at https://x.example.", "It is available at .", "tidewater", "[a]: http://x", "`a` and `b`",
    "a\\", "EMBARGOED UNTIL noon", "SOURCE Foo", "Editor's note: x", "ENDS", "__a__ **b**", "LONDON -- word", "LONDON, 5 March 2026 – ", "“open", "null", "k: v",
]  # fmt: skip
_PIECES = st.one_of(st.sampled_from(_LINES), st.sampled_from(_ODD), st.text(max_size=60))


@settings(max_examples=120, deadline=None)
@given(st.lists(st.one_of(_PIECES, st.tuples(_PIECES, _PIECES).map(" ".join)), max_size=16))
def test_no_word_of_any_text_is_lost(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    text = "\n".join(lines)
    nothing_is_lost(text, importing.draft(text), tmp_path_factory.mktemp("any"))


def test_an_embargo_that_is_not_certain_stops_scheduling(tmp_path: Path) -> None:
    """The file must not look like a release without an embargo."""
    text = (
        "EMBARGOED UNTIL 09:00 CST, 25 January 2027\n\nHarbour Board names pier\n\nThe board met today and named it.\n"
    )
    path = tmp_path / "draft.md"
    path.write_text(importing.draft(text).markdown, encoding="utf-8")
    release = reading.read(path, House()).release
    assert release.embargoed_until is None
    found = {finding.code: finding for finding in preflight.check(release, datetime.now(UTC))}
    assert found["embargo-unclear"].severity == "error"


def test_a_lost_link_is_a_finding() -> None:
    text = "Headline\n\nThe body says something.\n\nAbout the Board\n\nThe Board looks after piers.\n\nMore about the Board is available at .\n"
    [finding] = preflight.imported(importing.draft(text).dropped)
    assert finding.code == "link-lost"
    assert "available at ." in finding.text
