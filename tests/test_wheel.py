"""The built wheel, installed in another folder beside Django Channels, run from a third: nothing of the checkout helps it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import sites

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(600)]
REPO = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(REPO)], check=True)
    [wheel] = folder.glob("press_distributor-*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    install = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*install, "--constraint", str(REPO / "constraints.txt"), str(wheel), "channels"], check=True)
    return folder / "venv"


def run(venv: Path, cwd: Path, *args: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    done = subprocess.run(
        [str(venv / "bin" / "python"), "-I", *args],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_only_distributor_lands_in_site_packages(venv: Path) -> None:
    [packages] = (venv / "lib").glob("python*/site-packages")
    record = next(packages.glob("press_distributor-*.dist-info")) / "RECORD"
    tops = {line.split("/")[0] for line in record.read_text().splitlines()}
    assert {top for top in tops if not top.endswith(".dist-info") and top != ".."} == {"distributor"}


def test_django_channels_is_unharmed(venv: Path, tmp_path: Path) -> None:
    where = run(venv, tmp_path, "-c", "import channels, channels.layers; print(channels.__file__)")
    assert "_site" not in where
    run(
        venv,
        tmp_path,
        "-c",
        "import distributor.registry, distributor.site as s; print(distributor.registry.types(s.Site(None)))",
    )


def test_init_and_preview_from_elsewhere(venv: Path, tmp_path: Path) -> None:
    run(venv, tmp_path, "-m", "distributor", "init", "office")
    office = tmp_path / "office"
    made = json.loads(run(venv, office, "-m", "distributor", "preview", "releases/harbour-line.md", "--json"))
    assert {one["channel"] for one in made["messages"]} == {
        "newsroom", "rss", "email", "email-zh", "mastodon", "bluesky", "linkedin", "x",
    }  # fmt: skip


def test_a_site_of_ones_own(venv: Path, tmp_path: Path) -> None:
    """A channel added, a built-in template overridden, two accounts of one type."""
    run(venv, tmp_path, "-m", "distributor", "init", "office")
    office = tmp_path / "office"
    (office / "channels" / "webhook.py").write_text(sites.doc_blocks("python")[0])
    (office / "templates" / "webhook").mkdir()
    (office / "templates" / "webhook" / "note.txt").write_text(sites.doc_blocks("jinja")[0])
    (office / "templates" / "mastodon").mkdir()
    (office / "templates" / "mastodon" / "post.txt").write_text("OURS {{ headline }}\n{{ link }}\n")
    config = office / "config" / "distributor.toml"
    second = '\n[channels.second]\ntype = "mastodon"\ninstance = "https://second.example"\n'
    config.write_text(config.read_text() + sites.doc_blocks("toml")[0] + second)
    made = json.loads(run(venv, office, "-m", "distributor", "preview", "releases/harbour-line.md", "--json"))
    by_channel = {one["channel"]: one for one in made["messages"]}
    assert by_channel["second"]["text"].startswith("OURS ")
    assert by_channel["partner"]["text"].startswith("Tidewater Ferries opens")


def test_the_demo(venv: Path, tmp_path: Path) -> None:
    output = run(venv, tmp_path, "-m", "distributor", "demo", "--folder", str(tmp_path / "demo"))
    assert "every sent byte is the previewed byte" in output
