"""Several servers, quotas, and receiving domains that take only so many."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.pool import together
from channels.email.quota import Domains, Quota
from distributor import redact
from distributor.contract import Channel, Kit, Receipt, Recipient, Throttled, Unavailable
from distributor.errors import ConfigError
from distributor.presslist import Suppressions
from distributor.rate import Rate
from distributor.release import Release
from tests.servers.smtp import Fault, SmtpSink

PIPE = ("PIPELINING", "8BITMIME", "SIZE 10000000")
NOW = datetime(2030, 3, 5, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def send(make_channel: Callable[..., Channel], sample: Release, kit: Kit) -> Callable[..., list[Any]]:
    """Send to so many people over these sinks; what came of each."""

    def run(number: int, *sinks: SmtpSink, keys: list[dict[str, Any]] | None = None, **more: Any) -> list[Any]:
        async def talk() -> list[Any]:
            for sink in sinks:
                await sink.__aenter__()
            servers = [
                {"smtp": f"smtp://127.0.0.1:{sink.port}", "tls": "none", **own}
                for sink, own in zip(sinks, keys or [{} for _ in sinks], strict=True)
            ]
            channel = make_channel("email", servers=servers, **more)
            (message,) = channel.render(sample, kit)
            people = [Recipient(address=f"r{n}@{'yahoo' if n % 2 else 'post'}.example") for n in range(number)]
            work = (channel.deliver(message, one, f"key{n}") for n, one in enumerate(people))
            results = await asyncio.gather(*work, return_exceptions=True)
            await channel.close()
            for sink in sinks:
                await sink.__aexit__(None, None, None)
            return list(results)

        return asyncio.run(talk())

    return run


def test_two_servers_share_the_work(send: Callable[..., list[Any]]) -> None:
    one, two = SmtpSink(extensions=PIPE, delay=0.002), SmtpSink(extensions=PIPE, delay=0.002)
    results = send(100, one, two)
    assert all(isinstance(result, Receipt) for result in results)
    assert len(one.taken) + len(two.taken) == len({taken.rcpt for taken in (*one.taken, *two.taken)}) == 100
    assert min(len(one.taken), len(two.taken)) > 20


def test_a_server_that_is_too_busy_rests_and_the_other_takes_its_mails(send: Callable[..., list[Any]]) -> None:
    busy = SmtpSink([Fault(at="MAIL", reply="454 4.7.0 Maximum sending rate exceeded")] * 40, extensions=PIPE)
    well = SmtpSink(extensions=PIPE)
    results = send(40, busy, well)
    assert all(isinstance(result, Receipt) for result in results)
    assert len({taken.rcpt for taken in (*busy.taken, *well.taken)}) == 40
    assert len(well.taken) >= 20


def test_one_greylisted_address_holds_up_nobody(send: Callable[..., list[Any]]) -> None:
    results = send(20, SmtpSink([Fault(at="RCPT", reply="450 4.2.0 come again")], extensions=PIPE))
    assert [type(one).__name__ for one in results].count("Unavailable") == 1
    assert [type(one).__name__ for one in results].count("Receipt") == 19


def test_who_is_gone_is_never_written_to_again(send: Callable[..., list[Any]], places: Any) -> None:
    sink = SmtpSink([Fault(at="RCPT", reply="550 5.1.1 no such user")], extensions=PIPE)
    results = send(5, sink)
    assert [type(one).__name__ for one in results].count("Gone") == 1
    gone = Suppressions(places.contacts / "suppressed.csv").all()
    assert len(gone) == 1
    assert next(iter(gone.values())).startswith("bounced on ")
    assert "no such user" in (places.contacts / "suppressed.csv").read_text()
    for reply in (
        "550 5.7.1 blocked",
        "550 no such user",
        "553 5.1.8 sender unknown",
        "452 4.2.2 full",
        "550 5.2.2 full",
    ):
        send(1, SmtpSink([Fault(at="RCPT", reply=reply)], extensions=PIPE))
    assert Suppressions(places.contacts / "suppressed.csv").all() == gone


def test_a_quota_is_kept_over_restarts(send: Callable[..., list[Any]], places: Any) -> None:
    sink = SmtpSink(extensions=PIPE)
    results = send(8, sink, keys=[{"quota": 5}])
    assert sum(isinstance(result, Receipt) for result in results) == 5
    late = [result for result in results if not isinstance(result, Receipt)]
    assert all(isinstance(result, Throttled) for result in late)
    assert all(result.until > datetime.now(UTC) + timedelta(hours=22) for result in late)
    (file,) = (places.state / "email").glob("*.json")
    again = Quota(5, file)
    assert again.free_at(datetime.now(UTC)) > datetime.now(UTC)


@given(st.lists(st.integers(0, 90), min_size=1, max_size=60), st.integers(1, 8))
def test_never_more_than_the_quota_in_any_24_hours(steps: list[int], most: int) -> None:
    quota, now, sent = Quota(most, Path("/nonexistent/quota.json")), NOW, []
    for minutes in steps:
        now += timedelta(minutes=minutes * 7)
        if quota.free_at(now) <= now:
            quota._hours[int(now.timestamp() // 3600)] += 1  # as `take`, without the file
            sent.append(now)
        assert sum(one > now - timedelta(hours=23) for one in sent) <= most
        free = quota.free_at(now)
        assert free <= now + timedelta(hours=24)


def test_a_file_that_is_no_quota_counts_as_none(tmp_path: Path) -> None:
    for content in ("", "[]", '{"hours": 3}', '{"hours": {"x": 1}}', "\x00"):
        (tmp_path / "q.json").write_text(content)
        assert Quota(1, tmp_path / "q.json").free_at(NOW) == NOW


@given(st.integers(1, 40))
def test_a_domain_gets_its_mails_one_turn_after_the_other(number: int) -> None:
    domains = Domains({"yahoo.com": Rate(20, MINUTE, 1)})
    turns = []
    for n in range(number):
        try:
            domains.wait(f"r{n}@YAHOO.com", NOW)
            turns.append(NOW)
        except Unavailable as error:
            assert error.until
            turns.append(error.until)
            with pytest.raises(Unavailable):
                domains.wait(f"r{n}@YAHOO.com", NOW)  # asked too early: the same turn
    domains.wait("somebody@else.example", NOW)
    assert turns == sorted(turns)
    assert all(later - earlier >= timedelta(seconds=3) for earlier, later in itertools.pairwise(turns))
    for n, turn in enumerate(turns[1:], start=1):
        domains.wait(f"r{n}@YAHOO.com", turn)  # when its turn has come it goes


def test_a_capped_domain_delays_nobody_else(send: Callable[..., list[Any]]) -> None:
    sink = SmtpSink(extensions=PIPE)
    results = send(20, sink, domains={"yahoo.example": "1/1m burst 1"})
    assert sum(isinstance(result, Receipt) for result in results) == 11
    waiting = [result for result in results if isinstance(result, Unavailable)]
    assert len({result.until for result in waiting}) == 9
    assert "yahoo.example gets 1/60s burst 1; the turn is at" in waiting[0].reason


def test_several_servers_take_what_they_take_together() -> None:
    second = timedelta(seconds=1)
    assert together([Rate(14, second, 14), Rate(60, MINUTE, 5)]) == Rate(900, MINUTE, 19)
    assert together([Rate(14, second, 14), None]) is None
    assert together([]) is None


def test_a_server_alone_at_its_rate(send: Callable[..., list[Any]]) -> None:
    began = datetime.now(UTC)
    results = send(4, SmtpSink(extensions=PIPE), keys=[{"rate": "10/1s burst 1"}])
    assert all(isinstance(result, Receipt) for result in results)
    assert datetime.now(UTC) - began >= timedelta(seconds=0.3)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"servers": [{"smtp": "mail.example"}]}, "servers, entry 1: is not a mail server"),
        ({"servers": [{"smtp": "smtp://u:pw@mail.example"}]}, "holds a password"),
        ({"servers": [{"smtp": "smtp://mail.example", "quota": 0}]}, "above zero"),
        ({"servers": [{"smtp": "smtp://mail.example", "speed": 3}]}, "speed"),
        ({"servers": [{"smtp": "smtp://mail.example", "rate": "fast"}]}, "rate"),
        ({"quota": 5}, "name one with smtp"),
        ({"domains": {"yahoo.com": "20"}}, "yahoo.com"),
    ],
)
def test_a_config_that_cannot_work(make_channel: Callable[..., Channel], keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _ = make_channel("email", **keys).destination
    assert says in str(caught.value)
    assert "pw@" not in str(caught.value)


def test_where_mails_go_names_every_server(make_channel: Callable[..., Channel]) -> None:
    servers = [
        {"smtp": "smtps://u@a.example", "password": {"env": "NO_SUCH"}},
        {"smtp": "smtp://b.example", "connections": 9},
    ]
    channel = make_channel("email", smtp="smtp://c.example", servers=servers)
    assert channel.destination.place == "smtp://c.example:587, smtps://a.example:465, smtp://b.example:587"
    assert channel.destination.missing == ("environment variable NO_SUCH",)
    assert channel.concurrency == 4 * (4 + 4 + 9)
    assert channel.limit is None
    assert replace(channel, rate=Rate(1, MINUTE, 1)).limit == Rate(1, MINUTE, 1)


def test_a_server_s_password_is_stripped_from_what_is_printed(
    make_channel: Callable[..., Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAY_PASSWORD", "correct-horse-battery")
    servers = [{"smtp": "smtp://u@b.example", "password": {"env": "RELAY_PASSWORD"}}]
    assert (
        redact.of({"mail": make_channel("email", servers=servers)})("it said correct-horse-battery")
        == "it said [redacted]"
    )
