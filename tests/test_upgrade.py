"""What an earlier version sealed and scheduled goes out unchanged, and its seals still verify.

Each archive in `tests/upgrade/` was made by that version itself with `tests/upgrade/make.py`.
"""

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distributor.desk import Desk
from distributor.site import Site
from tests.upgrade import make

ARCHIVES = sorted(Path(make.__file__).parent.glob("*.tar.xz"))


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.partition(".tar")[0])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, make.Clock]]:
    with tarfile.open(request.param) as archive:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and newer
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tmp_path)
    yield tmp_path / "site", make.Clock()
    shutil.rmtree(tmp_path / "site")


def of_releases(found: dict[str, Any]) -> tuple[list[Any], dict[str, str]]:
    """The sealed bytes; what takes something back is made when it is taken back."""
    rows = [row for row in found["rows"] if row[2] != "kill"]
    return rows, {name: digest for name, digest in found["outbox"].items() if "-kill." not in name}


def test_there_is_an_archive() -> None:
    assert ARCHIVES


def test_what_was_sealed_goes_out_unchanged(site: tuple[Path, make.Clock]) -> None:
    root, clock = site
    expected = json.loads((root / "expected.json").read_text())
    desk = Desk(site=Site(root), clock=clock, who="office")
    names = {row[0] for row in expected["rows"]}
    for name in names:
        assert desk.verify(name)[1], f"the seal of {name} holds before"
    rows, files = of_releases(make.delivered(root, clock))
    old_rows, old_files = of_releases(expected)
    assert rows == [list(row) for row in old_rows]
    assert files == old_files
    for name in names:
        _, holds, proofs = desk.verify(name)
        assert holds
        assert all(proof.holds for proof in proofs)


def test_what_was_killed_is_taken_back(site: tuple[Path, make.Clock]) -> None:
    root, clock = site
    make.delivered(root, clock)
    _, found = Desk(site=Site(root), clock=clock).status()
    kills = [row for one, rows in found if one.id == "killed" for row in rows if row.kind == "kill"]
    assert kills
    assert {str(row.state) for row in kills} == {"delivered"}
    assert "Kestrel pier gets a second pontoon" not in (root / "public" / "feed.xml").read_text()
