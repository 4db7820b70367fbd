"""What YAML reads otherwise than a writer of prose means it: refused with file, line, field and the spelling that is right."""

import json
from pathlib import Path

import pytest

from distributor.settings import House
from distributor.site import Site
from tests import sites
from tests.test_cli import Cli
from tests.web import Office

#: What is written in place of the headline, the line (the headline is on line 4), the field, and the spelling that is told.
TRAPS = [
    ("headline: Tidewater named world #1 ferry operator", 4, "headline", '"Tidewater named world #1 ferry operator"'),
    ("headline: #1 ferry operator", 4, "headline", '"#1 ferry operator"'),
    ("headline: It's #1", 4, "headline", '"It\'s #1"'),
    ('headline: "Big" # shown on the page', 4, "headline", "'\"Big\" # shown on the page'"),
    ("headline: Tidewater is\n  now #1", 4, "headline", '"Tidewater is now #1"'),
    ("headline: Tidewater is\n  #1", 4, "headline", '"Tidewater is #1"'),
    ("headline:\n  Tidewater is\n  #1", 5, "headline", '"Tidewater is #1"'),
    ("headline: Ferry: the new line opens", 4, "headline", '"Ferry: the new line opens"'),
    ("headline: What comes next:", 4, "headline", '"What comes next:"'),
    ("headline: Ferry: it opens\n  today", 4, "headline", '"Ferry: it opens today"'),
    ("headline:\n  Ferry: it opens", 5, "headline", '"Ferry: it opens"'),
    ("headline: @tidewater joins", 4, "headline", '"@tidewater joins"'),
    ("headline: *Everything* is new", 4, "headline", '"*Everything* is new"'),
    ("headline: !Hola! says the ferry", 4, "headline", '"!Hola! says the ferry"'),
    ("headline: !!str Big", 4, "headline", '"!!str Big"'),
    ("headline: & more", 4, "headline", '"& more"'),
    ("headline: &more lines", 4, "headline", '"&more lines"'),
    ("headline: %50 more", 4, "headline", '"%50 more"'),
    ("headline: `code` on board", 4, "headline", '"`code` on board"'),
    ("headline: - a dash", 4, "headline", '"- a dash"'),
    ("headline: ? a question", 4, "headline", '"? a question"'),
    ("headline: | a pipe", 4, "headline", '"| a pipe"'),
    ("headline: > 4,000 passengers", 4, "headline", '"> 4,000 passengers"'),
    ("headline: , a comma", 4, "headline", '", a comma"'),
    ('headline: "Big" and more', 4, "headline", "'\"Big\" and more'"),
    ("headline: 'Big' and more", 4, "headline", "\"'Big' and more\""),
    ("headline: 'Don't stop'", 4, "headline", '"Don\'t stop"'),
    ('headline: "a \\d b"', 4, "headline", "'a \\d b'"),
    ("headline: [Update] the ferry", 4, "headline", '"[Update] the ferry"'),
    ("headline: [Update]", 4, "headline", '"[Update]"'),
    ("headline: {Update} the ferry", 4, "headline", '"{Update} the ferry"'),
    ("headline: {Update}", 4, "headline", '"{Update}"'),
    ("headline: a\ttab: b", 4, "headline", '"a tab: b"'),
    ("headline:No space", 4, "headline", "headline: No space"),
    ("headline: One line\nand another", 5, None, '"One line and another"'),
    ("headline: H\nsubheadline: We're #1", 5, "subheadline", '"We\'re #1"'),
    ("headline: H\nsummary: Doors: 10:30", 5, "summary", '"Doors: 10:30"'),
    ("headline: H\nednote: call @ann: now", 5, "ednote", '"call @ann: now"'),
    ("headline: H\nsocial:\n  mastodon: We are #1 #Ferry", 6, "social.mastodon", '"We are #1 #Ferry"'),
    ("headline: H\nsocial: {mastodon: We open: now}", 5, "social", '{mastodon: "We open: now"}'),
    ("headline: H\nkeywords: [C #1]", 5, "keywords", '["C #1"]'),
    ("headline: H\nkeywords:\n  - Ferry: new", 6, "keywords[0]", '"Ferry: new"'),
    ("headline: H\nhashtags: [a, #b, c]", 5, "hashtags", '[a, "#b", c]'),
    ("headline: H\nhashtags:\n  - #Ferry", 6, "hashtags[0]", '"#Ferry"'),
    ("headline: H\nmedia:\n  - caption: Boat #3\n    alt: x", 6, "media[0].caption", '"Boat #3"'),
    ("headline: H\nmedia:\n  - file: a.jpg\n    alt: A boat: red", 7, "media[0].alt", '"A boat: red"'),
    ("headline: H\nmedia:\n  - file: a.jpg\n    credit: @ann", 7, "media[0].credit", '"@ann"'),
    ("headline: H\nmedia:\n  - {caption: Boat #3}", 6, "media[0]", '{caption: "Boat #3"}'),
    ("headline: H\ndateline: {city: Pier #3}", 5, "dateline", '{city: "Pier #3"}'),
    ("headline: H\nissuer: {name: Tide, Inc.}", 5, "issuer", '{name: "Tide, Inc."}'),
    ("headline: H\ncontacts:\n  - name: Ann #2\n    email: a@b.example", 6, "contacts[0].name", '"Ann #2"'),
    ("headline: H\ncontacts:\n  - name: Ann\n    role: Head: press", 7, "contacts[0].role", '"Head: press"'),
    ("headline: H\ncorrects: {version: 1, class: A, text: It was 4, not 5}", 5, "corrects", 'text: "It was 4, not 5"'),
]  # fmt: skip
#: What is written, and what it means.
PLAIN = [
    ("headline: yes", "yes"), ("headline: no", "no"), ("headline: 12:30", "12:30"), ("headline: 2031-03-05", "2031-03-05"),
    ("headline: 10:30 is the time", "10:30 is the time"), ("headline: 1e3", "1e3"), ("headline: 0x10", "0x10"), ("headline: C# and F#", "C# and F#"),
    ("headline: 5% more", "5% more"), ("headline: Don't", "Don't"), ("headline: Big, bigger", "Big, bigger"), ("headline: “Big”: #1".replace(": #1", ""), "“Big”"),
    ('headline: "Tide: #1"', "Tide: #1"), ("headline: 'It''s #1'", "It's #1"), ("headline: Two\n  lines", "Two lines"), ("headline: a-b?", "a-b?"),
    ("headline: >-\n  Tide: #1\n  goes on", "Tide: #1 goes on"), ("headline: ---", "---"), ("headline: =", "="), ("# a comment\nheadline: Big\n# another", "Big"),
]  # fmt: skip


def written(folder: Path, headline: str, name: str = "piers") -> Path:
    return sites.release(
        folder, None, name, **{"headline: Three piers reopen": headline, "embargoed_until: \n": "lang: en # English\n"}
    )


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(sites.make(tmp_path / "site", sites.box(tmp_path / "site")), capsys)


@pytest.mark.parametrize(("text", "line", "field", "right"), TRAPS)
def test_a_trap_is_refused_with_the_spelling_that_is_right(
    cli: Cli, text: str, line: int, field: str | None, right: str
) -> None:
    path = written(cli.root, text)
    code, _, err = cli("check", str(path))
    assert code == 2
    assert err.startswith(f"error: {path}:{line}: {field}: " if field else f"error: {path}:{line}: "), err
    assert right in err


@pytest.mark.parametrize(("text", "means"), PLAIN)
def test_what_means_what_it_says_is_read(cli: Cli, text: str, means: str) -> None:
    from distributor import reading

    assert reading.read(written(cli.root, text), House()).release.main.headline == means


@pytest.mark.parametrize(("text", "line", "field", "right"), TRAPS)
def test_the_spelling_that_is_told_is_read(cli: Cli, text: str, line: int, field: str | None, right: str) -> None:
    """Followed once, the advice leads to a file that YAML reads."""
    from distributor import frontmatter

    first, _, rest = text.partition("\n")
    del rest, line
    if field == "headline" and "\n" not in text:
        document = frontmatter.load(written(cli.root, right if right.startswith("headline") else f"headline: {right}"))
        assert document.front["headline"], first


def test_a_comment_stays_legal_behind_what_is_no_prose(cli: Cli) -> None:
    head = (
        "headline: Three piers reopen\nversion: 1 # the first\nurgency: 4 # usual\ndisplay_zones: [Asia/Tokyo] # theirs\n"
        "media: # photos\n  - url: https://harbour.example/a.jpg # ours\n    caption: A pier\n    alt: A pier\n    # taken in spring\n"
    )
    path = written(cli.root, head)
    path.write_text(
        path.read_text().replace(
            "dateline: {city: Hong Kong}", "dateline:\n  city: Hong Kong\n  date: 2030-03-01 # today"
        )
    )
    assert cli("check", str(path))[0] == 0


def test_a_translation_says_so_too(cli: Cli) -> None:
    path = written(cli.root, "headline: Three piers reopen")
    (cli.root / "piers.de.md").write_text("---\nheadline: Platz #1\nsummary: Wir: alle\n---\nText.\n")
    (cli.root / "piers.fr.md").write_text("---\nheadline: Numéro #1\n---\nTexte.\n")
    code, _, err = cli("check", str(path))
    assert (code, "piers.de.md:3: summary" in err) == (2, True)
    (cli.root / "piers.de.md").write_text("---\nheadline: Platz #1\n---\nText.\n")
    assert "piers.de.md:2: headline: " in cli("check", str(path))[2]
    (cli.root / "piers.de.md").unlink()
    assert 'in quotes: headline: "Numéro #1"' in cli("check", str(path))[2]


def test_every_mistake_of_a_head_is_told_at_once(cli: Cli) -> None:
    path = written(cli.root, "headline: Number #1\nsubheadline: Number #2\nsummary: Number #3")
    path.write_text(path.read_text().replace("summary: Three piers reopen.\n", ""))
    err = cli("check", str(path))[2]
    assert [f":{line}: " in err for line in (4, 5, 6)] == [True] * 3


def test_desk_and_api_say_the_same(tmp_path: Path) -> None:
    office = Office(tmp_path / "press")
    assert Site(office.root).root
    written(office.root / "releases", "headline: Tidewater named world #1 ferry operator")
    right = 'Write it in quotes: headline: "Tidewater named world #1 ferry operator"'
    for leaf in ("", "/preview", "/schedule"):
        text = office.browser("approver").get(f"/r/piers{leaf}", follow_redirects=True).text
        assert right.replace('"', "&#34;") in text, leaf
    answer = office.program("approver").post("/api/v1/releases/piers/schedule", json={})
    [error] = json.loads(answer.text)["errors"]
    assert (answer.status_code, error["line"], error["field"], right in error["text"]) == (422, 4, "headline", True)
