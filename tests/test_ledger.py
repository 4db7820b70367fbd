"""The loop on both stores: never early, never lost, never twice; what each outcome leads to."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor.contract import Outcome
from distributor.desk import Desk
from distributor.lifecycle import Late, State, lateness
from distributor.outbox import next_state
from distributor.outbox.courier import Courier
from distributor.site import Site
from distributor.store import Due
from tests import sites
from tests.scheduled import LIFT, Scheduled, box


@pytest.fixture
def root(tmp_path: Path, store: str) -> Path:
    """The folder of a site whose ledger is in `store`."""
    return tmp_path / "site"


def test_nothing_leaves_before_the_instant(root: Path) -> None:
    site = Scheduled(root, box(root))
    site.clock.set(LIFT - timedelta(microseconds=1))
    assert site.drain() == 0
    assert sites.log(root) == []
    site.clock.set(LIFT)
    assert site.drain() == 1
    assert site.states() == {"box public/en": "delivered"}
    assert site.rows()[0].sent_at == LIFT


def test_a_second_look_sends_nothing_again(root: Path) -> None:
    site = Scheduled(root, box(root))
    site.clock.set(LIFT)
    site.drain()
    assert site.drain() == 0
    assert len(sites.log(root)) == 1


def test_the_clock_stepped_back_between_gate_and_write(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Scheduled(root, box(root))
    site.clock.set(LIFT)
    deliver = Courier._deliver

    async def stepped(courier: Courier, due: Due) -> object:
        site.clock.set(LIFT - timedelta(seconds=1))
        return await deliver(courier, due)

    monkeypatch.setattr(Courier, "_deliver", stepped)
    site.drain()
    assert sites.log(root) == []
    assert site.states() == {"box public/en": "retrying"}


@pytest.mark.parametrize(
    ("fault", "idempotency", "state"),
    [
        ("refused", "D", "refused"),
        ("unavailable", "D", "retrying"),
        ("throttled", "D", "retrying"),
        ("in-doubt", "D", "in_doubt"),
        ("in-doubt", "A", "retrying"),
        ("bug", "D", "in_doubt"),
        ("bug", "A", "retrying"),
    ],
)
def test_outcomes(root: Path, fault: str, idempotency: str, state: str) -> None:
    site = Scheduled(root, box(root, fault=fault, idempotency=idempotency))
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"box public/en": state}
    assert site.rows()[0].reason


def test_one_failure_holds_up_nobody_else(root: Path) -> None:
    site = Scheduled(root, sites.box(root, "bad", fault="unavailable") + sites.box(root, "good"))
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"bad public/en": "retrying", "good public/en": "delivered"}


def test_a_retry_goes_out_when_the_other_side_is_back(root: Path) -> None:
    fault = root / "fault"
    site = Scheduled(root, box(root, fault_file=str(fault)))
    fault.write_text("unavailable")
    site.clock.set(LIFT)
    site.drain()
    assert site.drain() == 0  # not at once
    fault.unlink()
    site.clock.step(timedelta(seconds=6))
    site.drain()
    assert site.states() == {"box public/en": "delivered"}
    assert site.rows()[0].attempts == 2


def test_what_is_held_or_canceled_does_not_go(root: Path) -> None:
    site = Scheduled(root, box(root))
    site.desk.hold("three-piers")
    site.clock.set(LIFT)
    assert site.drain() == 0
    site.desk.resume("three-piers")
    assert site.drain() == 1


def test_missed_by_too_much_it_asks_a_person(root: Path) -> None:
    site = Scheduled(root, box(root) + sites.box(root, "feed", always=True))
    site.clock.set(LIFT + timedelta(minutes=16))
    site.drain()
    assert site.states() == {"box public/en": "missed", "feed public/en": "delivered"}
    site.desk.resume("three-piers")
    site.drain()
    assert site.states()["box public/en"] == "delivered"


def test_missed_by_little_it_is_sent_late(root: Path) -> None:
    site = Scheduled(root, box(root))
    site.clock.set(LIFT + timedelta(minutes=14))
    site.drain()
    assert site.events[0].lateness == timedelta(minutes=14)
    assert site.states() == {"box public/en": "delivered"}


def test_a_channel_that_left_the_config_is_refused(root: Path) -> None:
    site = Scheduled(root, box(root) + sites.box(root, "other"))
    sites.configure(root, sites.box(root, "other"))
    site.desk = Desk(site=Site(root), clock=site.clock)
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"box public/en": "refused", "other public/en": "delivered"}


@given(
    st.sampled_from(list(Outcome)), st.integers(1, 40), st.sampled_from("ABCD"), st.sampled_from(["hold", "resend"]),
    st.floats(0, 1), st.integers(0, 30_000),
)  # fmt: skip
def test_no_retry_is_early_or_endless(
    outcome: Outcome, attempts: int, idempotency: str, policy: str, jitter: float, late: int
) -> None:
    now = LIFT + timedelta(seconds=late)
    until = now + timedelta(seconds=90)
    stale = timedelta(hours=6)
    state, due = next_state(
        outcome, attempts=attempts, idempotency=idempotency, in_doubt=policy, now=now, until=until,
        planned_for=LIFT, stale_after=stale, jitter=jitter,
    )  # fmt: skip
    assert (state is State.delivered) == (outcome is Outcome.delivered)
    if state is State.retrying:
        assert until <= due <= LIFT + stale
    if outcome is Outcome.in_doubt and idempotency == "D" and policy == "hold":
        assert state is State.in_doubt


@given(st.integers(0, 100_000), st.booleans(), st.booleans())
def test_late_policy(seconds: int, always: bool, partly: bool) -> None:
    verdict = lateness(
        LIFT + timedelta(seconds=seconds), LIFT, catch_up_within=timedelta(minutes=15),
        send_however_late=always, partly_out=partly,
    )  # fmt: skip
    assert (verdict is Late.missed) == (seconds > 900 and not always and not partly)


def test_a_key_that_the_server_has_forgotten_is_not_used_again(root: Path) -> None:
    """Mastodon knows a key for an hour: later the same key would make a second post."""
    fault = root / "fault"
    site = Scheduled(root, box(root, fault_file=str(fault), idempotency="A", lifetime=3300.0))
    fault.write_text("in-doubt")
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"box public/en": "retrying"}
    site.clock.step(timedelta(minutes=56))
    fault.unlink()
    site.drain()
    assert site.states() == {"box public/en": "in_doubt"}
    assert len(sites.log(root)) == 1


@pytest.mark.parametrize(("out_in_time", "state"), [(True, "delivered"), (False, "missed")])
def test_partial_is_worse_than_late_only_where_it_was_out_in_time(root: Path, out_in_time: bool, state: str) -> None:
    """A feed that caught up after the downtime does not drag the posts along; a post that was out in time does."""
    blocks = sites.box(root, "feed", always=True) + sites.box(root, "early") + sites.box(root, "late", after="1m")
    site = Scheduled(root, blocks)
    if out_in_time:
        site.clock.set(LIFT + timedelta(seconds=1))
        site.drain()
    site.clock.set(LIFT + timedelta(minutes=30))
    site.drain()
    site.drain()
    assert site.states()["feed public/en"] == "delivered"
    assert site.states()["late public/en"] == state
