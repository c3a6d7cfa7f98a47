"""Which night a moment stands for. Plain functions of the clock and the settings.

A night is named by its date in the zone of the settings, and is due once: at the time of day that cron says. Where clocks
are put forward over that time it is due as much later as they moved, where they are put back it is due the first time
(RFC 5545, section 3.3.5). Prefect's own schedule starts such a night an hour early, at 23:00 of the day before when it is
midnight that is skipped; hence a moment stands for the night that is due nearest to it, not for the date on the clock.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tasks.cron import parse_cron
from tasks.errors import InputError
from tasks.params import NightlyParams

SCHEDULED = "scheduled"  # in place of a date: the night that the run's scheduled start stands for
FARTHEST_DAYS = 366 * 8 + 1  # from one 29 February to the next, over a century that is no leap year


def due_moment(night: date, params: NightlyParams) -> datetime:
    """When a night is due, in UTC."""
    wall = datetime.combine(night, parse_cron(params.cron).at, ZoneInfo(params.timezone))
    return wall.astimezone(UTC)  # fold=0: the first of two, or by the offset before the gap


def due_night(now: datetime, params: NightlyParams) -> date:
    """The latest night that is due at `now`, an aware moment."""
    return next(night for night in _nights(now, params, -1) if due_moment(night, params) <= now)


def next_night(now: datetime, params: NightlyParams) -> date:
    """The first night that is not due yet at `now`."""
    return next(night for night in _nights(now, params, 1) if due_moment(night, params) > now)


def logical_night(moment: datetime, params: NightlyParams) -> date:
    """The night that a run scheduled for `moment` stands for: the one due nearest to it."""
    before, after = due_night(moment, params), next_night(moment, params)
    return before if moment - due_moment(before, params) <= due_moment(after, params) - moment else after


def asked_night(asked: str, scheduled: datetime, params: NightlyParams) -> date | None:
    """The night that a run is asked for: an ISO date, SCHEDULED, or empty for none in particular.

    scheduled: when the run was to start. Raises InputError for anything else.
    """
    if not asked:
        return None
    if asked == SCHEDULED:
        return logical_night(scheduled, params)
    try:
        return date.fromisoformat(asked)
    except ValueError as error:
        raise InputError(f"night {asked!r}: not a date", "write it as 2026-11-20, or leave it empty") from error


def why_skip(night: date, now: datetime, params: NightlyParams, is_done: Callable[[date], bool]) -> str:
    """Why a night need not be run, empty when it must: each runs once, and of several missed nights only the latest."""
    if is_done(night):
        return f"night {night} is done"
    latest = due_night(now, params)
    return f"night {night} was missed; {latest} stands for it" if night < latest else ""


def _nights(moment: datetime, params: NightlyParams, step: int) -> Iterator[date]:
    """Dates on which there is a night, from a day on the other side of `moment`, forwards or backwards."""
    cron, zone = parse_cron(params.cron), ZoneInfo(params.timezone)
    day = moment.astimezone(zone).date() - timedelta(days=2 * step)
    for _ in range(FARTHEST_DAYS):
        if cron.falls_on(day) and _is_lived(day, zone):
            yield day
        day += timedelta(days=step)


def _is_lived(day: date, zone: ZoneInfo) -> bool:
    """False for a date that a zone skipped to change sides of the date line, as Samoa did 2011-12-30."""
    noon = datetime.combine(day, time(12), zone)
    return noon.astimezone(UTC).astimezone(zone).date() == day
