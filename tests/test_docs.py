"""The documentation is true: output is real, code runs, every command, key, field and word is there."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from distributor.cli import main as cli
from distributor.contract import Channel
from distributor.lifecycle import State
from distributor.release import LanguageVersion, Release
from distributor.settings import Settings
from tests import sites
from tests.conftest import SAMPLE, FakeClock

REPO = Path(__file__).parent.parent
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (REPO / "docs").rglob("*.md")}
README = (REPO / "README.md").read_text(encoding="utf-8")
NOW = datetime(2030, 3, 4, 8, tzinfo=UTC)


def output(capsys: pytest.CaptureFixture[str], clock: FakeClock, *args: str) -> str:
    with pytest.MonkeyPatch.context() as terminal, pytest.raises(SystemExit):
        terminal.setenv("COLUMNS", "100")
        cli.main(list(args), clock=clock)
    return capsys.readouterr().out


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "press"
    output(capsys, FakeClock(NOW), "init", str(root))
    monkeypatch.chdir(root)
    return root


def shown(name: str, text: str, request: pytest.FixtureRequest) -> None:
    """Compare with the README's block, or rewrite it with --golden."""
    pattern = re.compile(rf"(<!-- {name} -->\n```console\n)(.*?)(```\n<!-- /{name} -->)", re.DOTALL)
    if request.config.getoption("--golden"):
        page = (REPO / "README.md").read_text(encoding="utf-8")
        (REPO / "README.md").write_text(pattern.sub(lambda m: m[1] + text + m[3], page), encoding="utf-8")
        return
    found = pattern.search(README)
    assert found
    assert found[2] == text, "the README shows other output; run pytest tests/test_docs.py --golden and look at it"


def tidy(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip("\n").split("\n"))


def test_the_readme_shows_a_real_preview(
    office: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    commands = ("releases/harbour-line.md",)
    text = output(capsys, FakeClock(NOW), "preview", *commands).replace(str(office), "press")
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("bluesky"))
    head = lines[: next(i for i, line in enumerate(lines) if line.startswith("email"))]
    made = ["$ distributor preview releases/harbour-line.md", *head, "…", *lines[start:]]
    shown("preview", tidy("\n".join(made)), request)


def test_the_readme_shows_a_real_status(
    office: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    from distributor.desk import Desk
    from distributor.site import Site
    from distributor.store import Worker

    clock = FakeClock(NOW)
    desk = Desk(site=Site(office), clock=clock)
    desk.schedule(office / "releases" / "harbour-line.md")
    with desk.ledger() as ledger:
        ledger.beat(Worker(name="office", pid=1, began_at=NOW, beat_at=NOW))
    text = output(capsys, clock, "status").replace(str(office), "press")
    shown("status", tidy("$ distributor status\n" + text), request)


def test_the_readme_shows_real_feeds(
    office: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    made = []
    for words in ("--format json", "releases/harbour-line.md --format atom --lang zh-Hant --out next.atom"):
        text = output(capsys, FakeClock(NOW), "feed", *words.split())
        made += [f"$ distributor feed {words}", *text.rstrip("\n").split("\n")]
    shown("feed", tidy("\n".join(made)), request)


def test_the_channel_of_the_docs_runs(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (office / "channels" / "webhook.py").write_text(sites.doc_blocks("python")[0])
    (office / "templates" / "webhook").mkdir(parents=True)
    (office / "templates" / "webhook" / "note.txt").write_text(sites.doc_blocks("jinja")[0])
    config = office / "config" / "distributor.toml"
    config.write_text(config.read_text() + sites.doc_blocks("toml")[0])
    text = output(capsys, FakeClock(NOW), "preview", "releases/harbour-line.md", "--channel", "partner")
    assert "partner · en" in text
    assert "https://newsroom.tidewater.example/harbour-line-opening" in text


def test_every_command_is_documented() -> None:
    for name in cli._COMMANDS:
        assert name in cli._SHORT
        assert f"distributor {name}" in "".join(DOCS.values()) + README or f"`{name}`" in "".join(DOCS.values()), name


def test_every_release_field_is_documented() -> None:
    for model in (Release, LanguageVersion):
        for name in set(model.model_fields) - {"languages", "body"}:
            assert f"`{name}`" in DOCS["release.md"], name


def test_every_state_is_documented() -> None:
    for state in State:
        assert f"`{state}`" in DOCS["operating.md"], state
        assert state.value in DOCS["glossary.md"], state


def test_every_config_key_is_in_the_shipped_config(config: Settings) -> None:
    from dataclasses import fields

    from distributor import registry, site
    from distributor.posts import Social

    text = (REPO / "config" / "distributor.toml").read_text(encoding="utf-8")
    for block in ("newsroom", "places", "policy"):
        for key in type(getattr(config, block)).model_fields:
            assert re.search(rf"^#? ?{key} = ", text, re.MULTILINE), f"[{block}] {key}"
    for name, path in registry.types(site.Site(None)).items():
        own = {field.name for field in fields(registry.load_type(name, path)) if field.init}
        part = text.partition(f"[channels.{name}]")[2].partition("\n[")[0]
        shared = {field.name for field in fields(Social)} | {"api"}  # said once, for all of them
        for key in own - {"name", "places"} - {field.name for field in fields(Channel)} - shared:
            assert re.search(rf"^#? ?{key} = ", part, re.MULTILINE), f"[channels.{name}] {key}"
    for field in [*fields(Channel), *(field for field in fields(Social) if field.init)]:
        assert field.name in ("name", "places") or f"{field.name} = " in text


def test_every_channel_type_is_in_the_readme() -> None:
    from distributor import registry, site

    for name in registry.types(site.Site(None)):
        assert re.search(rf"^\| .*`{name}`.* \|", README, re.MULTILINE), name


def test_links_between_documents_lead_somewhere() -> None:
    for folder in (REPO, REPO / "docs"):
        for path in folder.glob("*.md"):
            for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
                assert (folder / target).exists(), f"{path.name}: {target}"


def test_networks_have_a_day_and_a_source() -> None:
    with (REPO / "config" / "networks.toml").open("rb") as file:
        for name, block in tomllib.load(file).items():
            assert block["verified"], name
            assert block["source"], name


def test_the_docs_name_no_machine_of_ours() -> None:
    for path in [*REPO.glob("*.md"), *(REPO / "docs").rglob("*.md")]:
        assert not re.search(r"/root/|/tmp/|/work/", path.read_text(encoding="utf-8")), path


def test_the_sample_photo_is_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 250_000
