"""Cron days agree with Prefect's own schedule."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prefect.server.schemas.schedules import CronSchedule

from tasks.cron import parse_cron

DAYS = st.sampled_from(["*", "1", "29", "31", "*/2", "1-7", "1,15", "10-20/3", "5/10"])
MONTHS = st.sampled_from(["*", "2", "*/3", "feb", "JAN-MAR", "6,12"])
WEEKDAYS = st.sampled_from(["*", "0", "7", "mon", "1-5", "sat,sun", "*/2", "5-7"])


@given(st.integers(0, 59), st.integers(0, 23), DAYS, MONTHS, WEEKDAYS, st.dates(date(1990, 1, 1), date(2090, 1, 1)))
@example(30, 2, "29", "2", "*", date(2027, 3, 1))
def test_the_next_day_is_the_one_that_prefect_would_take(
        minute: int, hour: int, days: str, months: str, weekdays: str, after: date) -> None:
    expression = f"{minute} {hour} {days} {months} {weekdays}"
    if days == "31" and months in ("2", "feb"):
        with pytest.raises(ValueError, match="is in no year"):
            parse_cron(expression)
        return
    cron = parse_cron(expression)
    day = after + timedelta(days=1)
    while not cron.falls_on(day):
        day += timedelta(days=1)
    midnight = datetime.combine(after + timedelta(days=1), time(), UTC)
    [start] = asyncio.run(CronSchedule(cron=expression, timezone="UTC").get_dates(n=1, start=midnight))
    assert start == datetime.combine(day, cron.at, UTC)


@pytest.mark.parametrize(("expression", "said"), [
    ("", "0 fields"),
    ("0 3 * *", "4 fields"),
    ("* 3 * * *", "more than once a day"),
    ("0 3,15 * * *", "more than once a day"),
    ("60 3 * * *", "minute is '60'; write 0-59"),
    ("0 24 * * *", "hour is '24'; write 0-23"),
    ("0 3 0 * *", "day of month is '0'; write 1-31"),
    ("0 3 * dec-jan *", "ends before it begins"),
    ("0 3 * 13 *", "month is '13'; write 1-12 or jan-dec"),
    ("0 3 * * someday", "weekday is 'someday'; write 0-7 or sun-sat"),
    ("0 3 */0 * *", "step of day of month is '0'"),
    ("0 3 30 2 *", "is in no year"),
    ("\u0660 3 * * *", "minute is"),
])
def test_what_is_no_time_of_day_is_refused(expression: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("*", r"\*")):
        parse_cron(expression)
