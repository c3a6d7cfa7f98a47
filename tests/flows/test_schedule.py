"""Every night of the calendar is due once, whatever the clocks do."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prefect.server.schemas.schedules import CronSchedule

from flows.schedule import asked_night, due_moment, due_night, logical_night, next_night, why_skip
from tasks.errors import InputError
from tasks.params import NightlyParams

ZONES = st.sampled_from(sorted(available_timezones()))


def at(timezone: str, cron: str = "30 2 * * *") -> NightlyParams:
    return NightlyParams(cron=cron, timezone=timezone, retrain_cron="")


# Transitions as the zone database publishes them; the local time that is due is the hand count.
@pytest.mark.parametrize(("timezone", "cron", "night", "due"), [
    ("Europe/Berlin", "30 2 * * *", "2026-03-29", "2026-03-29T03:30+02:00"),  # 02:00 -> 03:00
    ("Europe/Berlin", "30 2 * * *", "2026-10-25", "2026-10-25T02:30+02:00"),  # 03:00 -> 02:00
    ("America/New_York", "30 2 * * *", "2026-03-08", "2026-03-08T03:30-04:00"),
    ("America/New_York", "30 1 * * *", "2026-11-01", "2026-11-01T01:30-04:00"),
    ("Australia/Sydney", "30 2 * * *", "2026-10-04", "2026-10-04T03:30+11:00"),
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-04", "2026-10-04T02:45+11:00"),  # half an hour: 02:00 -> 02:30
    ("America/Santiago", "0 0 * * *", "2026-09-06", "2026-09-06T01:00-03:00"),  # midnight itself is skipped
    ("Asia/Beirut", "0 0 * * *", "2026-03-29", "2026-03-29T01:00+03:00"),
    ("Europe/Berlin", "0 3 * * *", "2026-10-25", "2026-10-25T03:00+01:00"),
    ("Asia/Tokyo", "0 3 * * *", "2028-02-29", "2028-02-29T03:00+09:00"),  # a leap day, no daylight saving
])
def test_nights_that_change_the_clock_are_due_once(timezone: str, cron: str, night: str, due: str) -> None:
    params, moment = at(timezone, cron), datetime.fromisoformat(due)
    assert due_moment(date.fromisoformat(night), params) == moment
    assert due_night(moment, params) == date.fromisoformat(night)
    assert due_night(moment - timedelta(seconds=1), params) == date.fromisoformat(night) - timedelta(days=1)
    assert next_night(moment, params) == date.fromisoformat(night) + timedelta(days=1)


@pytest.mark.parametrize(("timezone", "cron", "first"), [
    ("Europe/Berlin", "30 2 * * *", "2026-03-27"), ("Europe/Berlin", "30 2 * * *", "2026-10-23"),
    ("America/New_York", "30 2 * * *", "2026-03-06"), ("America/New_York", "30 1 * * *", "2026-10-30"),
    ("Australia/Sydney", "30 2 * * *", "2026-10-02"), ("Australia/Sydney", "30 2 * * *", "2026-04-03"),
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-02"), ("America/Santiago", "0 0 * * *", "2026-09-04"),
    ("Asia/Beirut", "0 0 * * *", "2026-03-27"), ("America/Santiago", "30 23 * * *", "2026-04-02"),
])
def test_what_prefect_starts_on_such_nights_runs_each_of_them_once(timezone: str, cron: str, first: str) -> None:
    """Prefect's scheduler asks for its next runs again and again; each start it ever names stands for a night of its own."""
    params, zone, begin = at(timezone, cron), ZoneInfo(timezone), date.fromisoformat(first)
    schedule = CronSchedule(cron=cron, timezone=timezone)
    clock = datetime.combine(begin, datetime.min.time(), zone).astimezone(UTC)
    starts: set[datetime] = set()
    for minutes in range(0, 5 * 24 * 60, 30):
        starts.update(asyncio.run(schedule.get_dates(n=3, start=clock + timedelta(minutes=minutes))))
    nights = Counter(logical_night(start.astimezone(UTC), params) for start in starts)
    wanted = {begin + timedelta(days=day) for day in range(5)}
    assert {night: nights[night] for night in wanted} == dict.fromkeys(wanted, 1)


@given(ZONES, st.dates(date(1975, 1, 1), date(2037, 1, 1)), st.integers(0, 23), st.integers(0, 59))
@example("America/Santiago", date(2026, 9, 1), 0, 0)
@example("Pacific/Apia", date(2011, 12, 28), 3, 0)  # 30 December was never lived there
@example("Africa/Casablanca", date(2026, 2, 10), 2, 30)
def test_every_date_that_is_lived_is_due_once_and_in_order(timezone: str, start: date, hour: int, minute: int) -> None:
    params, zone = at(timezone, f"{minute} {hour} * * *"), ZoneInfo(timezone)
    clock = datetime.combine(start, datetime.min.time(), zone).astimezone(UTC)
    nights: list[date] = []
    while len(nights) < 20:
        night = next_night(clock, params)
        clock = due_moment(night, params)
        assert due_night(clock, params) == logical_night(clock, params) == night
        nights.append(night)
    hours = (clock + timedelta(hours=step) for step in range(-24 * 21, 24))
    lived = sorted({hour.astimezone(zone).date() for hour in hours})
    assert nights == [day for day in lived if nights[0] <= day <= nights[-1]]


@given(ZONES, st.datetimes(datetime(1975, 1, 1), datetime(2037, 1, 1)))
def test_what_is_due_and_what_is_next_are_neighbours(timezone: str, moment: datetime) -> None:
    params, now = at(timezone), moment.replace(tzinfo=UTC)
    due, following = due_night(now, params), next_night(now, params)
    assert due_moment(due, params) <= now < due_moment(following, params)
    assert logical_night(now, params) in (due, following)


def test_a_schedule_of_some_days_knows_only_those() -> None:
    params = at("Europe/Berlin", "0 4 29 2 *")
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert due_night(now, params) == date(2024, 2, 29)
    assert next_night(now, params) == date(2028, 2, 29)
    assert next_night(datetime(2096, 3, 1, tzinfo=UTC), params) == date(2104, 2, 29)


def test_moving_to_another_zone_runs_no_night_twice() -> None:
    """Done in Berlin, then the setting says Los Angeles, nine hours behind, then Tokyo."""
    done = {date(2026, 11, 20)}
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    west, east = at("America/Los_Angeles"), at("Asia/Tokyo")
    assert why_skip(logical_night(due_moment(date(2026, 11, 20), west), west), now, west, done.__contains__)
    assert next_night(now, west) == date(2026, 11, 21)
    assert due_night(now, east) == date(2026, 11, 20)
    assert next_night(now, east) == date(2026, 11, 21)


def test_of_several_missed_nights_the_latest_runs() -> None:
    params, now = at("UTC"), datetime(2026, 11, 20, 8, tzinfo=UTC)
    ran = [day for day in range(17, 21) if not why_skip(date(2026, 11, day), now, params, {date(2026, 11, 16)}.__contains__)]
    assert ran == [20]
    assert "is done" in why_skip(date(2026, 11, 20), now, params, {date(2026, 11, 20)}.__contains__)


def test_a_run_may_be_asked_for_a_night_by_name() -> None:
    scheduled = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30 in Berlin, as Prefect starts the night of 02:30
    assert asked_night("", scheduled, at("Europe/Berlin")) is None
    assert asked_night("scheduled", scheduled, at("Europe/Berlin")) == date(2026, 3, 29)
    assert asked_night("2026-03-01", scheduled, at("Europe/Berlin")) == date(2026, 3, 1)
    with pytest.raises(InputError, match="not a date"):
        asked_night("yesterday", scheduled, at("Europe/Berlin"))
