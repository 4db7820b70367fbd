"""The token bucket: never more than the limit in any window, never slower than it has to be."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor.fields import rate
from distributor.rate import Rate

NOW = datetime(2030, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@given(
    st.integers(1, 30).flatmap(lambda count: st.tuples(st.just(count), st.integers(1, count))),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 40)), max_size=60),
)
def test_no_window_holds_more_than_the_limit(limit: tuple[int, int], asked: list[tuple[int, int]]) -> None:
    count, burst = limit
    bucket, now, full, sent = Rate(count, SECOND, burst), NOW, None, []
    for pause, wanted in asked:
        now += timedelta(milliseconds=pause)
        granted, full = bucket.grant(full, now, wanted)
        assert 0 <= granted <= wanted
        sent += [now] * granted
    for start in set(sent):
        assert sum(start <= moment < start + SECOND for moment in sent) <= count


def test_an_idle_bucket_gives_its_burst_and_then_one_each_interval() -> None:
    bucket = rate("20/s burst 5")
    granted, full = bucket.grant(None, NOW, 100)
    assert granted == 5
    again = bucket.next_at(full)
    assert again == NOW + bucket.interval
    assert bucket.grant(full, again - timedelta(microseconds=1), 100)[0] == 0
    assert bucket.grant(full, again, 100)[0] == 1


@pytest.mark.parametrize(
    ("text", "count", "seconds", "burst"),
    [("20/s", 20, 1, 10), ("300/5m burst 30", 300, 300, 30), ("1/d", 1, 86400, 1)],
)
def test_a_rate_is_read(text: str, count: int, seconds: int, burst: int) -> None:
    assert rate(text) == Rate(count, timedelta(seconds=seconds), burst)


@pytest.mark.parametrize(
    "text", ["fast", "0/s", "20", "20/s burst 0", "20/s burst 21", "20/0s", "-1/s", "20/fortnight"]
)
def test_nonsense_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        rate(text)
