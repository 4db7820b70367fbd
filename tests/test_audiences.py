"""A release's audiences: another time, other recipients than a channel's block says, for this release alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor import fields
from distributor.desk import Desk
from distributor.errors import DistributorError
from distributor.site import Site
from distributor.store import Delivery
from tests import sites
from tests.conftest import FakeClock

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
LIFT = NOW + timedelta(days=4)
BLOCKS = """
[channels.mail]
type = "email"
sender = "Press <press@lam.example>"
to = ["Wan <wan@post.example>"]
lists = ["trade"]
after = "5m"

[channels.rss]
type = "rss"

[channels.spare]
type = "rss"
path = "feeds/spare.xml"
enabled = false
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = sites.make(tmp_path / "site", BLOCKS)
    (root / "contacts").mkdir()
    (root / "contacts" / "trade.csv").write_text("address,tags\nt1@x.example,rail\nt2@x.example,port\n")
    (root / "contacts" / "city.csv").write_text("address,tags,tier\nc1@x.example,rail,prebrief\nc2@x.example,,\n")
    return Desk(site=Site(root), clock=FakeClock(NOW))


def release(desk: Desk, more: str, name: str = "piers") -> Path:
    root = desk.site.root
    assert root
    return sites.release(root, LIFT, name, **{"summary:": f"{more}\nsummary:"})


def rows(desk: Desk) -> list[Delivery]:
    _, [(_, found)] = desk.status()
    return found


def sent(desk: Desk) -> set[tuple[str, str, timedelta]]:
    return {(row.channel, row.recipient, row.due - LIFT) for row in rows(desk) if row.channel == "mail"}


MINUTES, NAMED = timedelta(minutes=5), ("mail", "wan@post.example")


def test_without_one_the_block_decides(desk: Desk) -> None:
    desk.schedule(release(desk, "channels: [mail, rss]"))
    assert sent(desk) == {(*NAMED, MINUTES), ("mail", "t1@x.example", MINUTES), ("mail", "t2@x.example", MINUTES)}


def test_an_audience_has_its_own_time_and_recipients(desk: Desk) -> None:
    path = release(
        desk, "audiences:\n  - {name: City, channels: [mail], after: 1h, lists: [city, trade], tags: [rail]}"
    )
    seen = desk.preview(path)
    done = desk.schedule(path)
    hour = timedelta(hours=1)
    expected = {(*NAMED, hour), ("mail", "t1@x.example", hour), ("mail", "c1@x.example", hour)}
    assert sent(desk) == expected
    assert done.release.seal == seen.digest
    assert {row.due for row in rows(desk) if row.channel == "rss"} == {LIFT}
    assert all(proof.holds for proof in desk.verify(done.release.id)[2])
    later = LIFT + timedelta(days=1)
    desk.reschedule(done.release.id, later)  # what was sealed knows its audiences
    moved = {(channel, who, gap - timedelta(days=1)) for channel, who, gap in sent(desk)}
    assert moved == expected


def test_only_a_prebrief_goes_before_the_lift(desk: Desk) -> None:
    config = desk.site.config_file
    config.write_text(config.read_text().replace('after = "5m"', 'after = "-1h"\ntier = "prebrief"'))
    early = "audiences:\n  - {name: Embargoed, channels: [mail], after: -2h, lists: [city]}"
    desk.schedule(release(desk, early))
    hours = timedelta(hours=-2)
    assert sent(desk) == {(*NAMED, hours), ("mail", "c1@x.example", hours)}  # on lists, only who may have it
    refused = release(desk, "audiences:\n  - {name: All, channels: [rss], after: -2h}", "early")
    with pytest.raises(DistributorError, match="before the embargo; only"):
        desk.preview(refused)


def test_what_everybody_can_read_never_goes_before_the_lift(desk: Desk) -> None:
    """Found by a review: a release's own text could call the newsroom a prebrief."""
    with pytest.raises(DistributorError, match="tier"):
        desk.preview(release(desk, "audiences: [{name: A, channels: [rss], tier: prebrief, after: -30m}]"))
    config = desk.site.config_file
    config.write_text(config.read_text().replace('type = "rss"', 'type = "rss"\ntier = "prebrief"\nafter = "-30m"', 1))
    desk = Desk(site=desk.site, clock=desk.clock)
    with pytest.raises(DistributorError, match="everybody can read it"):
        desk.schedule(release(desk, "channels: [rss]", "early"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[{name: A, channels: [mail]}, {name: B, channels: [rss, mail]}]", "'mail' is in the audiences 'A' and 'B'"),
        ("[{name: A, channels: [mial]}]", r"audiences\[0\].channels: there is no channel 'mial'.*mail"),
        ("[{name: A, channels: [spare]}]", r"audiences\[0\].channels: 'spare' does not carry this release"),
        ("[{name: A, channels: [rss], lists: [city]}]", r"piers.md:\d+: audiences\[0\].lists: there is no key"),
        ("[{name: A, channels: [mail], after: soon}]", "'soon' is not a duration"),
        ("[{name: A, channels: [mail], after: 99999999d}]", "longer than 3660 days"),
        ("[{name: A, channels: [mail], after: 9999999999999d}]", "longer than 3660 days"),
        ("[{name: A, channels: [mail], tier: internal}]", "tier"),
        ("[{name: A, channels: []}]", "channels"),
        ("[{name: A, channels: [mail], lists: [nobody]}]", "nobody"),
        ("[{name: A, channels: [mail]}]\nchannels: [rss]", "'mail' of the audience 'A' is not among"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(desk: Desk, text: str, says: str) -> None:
    with pytest.raises(DistributorError, match=says):
        desk.preview(release(desk, f"audiences: {text}"))


def test_a_channel_that_was_named_by_hand_is_enough(desk: Desk) -> None:
    desk.only = ("rss",)
    desk.schedule(release(desk, "audiences:\n  - {name: City, channels: [mail], after: 1h}"))
    assert {row.channel for row in rows(desk)} == {"rss"}


@given(st.timedeltas(timedelta(days=-400), timedelta(days=400)))
def test_a_duration_is_read_as_it_is_spelled(length: timedelta) -> None:
    assert fields.duration(fields.spelled(length)) == length


def test_a_release_with_a_duration_can_be_moved(desk: Desk) -> None:
    """Found with audiences: the snapshot spelled durations as ISO 8601, and nobody could read it again."""
    done = desk.schedule(release(desk, "catch_up_within: 1h30m"))
    moved = desk.reschedule(done.release.id, LIFT + timedelta(days=1))
    assert moved.release.catch_up_within == timedelta(minutes=90)


def test_other_times_are_not_taken_for_the_same(desk: Desk) -> None:
    config = desk.site.config_file
    config.write_text(config.read_text() + '\n[channels.chat]\ntype = "slack"\n')
    desk = Desk(site=desk.site, clock=desk.clock)
    path = release(desk, "channels: [chat]")
    seen = desk.schedule(path).preview
    text = path.read_text()
    path.write_text(
        text.replace("channels: [chat]", "channels: [chat]\naudiences: [{name: A, channels: [chat], after: 3h}]")
    )
    later = desk.preview(path)
    assert (later.digest, later.agreed == seen.agreed) == (seen.digest, False)  # the same bytes at another time
    with pytest.raises(DistributorError, match="scheduled at another time on chat"):
        desk.schedule(path)
    path.write_text(text)
    assert desk.schedule(path).already
