"""What a person sees in the terminal: bars while it works, a table of what came out at the end."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from flows.outcome import Discovery, NightSummary, RunSummary, VideoResult
from tasks.network.text import shown
from tasks.progress import listening

LINE_CHARACTERS = 600


class Board:
    """One bar for the run, one for each video at work. Without a terminal: one line a finished video.

    videos: how many there will be, 0 when not known.
    """

    def __init__(self, videos: int, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._bars: dict[str, TaskID] = {}
        self._durations: dict[str, float] = {}
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[reached]}"), MofNCompleteColumn(),
            TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal)
        self._total = self._progress.add_task("videos", total=videos or None, reached="")

    def heard_of(self, video_id: str, step: str, seconds: float) -> None:
        """A step tells where it is; called from worker threads."""
        with self._lock:
            if step == "duration":
                self._durations[video_id] = seconds
                return
            total = self._durations.get(video_id)
            if video_id not in self._bars:
                self._bars[video_id] = self._progress.add_task(video_id, total=total, reached="")
            if step == "download":  # tells a share, for the duration is not known yet
                seconds, total, reached = seconds * 100, 100.0, f"{seconds:.0%}"
            else:
                reached = f"{seconds:,.0f} s"
            self._progress.update(
                self._bars[video_id], description=f"  {video_id} {step}", completed=int(seconds), total=total, reached=reached)

    def settled(self, result: VideoResult) -> None:
        """A video is done or set aside."""
        with self._lock:
            bar = self._bars.pop(result.video.id, None)
            if bar is not None:
                self._progress.remove_task(bar)
            self._progress.advance(self._total)
        if not self._console.is_terminal:
            print_line(self._console, result.line)

    @contextmanager
    def shown(self) -> Iterator["Board"]:
        with self._progress, listening(self.heard_of):
            yield self


@contextmanager
def steps_shown() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each thing that is told of as (what, done, of)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bars:
        shown: dict[str, TaskID] = {}

        def progress(what: str, done: int, of: int) -> None:
            if what not in shown:
                shown[what] = bars.add_task(what)
            bars.update(shown[what], completed=done, total=of)

        yield progress


def error_line(problem: str, remedy: str) -> None:
    """The one line a person reads when something is wrong, on stderr."""
    print(f"error: {shown(problem, LINE_CHARACTERS)}: {shown(remedy, LINE_CHARACTERS)}", file=sys.stderr)


def counted(count: int, noun: str) -> str:
    """`1 video`, `2 videos`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def print_summary(summary: RunSummary, console: Console) -> None:
    """What this run came to: books that balance, what was set aside and why, and what it cost."""
    table = Table(title="What came out", show_header=False, title_justify="left", box=None, padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    outcomes = Counter(result.outcome.outcome for result in summary.results)
    names = ("labelled", "fetched", "set_aside", "failed", "waiting")
    parts = [f"{outcomes[name]} {name.replace('_', ' ')}" for name in names if outcomes[name]]
    again = sum(result.cached for result in summary.results)
    before = f" ({again} done before)" if again else ""
    table.add_row("videos", f"{len(summary.results)}: {', '.join(parts) or 'none'}{before}")
    table.add_row("media", f"{summary.media_seconds / 3600:.2f} hours")
    table.add_row("frames", _balance("sampled", summary.frames_sampled, "kept", summary.frames_kept, summary.frames_dropped))
    table.add_row("words", _balance("heard", summary.words_heard, "key words", summary.words_kept, summary.words_dropped))
    if summary.engines:
        engines = sorted(summary.engines.items())
        table.add_row("recognised by", ", ".join(f"{escape(engine)}: {count}" for engine, count in engines))
    table.add_row("examples", f"{summary.examples:,} pictures with words, {summary.labels:,} labels")
    if summary.dataset is not None:
        splits = ", ".join(f"{rows:,} {split}" for split, rows in summary.dataset.rows.items())
        left_out = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(summary.dataset.left_out.items()))
        table.add_row("dataset", f"{splits} pictures" + (f"; left out: {left_out}" if left_out else ""))
    table.add_row("took", f"{summary.wall_seconds:.2f} s")
    if summary.peak_megabytes:
        table.add_row("peak memory", ", ".join(f"{step} {peak:.0f} MB" for step, peak in summary.peak_megabytes.items()))
    if any(summary.cpu_seconds.values()):
        hours = max(summary.fresh_media_seconds / 3600, 1e-9)
        costs = ", ".join(f"{step} {seconds / hours:.0f}" for step, seconds in summary.cpu_seconds.items())
        table.add_row("CPU seconds a video hour", costs)
    console.print(table)
    for result in summary.results:
        if result.outcome.outcome != "labelled" and console.is_terminal:  # without a terminal it has been said already
            print_line(console, result.line)
    for argument, code, problem in summary.not_listed:
        print_line(console, f"not listed: {argument}: {code}: {problem}")
    for note in summary.dataset.notes if summary.dataset else ():
        print_line(console, f"note: {note}")


def print_line(console: Console, line: str) -> None:
    """One line of text from outside, as it is: no markup, no escape codes."""
    console.print(shown(line, LINE_CHARACTERS), markup=False, highlight=False, soft_wrap=True)


def _balance(name: str, total: int, kept_name: str, kept: int, drops: dict[str, int]) -> str:
    reasons = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in sorted(drops.items()) if count)
    return f"{total:,} {name} = {kept:,} {kept_name}" + (f" + {reasons}" if reasons else "")


def print_found(found: Discovery, console: Console) -> None:
    """What the sources gave this time: one line a source."""
    for source in found.sources:
        print_line(console, source.line)
    console.print(f"{counted(found.added, 'new video')} in the list, {counted(found.requests, 'request')} to "
                  f"{counted(len(found.sources), 'source')}", markup=False, highlight=False)


def print_night(night: NightSummary, console: Console) -> None:
    """What one night came to: found, labelled, published, and what waits."""
    print_found(night.found, console)
    print_summary(night.run, console)
    console.print(f"version: {night.version or 'none, nothing changed'}", markup=False, highlight=False)
    if night.waiting:
        console.print(f"{counted(night.waiting, 'video')} wait for another night: `framewords status`", highlight=False)
