"""Does each night run once where Prefect's schedule starts it? Run: python -m tests.benchmarks.bench_schedule

Every zone of the database, its last two changes of the clock from 2012 to 2036, seven times of day: the five days around
the change. Beside it the simpler method: the date on the clock when Prefect starts a run.
"""

import asyncio
import json
import platform
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from prefect.server.schemas.schedules import CronSchedule

from flows.schedule import logical_night
from tasks.params import NightlyParams

TIMES = (time(0, 0), time(0, 30), time(1, 30), time(2, 0), time(2, 30), time(3, 0), time(23, 30))
FIRST, LAST = datetime(2012, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)  # since then no zone has left out a date
CHANGES, DAYS = 2, 5


def changes(zone: ZoneInfo) -> list[datetime]:
    """Days on which the offset of a zone changed, the last ones."""
    days = [FIRST + timedelta(days=day) for day in range((LAST - FIRST).days)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    return [day for day, before, after in zip(days[1:], offsets, offsets[1:], strict=False) if before != after][-CHANGES:]


async def all_starts() -> AsyncIterator[tuple[NightlyParams, list[datetime]]]:
    """Settings, and every start that Prefect names for the days around a change, asked again and again as its scheduler does."""
    for name in sorted(available_timezones()):
        for change in changes(ZoneInfo(name)):
            for at in TIMES:
                params = NightlyParams(cron=f"{at.minute} {at.hour} * * *", timezone=name, retrain_cron="")
                schedule = CronSchedule(cron=params.cron, timezone=name)
                starts: set[datetime] = set()
                for hours in range(0, 24 * DAYS, 12):
                    moment = change + timedelta(hours=hours - 12 * DAYS)
                    starts.update(start.astimezone(UTC) for start in await schedule.get_dates(n=3, start=moment))
                yield params, sorted(starts)


def faults(nights: Iterable[date]) -> int:
    """How many nights stand there more than once, or are left out between the first and the last."""
    counted = Counter(nights)
    span = (max(counted) - min(counted)).days + 1
    return sum(count > 1 for count in counted.values()) + span - len(counted)


async def measure() -> None:
    tried, ours, by_date = 0, 0, 0
    async for params, starts in all_starts():
        tried += 1
        ours += faults(logical_night(start, params) for start in starts)
        by_date += faults(start.astimezone(ZoneInfo(params.timezone)).date() for start in starts)
    print(json.dumps({"bench": "nights doubled or left out", "value": ours, "bar": 0, "by_date": by_date,
                      "changes_and_times": tried, "machine": platform.platform()}))


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
