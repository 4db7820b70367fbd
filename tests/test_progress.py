"""A long list is one line a second; what is not simply delivered is still read one by one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor.cli.main import main
from distributor.cli.progress import Progress
from distributor.lifecycle import State
from distributor.outbox import Event
from tests import sites

NOW = datetime(2030, 3, 5, 9, tzinfo=UTC)


def event(at: float, state: State = State.delivered, channel: str = "mail") -> Event:
    from types import SimpleNamespace

    row = SimpleNamespace(release_id="piers", version=1, channel=channel)
    return Event(at=NOW + timedelta(seconds=at), delivery=row, state=state)  # type: ignore[arg-type]


def test_a_long_list_is_summed_up() -> None:
    asked: list[object] = []
    progress = Progress(ask=asked.append)
    assert len(progress.take([event(0.1), event(0.1, channel="posts")])) == 2
    assert list(progress.lines(NOW)) == []
    shown = progress.take([event(0.5) for _ in range(99)] + [event(0.5, State.refused)])
    assert [one.state for one in shown] == [State.refused]
    assert asked == [("piers", 1, "mail")]
    (line,) = progress.lines(NOW + timedelta(seconds=1.1))
    assert line == "09:00:01 UTC  mail       101 · 101/s · 1 refused"
    progress.know(("piers", 1, "mail"), 1001)
    assert list(progress.lines(NOW + timedelta(seconds=1.5))) == []
    progress.take([event(2) for _ in range(400)])
    (line,) = progress.lines(NOW + timedelta(seconds=2.1))
    assert line == "09:00:02 UTC  mail       [██████████··········]  501 of 1,001 · 250/s · 1 refused · 2 s left"
    progress.take([event(2.2) for _ in range(500)])
    (line,) = progress.lines(NOW + timedelta(seconds=2.3))
    assert "[████████████████████]  1,001 of 1,001" in line
    assert "left" not in line
    assert list(progress.lines(NOW + timedelta(seconds=9))) == []


def test_the_service_counts_a_real_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = ", ".join(f'"a{number}@x.example"' for number in range(300))
    root = sites.make(
        tmp_path / "site", f'[channels.mail]\ntype = "email"\nsender = "a@lam.example"\nto = [{people}]\n'
    )
    path = sites.release(root, None)
    for command in (["schedule", str(path), "--at", "now"], ["run", "--until-idle"]):
        with pytest.raises(SystemExit) as ended:
            main(["--site", str(root), *command])
        assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "[████████████████████]  300 of 300 · " in shown
    assert shown.count("@x.example") < 200
