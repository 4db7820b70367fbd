"""The ledger beside a model of what the world has seen, over any sequence of what people, processes and clocks do."""

import contextlib
import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from distributor.contract import Outcome
from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.lifecycle import LEASE, Late, State
from distributor.outbox import next_state
from distributor.site import Site
from distributor.store import Due, Ledger, Room, Settlement, Worker, open_ledger
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, NOW

PEOPLE = tuple(f"r{n}@x" for n in range(4))
CHANNELS = {"blind": ("D", "hold"), "keyed": ("A", "hold"), "again": ("D", "resend")}


class World(RuleBasedStateMachine):
    """Two processes, three channels, four people, one release."""

    @initialize(due=st.sampled_from([True, True, False]))
    def begin_of_time(self, due: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="press-model-"))
        root = self.folder / "site"
        blocks = [
            sites.box(root, name, to=PEOPLE, idempotency=kind, in_doubt=policy)
            for name, (kind, policy) in CHANNELS.items()
        ]
        sites.make(root, "".join(blocks))
        self.clock = FakeClock(NOW)
        self.desk = Desk(site=Site(root), clock=self.clock)
        self.desk.schedule(sites.release(root, LIFT))
        self.lift = self.last_beat = LIFT
        self.ledger: Ledger = open_ledger(f"sqlite:///{root}/var/distributor.db")
        self.wire: dict[str, list[Due]] = {"one": [], "two": []}
        self.seen: Counter[str] = Counter()  # what the other side has, by our key
        self.allowed: Counter[str] = Counter()  # how often a repeat was asked for
        self.said_absent: set[str] = set()  # a person looked and did not see it
        self.stopped = False
        if due:
            self.clock.set(LIFT)

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
            shutil.rmtree(self.folder)

    # ── what happens ──────────────────────────────────────────────────────────────────────────────────────────────

    @rule(seconds=st.sampled_from([-3, 1, 4, 7, 600, 3599, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.step(timedelta(seconds=seconds))

    @rule(name=st.sampled_from(["one", "two"]), free=st.integers(1, 3))
    def a_process_begins(self, name: str, free: int) -> None:
        now = self.clock.now()
        self.ledger.beat(Worker(name=name, pid=1, began_at=now, beat_at=now))
        self.last_beat = max(now, self.last_beat)
        rooms = [Room(channel=channel, free=free) for channel in CHANNELS]
        turn = self.ledger.turn(name, now, rooms=rooms, verdict=lambda _due: Late.on_time)
        assert not turn.begun or (now >= self.lift and not self.stopped)
        self.wire[name] += turn.begun

    @rule(name=st.sampled_from(["one", "two"]), arrives=st.booleans(), outcome=st.sampled_from(list(Outcome)))
    def an_attempt_ends(self, name: str, arrives: bool, outcome: Outcome) -> None:
        if not self.wire[name]:
            return
        due, now = self.wire[name].pop(), self.clock.now()
        if outcome is Outcome.delivered or (outcome is Outcome.in_doubt and arrives):
            self.seen[due.delivery.key] += 1
        state, again = next_state(
            outcome, attempts=due.number, idempotency=due.delivery.idempotency, in_doubt=due.in_doubt, now=now,
            until=None, planned_for=due.delivery.planned_for, stale_after=timedelta(days=9), jitter=0,
        )  # fmt: skip
        if state is State.retrying and outcome is Outcome.in_doubt:
            self.allowed[due.delivery.key] += 1
        ended = Settlement(
            delivery_id=due.delivery.id, number=due.number, state=state, outcome=outcome, began_at=now, ended_at=now,
            due=again,
        )  # fmt: skip
        self.ledger.turn(name, now, settlements=[ended], verdict=lambda _due: Late.on_time)

    @rule(name=st.sampled_from(["one", "two"]), arrived=st.booleans())
    def a_process_dies(self, name: str, arrived: bool) -> None:
        for due in self.wire[name]:
            self.seen[due.delivery.key] += arrived
            if due.delivery.idempotency == "A" or due.in_doubt == "resend":
                self.allowed[due.delivery.key] += 1
        self.wire[name] = []
        self.clock.set(max(self.clock.now(), self.last_beat) + LEASE + timedelta(seconds=1))
        other = "two" if name == "one" else "one"
        now = self.clock.now()
        self.ledger.beat(Worker(name=other, pid=1, began_at=now, beat_at=now))
        self.last_beat = now
        self.ledger.reap(now, myself=other)

    @rule()
    def a_person_holds(self) -> None:
        self.desk.hold("three-piers")
        self.stopped = True

    @rule()
    def a_person_resumes(self) -> None:
        self.desk.resume("three-piers")
        self.stopped = False

    @rule(really=st.sampled_from([False] * 7 + [True]))
    def a_person_cancels(self, really: bool) -> None:
        if not really:  # nothing happens in a world that has ended
            return
        out = any(row.state is State.delivered for row in self.rows())
        self.desk.cancel("three-piers")
        self.stopped = not out or all(row.state is State.canceled for row in self.rows())
        if out:  # what was retrying when it came back is canceled as well
            self.stopped = False

    @rule(hours=st.integers(1, 3))
    def a_person_reschedules(self, hours: int) -> None:
        at = self.clock.now() + timedelta(hours=hours)
        try:
            done = self.desk.reschedule("three-piers", at)
        except ActionError:
            earlier = at < self.lift  # that takes a reason: test_early.py
            assert earlier or any(row.attempts or row.state is State.canceled for row in self.rows())
            return
        self.lift = done.release.lift
        self.stopped = any(row.state is State.held for row in self.rows())

    @rule(channel=st.sampled_from([None, *CHANNELS]))
    def a_person_retries(self, channel: str | None) -> None:
        with contextlib.suppress(ActionError):
            self.desk.retry("three-piers", channel=channel)

    @rule(there=st.booleans())
    def a_person_settles(self, there: bool) -> None:
        doubtful = [row for row in self.rows() if row.state is State.in_doubt]
        if doubtful:
            self.desk.settle("three-piers", there=there)
            self.allowed.update(row.key for row in doubtful)
            self.said_absent.update(row.key for row in doubtful if not there)

    # ── what must hold ────────────────────────────────────────────────────────────────────────────────────────────

    def rows(self) -> list:
        return self.ledger.deliveries("three-piers", 1)

    @precondition(lambda self: hasattr(self, "ledger"))
    @invariant()
    def nobody_gets_it_twice_unasked(self) -> None:
        for key, times in self.seen.items():
            assert times <= 1 + self.allowed[key], key

    @precondition(lambda self: hasattr(self, "ledger"))
    @invariant()
    def what_is_on_the_wire_is_known(self) -> None:
        sending = {row.id for row in self.rows() if row.state is State.sending}
        assert sending <= {due.delivery.id for name in self.wire for due in self.wire[name]}

    @precondition(lambda self: hasattr(self, "ledger"))
    @invariant()
    def nobody_is_forgotten(self) -> None:
        rows = self.rows()
        assert len(rows) == len(PEOPLE) * len(CHANNELS)
        for row in rows:
            assert row.due >= self.lift
            if row.state is State.delivered:
                assert self.seen[row.key] or self.allowed[row.key]
            if row.state is State.canceled and row.key not in self.said_absent:
                assert not self.seen[row.key]


def world(examples: int) -> type:
    case = World.TestCase
    made = type(f"Test{examples}", (case,), {})
    made.settings = settings(  # type: ignore[attr-defined]
        max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    return made


TestWorld = pytest.mark.timeout(120)(world(8))
TestManyWorlds = pytest.mark.slow(pytest.mark.timeout(600)(world(250)))
