"""The actions of a person, on a site with boxes for channels."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor import instants, seal
from distributor.desk import Desk
from distributor.errors import ActionError, ConfigError, StoreError
from distributor.lifecycle import PubStatus, State
from distributor.release import Correction, Release
from distributor.site import Site
from distributor.store import Release as Row
from tests import sites
from tests.conftest import FakeClock

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
LIFT = NOW + timedelta(days=4)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return sites.make(
        tmp_path / "site", sites.box(tmp_path / "site", to=["a@x", "b@x"]) + sites.box(tmp_path / "site", "wall")
    )


@pytest.fixture
def desk(root: Path, clock: FakeClock) -> Desk:
    return Desk(site=Site(root), clock=clock)


def states(desk: Desk) -> list[str]:
    _, releases = desk.status()
    return [str(row.state) for _, rows in releases for row in rows]


def test_what_is_scheduled_is_what_was_previewed(desk: Desk, root: Path) -> None:
    path = sites.release(root, LIFT)
    seen = desk.preview(path)
    done = desk.schedule(path)
    assert done.release.seal == seen.digest
    _, releases = desk.status()
    [(release, rows)] = releases
    assert {(row.channel, row.recipient) for row in rows} == {("box", "a@x"), ("box", "b@x"), ("wall", "public/en")}
    assert all(row.state is State.planned and row.due == LIFT for row in rows)
    assert len({row.key for row in rows}) == 3
    _, holds, proofs = desk.verify(release.id)
    assert holds
    assert all(proof.holds and proof.handed_over is None for proof in proofs)


def test_the_same_again_changes_nothing(desk: Desk, root: Path) -> None:
    path = sites.release(root, LIFT)
    desk.schedule(path)
    assert desk.schedule(path).already
    assert states(desk) == ["planned"] * 3


def test_a_duplicate_id_with_other_content_is_refused(desk: Desk, root: Path) -> None:
    desk.schedule(sites.release(root, LIFT))
    other = sites.release(root, LIFT, **{"Three piers reopen\n": "Four piers reopen\n"})
    with pytest.raises(ActionError, match="already scheduled with other content"):
        desk.schedule(other)
    with pytest.raises(ActionError, match="already scheduled"):
        desk.schedule(sites.release(root, LIFT + timedelta(hours=1)))
    assert states(desk) == ["planned"] * 3


def test_canceled_before_anything_left_it_can_be_sealed_again(desk: Desk, root: Path) -> None:
    desk.schedule(sites.release(root, LIFT))
    desk.cancel("three-piers")
    done = desk.schedule(sites.release(root, LIFT, **{"Three piers reopen\n": "Four piers reopen\n"}))
    assert done.release.headline == "Four piers reopen"
    assert states(desk) == ["planned"] * 3


def test_editing_the_file_changes_nothing_that_is_sealed(desk: Desk, root: Path) -> None:
    path = sites.release(root, LIFT)
    sealed = desk.schedule(path).release.seal
    path.write_text(path.read_text().replace("Three", "Nine"))
    release, holds, _ = desk.verify("three-piers")
    assert holds
    assert release.seal == sealed


def test_hold_resume_cancel(desk: Desk, root: Path) -> None:
    desk.schedule(sites.release(root, LIFT))
    assert desk.hold("three-piers")[1] == 3
    assert states(desk) == ["held"] * 3
    assert desk.resume("three-piers")[1] == 3
    assert states(desk) == ["planned"] * 3
    assert desk.cancel("three-piers")[1] == 3
    assert desk.cancel("three-piers")[1] == 0
    assert states(desk) == ["canceled"] * 3


def test_an_unknown_release_offers_the_nearest(desk: Desk, root: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been scheduled"):
        desk.hold("three-piers")
    desk.schedule(sites.release(root, LIFT))
    with pytest.raises(ActionError, match="did you mean 'three-piers'"):
        desk.hold("three-pier")


class TestTheInstant:
    """When a release may be scheduled for."""

    def test_an_embargo_in_the_past_is_refused_and_nothing_written(self, desk: Desk, root: Path) -> None:
        path = sites.release(root, NOW - timedelta(minutes=1))
        with pytest.raises(ActionError, match="the embargo was over on Fri 1 Mar 2030"):
            desk.schedule(path)
        assert not (root / "var").exists()

    def test_at_now_releases_what_is_over(self, desk: Desk, root: Path) -> None:
        assert desk.schedule(sites.release(root, NOW - timedelta(days=1)), NOW).release.lift == NOW

    def test_at_cannot_precede_the_embargo(self, desk: Desk, root: Path) -> None:
        with pytest.raises(ActionError, match="is before the embargo"):
            desk.schedule(sites.release(root, LIFT), NOW + timedelta(hours=1))

    def test_without_an_embargo_it_goes_when_scheduled(self, desk: Desk, root: Path) -> None:
        assert desk.schedule(sites.release(root, None)).release.lift == NOW

    @pytest.mark.parametrize(("text", "ahead"), [("now", 0), ("+10s", 10), ("+2h", 7200), ("+1h30m", 5400)])
    def test_relative(self, text: str, ahead: int) -> None:
        assert instants.instant(text, NOW) == NOW + timedelta(seconds=ahead)

    @pytest.mark.parametrize("text", ["soon", "+", "+10", "2030-01-01", "2030-01-01 09:00"])
    def test_unclear(self, text: str) -> None:
        with pytest.raises(ActionError, match="--at"):
            instants.instant(text, NOW)


def test_a_finding_of_severity_error_stops_scheduling(desk: Desk, root: Path) -> None:
    path = sites.release(root, LIFT, **{"  - {name: Wan, email: press@harbour.example}\n": ""}, **{"contacts:\n": ""})
    with pytest.raises(seal.Refusal, match="no press contact"):
        desk.schedule(path)
    assert not (root / "var").exists()


def test_an_unknown_channel_offers_the_nearest(root: Path, clock: FakeClock) -> None:
    with pytest.raises(ConfigError, match="did you mean 'box'"):
        Desk(site=Site(root), clock=clock, only=("boxx",)).preview(sites.release(root, LIFT))


class TestConfig:
    """A misspelt config stops the start and names file, block, key and the nearest right key."""

    @pytest.mark.parametrize(
        ("block", "told"),
        [
            ('[channels.box]\ntype = "box"\nlgo = "x"', ["[channels.box] lgo", "did you mean 'log'"]),
            ('[channels.box]\ntype = "bix"\nlog = "x"', ["[channels.box] type", "did you mean 'box'"]),
            ("[channels.box]\nlog = 3", ["[channels.box] log", "string"]),
            ('[channels.box]\ntype = "box"', ["[channels.box] log", "is missing"]),
            ('[channels.box]\nlog = "x"\nafter = "-5m"', ["[channels.box] after", "before the embargo"]),
            ('[channels.box]\nlog = "x"\nafter = "5 minutes"', ["[channels.box] after", "not a duration"]),
            ('[newsrom]\ntitle = "x"', ["newsrom", "did you mean 'newsroom'"]),
            ('[newsroom]\nurl = "ftp://x"', ["[newsroom] url", "web address"]),
            ("[newsroom", ["is not TOML"]),
        ],
    )  # fmt: skip
    def test_mistakes(self, root: Path, clock: FakeClock, block: str, told: list[str]) -> None:
        (root / "config" / "distributor.toml").write_text(block)
        with pytest.raises(ConfigError) as error:
            Desk(site=Site(root), clock=clock).preview(sites.release(root, LIFT))
        for words in told:
            assert words in str(error.value)

    def test_a_prebrief_may_go_before_the_lift(self, root: Path, clock: FakeClock) -> None:
        block = sites.box(root, after="-24h", tier="prebrief") + sites.box(root, "wall")
        (root / "config" / "distributor.toml").write_text(block)
        desk = Desk(site=Site(root), clock=clock)
        desk.schedule(sites.release(root, LIFT))
        _, [(_, rows)] = desk.status()
        assert {row.channel: row.due for row in rows} == {"box": LIFT - timedelta(days=1), "wall": LIFT}


def test_health_tells_what_is_wrong(desk: Desk, root: Path, clock: FakeClock) -> None:
    desk.schedule(sites.release(root, LIFT))
    health, _ = desk.status()
    assert "no 'distributor run' is running" in health.troubles()[0]
    clock.set(LIFT + timedelta(minutes=1))
    assert "overdue by 60 s" in desk.status()[0].troubles()[1]


def test_a_template_that_raises_is_told_with_its_line(root: Path, clock: FakeClock) -> None:
    [code] = sites.doc_blocks("python")
    (root / "channels" / "webhook.py").write_text(code)
    (root / "templates" / "webhook").mkdir()
    (root / "templates" / "webhook" / "note.txt").write_text("{{ text.headline }}\n{{ nothing.here }}\n")
    (root / "config" / "distributor.toml").write_text(sites.doc_blocks("toml")[0])
    with pytest.raises(ConfigError) as error:
        Desk(site=Site(root), clock=clock).schedule(sites.release(root, LIFT))
    assert "note.txt:2" in str(error.value)
    assert "[channels.partner]" in str(error.value)
    assert not (root / "var").exists()


def test_a_channel_whose_language_is_missing(root: Path, clock: FakeClock) -> None:
    """It is left out with a warning; where the release itself names the channel, that is an error."""
    config = root / "config" / "distributor.toml"
    config.write_text(sites.box(root) + sites.box(root, "box-fr", languages=["fr"]))
    desk = Desk(site=Site(root), clock=clock)
    done = desk.schedule(sites.release(root, LIFT))
    [finding] = [f for f in done.preview.all_findings() if f.code == "language-missing"]
    assert (finding.channel, finding.severity) == ("box-fr", "warning")
    assert states(desk) == ["planned"]
    named = sites.release(root, LIFT, "other", **{"summary:": "channels: [box, box-fr]\nsummary:"})
    with pytest.raises(seal.Refusal, match="no fr version"):
        desk.schedule(named)


def test_a_sealed_release_is_reopened_as_it_was(sample: Release, make_release: Callable[..., Release]) -> None:
    """Rescheduling renders the snapshot in the ledger, not the file: nothing may get lost on the way."""
    assert sample.embargoed_until
    corrects = Correction.model_validate({"version": 1, "class": "C"})
    for source in (sample, make_release(version=2, corrects=corrects), make_release(embargoed_until=None)):
        row = Row(
            id=source.id, version=source.version, digest="", snapshot=source.model_dump_json(), seal="", lift=NOW,
            zone=source.zone, headline="", pub_status=PubStatus.usable, catch_up_within=timedelta(), sealed_at=NOW,
        )  # fmt: skip
        lift = sample.embargoed_until
        assert seal.reopened(row, lift.instant, lift.zone).release == source
