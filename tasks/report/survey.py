"""One pass over every listed video: what the whole page says, in memory that does not grow with the number of frames."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.compute as pc

from tasks.dataset.labels import fingerprint_video
from tasks.dataset.manifest import MANIFEST, read_manifest
from tasks.dataset.splits import SPLITS
from tasks.errors import InputError, IntegrityError
from tasks.keywords.associations import AssociationCounts
from tasks.report import books
from tasks.report.books import Labels, Sum
from tasks.schema import FORGOTTEN, Video
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger, Outcome

LABELLED, SET_ASIDE, FAILED, WAITING, LOST = "labelled", "set aside", "failed", "not tried yet", "lost"
CANDIDATES = 4  # surest examples remembered of each video


@dataclass(frozen=True)
class VideoFacts:
    """One labelled video in numbers. `faults`: what does not add up, one sentence each."""

    seconds: float
    frames: Sum
    words: Sum
    pictures: Sum
    engine: str
    model: str
    why: str
    faults: tuple[str, ...]


@dataclass
class Best:
    """Where a label is likeliest: the chance, the video and the frame; and in how many pictures it appears."""

    weight: float
    video_id: str
    frame: int
    pictures: int = 0


@dataclass
class Survey:
    """What the data folder holds.

    states: how each listed video stands, in list order. said: how often each key word was spoken.
    candidates: (sureness, video id, frame) of the surest examples of each video; a video whose lag is known is surer.
    dataset: the pictures of all videos against the rows of the dataset; None when there is no dataset.
    """

    videos: Sequence[Video]
    outcomes: dict[str, Outcome]
    states: dict[str, str] = field(default_factory=dict)
    facts: dict[str, VideoFacts] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    best: dict[str, Best] = field(default_factory=dict)
    candidates: list[tuple[float, str, int]] = field(default_factory=list)
    engines: Counter[str] = field(default_factory=Counter)
    labels: int = 0
    associations: AssociationCounts = field(default_factory=AssociationCounts)
    dataset: Sum | None = None

    @property
    def labelled(self) -> list[Video]:
        return [video for video in self.videos if self.states[video.id] == LABELLED]

    @property
    def unlabelled(self) -> list[Video]:
        return [video for video in self.videos if self.states[video.id] in (SET_ASIDE, FAILED, LOST)]

    @property
    def seconds(self) -> float:
        return sum(facts.seconds for facts in self.facts.values())

    @property
    def sums(self) -> tuple[Sum, ...]:
        """The sums of the whole folder. A lost video is in no part of its sum, so that it shows."""
        states = Counter(self.states.values())
        facts = self.facts.values()
        gone = (FORGOTTEN,) if states[FORGOTTEN] else ()
        listed = tuple((state, states[state]) for state in (LABELLED, SET_ASIDE, FAILED, WAITING, *gone))
        sums = (
            Sum("videos listed", len(self.videos), listed),
            books.add_up("frames sampled", (one.frames for one in facts)),
            books.add_up("words heard", (one.words for one in facts)),
            books.add_up("pictures kept", (one.pictures for one in facts)))
        return (*sums, self.dataset) if self.dataset else sums


def survey(folder: DataFolder, videos: Sequence[Video]) -> Survey:
    """Look at every listed video once, and at label folders that no list names."""
    seen = Survey(videos, _read_outcomes(folder.ledger))
    for video in videos:
        seen.states[video.id] = FORGOTTEN if video.is_forgotten else _look_at(folder, video, seen)
    strangers = sorted(path.name for path in folder.labels_root.glob("*") if path.is_dir() and path.name not in seen.states)
    seen.faults += [f"{name}: has labels, but is not in {folder.catalogue.name}" for name in strangers]
    if (folder.dataset / MANIFEST).is_file():
        seen.dataset = _look_at_dataset(folder, seen)
    return seen


def _look_at_dataset(folder: DataFolder, seen: Survey) -> Sum | None:
    """The pictures kept, against where the dataset has them. Videos labelled since it was built are `not in it yet`."""
    try:
        recorded = {video["id"]: video for video in read_manifest(folder.dataset)["videos"]}
    except (InputError, IntegrityError) as error:
        seen.faults.append(error.problem.removeprefix(f"{folder.root}/"))
        return None
    parts = Counter(dict.fromkeys(SPLITS, 0))
    for video in seen.labelled:
        record, labels = recorded.get(video.id), fingerprint_video(folder.labels(video.id), video, folder.evidence_root)
        if record is None or labels is None or record["fingerprint"] != labels.fingerprint:
            parts["not in it yet"] += seen.facts[video.id].pictures.total
        else:
            parts[record["split"]] += record["rows"]
            parts.update(record["drops"])
    dataset = Sum("for the dataset", sum(facts.pictures.total for facts in seen.facts.values()), tuple(parts.items()))
    if not dataset.balances:
        seen.faults.append(f"dataset: {dataset.total:,} pictures kept, {dataset.found:,} accounted for")
    return dataset


def _read_outcomes(path: Path) -> dict[str, Outcome]:
    if not path.is_file():
        return {}
    try:
        ledger = Ledger(path)
    except sqlite3.DatabaseError as error:
        raise IntegrityError(f"{path}: not a ledger ({error})", "delete it; the next run makes it again") from error
    try:
        return ledger.outcomes()
    finally:
        ledger.close()


def _look_at(folder: DataFolder, video: Video, seen: Survey) -> str:
    """Add one video to the survey. Returns how it stands: the artefacts say, and the ledger where there are none."""
    outcome = seen.outcomes.get(video.id)
    if not folder.examples(video.id).is_file():
        if outcome is None:
            return WAITING
        if outcome.outcome != LABELLED:
            return outcome.outcome.replace("_", " ")
        seen.faults.append(f"{video.id}: labelled, says the ledger, but its labels are not there")
        return LOST
    try:
        labels = books.read_labels(folder.labels(video.id), folder.evidence_root)
    except IntegrityError as error:
        seen.faults.append(f"{video.id}: {error.problem.removeprefix(f'{folder.labels(video.id)}/')}")
        return LOST
    facts = VideoFacts(
        max(pc.max(column).as_py() or 0.0 for column in (labels.frames["end"], labels.words["end"])),
        books.frame_sum(labels), books.word_sum(labels), books.picture_sum(labels),
        labels.engine, labels.model, labels.why, tuple(books.find_faults(video.id, labels)))
    seen.facts[video.id] = facts
    seen.faults += [f"{video.id}: {fault}" for fault in facts.faults]
    seen.engines[" · ".join(part for part in (facts.engine, facts.model) if part) or "no engine"] += 1
    seen.associations.add(labels.words, labels.languages)
    _rank(video.id, labels, seen)
    return LABELLED


def _rank(video_id: str, labels: Labels, seen: Survey) -> None:
    """Remember the surest examples of a video, and the likeliest picture of each label."""
    surest = []
    for example in labels.examples.select(["frame", "labels", "video_offset_confidence"]).to_pylist():
        seen.labels += len(example["labels"])
        if example["labels"]:
            lag_known = (1 + example["video_offset_confidence"]) / 2
            surest.append((example["labels"][0]["weight"] * lag_known, video_id, example["frame"]))
        for label in example["labels"]:
            best = seen.best.setdefault(label["label"], Best(0.0, video_id, example["frame"]))
            best.pictures += 1
            if label["weight"] > best.weight:
                best.weight, best.video_id, best.frame = label["weight"], video_id, example["frame"]
    seen.candidates += sorted(surest, key=lambda one: (-one[0], one[2]))[:CANDIDATES]
    seen.said.update(labels.words.filter(pc.is_null(labels.words["why_not"]))["lemma"].to_pylist())
