"""The loop on both stores: never early, never lost, never twice; what each outcome leads to."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor.contract import Outcome
from distributor.desk import Desk
from distributor.errors import ActionError, StoreError
from distributor.lifecycle import LEASE, Late, State, lateness
from distributor.outbox import next_state
from distributor.outbox.courier import Courier
from distributor.site import Site
from distributor.store import Due, Ledger, Room, Settlement, Turn, Worker
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

    async def stepped(courier: Courier, due: Due, trace: Any) -> object:
        site.clock.set(LIFT - timedelta(seconds=1))
        return await deliver(courier, due, trace)

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


@pytest.mark.parametrize("canceled_first", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_what_may_be_out_is_never_called_canceled(root: Path, canceled_first: bool, there: bool) -> None:
    """A process died with it on the wire, and a person cancels: it is in doubt until a person has looked."""
    site = Scheduled(root, box(root, idempotency="A"))
    site.clock.set(LIFT)
    with site.desk.ledger() as ledger:
        dead = Worker(name="dead", pid=1, began_at=LIFT, beat_at=LIFT)
        ledger.beat(dead)
        ledger.turn("dead", LIFT, rooms=[Room(channel="box", free=9)], verdict=lambda _due: Late.on_time)
        site.clock.step(LEASE + timedelta(seconds=1))
        for cancels in (canceled_first, not canceled_first):
            if cancels:
                site.desk.cancel("three-piers")
            else:
                ledger.reap(site.clock.now(), myself="other")
    assert site.states() == {"box public/en": "in_doubt"}
    assert site.drain() == 0
    site.desk.settle("three-piers", there=there)
    assert site.states() == {"box public/en": "delivered" if there else "canceled"}


def test_an_echo_waits_until_nothing_public_is_under_way(root: Path) -> None:
    """A hub that is told of a feed comes to read it at once."""
    fault = root / "fault"
    blocks = sites.box(root, "feed", always=True, fault_file=str(fault)) + sites.box(root, "hub", follows=True)
    site = Scheduled(root, blocks + box(root))
    fault.write_text("unavailable")
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"feed public/en": "retrying", "hub public/en": "planned", "box public/en": "delivered"}
    fault.unlink()
    site.clock.step(timedelta(seconds=6))
    site.drain()
    assert set(site.states().values()) == {"delivered"}
    [(fed, *_)], [(told, *_)] = sites.log(root, "feed"), sites.log(root, "hub", word="begin")
    assert fed < told


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


def test_what_waits_for_a_channel_that_left_the_config_is_held(root: Path) -> None:
    site = Scheduled(root, box(root) + sites.box(root, "other"))
    sites.configure(root, sites.box(root, "other"))
    site.desk = Desk(site=Site(root), clock=site.clock)
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"box public/en": "held", "other public/en": "delivered"}
    assert "is not in the config any more" in (site.rows()[0].reason or "")


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


# ── classes B and C ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("idempotency", "fault", "written", "state"),
    [
        ("B", "in-doubt", 1, "delivered"),  # the repeat is refused as a duplicate: the first had arrived
        ("B", "lost", 1, "delivered"),  # the first had not: the repeat is the post
        ("C", "in-doubt", 1, "delivered"),  # looked, and it is there
        ("C", "lost", 1, "delivered"),  # looked, and it is not
    ],
)
def test_a_doubt_is_settled_by_a_refused_duplicate_or_a_look(
    root: Path, idempotency: str, fault: str, written: int, state: str
) -> None:
    trigger = root / "fault"
    site = Scheduled(root, box(root, fault_file=str(trigger), idempotency=idempotency))
    trigger.write_text(fault)
    site.clock.set(LIFT)
    site.drain()
    assert site.states() == {"box public/en": "retrying"}
    trigger.unlink()
    site.clock.step(timedelta(seconds=6))
    site.drain()
    assert site.states() == {"box public/en": state}
    assert len(sites.log(root)) == written


def test_what_cannot_be_looked_up_waits_for_a_person(root: Path) -> None:
    trigger = root / "fault"
    site = Scheduled(root, box(root, fault="deaf", fault_file=str(trigger), idempotency="C"))
    trigger.write_text("lost")
    site.clock.set(LIFT)
    site.drain()
    trigger.unlink()
    site.clock.step(timedelta(seconds=6))
    site.drain()
    assert site.states() == {"box public/en": "in_doubt"}
    assert sites.log(root) == []


@pytest.mark.parametrize(("there", "written", "state"), [(True, 1, "delivered"), (False, 2, "delivered")])
def test_a_person_settles_a_doubt(root: Path, there: bool, written: int, state: str) -> None:
    trigger = root / "fault"
    site = Scheduled(root, box(root, fault_file=str(trigger)))
    trigger.write_text("in-doubt")
    site.clock.set(LIFT)
    site.drain()
    trigger.unlink()
    assert [row.channel for row in site.desk.settle("three-piers", there=there)] == ["box"]
    site.clock.step(timedelta(hours=1))
    site.drain()
    assert site.states() == {"box public/en": state}
    assert len(sites.log(root)) == written
    with pytest.raises(ActionError, match="in doubt"):
        site.desk.settle("three-piers", there=True)


# ── rates, lanes, order ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_rate_is_kept_over_restarts_and_blocks(root: Path) -> None:
    site = Scheduled(root, box(root, to=[f"r{n}@x" for n in range(12)], rate="4/10s burst 2"))
    sent = []
    for tick in range(36):
        site.clock.set(LIFT + timedelta(seconds=tick))
        sent += [tick] * site.drain()  # every drain is a process of its own
    assert len(sent) == 12
    assert all(sum(start <= tick < start + 10 for tick in sent) <= 4 for start in sent)
    assert sent[-1] <= 35


def test_a_throttled_account_waits_as_a_whole(root: Path) -> None:
    trigger = root / "fault"
    until = LIFT + timedelta(minutes=5)
    blocks = box(root, to=["a@x", "b@x", "c@x"], fault_file=str(trigger), until=until.isoformat(), room=1)
    site = Scheduled(root, blocks)
    trigger.write_text("throttled")
    site.clock.set(LIFT)
    assert site.drain() == 1
    trigger.unlink()
    site.clock.set(until - timedelta(seconds=1))
    assert site.drain() == 0
    site.clock.set(until)
    assert site.drain() == 3
    assert set(site.states().values()) == {"delivered"}


def test_the_press_list_goes_past_a_long_list(root: Path) -> None:
    """In one channel: a list of thousands is on its way when a release to ten comes due."""
    site = Scheduled(root, box(root, to=[f"r{n}@x" for n in range(600)], room=50))
    urgent = sites.release(root, LIFT + timedelta(minutes=1), name="urgent")
    sites.configure(root, box(root, to=["press@x"], room=50))
    Desk(site=Site(root), clock=site.clock).schedule(urgent)
    site.clock.set(LIFT + timedelta(minutes=1))
    site.drain()
    order = [who for _, who, _ in sites.log(root, word="begin")]
    assert order.index("press@x") < 150
    assert len(order) == 601


def test_a_correction_never_overtakes_what_it_corrects(root: Path) -> None:
    trigger = root / "fault"
    site = Scheduled(root, box(root, to=["a@x", "b@x"], fault_file=str(trigger)))
    trigger.write_text("unavailable")
    site.clock.set(LIFT)
    site.drain()
    path = sites.release(root, None, name="second")
    head = "id: three-piers\nversion: 2\ncorrects: {version: 1, class: C}"
    path.write_text(path.read_text().replace("id: second", head))
    Desk(site=Site(root), clock=site.clock).schedule(path, site.clock.now())
    trigger.unlink()
    assert site.drain() == 0
    site.clock.step(timedelta(seconds=6))
    site.drain()
    with site.desk.ledger() as ledger:
        rows = [row for one in ledger.releases() for row in ledger.deliveries(one.id, one.version)]
    assert {str(row.state) for row in rows} == {"delivered"}
    version = {row.key: row.version for row in rows}
    for someone in ("a@x", "b@x"):
        assert [version[key] for _, who, key in sites.log(root) if who == someone] == [1, 2]


def test_what_a_correction_has_overtaken_is_never_sent_after_it(root: Path) -> None:
    """Version 1 failed or is in doubt, version 2 is there: neither 'resume' nor 'settle --again' brings the old text."""
    trigger = root / "fault"
    site = Scheduled(root, box(root, to=["failed@x", "doubt@x"], fault_file=str(trigger)))
    trigger.write_text("lost")
    site.clock.set(LIFT)
    site.drain()
    with site.desk.ledger() as ledger:
        [row] = [one for one in ledger.deliveries("three-piers", 1) if one.recipient == "failed@x"]
        ledger.settle_doubt([row], there=False, now=site.clock.now(), who="test")
    trigger.write_text("unavailable")
    site.clock.step(timedelta(hours=7))
    site.drain()
    trigger.unlink()
    path = sites.release(root, None, name="second")
    head = "id: three-piers\nversion: 2\ncorrects: {version: 1, class: C}"
    path.write_text(path.read_text().replace("id: second", head))
    Desk(site=Site(root), clock=site.clock).schedule(path, site.clock.now())
    assert site.drain() == 2
    site.desk.resume("three-piers")
    with pytest.raises(ActionError, match="in doubt"):
        site.desk.settle("three-piers", there=False)
    site.clock.step(timedelta(hours=1))
    assert site.drain() == 0
    assert len(sites.log(root)) == 2
    assert [row.recipient for row in site.desk.settle("three-piers", there=True)] == ["doubt@x"]


# ── another time ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_release_is_rescheduled_and_sealed_anew(root: Path) -> None:
    site = Scheduled(root, box(root))
    before = site.desk.status()[1][0][0]
    done = site.desk.reschedule("three-piers", LIFT + timedelta(days=1), "Asia/Hong_Kong")
    assert (done.release.lift, done.release.zone) == (LIFT + timedelta(days=1), "Asia/Hong_Kong")
    assert done.release.digest == before.digest
    site.clock.set(LIFT)
    assert site.drain() == 0
    site.clock.set(LIFT + timedelta(days=1))
    assert site.drain() == 1
    assert site.desk.verify("three-piers")[1]


def test_what_was_held_stays_held_and_the_past_is_refused(root: Path) -> None:
    site = Scheduled(root, box(root))
    site.desk.hold("three-piers")
    site.desk.reschedule("three-piers", LIFT + timedelta(hours=1))
    assert site.states() == {"box public/en": "held"}
    with pytest.raises(ActionError, match="in the past"):
        site.desk.reschedule("three-piers", site.clock.now() - timedelta(hours=1))
    site.clock.set(LIFT + timedelta(hours=1))
    assert site.drain() == 0
    site.desk.resume("three-piers")
    assert site.drain() == 1


def test_what_has_been_attempted_is_not_rescheduled(root: Path) -> None:
    site = Scheduled(root, box(root, fault="unavailable") + sites.box(root, "later", after="1h"))
    site.clock.set(LIFT)
    site.drain()
    with pytest.raises(ActionError, match=r"1 of 2 deliveries .* have been attempted"):
        site.desk.reschedule("three-piers", LIFT + timedelta(days=1))
    assert site.states() == {"box public/en": "retrying", "later public/en": "planned"}


# ── liveness ──────────────────────────────────────────────────────────────────────────────────────────────────────


def worker(name: str, at: datetime) -> Worker:
    return Worker(name=name, pid=1, host="there", began_at=at, beat_at=at)


def begin(site: Scheduled, name: str) -> Turn:
    rooms = [Room(channel="box", free=100)]
    with site.desk.ledger() as ledger:
        ledger.beat(worker(name, site.clock.now()))
        return ledger.turn(name, site.clock.now(), rooms=rooms, verdict=lambda _due: Late.on_time)


def settled(due: Due, at: datetime, state: State = State.delivered, outcome: str = "delivered") -> Settlement:
    return Settlement(
        delivery_id=due.delivery.id, number=due.number, state=state, outcome=outcome, began_at=at, ended_at=at,
        due=due.delivery.due, remote_id="there",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("idempotency", "policy", "state"),
    [("A", "hold", "retrying"), ("B", "hold", "retrying"), ("C", "hold", "retrying"), ("D", "hold", "in_doubt"),
     ("D", "resend", "retrying")],
)  # fmt: skip
def test_what_a_dead_process_left_is_taken_back(root: Path, idempotency: str, policy: str, state: str) -> None:
    site = Scheduled(root, box(root, idempotency=idempotency, in_doubt=policy))
    site.clock.set(LIFT)
    begin(site, "dead")
    with site.desk.ledger() as ledger:
        assert ledger.reap(site.clock.now() + LEASE, myself="other") == []  # not yet
        site.clock.step(LEASE + timedelta(seconds=1))
        [row] = ledger.reap(site.clock.now(), myself="other")
    assert row.state == state


@pytest.mark.parametrize("idempotency", ["A", "D"])
def test_a_late_receipt_resolves_what_was_taken_for_lost(root: Path, idempotency: str) -> None:
    site = Scheduled(root, sites.box(root, idempotency=idempotency))
    site.clock.set(LIFT)
    [due] = begin(site, "frozen").begun
    site.clock.step(timedelta(seconds=9))
    with site.desk.ledger() as ledger:
        ledger.reap(site.clock.now(), myself="other")
        done = [settled(due, LIFT)]
        ledger.turn("frozen", site.clock.now(), settlements=done, verdict=lambda _due: Late.on_time)
        [row] = ledger.deliveries("three-piers", 1)
    assert (row.state, row.sent_at) == ("delivered", LIFT)


def test_a_frozen_process_sends_nothing_when_it_wakes_where_another_may_have_taken_over(root: Path, store: str) -> None:
    """Between the gate and the write. With SQLite nobody else can: a stall delays nothing there."""
    site = Scheduled(root, box(root))
    site.clock.set(LIFT)

    async def work() -> None:
        with site.desk.ledger() as ledger:
            outbox = site.outbox(ledger)
            await outbox.beat(worker("test", site.clock.now()))
            turn = ledger.turn(
                "test", site.clock.now(), rooms=[Room(channel="box", free=1)], verdict=lambda _due: Late.on_time
            )
            await outbox.look_around()
            site.clock.step(LEASE + timedelta(seconds=1))
            outbox._sealed.take(ledger.messages([turn.begun[0].delivery.message_id]))
            for due in turn.begun:
                outbox._fly(due)
            await outbox.finish()
            await outbox.close()

    asyncio.run(work())
    alone = store == "sqlite"
    assert len(sites.log(root)) == alone
    assert site.states() == {"box public/en": "delivered" if alone else "retrying"}


def test_a_commit_whose_answer_was_lost_is_repaired(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows stand as ours on the wire, and nobody sent them: they go out with the next turn, once."""
    site = Scheduled(root, box(root, idempotency="D"))
    site.clock.set(LIFT)
    turn, lost = Ledger.turn, iter([True])

    def once(self: Ledger, *args: Any, **options: Any) -> Turn:
        done = turn(self, *args, **options)
        if next(lost, False):
            raise StoreError("the connection broke after the commit")
        return done

    monkeypatch.setattr(Ledger, "turn", once)

    async def work() -> None:
        with site.desk.ledger() as ledger:
            outbox = site.outbox(ledger)
            with pytest.raises(StoreError):
                await outbox.drain()
            assert await outbox.finish() == 1
            await outbox.close()

    asyncio.run(work())
    assert len(sites.log(root)) == 1
    assert site.states() == {"box public/en": "delivered"}
    assert site.rows()[0].attempts == 2


def test_connections_are_opened_before_the_instant(root: Path) -> None:
    site = Scheduled(root, box(root))
    site.clock.set(LIFT - timedelta(seconds=2))
    site.drain()
    assert len(sites.log(root, word="prepared")) == 1
    assert sites.log(root, word="begin") == []


def test_a_secret_never_gets_into_the_ledger(root: Path) -> None:
    """A plug-in's exception may hold the whole URL."""
    site = Scheduled(root, box(root, fault="https://user:hunter2@h.example/x?token=abc123 Bearer abc.def"))
    site.clock.set(LIFT)
    site.drain()
    reason = site.rows()[0].reason or ""
    assert "ValueError" in reason
    assert not any(secret in reason for secret in ("hunter2", "abc123", "abc.def"))


# ── short and long days ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        ("2030-03-31 00:30 Europe/London", "2030-03-31T00:30"),  # 23 hours
        ("2030-03-31 23:30 Europe/London", "2030-03-31T22:30"),
        ("2030-10-27 23:30 Europe/London", "2030-10-27T23:30"),  # 25 hours
        ("2030-03-10 23:30 America/New_York", "2030-03-11T03:30"),
        ("2030-11-03 23:30 America/New_York", "2030-11-04T04:30"),
        ("2030-10-06 23:30 Australia/Sydney", "2030-10-06T12:30"),
        ("2030-04-07 23:30 Australia/Sydney", "2030-04-07T13:30"),
        ("2030-10-06 23:30 Australia/Lord_Howe", "2030-10-06T12:30"),  # half an hour
        ("2030-09-08 23:30 America/Santiago", "2030-09-09T02:30"),
        ("2030-11-03 01:30-05:00 America/New_York", "2030-11-03T06:30"),  # the second of two half past ones
        ("2030-11-03 01:30-04:00 America/New_York", "2030-11-03T05:30"),
    ],
)
def test_an_embargo_on_a_day_of_23_or_25_hours(tmp_path: Path, wall: str, utc: str) -> None:
    """`after` counts seconds that pass, not what the wall shows."""
    root = tmp_path / "site"
    lift = datetime.fromisoformat(f"{utc}+00:00")
    site = Scheduled(root, sites.box(root) + sites.box(root, "next", after="24h"), **{LIFT.isoformat(): wall})
    for name, due in (("box", lift), ("next", lift + timedelta(hours=24))):
        site.clock.set(due - timedelta(microseconds=1))
        site.drain()
        assert sites.log(root, name) == []
        site.clock.set(due)
        site.drain()
        assert len(sites.log(root, name)) == 1
