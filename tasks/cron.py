"""A cron expression that names one time of day, and the days it falls on."""

import re
from dataclasses import dataclass
from datetime import date, time

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")
LEAP_YEAR = 2000


@dataclass(frozen=True)
class Cron:
    """Minute and hour are single numbers, so that a day has at most one run; the day fields take all that cron knows.

    days, months: 1-31, 1-12. weekdays: 0 (Sunday) to 6. either: both days and weekdays are restricted, and cron then wants
    one of the two.
    """

    at: time
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def falls_on(self, day: date) -> bool:
        """Whether there is a run on this day of the calendar."""
        in_days, in_weekdays = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (in_days or in_weekdays if self.either else in_days and in_weekdays)


def parse_cron(text: str) -> Cron:
    """`minute hour day-of-month month day-of-week`. Raises ValueError saying what is wrong and how to write it."""
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"has {len(fields)} fields, not 5; write minute hour day month weekday, as '0 3 * * *'")
    minute, hour, days, months, weekdays = fields
    for name, field in (("minute", minute), ("hour", hour)):
        if not field.isdigit():
            raise ValueError(f"{name} is {field!r}: it may fall more than once a day; write one number, as '0 3 * * *'")
    at = time(_number("hour", hour, 0, 23), _number("minute", minute, 0, 59))
    cron = Cron(
        at, _values("day of month", days, 1, 31), _values("month", months, 1, 12, MONTHS, first=1),
        frozenset(day % 7 for day in _values("weekday", weekdays, 0, 7, WEEKDAYS)), days != "*" and weekdays != "*")
    if not any(_exists(day, month) for day in cron.days for month in cron.months):
        raise ValueError(f"day {days} of month {months} is in no year; write another day or month")
    return cron


def _values(name: str, field: str, low: int, high: int, names: tuple[str, ...] = (), first: int = 0) -> frozenset[int]:
    """Every value that a field names. first: the number of the first of `names`."""
    values: set[int] = set()
    for part in field.split(","):
        found = PART.fullmatch(part)
        if not found:
            raise ValueError(f"{name} is {field!r}; write * or numbers, as 1,15 or 1-5 or */2")
        step = _number(f"step of {name}", found["step"] or "1", 1, high)
        if found["first"] is None:
            start, end = low, high
        else:
            start = _number(name, found["first"], low, high, names, first)
            open_end = high if found["step"] else start
            end = _number(name, found["last"], low, high, names, first) if found["last"] else open_end
        if end < start:
            raise ValueError(f"{name} is {part!r}: it ends before it begins; write the smaller first")
        values.update(range(start, end + 1, step))
    return frozenset(values)


def _number(name: str, text: str, low: int, high: int, names: tuple[str, ...] = (), first: int = 0) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + first
    if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
        raise ValueError(f"{name} is {text!r}; write {low}-{high}" + (f" or {names[0]}-{names[-1]}" if names else ""))
    return int(text)


def _exists(day: int, month: int) -> bool:
    try:
        date(LEAP_YEAR, month, day)
    except ValueError:
        return False
    return True
