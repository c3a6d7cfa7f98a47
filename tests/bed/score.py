"""Score predicted (frame, word) pairs, words tables and nets against truth.jsonl.

    python -m tests.bed.score --truth DIR/truth.jsonl --baseline 5
    python -m tests.bed.score --truth DIR/truth.jsonl --pairs FOLDER [--words FOLDER] [--frames FOLDER]
    python -m tests.bed.score --truth DIR/truth.jsonl --net-labels FOLDER --net-ranking FOLDER

FOLDER may be a Parquet file, a folder of them (searched recursively) or a .jsonl file. Column names are options; a dot
reaches into a struct. README.md beside this file says what each number means. Prints one JSON object.

As a library: Truth.load, then read_frames or baseline, then score_pairs and score_frames; read_words, then score_words.
"""

import argparse
import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.bed.truth import Json, Scene, VideoTruth, read_truth
from tests.bed.vocabulary import NOUNS

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
UNSPOKEN = ("um", "uh")  # said by no word of the recogniser's vocabulary

Label = tuple[str, float]  # word, weight
Frames = dict[tuple[str, float], list[Label]]  # (video id, seconds) -> labels, heaviest first
Heard = dict[str, list[tuple[float, str, float | None]]]  # video id -> (start, word, end), seconds
Ranking = dict[str, list[tuple[int, int, str, float]]]  # word -> (rank, row, video id, seconds)


# --- truth -------------------------------------------------------------------------
@dataclass
class Truth:
    """What was shown and said in every video, and which video a name means."""

    videos: dict[str, VideoTruth]  # those scored: all, or those of one split
    classes: set[str]  # the objects of the run
    tolerance: float  # seconds a frame may be over a cut and still count for both scenes
    root: dict[tuple[str, int], int]  # (video id, scene) -> the scene it repeats, or itself
    unknown: set[str] = field(default_factory=set)  # names that no video has
    _names: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, tolerance: float = 0.1, split: str | None = None) -> "Truth":
        """Read truth.jsonl. split: `train` or `test`, to score only those videos."""
        everything = read_truth(path)
        root: dict[tuple[str, int], int] = {}
        for video in everything:
            for scene in video["scenes"]:
                again = scene["dup_of"]
                root[video["video_id"], scene["i"]] = scene["i"] if again is None else root[video["video_id"], again]
        truth = cls(
            videos={video["video_id"]: video for video in everything if split in (None, video["split"])},
            classes={name for video in everything for name in video["objects"]},
            tolerance=tolerance,
            root=root,
        )
        for video in everything:
            stem, media, page = video["video_id"], video["path"], video["page"]
            for name in (stem, media, page, video["title"], Path(media).name, Path(page).name):
                if truth._names.setdefault(_plain(name), stem) != stem:
                    truth._names[_plain(name)] = None  # says nothing: two videos have it
        return truth

    def find(self, name: object) -> str | None:
        """The video id behind an id, path, file name, page, title or address; None, remembered, when there is none."""
        text = _plain(str(name))
        last = str(name).split("?")[0].rstrip("/").rsplit("/", 1)[-1]
        for candidate in (text, _plain(last), _plain(Path(str(name)).stem)):
            if hit := self._names.get(candidate):
                return hit
        ids = {name for name, video_id in self._names.items() if name == video_id}
        within = {i for i in ids if re.search(rf"(?<![a-z0-9]){re.escape(i)}(?![a-z0-9])", text)}
        if len(within) == 1:
            return within.pop()
        self.unknown.add(str(name))
        return None

    def scenes_at(self, video_id: str, time: float) -> list[Scene]:
        """Scenes on screen at `time`: two of them within the tolerance of a cut or inside a dissolve."""
        video = self.videos[video_id]
        soft = {cut["t"]: cut["duration"] / 2 for cut in video["cuts"]}

        def reach(edge: float) -> float:
            return max(self.tolerance, soft.get(edge, 0))

        return [s for s in video["scenes"] if s["start"] - reach(s["start"]) <= time < s["end"] + reach(s["end"])]

    def visible(self, video_id: str, time: float) -> set[str]:
        """Every object on screen at `time`, distractors included."""
        shown: set[str] = set()
        for scene in self.scenes_at(video_id, time):
            if scene["object"]:
                shown |= {scene["object"], *scene["distractors"]}
        return shown

    def scene(self, video_id: str, time: float) -> Scene | None:
        scenes = self.videos[video_id]["scenes"]
        return next((s for s in scenes if s["start"] <= time < s["end"]), scenes[-1] if time >= scenes[-1]["start"] else None)


def _plain(name: str) -> str:
    return re.sub(r"\s+", " ", name.strip().lower())


# --- reading -------------------------------------------------------------------------
@dataclass(frozen=True)
class FrameColumns:
    """Where a table of frames keeps what is scored."""

    video: str = "video_id"
    time: str = "timestamp"
    time_unit: str = "s"
    labels: str = "labels"
    weights: str | None = None  # a list beside the labels, or one number a row
    label_field: str = "label"  # when labels are structs
    weight_field: str = "weight"


@dataclass(frozen=True)
class WordColumns:
    video: str = "video_id"
    word: str = "word"
    start: str = "start"
    end: str = "end"
    time_unit: str = "s"


@dataclass(frozen=True)
class RankColumns:
    query: str = "word"
    rank: str = "rank"
    ranked: str | None = None  # a list of frame structs a word, instead of one row a rank


FRAME_COLUMNS, WORD_COLUMNS, RANK_COLUMNS = FrameColumns(), WordColumns(), RankColumns()


def read_rows(path: Path) -> list[Json]:
    """Rows of a .jsonl file, a Parquet file, or all Parquet files below a folder."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    import pyarrow.parquet as pq

    files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"no .parquet in {path}")
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def _get(row: Any, column: str) -> Any:
    for part in column.split("."):
        row = row.get(part) if isinstance(row, dict) else None
    return row


def _seconds(value: Any, unit: str) -> float:
    if hasattr(value, "total_seconds"):
        return float(value.total_seconds())
    return float(value) * UNITS[unit]


def _from_text(text: str) -> Any:
    """Labels kept as JSON, as a Python literal, or as words between spaces and commas."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return [word for word in re.split(r"[,\s]+", text) if word]


def labels_of(row: Json, columns: FrameColumns = FRAME_COLUMNS) -> list[Label]:
    """Labels of a row, heaviest first. They may be a list, a list of structs or of pairs, a map, or text."""
    got = _get(row, columns.labels)
    if isinstance(got, str):
        got = _from_text(got)
    if got is None:
        return []
    weights = _get(row, columns.weights) if columns.weights else None
    found: list[tuple[Any, Any]] = []
    if isinstance(got, dict):
        found = list(got.items())
    else:
        for k, item in enumerate(got if isinstance(got, list | tuple) else [got]):
            if isinstance(item, dict):
                found.append((item.get(columns.label_field), item.get(columns.weight_field, 1.0)))
            elif isinstance(item, list | tuple):
                found.append((item[0], item[1]))
            else:
                found.append((item, weights[k] if isinstance(weights, list | tuple) else weights))
    labels = [(str(word).lower(), 1.0 if weight is None else float(weight)) for word, weight in found if word is not None]
    return sorted(labels, key=lambda label: -label[1])


def read_frames(truth: Truth, rows: Iterable[Json], columns: FrameColumns = FRAME_COLUMNS) -> tuple[Frames, int]:
    """-> (frames with their labels, rows without a video or time). Rows of one frame are joined."""
    cells: dict[tuple[str, float], dict[str, float]] = defaultdict(dict)
    dropped = 0
    for row in rows:
        video_id, time = truth.find(_get(row, columns.video)), _get(row, columns.time)
        if video_id is None or time is None:
            dropped += 1
            continue
        if video_id not in truth.videos:
            continue
        cell = cells[video_id, round(_seconds(time, columns.time_unit), 4)]
        for word, weight in labels_of(row, columns):
            cell[word] = max(weight, cell.get(word, weight))
    return {key: sorted(cell.items(), key=lambda label: -label[1]) for key, cell in cells.items()}, dropped


def read_words(truth: Truth, rows: Iterable[Json], columns: WordColumns = WORD_COLUMNS) -> tuple[Heard, int]:
    """-> (words heard by video, rows without a video, word or start)."""
    heard: Heard = defaultdict(list)
    dropped = 0
    for row in rows:
        video_id, word, start = truth.find(_get(row, columns.video)), _get(row, columns.word), _get(row, columns.start)
        if video_id is None or not word or start is None:
            dropped += 1
        elif video_id in truth.videos:
            end = _get(row, columns.end)
            unit = columns.time_unit
            heard[video_id].append(
                (_seconds(start, unit), str(word).lower().strip(".,!?"), None if end is None else _seconds(end, unit))
            )
    return heard, dropped


def read_ranking(
    truth: Truth, rows: Iterable[Json], columns: RankColumns = RANK_COLUMNS, frame: FrameColumns = FRAME_COLUMNS
) -> Ranking:
    """A net's frames for each word: one row a rank, or one row a word with a list of frames."""
    ranking: Ranking = defaultdict(list)
    for k, row in enumerate(rows):
        word = str(_get(row, columns.query)).lower()
        many = _get(row, columns.ranked) if columns.ranked else None
        for place, item in enumerate([row] if many is None else many):
            video_id = truth.find(_get(item, frame.video))
            if video_id in truth.videos:
                rank = _get(item, columns.rank) if many is None else None
                time = _seconds(_get(item, frame.time), frame.time_unit)
                ranking[word].append((place if rank is None else rank, k, str(video_id), time))
    return ranking


# --- numbers -------------------------------------------------------------------------
def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


def score_pairs(
    truth: Truth, frames: Frames, *, only_objects: bool = False, top: int | None = None, min_weight: float = float("-inf")
) -> Json:
    """Precision and recall of labels on frames; README.md says what each number means.

    only_objects: labels that are no class of the bed are left out instead of counted as false.
    top: only the heaviest labels of a frame.
    """
    judged: list[tuple[float, bool, str]] = []  # weight, right, word
    hit: dict[tuple[str, int], set[str]] = defaultdict(set)
    heaviest: dict[tuple[str, int], set[str]] = defaultdict(set)
    labelled = first_right = on_filler = filler_frames = 0
    for (video_id, time), every in frames.items():
        labels = [(w, v) for w, v in every if (not only_objects or w in truth.classes) and v >= min_weight][:top]
        shown = truth.visible(video_id, time)
        filler_frames += not shown
        if not labels:
            continue
        labelled += 1
        on_filler += not shown
        first_right += labels[0][0] in shown
        for scene in truth.scenes_at(video_id, time):
            key = video_id, truth.root[video_id, scene["i"]]
            hit[key] |= {word for word, _ in labels}
            heaviest[key].add(labels[0][0])
        judged += [(weight, word in shown, word) for word, weight in labels]
    right, weight_sum = sum(ok for _, ok, _ in judged), sum(weight for weight, _, _ in judged)
    scores = {
        "frames": len(frames),
        "frames_without_labels": len(frames) - labelled,
        "labels": len(judged),
        "labels_per_labelled_frame": _ratio(len(judged), labelled),
        "pair_precision": _ratio(right, len(judged)),
        "pair_precision_weighted": _ratio(sum(weight * ok for weight, ok, _ in judged), weight_sum),
        "precision_at_1": _ratio(first_right, labelled),
        **_recall(truth, hit, heaviest),
        "filler_frames": filler_frames,
        "filler_frames_labelled": on_filler,
    }
    p, r = scores["pair_precision"], scores["recall_spoken_and_visible"]
    scores["f1"] = round(2 * p * r / (p + r), 4) if p and r else 0.0
    if len({weight for weight, _, _ in judged}) > 1:
        scores["precision_of_heaviest_share"] = _precision_by_share([(weight, ok) for weight, ok, _ in judged])
    scores["worst_words"] = _worst_words(truth, judged)
    return scores


def _recall(truth: Truth, hit: dict[tuple[str, int], set[str]], heaviest: dict[tuple[str, int], set[str]]) -> Json:
    """A scene shown again counts with the one it repeats: a good product keeps one frame of the two."""
    spoken = {(v, truth.root[v, pair["scene"]], pair["word"]) for v, video in truth.videos.items() for pair in video["pairs"]}
    shown = {(v, truth.root[v, s["i"]], s["object"]) for v, video in truth.videos.items() for s in video["scenes"] if s["object"]}

    def share(wanted: Collection[tuple[str, int, str | None]], found: dict[tuple[str, int], set[str]]) -> float | None:
        return _ratio(sum(word in found.get((v, k), ()) for v, k, word in wanted), len(wanted))

    return {
        "recall_spoken_and_visible": share(spoken, hit),
        "recall_spoken_and_visible_at_1": share(spoken, heaviest),
        "recall_all_shown": share(shown, hit),
        "scenes_spoken_and_visible": len(spoken),
        "scenes_shown": len(shown),
    }


def _precision_by_share(judged: Sequence[tuple[float, bool]]) -> dict[str, float]:
    right = np.cumsum([ok for _, ok in sorted(judged, key=lambda x: -x[0])])
    counts = {share: max(1, int(len(right) * share)) for share in (0.1, 0.25, 0.5, 1)}
    return {f"{share:.0%}": round(float(right[count - 1] / count), 4) for share, count in counts.items()}


def _worst_words(truth: Truth, judged: Iterable[tuple[float, bool, str]]) -> list[str]:
    right: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for _, ok, word in judged:
        right[word] += ok
        total[word] += 1
    worst = sorted((round(right[word] / total[word], 2), word) for word in total if word in truth.classes)
    return [f"{word} {share} of {total[word]}" for share, word in worst[:5]]


def score_frames(truth: Truth, keys: Collection[tuple[str, float]]) -> Json:
    """Frames kept per distinct picture; a duplicate counts as the scene it repeats. keys: (video id, seconds)."""
    kept: dict[tuple[str, int], int] = defaultdict(int)
    for video_id, time in keys:
        scene = truth.scene(video_id, time)
        if scene:
            kept[video_id, truth.root[video_id, scene["i"]]] += 1
    scores: Json = {}
    for name, kinds in (("object", {"object"}), ("all", {"object", "talking_head", "slide"})):
        wanted = {(v, truth.root[v, s["i"]]) for v, video in truth.videos.items() for s in video["scenes"] if s["kind"] in kinds}
        counts = [kept.get(key, 0) for key in wanted]
        scores[name] = {
            "distinct_scenes": len(wanted),
            "frames_kept": sum(counts),
            "frames_per_distinct_scene": _ratio(sum(counts), len(wanted)),
            "missed_scenes": counts.count(0),
            "scenes_with_one_frame": counts.count(1),
            "frames_beyond_first": sum(n - 1 for n in counts if n > 1),
        }
    repeats = [(v, s) for v, video in truth.videos.items() for s in video["scenes"] if s["dup_of"] is not None]
    for kind in ("exact", "near"):
        planted = [(v, s) for v, s in repeats if s["dup_kind"] == kind]
        again = sum(any(x == v and s["start"] <= t < s["end"] for x, t in keys) for v, s in planted)
        scores[f"{kind}_duplicates"] = {"planted": len(planted), "kept_again": again}
    return scores


def edit_distance(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[int, list[tuple[int, int]]]:
    """-> (substitutions + insertions + deletions, index pairs of the words that are the same on a best path)."""
    n, m = len(reference), len(hypothesis)
    cost = np.zeros((n + 1, m + 1), np.int32)
    cost[:, 0], cost[0, :] = np.arange(n + 1), np.arange(m + 1)
    ids = {word: k for k, word in enumerate({*reference, *hypothesis})}
    heard = np.array([ids[word] for word in hypothesis], np.int32)
    steps = np.arange(m + 1, dtype=np.int32)
    for i in range(1, n + 1):
        row = cost[i]
        row[1:] = np.minimum(cost[i - 1, :-1] + (heard != ids[reference[i - 1]]), cost[i - 1, 1:] + 1)
        row[:] = np.minimum.accumulate(row - steps) + steps  # insertions: one more for each step to the right
    i, j, same = n, m, []
    while i and j:
        equal = reference[i - 1] == hypothesis[j - 1]
        if cost[i, j] == cost[i - 1, j - 1] + (not equal):
            if equal:
                same.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return int(cost[n, m]), same


def score_words(truth: Truth, heard: Heard) -> Json:
    """Word error rate, and how far the times of rightly heard words are off."""
    scores: Json = {}
    starts: list[float] = []
    ends: list[float] = []
    nouns = nouns_heard = 0
    for name, unspoken in (("wer", ()), ("wer_without_um_uh", UNSPOKEN)):
        errors = total = 0
        for video_id, video in truth.videos.items():
            reference = [w for w in video["words"] if w["word"] not in unspoken]
            hypothesis = sorted(heard.get(video_id, []), key=lambda word: word[:2])
            wrong, same = edit_distance([w["word"] for w in reference], [word for _, word, _ in hypothesis])
            errors, total = errors + wrong, total + len(reference)
            if not unspoken:
                continue
            right = {i for i, _ in same}
            nouns_heard += sum(k in right for k, w in enumerate(reference) if w["word"] in truth.classes)
            nouns += sum(w["word"] in truth.classes for w in reference)
            for i, j in same:
                start, _, end = hypothesis[j]
                starts.append(start - reference[i]["start"])
                if end is not None:
                    ends.append(end - reference[i]["end"])
        scores[name] = _ratio(errors, total)
        scores["words"] = total
    scores["object_words_heard"] = _ratio(nouns_heard, nouns)
    for name, off in (("start_error_ms", starts), ("end_error_ms", ends)):
        if off:
            ms = 1000 * np.asarray(off)
            scores[name] = {
                "median": round(float(np.median(np.abs(ms)))),
                "p90": round(float(np.percentile(np.abs(ms), 90))),
                "p99": round(float(np.percentile(np.abs(ms), 99))),
                "bias": round(float(np.median(ms))),
            }
    return scores


def score_labels(truth: Truth, frames: Frames) -> Json:
    """A net's ranked labels per frame. Frames that show no object are left out."""
    ranks: list[list[bool]] = []
    several: list[float] = []
    for (video_id, time), labels in frames.items():
        shown = truth.visible(video_id, time)
        if shown and labels:
            ranks.append([word in shown for word, _ in labels])
            several.append(len(shown & {word for word, _ in labels[:5]}) / 5)
    reciprocal = [1 / (ok.index(True) + 1) if any(ok) else 0 for ok in ranks]
    return {
        "frames": len(ranks),
        "precision_at_1": _ratio(sum(ok[0] for ok in ranks), len(ranks)),
        "hit_at_5": _ratio(sum(any(ok[:5]) for ok in ranks), len(ranks)),
        "precision_at_5": _ratio(sum(several), len(ranks)),
        "mean_reciprocal_rank": round(float(np.mean(reciprocal)), 4) if ranks else None,
    }


def score_ranking(truth: Truth, ranking: Ranking, *, given_words: bool = False) -> Json:
    """A net's ranked frames per word. R@K: the word has a frame that shows it among the first K.

    given_words: only the words ranked, not every class shown.
    """
    shown = {o for v in truth.videos.values() for s in v["scenes"] if s["object"] for o in (s["object"], *s["distractors"])}
    words = sorted(shown & (set(ranking) if given_words else truth.classes))
    first = ten = 0
    precision = 0.0
    for word in words:
        right = [word in truth.visible(v, t) for _, _, v, t in sorted(ranking.get(word, []))[:10]]
        first, ten, precision = first + any(right[:1]), ten + any(right), precision + sum(right) / 10
    return {
        "words": len(words),
        "R@1": _ratio(first, len(words)),
        "R@10": _ratio(ten, len(words)),
        "precision_at_10": _ratio(precision, len(words)),
    }


def baseline(
    truth: Truth, window: float, *, every: float = 1.0, known_lag: bool = False, only_objects: bool = False
) -> Frames:
    """No recogniser, no thought: a frame each `every` s gets all nouns said within `window` s, weighted by nearness.

    known_lag: each video's own offset is taken off first. only_objects: nouns are the classes of the bed alone.
    """
    nouns = truth.classes if only_objects else NOUNS | truth.classes
    frames: Frames = {}
    for video_id, video in truth.videos.items():
        offset = video["lag"]["offset"] if known_lag else 0
        middles = [((w["start"] + w["end"]) / 2 - offset, w["word"]) for w in video["words"] if w["word"] in nouns]
        for k in range(int(video["duration"] / every)):
            time = (k + 0.5) * every
            said: dict[str, float] = defaultdict(float)
            for middle, word in middles:
                if abs(middle - time) <= window:
                    said[word] = max(said[word], 1 - abs(middle - time) / (window + 1e-6))
            frames[video_id, time] = sorted(said.items(), key=lambda label: -label[1])
    return frames


# --- command line -------------------------------------------------------------------------
def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--split", choices=["train", "test"], help="only videos of this split")
    parser.add_argument("--tol", type=float, default=0.1, help="seconds a frame may be over a cut and count for both scenes")
    what = parser.add_argument_group("what to score")
    what.add_argument("--pairs", type=Path, help="predicted frames with their labels")
    what.add_argument("--frames", type=Path, help="frames kept, if not those of --pairs")
    what.add_argument("--words", type=Path, help="words heard, with their times")
    what.add_argument("--net-labels", type=Path, help="ranked labels per frame")
    what.add_argument("--net-ranking", type=Path, help="ranked frames per word")
    what.add_argument("--baseline", type=float, metavar="SECONDS", help="score fixed-window labelling of the truth's own words")
    what.add_argument("--known-lag", action="store_true", help="baseline: each video's own offset is taken off first")
    what.add_argument("--every", type=float, default=1.0, help="baseline: seconds between frames")
    what.add_argument("--nouns", choices=["objects", "all"], default="all", help="objects: other labels are left out")
    what.add_argument("--top", type=int, help="only the heaviest N labels of a frame")
    what.add_argument("--min-weight", type=float, default=float("-inf"))
    columns = parser.add_argument_group("columns")
    columns.add_argument("--video-col", default="video_id")
    columns.add_argument("--time-col", default="timestamp")
    columns.add_argument("--time-unit", choices=UNITS, default="s")
    columns.add_argument("--labels-col", default="labels")
    columns.add_argument("--weights-col", help="a list beside the labels, or one number a row")
    columns.add_argument("--label-field", default="label", help="when labels are structs")
    columns.add_argument("--weight-field", default="weight")
    columns.add_argument("--words-video-col", default="video_id")
    columns.add_argument("--word-col", default="word")
    columns.add_argument("--start-col", default="start")
    columns.add_argument("--end-col", default="end")
    columns.add_argument("--words-time-unit", choices=UNITS, default="s")
    columns.add_argument("--query-col", default="word")
    columns.add_argument("--rank-col", default="rank")
    columns.add_argument("--ranked-col", help="a list of frame structs per word, instead of one row per rank")
    columns.add_argument("--given-words", action="store_true", help="rank only the words given, not every class shown")
    return parser


def main() -> None:
    a = _parser().parse_args()
    truth = Truth.load(a.truth, a.tol, a.split)
    columns = FrameColumns(a.video_col, a.time_col, a.time_unit, a.labels_col, a.weights_col, a.label_field, a.weight_field)
    how = {"only_objects": a.nouns == "objects", "top": a.top, "min_weight": a.min_weight}
    out: Json = {"videos": len(truth.videos)}
    try:
        if a.baseline is not None:
            guessed = baseline(truth, a.baseline, every=a.every, known_lag=a.known_lag, only_objects=a.nouns == "objects")
            out["baseline"] = score_pairs(truth, guessed, **how)
        if a.pairs:
            frames, dropped = read_frames(truth, read_rows(a.pairs), columns)
            out["pairs"] = {**score_pairs(truth, frames, **how), "rows_dropped": dropped}
            if not a.frames:
                out["dedup"] = score_frames(truth, frames.keys())
        if a.frames:
            frames, dropped = read_frames(truth, read_rows(a.frames), columns)
            out["dedup"] = {**score_frames(truth, frames.keys()), "rows_dropped": dropped}
        if a.words:
            word_columns = WordColumns(a.words_video_col, a.word_col, a.start_col, a.end_col, a.words_time_unit)
            heard, dropped = read_words(truth, read_rows(a.words), word_columns)
            out["words"] = {"rows_dropped": dropped, **score_words(truth, heard)}
        if a.net_labels:
            frames, dropped = read_frames(truth, read_rows(a.net_labels), columns)
            out["net_labels"] = {**score_labels(truth, frames), "rows_dropped": dropped}
        if a.net_ranking:
            ranking = read_ranking(truth, read_rows(a.net_ranking), RankColumns(a.query_col, a.rank_col, a.ranked_col), columns)
            out["net_ranking"] = score_ranking(truth, ranking, given_words=a.given_words)
    except OSError as error:
        sys.exit(f"error: {error}")
    if truth.unknown:
        out["names_not_found"] = sorted(truth.unknown)[:10]
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
