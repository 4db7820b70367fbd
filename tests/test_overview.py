"""What pages show of a release, counted by either database."""

from datetime import timedelta
from pathlib import Path

import pytest

from distributor.lifecycle import State
from distributor.store import approvals, overview
from tests import sites
from tests.scheduled import LIFT, Scheduled


@pytest.fixture
def site(tmp_path: Path, store: str) -> Scheduled:
    """A good channel and, a minute later, one that refuses; the ledger is in `store`."""
    root = tmp_path / "site"
    good = sites.box(root, to=[f"a{number}@x" for number in range(7)])
    return Scheduled(root, good + sites.box(root, "bad", fault="refused", after="1m", to=["b@x", "c@x"]))


def test_everything_that_is_shown(site: Scheduled) -> None:
    desk = site.desk
    with desk.ledger() as ledger:
        [head] = ledger.heads()
        release = ledger.release(head.id)
        assert release
        key, minute = (release.id, release.version), timedelta(minutes=1)
        assert overview.times(ledger, {key, ("nobody", 1)}) == {key: [("box", LIFT), ("bad", LIFT + minute)]}
        assert [(one.channel, one.total, one.ended, one.first_sent) for one in overview.channels(ledger, release)] == [
            ("bad", 2, 0, None), ("box", 7, 0, None),
        ]  # fmt: skip
        for at_once in (1, 2, 3, 100):
            some = list(ledger.each_delivery(*key, at_once))
            assert len(some) == 9
            assert [row.due for row in some] == sorted(row.due for row in some)
            assert {row.id for row in some} == {row.id for row in ledger.deliveries(*key)}
        assert ledger.messages(ledger.message_ids(*key)).keys() == {row.message_id for row in some}
        assert approvals.of(ledger, *key) == []
    for now in (LIFT, LIFT + minute):
        site.clock.set(now)
        site.drain()
    with desk.ledger() as ledger:
        bad, box = overview.channels(ledger, release)
        assert (bad.states, bad.ended) == ({State.refused: 2}, 2)
        assert (box.states, box.ended, box.late) == ({State.delivered: 7}, 7, 0.0)
        assert [row.recipient for row in overview.wrong(ledger, release, 10)] == ["b@x", "c@x"]
        assert [row.state for row in overview.rows(ledger, release, most=3)][:2] == [State.refused] * 2
        assert overview.sent_since(ledger, release, LIFT) == 7
        assert overview.sent_since(ledger, release, LIFT + minute) == 0
        assert overview.links(ledger, release, 10) == []
