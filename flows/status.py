"""Where a dataset stands: every video of the list in one row of a sum, what rests, what the last nights did, what comes next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.plan import open_ledger
from flows.policy import policy_of
from tasks.discovery.catalogue import read_catalogue
from tasks.network.text import shown
from tasks.params import Params
from tasks.schema import Video
from tasks.storage.failures import CLASSES, next_try
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import STATES, Counts, Outcome, count_states

MAX_SOURCES, MAX_VIDEOS, MAX_NIGHTS, MAX_CODES = 20, 10, 7, 4
NAME_CHARACTERS, PROBLEM_CHARACTERS = 24, 200
MEANINGS = {
    "labelled": "done: pictures with words",
    "waiting": "not tried yet",
    "transient": "may pass: tried again, less and less often",
    "blocked": "the site refuses us: its source rests",
    "gone": "not to be had: asked for again every {gone_days} days",
    "filtered": "left out by your settings, or still live",
    "unusable": "of no use, unless settings or code change",
    "forgotten": "removed on request, for good",
}
NIGHT_FACTS = ("found", "labelled", "set_aside", "failed", "waiting", "requests")


@dataclass(frozen=True)
class Standing:
    """What is known at one moment. due: what the next round tries. moved_aside: name of a ledger that was damaged."""

    videos: Sequence[Video]
    counts: Counts
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    due: Sequence[Video] = ()
    paused: Mapping[str, tuple[datetime, str]] = field(default_factory=dict)
    nights: Sequence[tuple[str, Mapping[str, Any]]] = ()
    moved_aside: str = ""

    def state(self, video: Video) -> str:
        outcome = self.outcomes.get(video.id)
        return outcome.state if outcome else "waiting"


def print_status(data: DataFolder, params: Params, console: Console, now: datetime) -> None:
    """Show what has become of the list, what rests and why, what the last nights did, and what comes next.

    now: UTC.
    """
    standing = read_standing(data, params, now)
    if standing.moved_aside:
        _say(console, f"the ledger was damaged and is now {standing.moved_aside}: the next round finds out again what is done")
    if not standing.videos:
        _say(console, "no videos are listed: `framewords add` subscribes to a source, `framewords ingest` labels at once")
        return
    console.print(_sum(standing.counts, params.upkeep.gone_days))
    if len(standing.counts.sources) > 1:
        _section(console, _sources(standing.counts, [source.name for source in params.sources]))
    if standing.paused:
        _section(console, _rests(standing.paused, now))
    aside = [video for video in standing.videos if not video.is_forgotten and standing.state(video) in CLASSES]
    if aside:
        _section(console, _set_aside(standing, aside, params))
    if standing.nights:
        _section(console, _nights(standing.nights))
    console.print()
    for line in _next(standing, aside):
        _say(console, line)


def read_standing(data: DataFolder, params: Params, now: datetime) -> Standing:
    """What the list and the ledger say; where there is no ledger yet, as in a clone, what the artefacts show to be labelled."""
    videos = read_catalogue(data.catalogue)
    with open_ledger(data.ledger) as ledger:
        if ledger is None:
            labelled = {video.id: Outcome(video.id, "labelled") for video in videos if data.examples(video.id).is_file()}
            return Standing(
                videos, count_states(videos, labelled), labelled,
                due=[video for video in videos if not video.is_forgotten and video.id not in labelled])
        return Standing(
            videos, ledger.counts(videos), ledger.outcomes(), ledger.due(videos, now, policy_of(params)), ledger.paused(now),
            ledger.last_nights(MAX_NIGHTS), ledger.moved_aside.name if ledger.moved_aside else "")


def _sum(counts: Counts, gone_days: int) -> Table:
    """One row a state; the numbers add up to the last."""
    table = _table("Videos", "", "", "", header=False)
    table.columns[0].justify = "right"
    total = f"{counts.listed:,}"
    for state in STATES:
        if counts.states[state] or state in ("labelled", "waiting"):
            codes = _counted({code: count for code, count in counts.codes.get(state, {}).items() if code != state})
            meaning = MEANINGS[state].format(gone_days=gone_days)
            table.add_row(f"{counts.states[state]:,}", state, f"[dim]{meaning}[/dim]" + (f" ({codes})" if codes else ""))
    table.add_row("─" * len(total))
    table.add_row(total, "listed")
    return table


def _sources(counts: Counts, subscriptions: Sequence[str]) -> Table:
    """The same by source: subscriptions in their order, then whatever else videos came from, most first."""
    table = _table("By source", "source", "listed", "labelled", "waiting", "set aside")
    for column in table.columns[1:4]:
        column.justify = "right"
    others = sorted(counts.sources.keys() - set(subscriptions), key=lambda name: (-counts.sources[name].total(), name))
    names = [*(name for name in subscriptions if name in counts.sources), *others]
    rows = [(shown(name, NAME_CHARACTERS) or "no source", counts.sources[name]) for name in names[:MAX_SOURCES]]
    if rest := names[MAX_SOURCES:]:
        rows.append((f"{len(rest)} more", sum((counts.sources[name] for name in rest), Counter[str]())))
    for name, states in rows:
        aside = _counted({state: count for state, count in states.items() if state not in ("labelled", "waiting")}, len(STATES))
        table.add_row(escape(name), *(f"{number:,}" for number in (states.total(), states["labelled"], states["waiting"])), aside)
    return table


def _rests(paused: Mapping[str, tuple[datetime, str]], now: datetime) -> Table:
    table = _table("Resting; sooner: framewords retry --class blocked", "source", "until", "", "why", cut=True)
    for name, (until, problem) in paused.items():
        hours = max(1, round((until - now) / timedelta(hours=1)))
        table.add_row(escape(shown(name, NAME_CHARACTERS)), f"{until:%Y-%m-%d %H:%M} UTC", f"{hours} h",
                      escape(shown(problem, PROBLEM_CHARACTERS)))
    return table


def _set_aside(standing: Standing, aside: Sequence[Video], params: Params) -> Table:
    """The videos that are not labelled though they were tried, latest first."""
    latest = sorted(aside, key=lambda video: standing.outcomes[video.id].tried, reverse=True)[:MAX_VIDEOS]
    more = f", the latest {MAX_VIDEOS} of {len(aside)}" if len(aside) > MAX_VIDEOS else ""
    table = _table(f"Set aside{more}", "video", "next try", "why", cut=True)
    due = {video.id for video in standing.due}
    for video in latest:
        outcome = standing.outcomes[video.id]
        problem = outcome.problem.removeprefix(f"{video.id}: ")
        table.add_row(
            video.id, "next round" if video.id in due else _when(outcome, params),
            escape(shown(f"{outcome.code.replace('_', ' ')}: {problem}", PROBLEM_CHARACTERS)))
    return table


def _when(outcome: Outcome, params: Params) -> str:
    if outcome.state == "blocked":
        return "after the rest"
    after = next_try(outcome.code, outcome.attempts, outcome.tried_at, params.upkeep)
    return "on change" if after is None else f"{after:%Y-%m-%d}"


def _nights(nights: Sequence[tuple[str, Mapping[str, Any]]]) -> Table:
    """What each night did, as far as it did something."""
    table = _table("Last nights", "night", "version", "took", "what came of it")
    for night, told in nights:
        took = str(timedelta(seconds=told["seconds"])) if isinstance(told.get("seconds"), int) else ""
        did = ", ".join(f"{told[name]} {name.replace('_', ' ')}" for name in NIGHT_FACTS if told.get(name))
        table.add_row(night, escape(shown(told.get("version") or "unchanged", 40)), took, escape(shown(did or "nothing new", 80)))
    return table


def _next(standing: Standing, aside: Sequence[Video]) -> list[str]:
    due = _counted(Counter(standing.state(video) for video in standing.due), len(STATES))
    lines = [f"next round: {len(standing.due):,} due" + (f" ({due})" if due else "")]
    if aside:
        classes = _counted(Counter(standing.state(video) for video in aside), len(CLASSES))
        lines.append(f"sooner: framewords retry VIDEO, or --class CLASS: {classes}")
    return lines


def _counted(counts: Mapping[str, int], most: int = MAX_CODES) -> str:
    """`3 geo, 2 private`, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{count:,} {name.replace('_', ' ')}" for name, count in ordered[:most]]
    return ", ".join(parts + (["..."] if len(ordered) > most else []))


def _table(title: str, *columns: str, header: bool = True, cut: bool = False) -> Table:
    """cut: the last column is cut to the width there is; else it may have several lines."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=header,
                  padding=(0, 2, 0, 0), header_style="dim", expand=cut)
    for column in columns:
        table.add_column(column, no_wrap=cut or column is not columns[-1], ratio=1 if cut and column is columns[-1] else None)
    return table


def _section(console: Console, table: Table) -> None:
    console.print()
    console.print(table)


def _say(console: Console, line: str) -> None:
    console.print(shown(line, 400), markup=False, highlight=False, soft_wrap=True)
