import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.bed.score import (
    FrameColumns,
    Truth,
    baseline,
    edit_distance,
    labels_of,
    read_frames,
    read_ranking,
    read_rows,
    read_words,
    score_frames,
    score_labels,
    score_pairs,
    score_ranking,
    score_words,
)
from tests.bed.truth import Json


def scene(i: int, start: float, end: float, name: str | None, dup_of: int | None = None, distractors: Sequence[str] = ()) -> Json:
    kind = "object" if name else "talking_head"
    return {
        "i": i, "start": start, "end": end, "kind": kind, "object": name, "distractors": list(distractors),
        "dup_of": dup_of, "dup_kind": None if dup_of is None else "exact",
    }  # fmt: skip


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    """0-10 cat (with a cup), 10-20 a talking head, 20-30 dog, 30-40 the cat again; lag 2 s; cuts, one of them a dissolve."""
    words = [("look", 1.0), ("cat", 3.0), ("dog", 23.0), ("um", 24.0), ("cat", 25.0)]
    video = {
        "video_id": "blue-lake-1-001", "path": "blue-lake-1/blue-lake-1-001.mp4", "page": "blue-lake-1/blue-lake-1-001.html",
        "title": "Look at the cat", "split": "train", "duration": 40.0, "objects": ["cat", "dog", "cup"],
        "lag": {"offset": 2.0},
        "scenes": [
            scene(0, 0, 10, "cat", distractors=("cup",)), scene(1, 10, 20, None), scene(2, 20, 30, "dog"),
            scene(3, 30, 40, "cat", dup_of=0, distractors=("cup",)),
        ],
        "cuts": [
            {"t": 10, "kind": "cut", "duration": 0.0}, {"t": 20, "kind": "dissolve", "duration": 0.8},
            {"t": 30, "kind": "cut", "duration": 0.0},
        ],
        "words": [{"word": word, "start": start, "end": start + 0.4} for word, start in words],
        "pairs": [{"word": "cat", "scene": 0}, {"word": "dog", "scene": 2}],
    }  # fmt: skip
    path = tmp_path / "truth.jsonl"
    path.write_text(json.dumps(video) + "\n")
    return Truth.load(path)


VIDEO = "blue-lake-1-001"


@pytest.mark.parametrize(
    "name",
    [VIDEO, "blue-lake-1/blue-lake-1-001.mp4", "Look at the  CAT", "http://127.0.0.1:1/blue-lake-1/blue-lake-1-001.html?x=1",
     "file_blue-lake-1-001", "/data/media/blue-lake-1-001.webm"],
)  # fmt: skip
def test_a_video_is_found_by_id_path_title_or_address(truth: Truth, name: str) -> None:
    assert truth.find(name) == VIDEO


def test_a_name_that_no_video_has_is_remembered(truth: Truth) -> None:
    assert truth.find("blue-lake-1-0011") is None
    assert truth.unknown == {"blue-lake-1-0011"}


@pytest.mark.parametrize(
    ("time", "shown"),
    [(5, {"cat", "cup"}), (10.05, {"cat", "cup"}), (10.2, set()), (19.7, {"dog"}), (20.3, {"dog"}), (30.5, {"cat", "cup"})],
)
def test_both_scenes_count_at_a_cut_and_inside_a_dissolve(truth: Truth, time: float, shown: set[str]) -> None:
    assert truth.visible(VIDEO, time) == shown
    assert [s["i"] for s in truth.scenes_at(VIDEO, 20.3)] == [1, 2]


def test_pairs_are_counted_by_hand(truth: Truth) -> None:
    rows = [
        {"video_id": VIDEO, "timestamp": 5.0, "labels": [{"label": "cat", "weight": 0.9}, {"label": "dog", "weight": 0.2}]},
        {"video_id": VIDEO, "timestamp": 15.0, "labels": [{"label": "cat", "weight": 0.4}]},  # a talking head
        {"video_id": VIDEO, "timestamp": 25.0, "labels": [{"label": "kitchen", "weight": 0.8}, {"label": "dog", "weight": 0.6}]},
        {"video_id": VIDEO, "timestamp": 35.0, "labels": []},
        {"video_id": "who", "timestamp": 35.0, "labels": []},
    ]
    frames, dropped = read_frames(truth, rows)
    scores = score_pairs(truth, frames)
    assert dropped == 1
    assert (scores["frames"], scores["frames_without_labels"], scores["labels"]) == (4, 1, 5)
    assert scores["pair_precision"] == 0.4  # cat at 5 s and dog at 25 s, of five
    assert scores["pair_precision_weighted"] == round((0.9 + 0.6) / 2.9, 4)
    assert scores["precision_at_1"] == round(1 / 3, 4)
    assert scores["recall_spoken_and_visible"] == 1.0
    assert scores["recall_spoken_and_visible_at_1"] == 0.5
    assert (scores["filler_frames"], scores["filler_frames_labelled"]) == (1, 1)
    assert score_pairs(truth, frames, only_objects=True)["pair_precision"] == 0.5
    assert score_pairs(truth, frames, min_weight=0.5)["recall_spoken_and_visible"] == 1.0
    assert score_pairs(truth, frames, top=1)["labels"] == 3


def test_a_label_on_the_repeat_of_a_scene_counts_for_the_scene_it_repeats(truth: Truth) -> None:
    frames, _ = read_frames(truth, [{"video_id": VIDEO, "timestamp": 35.0, "labels": ["cat"]}])
    assert score_pairs(truth, frames)["recall_spoken_and_visible"] == 0.5


def test_frames_kept_are_counted_per_distinct_scene(truth: Truth) -> None:
    scores = score_frames(truth, [(VIDEO, 1.0), (VIDEO, 2.0), (VIDEO, 35.0)])
    assert scores["object"] == {
        "distinct_scenes": 2, "frames_kept": 3, "frames_per_distinct_scene": 1.5, "missed_scenes": 1,
        "scenes_with_one_frame": 0, "frames_beyond_first": 2,
    }  # fmt: skip
    assert scores["all"]["distinct_scenes"] == 3
    assert scores["exact_duplicates"] == {"planted": 1, "kept_again": 1}


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (["Cat", "dog"], [("cat", 1.0), ("dog", 1.0)]),
        ({"dog": 0.2, "cat": 0.9}, [("cat", 0.9), ("dog", 0.2)]),
        ([["dog", 0.2], ["cat", 0.9]], [("cat", 0.9), ("dog", 0.2)]),
        ('[{"label": "cat", "weight": 0.5}]', [("cat", 0.5)]),
        ("['cat', 'dog']", [("cat", 1.0), ("dog", 1.0)]),
        ("cat, dog", [("cat", 1.0), ("dog", 1.0)]),
        (None, []),
    ],
)
def test_labels_may_be_lists_structs_maps_or_text(labels: object, wanted: list[tuple[str, float]]) -> None:
    assert labels_of({"labels": labels}) == wanted


def test_rows_of_one_frame_are_joined_and_units_and_nested_columns_read(truth: Truth) -> None:
    rows = [{"v": {"id": VIDEO}, "ms": 5000, "word": word, "score": score} for word, score in (("cat", 0.3), ("cup", 0.7))]
    columns = FrameColumns(video="v.id", time="ms", time_unit="ms", labels="word", weights="score")
    frames, _ = read_frames(truth, rows, columns)
    assert frames == {(VIDEO, 5.0): [("cup", 0.7), ("cat", 0.3)]}


def test_edit_distance_is_levenshteins() -> None:
    assert edit_distance("a b c d".split(), "a x c".split()) == (2, [(2, 2), (0, 0)])
    assert edit_distance([], ["a", "b"]) == (2, [])
    assert edit_distance(list("kitten"), list("sitting"))[0] == 3
    assert edit_distance(list("intention"), list("execution"))[0] == 5


def test_words_are_scored_on_rate_and_time(truth: Truth) -> None:
    heard = [("look", 1.02), ("cat", 3.04), ("dog", 23.06), ("cat.", 25.08), ("house", 26.0)]
    rows = [{"video_id": VIDEO, "word": word, "start": start, "end": start + 0.4} for word, start in heard]
    scores = score_words(truth, read_words(truth, rows)[0])
    assert scores["wer"] == 0.4  # `um` missed and one word too many, of five
    assert scores["wer_without_um_uh"] == 0.25
    assert scores["object_words_heard"] == 1.0
    assert scores["start_error_ms"] == {"median": 50, "p90": 74, "p99": 79, "bias": 50}


def test_the_trivial_labelling_takes_every_noun_within_the_window(truth: Truth) -> None:
    frames = baseline(truth, 3.0, every=10.0)
    assert {time: [word for word, _ in labels] for (_, time), labels in frames.items()} == {
        5.0: ["cat"], 15.0: [], 25.0: ["cat", "dog"], 35.0: [],
    }  # fmt: skip
    with_lag = baseline(truth, 3.0, every=10.0, known_lag=True)
    assert [word for word, _ in with_lag[VIDEO, 25.0]] == ["cat"]  # the dog, moved to 21.2 s, is out of reach


def test_a_nets_labels_and_rankings_are_scored(truth: Truth) -> None:
    labels = {"dog": 0.9, "cat": 0.5, "cup": 0.1}
    rows: list[Json] = [{"video_id": VIDEO, "timestamp": time, "labels": labels} for time in (5.0, 15.0)]
    frames, _ = read_frames(truth, rows)
    assert score_labels(truth, frames) == {
        "frames": 1, "precision_at_1": 0.0, "hit_at_5": 1.0, "precision_at_5": 0.4, "mean_reciprocal_rank": 0.5,
    }  # fmt: skip
    ranked = [("cat", 1, 25.0), ("cat", 0, 5.0), ("dog", 0, 5.0), ("dog", 1, 25.0)]
    rows = [{"word": word, "rank": rank, "video_id": VIDEO, "timestamp": time} for word, rank, time in ranked]
    scores = score_ranking(truth, read_ranking(truth, rows))
    assert scores == {"words": 3, "R@1": round(1 / 3, 4), "R@10": round(2 / 3, 4), "precision_at_10": round(0.2 / 3, 4)}


def test_tables_are_read_from_parquet_folders_and_json_lines(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name, value in (("a/x.parquet", 1), ("b.parquet", 2)):
        pq.write_table(pa.table({"n": [value]}), tmp_path / name)
    assert read_rows(tmp_path) == [{"n": 1}, {"n": 2}]
    (tmp_path / "rows.jsonl").write_text('{"n": 3}\n\n')
    assert read_rows(tmp_path / "rows.jsonl") == [{"n": 3}]
