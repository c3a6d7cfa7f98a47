"""What came of the videos of one run."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tasks.dataset.build import DatasetSummary
from tasks.schema import Video
from tasks.storage.ledger import Outcome


@dataclass(frozen=True)
class VideoResult:
    """One video in this run.

    steps: what each step that was reached said, by step name; `cached` is true when all of it was done before.
    duration: media seconds, 0 when never opened.
    """

    video: Video
    outcome: Outcome
    duration: float = 0.0
    cached: bool = False
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """What came of it, in one line."""
        name = f"{self.video.id} ({self.video.title})" if self.video.title else self.video.id
        if self.outcome.outcome == "fetched":
            return f"{name}: fetched, {self.duration:.0f} s"
        if self.outcome.outcome != "labelled":
            problem = self.outcome.problem.removeprefix(f"{self.video.id}: ").removeprefix(f"{self.outcome.code}: ")
            return f"{name}: {self.outcome.outcome.replace('_', ' ')}: {self.outcome.code}: {problem}"
        frames, words = self.steps["frames"], self.steps["keywords"]
        done = "done before: " if self.cached else ""
        kept = f"{frames['kept']} of {frames['sampled']} frames kept"
        return f"{name}: {done}{kept}, {words['kept']} key words of {words['heard']} heard"


@dataclass
class RunSummary:
    """Totals of one run, added up from its videos."""

    results: list[VideoResult]
    not_listed: tuple[tuple[str, str, str], ...] = ()
    wall_seconds: float = 0.0
    media_seconds: float = 0.0
    fresh_media_seconds: float = 0.0
    frames_sampled: int = 0
    frames_kept: int = 0
    frames_dropped: Counter[str] = field(default_factory=Counter)
    words_heard: int = 0
    words_kept: int = 0
    words_dropped: Counter[str] = field(default_factory=Counter)
    examples: int = 0
    labels: int = 0
    engines: Counter[str] = field(default_factory=Counter)
    cpu_seconds: Counter[str] = field(default_factory=Counter)
    peak_megabytes: dict[str, float] = field(default_factory=dict)
    dataset: DatasetSummary | None = None

    def __post_init__(self) -> None:
        for result in self.results:
            self._add(result)

    def _add(self, result: VideoResult) -> None:
        steps = result.steps
        self.media_seconds += result.duration
        if not result.cached:
            self.fresh_media_seconds += result.duration
        for step, said in steps.items():
            if "cpu_seconds" in said:
                self.cpu_seconds[step] += said["cpu_seconds"]
            if "peak_megabytes" in said:
                self.peak_megabytes[step] = max(self.peak_megabytes.get(step, 0.0), said["peak_megabytes"])
        if "frames" in steps:
            self.frames_sampled += steps["frames"]["sampled"]
            self.frames_kept += steps["frames"]["kept"]
            self.frames_dropped.update(steps["frames"]["dropped"])
        if "transcription" in steps:
            self.engines[f"{steps['transcription']['engine']} ({steps['transcription']['model']})"] += 1
        if "keywords" in steps:
            self.words_heard += steps["keywords"]["heard"]
            self.words_kept += steps["keywords"]["kept"]
            self.words_dropped.update(steps["keywords"]["dropped"])
        if "alignment" in steps:
            self.examples += steps["alignment"]["examples"]
            self.labels += steps["alignment"]["labels"]

    @property
    def failed(self) -> bool:
        """True when something may still pass when tried again."""
        unreachable = any(code == "unreachable" for _, code, _ in self.not_listed)
        return unreachable or any(result.outcome.outcome == "failed" for result in self.results)


@dataclass(frozen=True)
class SourceNews:
    """What one subscription gave this time.

    found: uploads not in the list before. filtered: left out by its filters, now. notes: what a person should know.
    problem: why it could not be asked; empty when it was.
    """

    name: str
    found: int = 0
    filtered: int = 0
    requests: int = 0
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def line(self) -> str:
        """What came of it, in one line."""
        if self.problem:
            return f"{self.name}: {self.problem}"
        filtered = f", {self.filtered} filtered out" if self.filtered else ""
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.name}: {self.found} new{filtered}, {self.requests} request{'s' if self.requests != 1 else ''}{notes}"


@dataclass(frozen=True)
class Discovery:
    """What all subscriptions gave this time. added: videos put into the list."""

    sources: tuple[SourceNews, ...] = ()
    added: int = 0

    @property
    def requests(self) -> int:
        return sum(source.requests for source in self.sources)

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(source.line for source in self.sources if source.problem)


@dataclass(frozen=True)
class NightSummary:
    """What one night came to.

    night: ISO date. waiting: videos that are due and over the cap of this night. version: the tag, empty when nothing changed.
    """

    night: str
    found: Discovery
    run: RunSummary
    waiting: int
    version: str

    @property
    def facts(self) -> dict[str, int | str]:
        """What the ledger keeps of it."""
        outcomes = Counter(result.outcome.outcome for result in self.run.results)
        return {"found": self.found.added, "requests": self.found.requests, "labelled": outcomes["labelled"],
                "set_aside": outcomes["set_aside"], "failed": outcomes["failed"], "waiting": self.waiting,
                "version": self.version, "seconds": round(self.run.wall_seconds)}
