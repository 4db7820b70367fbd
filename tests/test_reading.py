"""Release files: what is read, and how a mistake is told (file, line, field, what would be right)."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor import reading
from distributor.errors import ReleaseError
from distributor.release import Release
from distributor.settings import House, Settings

GOOD = """\
---
id: three-piers
embargoed_until: 2030-03-05 09:00 Asia/Hong_Kong
headline: Three piers reopen
issuer: {name: Harbour Board}
contacts:
  - {name: Wan, email: press@harbour.example}
---
The piers reopen.
"""


def write(folder: Path, text: str | bytes, name: str = "piers.md") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def told(folder: Path, text: str | bytes, name: str = "piers.md", house: House | None = None) -> str:
    with pytest.raises(ReleaseError) as error:
        reading.read(write(folder, text, name), house or House())
    return str(error.value)


def test_the_sample_has_everything(sample: Release) -> None:
    assert sample.id == "harbour-line-opening"
    assert [text.lang for text in sample.languages] == ["en", "zh-Hant"]
    assert sample.embargoed_until is not None
    assert sample.embargoed_until.zone == "Asia/Hong_Kong"
    assert sample.issuer.name == "Tidewater Ferries"
    assert sample.contacts[0].email == "press@tidewater.example"
    english, chinese = sample.languages
    assert english.boilerplate.startswith("Tidewater Ferries has carried")  # type: ignore[union-attr]
    assert chinese.boilerplate.startswith("潮汐渡輪")  # type: ignore[union-attr]
    assert english.hashtags[0] == "HarbourLine"
    assert chinese.media[0].file == english.media[0].file


def test_minimal(tmp_path: Path) -> None:
    file = reading.read(write(tmp_path, GOOD), House())
    assert file.release.main.headline == "Three piers reopen"
    assert file.lines["headline"] == 4


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("headline: Three", "headlin: Three"), 4, ["headlin", "did you mean 'headline'"]),
        (("09:00 Asia/Hong_Kong", "09:00 Asia/HongKong"), 3, ["embargoed_until", "did you mean 'Asia/Hong_Kong'"]),
        (("2030-03-05 09:00 Asia/Hong_Kong", "2030-03-05"), 3, ["embargoed_until", "has a date but no time"]),
        (("id: three-piers", "id: Three Piers"), 2, ["id", "small letters"]),
        (("press@harbour.example", "press@@harbour"), 7, ["contacts[0].email", "not an e-mail address"]),
        (("press@harbour.example", '"press@harbour.example\\r\\nBcc: x@y.example"'), 7, ["line break"]),
        (("headline: Three piers reopen", 'headline: "Three\\r\\npiers"'), 4, ["headline", "one line"]),
        (("headline: Three piers reopen", 'headline: "Three\\0piers"'), 4, ["headline", "U+0000"]),
        (("headline: Three piers reopen", "headline: <script>alert(1)</script>"), 4, ["headline", "<script>"]),
        (("headline: Three piers reopen", 'headline: x <img src=x onerror="a()">'), 4, ["headline", "HTML"]),
        (("name: Wan", "name: <b>Wan</b>"), 7, ["contacts[0].name", "HTML"]),
        (("name: Wan, ", "nam: Wan, "), 7, ["contacts[0].nam", "did you mean 'name'"]),
        (("{name: Harbour Board}", "harbour"), 5, ["issuer", "not in the config's [house.issuers]"]),
        (("{name: Wan, email: press@harbour.example}", "{name: Wan}"), 7, ["contacts[0]", "an email or a phone"]),
        (("id: three-piers", "id: three-piers\nid: other"), 3, ["id", "twice"]),
        (("id: three-piers", "id: &a three-piers"), 2, ["anchors"]),
        (("id: three-piers", "id: !!python/name:os.system three"), 2, ["tag"]),
        (("id: three-piers", "id: three: piers"), 2, ["YAML", "quotes"]),
        (("The piers reopen.", "The piers\n\n<script>alert(1)</script>"), 11, ["body", "HTML"]),
        (("The piers reopen.", "[now](javascript:alert(1))"), None, ["body", "javascript:"]),
        (("id: three-piers", "id: three-piers\nversion: 2"), None, ["version 2 must say what it corrects"]),
        (("id: three-piers", "id: three-piers\nhashtags: ['two words']"), 3, ["hashtags[0]", "more than one"]),
        (("id: three-piers", "id: three-piers\nlang: english!"), 3, ["lang", "BCP 47"]),
        (("id: three-piers", "id: three-piers\nurgency: 12"), 3, ["urgency", "less than or equal to 9"]),
        (("id: three-piers", "id: three-piers\nmedia: [{file: ../secret.jpg}]"), 3, ["media[0].file", "outside"]),
        (("id: three-piers", "id: three-piers\nmedia: [{file: /etc/passwd}]"), 3, ["media[0].file", "outside"]),
        (("id: three-piers", "id: three-piers\nmedia: [{file: none.jpg}]"), 3, ["media[0].file", "is not in"]),
    ],
)  # fmt: skip
def test_mistakes_name_file_line_field_and_way_out(
    tmp_path: Path, change: tuple[str, str], line: int | None, words: list[str]
) -> None:
    text = told(tmp_path, GOOD.replace(*change))
    assert "piers.md" in text
    if line is not None:
        assert f"piers.md:{line}" in text, text
    for word in words:
        assert word in text


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = told(tmp_path, GOOD.replace("id: three-piers", "id: X").replace("press@", "press"))
    assert ":2: id" in text
    assert ":7: contacts[0].email" in text


@pytest.mark.parametrize("text", ["Just words.", "", "---\nid: x\n", "--- \n", "\n---\nid: x\n---\n"])
def test_missing_front_matter(tmp_path: Path, text: str) -> None:
    assert "has no front matter" in told(tmp_path, text)


def test_a_body_of_five_megabytes(tmp_path: Path) -> None:
    assert "5.0 MB; a release is at most 1 MB" in told(tmp_path, GOOD + "word " * 1_000_000)


@pytest.mark.parametrize("char", ["\x00", "\x08", "\x1b", "\x7f", "\ufffe"])
def test_control_characters(tmp_path: Path, char: str) -> None:
    text = told(tmp_path, GOOD.replace("piers reopen.", f"piers {char}reopen."))
    assert f"U+{ord(char):04X}" in text
    assert "piers.md:9" in text


def test_not_utf8(tmp_path: Path) -> None:
    assert "piers.md:9: is not UTF-8" in told(tmp_path, GOOD.encode().replace(b"reopen.", b"r\xe9open."))


def test_a_billion_laughs(tmp_path: Path) -> None:
    bomb = "a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n"
    assert "anchors" in told(tmp_path, GOOD.replace("id: three", bomb + "id: three"))


def test_deep_nesting(tmp_path: Path) -> None:
    assert "nested too deep" in told(tmp_path, GOOD.replace("id: three", "keywords: " + "[" * 5000 + "\nid: three"))
    assert "nested too deep" in told(
        tmp_path, GOOD.replace("id: three", "keywords: " + "[" * 20 + "]" * 20 + "\nid: three")
    )


def test_yaml_types_never_surprise(tmp_path: Path) -> None:
    text = GOOD.replace("id: three-piers", "id: three-piers\nlang: no\nkeywords: [12:30, 1e3, yes, 007]")
    release = reading.read(write(tmp_path, text), House()).release
    assert release.main.lang == "no"
    assert release.keywords == ("12:30", "1e3", "yes", "007")


def test_template_code_in_text_is_text(tmp_path: Path) -> None:
    release = reading.read(write(tmp_path, GOOD.replace("Three piers reopen", "'{{ 7*7 }} {% raise %}'", 1)), House())
    assert release.release.main.headline == "{{ 7*7 }} {% raise %}"


class TestLanguageVersions:
    """`piers.zh-Hant.md` beside `piers.md`."""

    def test_two_embargo_times_for_one_release_are_refused(self, tmp_path: Path) -> None:
        """ESA, 2013: two channels held two different embargo times for one release."""
        write(
            tmp_path, "---\nheadline: 碼頭\nembargoed_until: 2030-03-05 10:00 Asia/Hong_Kong\n---\n", "piers.zh-Hant.md"
        )
        text = told(tmp_path, GOOD)
        assert "piers.zh-Hant.md:3: embargoed_until" in text
        assert "one release has one" in text

    def test_the_same_time_may_be_repeated(self, tmp_path: Path) -> None:
        write(tmp_path, "---\nheadline: 碼頭\nid: three-piers\n---\n內文", "piers.zh-Hant.md")
        release = reading.read(write(tmp_path, GOOD), House()).release
        assert release.in_language("zh-Hant-HK") is release.languages[1]

    def test_facts_belong_to_the_main_file(self, tmp_path: Path) -> None:
        write(tmp_path, "---\nheadline: 碼頭\nurgency: 3\n---\n", "piers.zh-Hant.md")
        assert "piers.zh-Hant.md:3: urgency: there is no field of this name" in told(tmp_path, GOOD)

    def test_other_files_are_no_versions(self, tmp_path: Path) -> None:
        write(tmp_path, "notes", "piers.old-draft-2.md")
        assert len(reading.read(write(tmp_path, GOOD), House()).release.languages) == 1


def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"x")
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "photo.jpg").symlink_to(tmp_path / "secret.jpg")
    assert "outside" in told(folder, GOOD.replace("id: three-piers", "id: three-piers\nmedia: [{file: photo.jpg}]"))


def test_house_texts_by_name_and_language(tmp_path: Path, config: Settings) -> None:
    text = GOOD.replace("{name: Harbour Board}", "tidewater\nboilerplate: tidewatr")
    assert "did you mean 'tidewater'" in told(tmp_path, text, house=config.house)
    text = GOOD.replace("{name: Harbour Board}", "tidewater\nboilerplate: tidewater\nlang: fr")
    assert "has no text in fr" in told(tmp_path, text, house=config.house)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_with_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = folder / "any.md"
    path.write_bytes(
        f"---\nid: abc\nissuer: {{name: I}}\nheadline: h\n{text}\n---\n{text}".encode("utf-8", "surrogatepass")
    )
    try:
        reading.read(path, House())
    except ReleaseError as error:
        assert "any.md" in str(error)


SCRIPT = "'x <script>alert(1)</script>'"
EVERY_TEXT_FIELD = {
    "headline": SCRIPT, "subheadline": SCRIPT, "short_headline": SCRIPT, "slugline": SCRIPT, "summary": SCRIPT, "byline": SCRIPT,
    "boilerplate": SCRIPT, "disclaimer": SCRIPT, "notes_to_editors": SCRIPT, "ednote": SCRIPT, "embargo_note": SCRIPT, "genre": SCRIPT,
    "keywords": f"[{SCRIPT}]", "regions": f"[{SCRIPT}]", "hashtags": "['<script>alert(1)</script>']", "channels": f"[{SCRIPT}]",
    "dateline": f"{{city: {SCRIPT}}}", "dateline.region": f"{{city: a, region: {SCRIPT}}}", "issuer": f"{{name: {SCRIPT}}}",
    "issuer.url": "{name: a, url: 'https://x.example/<script>alert(1)</script>'}", "links": f"[{{url: 'javascript:alert(1)', title: {SCRIPT}}}]",
    "links.title": f"[{{url: 'https://x.example', title: {SCRIPT}}}]", "social": f"{{mastodon: {SCRIPT}}}", "subjects": f"[{{code: '1', name: {SCRIPT}}}]",
    "contacts": f"[{{name: {SCRIPT}, email: a@b.example}}]", "contacts.role": f"[{{role: {SCRIPT}, email: a@b.example}}]",
    "contacts.email": "[{email: '<script>alert(1)</script>@b.example'}]", "contacts.phone": "[{phone: '+852<script>'}]",
    "media": f"[{{caption: {SCRIPT}}}]", "media.alt": f"[{{alt: {SCRIPT}}}]", "media.credit": f"[{{credit: {SCRIPT}}}]", "media.rights": f"[{{rights: {SCRIPT}}}]",
    "distributor": f"{{name: {SCRIPT}}}", "regulatory": f"{{regime: {SCRIPT}}}", "social_profiles": f"[{{url: 'https://x.example', title: {SCRIPT}}}]",
    "audiences": f"[{{name: {SCRIPT}}}]", "lang": SCRIPT, "id": SCRIPT, "embargoed_until": SCRIPT, "display_zones": f"[{SCRIPT}]",
}  # fmt: skip


@pytest.mark.parametrize("field", EVERY_TEXT_FIELD)
def test_a_script_in_any_field_is_refused(tmp_path: Path, field: str) -> None:
    name = field.partition(".")[0]
    lines = [
        line
        for line in GOOD.split("\n")
        if not line.startswith((f"{name}:", "  - {name: Wan" if name == "contacts" else "\0"))
    ]
    text = "\n".join([lines[0], f"{name}: {EVERY_TEXT_FIELD[field]}", *lines[1:]])
    problem = told(tmp_path, text)
    assert f"piers.md:2: {name}" in problem, problem


def test_quotes_are_read_from_the_body(sample: Release) -> None:
    speakers = [(quote.speaker, quote.title, quote.org) for quote in sample.main.quotes]
    assert speakers == [
        ("Helen Au", "Chief Executive", "Tidewater Ferries"),
        ("Dr Samuel Kwok", "Director of Marine Acoustics", "Harbour Institute"),
    ]
