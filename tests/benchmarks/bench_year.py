"""A year of nights: is every upload found once, and in how many requests? Run: python -m tests.benchmarks.bench_year

50 sources over 365 nights on a local site, with an injected clock: bursts longer than the feed, uploads out of order, late
in the feed, appearing while a listing runs, taken down, and one video under several addresses (tests/site/year.py); then
the same with every fifth answer a failure (503, 500, dropped, cut short). Beside it, what a reader of the feeds alone
would have missed. Takes about ten minutes; --nights and --sources make it shorter.
"""

import argparse
import json
import platform
import statistics
import time

from tests.site.year import simulate

FAILING = 0.2
QUIET_REQUESTS = 1.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--sources", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for failing in (0.0, FAILING):
        begin = time.process_time()
        year = simulate(options.nights, options.sources, failing=failing, seed=options.seed)
        name = f"year failing {failing:.0%}" if failing else "year"
        facts = {
            "nights": options.nights, "sources": options.sources, "uploads": len(year.must), "looks": year.looks,
            "failed_looks": year.failed_looks, "requests": year.served, "missed_by_feeds_alone": year.missed_by_feeds,
            "found_the_same_night": round(year.waits.count(0) / len(year.waits), 4), "latest_after_nights": max(year.waits),
            "cpu_seconds": round(time.process_time() - begin), "machine": platform.platform()}
        figures = {"missed": len(year.missed), "doubled": year.doubled, "too old or gone, yet taken": len(year.unwanted)}
        for what, value in figures.items():
            print(json.dumps({"bench": f"{name}: {what}", "value": value, "bar": 0, **facts}), flush=True)
        quiet = round(statistics.fmean(year.quiet), 4)
        bar = {"bar": QUIET_REQUESTS} if not failing else {}  # tries repeated after failures come on top
        print(json.dumps({"bench": f"{name}: requests a quiet source and night", "value": quiet, **bar}), flush=True)


if __name__ == "__main__":
    main()
