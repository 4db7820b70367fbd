"""`feed` and `publish --rebuild` on the command line: they know what was released, and nothing else."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest

from distributor.cli.main import main
from tests.conftest import FakeClock

NOW = datetime(2030, 3, 4, 8, tzinfo=UTC)


def run(capsys: pytest.CaptureFixture[str], clock: FakeClock, *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(args), clock=clock)
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err


def test_feed_and_rebuild(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(NOW)
    run(capsys, clock, "init", str(tmp_path / "press"))
    monkeypatch.chdir(tmp_path / "press")
    assert run(capsys, clock, "schedule", "releases/harbour-line.md", "--yes")[0] == 2
    run(capsys, clock, "schedule", "releases/harbour-line.md")
    code, _, err = run(capsys, clock, "feed", "--as-of", "2031-01-01 09:00 UTC")
    assert (code, "nothing was released" in err) == (2, True)  # it is sealed, and not in any feed
    clock.step(timedelta(days=1))
    run(capsys, clock, "run", "--until-idle")
    for kind in ("rss", "atom"):
        read = feedparser.parse(run(capsys, clock, "feed", "--format", kind)[1])
        assert [entry.title for entry in read.entries] == [
            "Tidewater Ferries opens all-electric Harbour Line with crossings every six minutes"
        ]
    assert run(capsys, clock, "feed", "--as-of", "2030-03-05 08:59 Asia/Hong_Kong")[0] == 2
    assert "error: --as-of: " in run(capsys, clock, "feed", "--as-of", "2020")[2]
    assert run(capsys, clock, "feed", "--lang", "zh-Hant", "--out", "f.xml")[0] == 0
    assert "維港" in Path("f.xml").read_text()
    public = Path("public")
    before = {path: path.read_bytes() for path in public.rglob("*") if path.is_file()}
    shutil.rmtree(public)
    code, out, _ = run(capsys, clock, "publish", "--rebuild")
    assert code == 0
    assert "files written" in out
    assert {path: path.read_bytes() for path in public.rglob("*") if path.is_file()} == before
