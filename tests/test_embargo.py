"""The embargo instant: what is accepted, what is refused, and the real breaks that taught the rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor.embargo import Embargo, EmbargoError, parse, spell, zone_names, zone_of, zone_warning


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-12-01 09:00 Asia/Hong_Kong", "2026-12-01 01:00"),
        ("2026-12-01T09:00:30 Asia/Hong_Kong", "2026-12-01 01:00:30"),
        ("2026-12-01 09:00+08:00 Asia/Hong_Kong", "2026-12-01 01:00"),
        ("2026-12-01T09:00:00+08:00[Asia/Hong_Kong]", "2026-12-01 01:00"),
        ("2026-12-01T01:00:00Z", "2026-12-01 01:00"),
        ("2026-12-01 09:00 +0800", "2026-12-01 01:00"),
        ("2026-12-01 00:00 Asia/Kolkata", "2026-11-30 18:30"),
        ("2026-07-01 09:00 Pacific/Marquesas", "2026-07-01 18:30"),
        ("2026-07-01 09:00:00.25 UTC", "2026-07-01 09:00:00.250000"),
    ],
)
def test_one_instant_in_many_spellings(text: str, instant: str) -> None:
    assert parse(text).instant == utc(instant)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-12-01", "2026-12-01 09:00"),
        ("2026-12-01 Asia/Tokyo", "2026-12-01 09:00 Asia/Tokyo"),
        ("2026-12-01 09:00", "names no time zone"),
        ("2026-12-01 25:00 UTC", "not a date and time"),
        ("2026-02-30 09:00 UTC", "not a date and time"),
        ("2026-12-01 9:00 pm Asia/Tokyo", "2026-12-01 21:00 Asia/Tokyo"),
        ("2026-12-01 09:00 Asia/Hongkong", "did you mean 'Asia/Hong_Kong'"),
        ("2026-12-01 09:00 asia/hong_kong", "write Asia/Hong_Kong"),
        ("2026-12-01 09:00 HKT", "write Asia/Hong_Kong"),
        ("2026-12-01 09:00 tokyo", "write Asia/Tokyo"),
        ("2026-12-01 09:00 Nowhere/Land", "is no time zone"),
        ("01/02/2026 09:00 UTC", "write it as 2026-12-01 09:00 Asia/Hong_Kong"),
        ("tomorrow", "is not a time"),
        ("1926-12-01 09:00 UTC", "outside the years"),
        # Superdesk drops the Z and reads the time as local
        ("2030-02-13T22:46:19Z Australia/Sydney", "2030-02-14 09:46:19+11:00 Australia/Sydney"),
    ],
)
def test_refused_with_the_right_spelling(text: str, told: str) -> None:
    with pytest.raises(EmbargoError, match=told.replace("+", r"\+")):
        parse(text)


@pytest.mark.parametrize(
    ("zone", "gap", "before", "after"),
    [
        ("America/New_York", "2024-03-10 02:30", "01:30", "03:30"),
        ("Europe/London", "2027-03-28 01:30", "00:30", "02:30"),
        ("Europe/Berlin", "2026-03-29 02:30", "01:30", "03:30"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", "01:45", "02:45"),  # goes forward by half an hour
        ("America/Santiago", "2026-09-06 00:30", "23:30", "01:30"),  # at midnight
    ],
)
def test_a_time_that_does_not_exist_is_refused(zone: str, gap: str, before: str, after: str) -> None:
    with pytest.raises(EmbargoError, match="does not exist") as error:
        parse(f"{gap} {zone}")
    assert before in str(error.value)
    assert after in str(error.value)


@pytest.mark.parametrize(
    ("zone", "fold", "first", "second"),
    [
        ("America/New_York", "2024-11-03 01:30", "-04:00", "-05:00"),
        ("Europe/London", "2027-10-31 01:30", "+01:00", "+00:00"),
        ("Europe/Berlin", "2026-10-25 02:30", "+02:00", "+01:00"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "+11:00", "+10:30"),
    ],
)
def test_a_time_that_happens_twice_needs_a_choice(zone: str, fold: str, first: str, second: str) -> None:
    with pytest.raises(EmbargoError, match="happens twice") as error:
        parse(f"{fold} {zone}")
    for offset in (first, second):
        spelling = f"{fold}{offset} {zone}"
        assert spelling in str(error.value)
        assert parse(spelling).local().isoformat().endswith(offset)
    assert parse(f"{fold}{first} {zone}").instant < parse(f"{fold}{second} {zone}").instant


def test_every_iana_zone_is_accepted() -> None:
    assert len(zone_names()) > 400
    for zone in sorted(zone_names()):
        read = parse(f"2026-07-01 09:00 {zone}")
        assert read.zone == zone
        assert parse(str(read)) == read


@given(
    st.datetimes(min_value=datetime(1975, 1, 1), max_value=datetime(2190, 1, 1)),
    st.sampled_from(sorted(zone_names())),
)
def test_every_instant_survives_being_written_and_read(moment: datetime, zone: str) -> None:
    """Also in the second hour of a fold, and at the edges of every change of the clocks."""
    embargo = Embargo(moment.replace(tzinfo=UTC), zone)
    if (embargo.local().utcoffset() or timedelta()).total_seconds() % 60:
        return  # offsets with seconds are older than any release
    assert parse(str(embargo)) == embargo


# ── The real embargo breaks (docs/embargo.md) ─────────────────────────────────────────────────────────────────────


def test_wrong_date_in_the_eastern_zone() -> None:
    """King's College London, 2015: the date was not moved along with the hour. Every zone's date is made, never typed."""
    lift = parse("2015-10-23 01:00 Europe/London")
    assert spell(lift.instant, "America/New_York") == "Thu 22 Oct 2015 20:00 EDT (23 Oct 00:00 UTC)"


def test_an_hour_early_after_the_clocks_went_back() -> None:
    """Scientific American's blogs, 2012: servers still on summer time. The offset comes from the date, not from today."""
    assert parse("2012-11-06 15:00 America/New_York").instant == utc("2012-11-06 20:00")
    assert parse("2012-11-02 15:00 America/New_York").instant == utc("2012-11-02 19:00")


@pytest.mark.parametrize("text", ["2010-11-09 12:01 p.m. America/New_York", "2010-11-09 12:01 am America/New_York"])
def test_one_past_noon_or_one_past_midnight(text: str) -> None:
    """Case Western Reserve, 2010: 12:01 p.m. for 12:01 a.m."""
    with pytest.raises(EmbargoError) as error:
        parse(text)
    assert "2010-11-09 00:01 America/New_York" in str(error.value)
    assert "2010-11-09 12:01 America/New_York" in str(error.value)


def test_a_date_without_a_time() -> None:
    with pytest.raises(EmbargoError, match="has a date but no time"):
        parse("2026-12-01")


def test_abbreviations_are_accepted_where_they_are_zones_and_warned_about() -> None:
    assert parse("2026-07-01 09:00 EST").instant == utc("2026-07-01 14:00")  # New York is on EDT then
    assert "America/New_York" in (zone_warning("EST") or "")
    assert "names" not in (zone_warning("Asia/Hong_Kong") or "")
    assert "offset" in (zone_warning(parse("2026-07-01 09:00+08:00").zone) or "")


def test_the_host_zone_plays_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    for zone in ("America/Los_Angeles", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert parse("2026-12-01 09:00 Asia/Hong_Kong").instant == utc("2026-12-01 01:00")
    monkeypatch.delenv("TZ")
    time.tzset()


def test_spelled_for_people() -> None:
    assert parse("2026-12-01 07:30 Asia/Hong_Kong").spelled() == "Tue 1 Dec 2026 07:30 HKT (30 Nov 23:30 UTC)"
    assert zone_of("UTC+05:30").utcoffset(None) == timedelta(hours=5, minutes=30)
