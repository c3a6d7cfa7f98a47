"""Every answer of `why` can be checked against the artefacts, and says which rule and setting decided."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tasks.dataset.build import build_dataset
from tasks.dataset.manifest import read_manifest, shard_paths
from tasks.discovery.catalogue import append_videos, read_catalogue
from tasks.errors import InputError, WorkflowError
from tasks.lineage.answer import Answer, at_moment, clock
from tasks.lineage.why import explain, render
from tasks.params import load_params
from tasks.removal.local import bury
from tasks.storage.artefact import Fingerprint, read_record, write_table
from tasks.storage.layout import DataFolder
from tests.labels import make_labels, make_videos

VIDEOS = ("site_0", "site_1", "site_2")
SETTINGS = {"stopword_languages": ["en"], "numbers": "drop", "min_confidence": 0.4, "min_letters": 2}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """Three videos; the third repeats two pictures of the first."""
    data = DataFolder(tmp_path_factory.mktemp("why") / "data")
    hashes = np.random.default_rng(1).integers(0, 2**64, (3, 6), np.uint64).tolist()
    hashes[2][0], hashes[2][3] = hashes[0][1] ^ 0b1, hashes[0][2]
    append_videos(data.catalogue, make_videos(VIDEOS, ("alice",)), "2026-11-20")
    make_labels(data.labels_root, VIDEOS, hashes=dict(zip(VIDEOS, hashes, strict=True)))
    build_dataset(data.labels_root, read_catalogue(data.catalogue), data.dataset, load_params(Path("params.yaml")).dataset)
    return data


@pytest.fixture
def data(made: DataFolder, tmp_path: Path) -> DataFolder:
    shutil.copytree(made.root, tmp_path / "data")
    return DataFolder(tmp_path / "data")


def step(answer: Answer, name: str) -> dict[str, Any]:
    return dict(next(one for one in answer.to_json()["steps"] if one["step"] == name))


def text(answer: Answer, name: str) -> str:
    return next(one.text for one in answer.steps if one.name == name)


def test_a_picture_is_traced_to_its_video_second_bytes_and_row(made: DataFolder) -> None:
    answer = explain(made, "site_1:4")
    jpeg = pq.read_table(made.frames("site_1"))["jpeg"][4].as_py()
    assert step(answer, "source")["address"] == "https://example.org/site_1"
    frame = step(answer, "frames")
    assert (frame["timestamp"], frame["jpeg_sha256"]) == (12.0, hashlib.sha256(jpeg).hexdigest())  # a frame every 3 s
    assert frame["fingerprint"] == read_record(made.frames("site_1"))["fingerprint"]
    place = step(answer, "dataset")
    rows = pa.concat_tables([pq.read_table(path) for path in shard_paths(made.dataset, read_manifest(made.dataset), "train")])
    row = rows.slice(place["row"], 1).to_pylist()[0]
    assert (row["video_id"], row["frame"], row["image"]["bytes"]) == ("site_1", 4, jpeg)
    assert place["digest"] == read_manifest(made.dataset)["splits"]["train"]["shards"][0]["digest"]
    assert place["manifest"] == json.loads((made.dataset / "manifest.json").read_text())["digest"]


def test_the_same_picture_is_found_by_time_row_hash_and_digest(made: DataFolder) -> None:
    frame = step(explain(made, "site_1:4"), "frames")
    place = step(explain(made, "site_1:4"), "dataset")
    jpeg = pq.read_table(made.frames("site_1"))["jpeg"][4].as_py()
    digests = [hashlib.new(name, jpeg).hexdigest() for name in ("md5", "sha1", "sha256")]
    for question in ("site_1@12", "site_1@0:14.9s", f"train:{place['row']}", frame["phash"], *digests):
        assert step(explain(made, question), "frames")["jpeg_sha256"] == frame["jpeg_sha256"], question


def test_a_repeat_names_the_picture_it_repeats_and_the_setting(made: DataFolder) -> None:
    within = explain(made, "site_1:3")  # every fourth frame repeats the one before
    assert "repeats frame 2 at 0:06.00" in text(within, "frames")
    assert text(within, "dataset") == "not in it: the frame was dropped"
    across = explain(made, "site_2:0")
    assert "repeats site_0:1" in text(across, "dataset")
    assert "dataset.duplicate_bits = 6" in text(across, "dataset")
    assert not step(across, "dataset")["in_dataset"]


@pytest.mark.parametrize(("reason", "column", "value", "says"), [
    ("black", "luma", 3.0, "mean luma 3.0, frames.black_luma = 20.0"),
    ("blank", "contrast", 1.5, "contrast 1.5, frames.blank_contrast = 4.0"),
    ("blurred", "sharpness", 2.25, "sharpness 2.2, frames.blurred_sharpness = 4.0")])
def test_a_dropped_frame_says_by_which_value_and_setting(
        data: DataFolder, reason: str, column: str, value: float, says: str) -> None:
    rows = pq.read_table(data.frames("site_1")).to_pylist()
    rows[5] |= {"dropped": reason, column: value, "jpeg": None}
    params = {"black_luma": 20.0, "blank_contrast": 4.0, "blurred_sharpness": 4.0}
    write_table(pa.Table.from_pylist(rows, pq.read_schema(data.frames("site_1")).remove_metadata()), data.frames("site_1"),
                Fingerprint("frames", 1, params, {}))
    assert f"dropped as {reason}: {says}" in text(explain(data, "site_1:5"), "frames")


def reword(data: DataFolder, changes: dict[int, dict[str, Any]], extra: dict[str, Any] | None = None) -> None:
    """Give words of site_1 other values."""
    rows = pq.read_table(data.words("site_1")).to_pylist()
    for at, change in changes.items():
        rows[at] |= change
    write_table(pa.Table.from_pylist(rows, pq.read_schema(data.words("site_1")).remove_metadata()), data.words("site_1"),
                Fingerprint("keywords", 1, SETTINGS, {}), extra=extra)


@pytest.mark.parametrize(("why_not", "says"), [
    (None, "a key word: rarity 0.50, visual 0.50"),
    ("stopword", "no key word, stopword: on the list of stop words (en nltk, lists 0123456789ab)"),
    ("low_confidence", "no key word, low_confidence: confidence 0.25, keywords.min_confidence is 0.4"),
    ("number", "no key word, number: a number, and keywords.numbers is drop"),
    ("too_short", "no key word, too_short: fewer than keywords.min_letters = 2 letters")])
def test_a_word_says_by_which_rule_and_list_it_is_a_key_word_or_not(data: DataFolder, why_not: str | None, says: str) -> None:
    reword(data, {4: {"word": "Zebras,", "lemma": "zebra", "why_not": why_not, "confidence": 0.25}},
           {"stopwords": {"en": "nltk"}, "lists": "0123456789abcdef"})
    for question in ("zebra", "zebras", "Zebras"):
        answer = explain(data, question)
        assert step(answer, "said")["forms"] == {"Zebras,": 1}
        assert says in text(answer, "rule")
        assert (step(answer, "key word")["key"], step(answer, "key word")["why_not"]) == (
            (1, {}) if why_not is None else (0, {why_not: 1}))
        assert step(answer, "in") == {"step": "in", "video": "site_1", "times": 1, "first": 6.0, "address": "https://example.org/site_1"}


def test_counts_of_a_word_are_those_of_the_tables(made: DataFolder) -> None:
    tables = [pq.read_table(made.words(name)) for name in VIDEOS]
    said = sum(pc.sum(pc.equal(table["lemma"], "knife")).as_py() for table in tables)
    rows = pa.concat_tables([pq.read_table(path) for path in made.dataset.glob("data/*.parquet")]).to_pylist()
    answer = explain(made, "knife")
    assert step(answer, "said")["times"] == said
    assert step(answer, "labels")["pictures"] == sum(any(one["label"] == "knife" for one in row["labels"]) for row in rows)
    best = step(answer, "labels")["surest"][0]
    assert any(row["video_id"] == best["video"] and row["frame"] == best["frame"] for row in rows)


def test_a_pair_says_the_weight_or_why_there_is_none(data: DataFolder) -> None:
    reword(data, {0: {"word": "zebra", "lemma": "zebra", "why_not": None}, 1: {"word": "hm", "lemma": "hm", "why_not": "filler"}})
    examples = pq.read_table(data.examples("site_1"))
    label = examples["labels"][0].as_py()[0]
    said = explain(data, f"site_1:0 {label['label']}")
    assert step(said, "pair")["label"] == label
    assert f"with weight {label['weight']:.2f}" in text(said, "pair")
    assert text(explain(data, "site_1:0 hm"), "pair") == "no label: it is no key word"
    assert text(explain(data, "site_1:0 elephant"), "pair") == "elephant is never said in this video"
    assert text(explain(data, "site_1:3 zebra"), "pair") == "no label: the frame was dropped as duplicate"
    write_table(examples.replace_schema_metadata(None), data.examples("site_1"),
                Fingerprint("alignment", 1, {"window_seconds": 8.0, "min_weight": 0.05}, {}))
    # Said from 0.0 to 0.4 s; frame 6 is on screen from 18 s, frame 1 from 3 s.
    assert "said 17.6 s away at the nearest, alignment.window_seconds = 8.0" in text(explain(data, "site_1:6 zebra"), "pair")
    assert "said 2.6 s away, but its weight is below alignment.min_weight = 0.05" in text(explain(data, "site_1:1 zebra"), "pair")


def test_a_label_that_nets_have_judged_shows_both_weights_and_its_spoken_time(data: DataFolder) -> None:
    examples = pq.read_table(data.examples("site_1"))
    rows = examples.to_pylist()
    timed = rows[0]["labels"][0]
    rows[0]["labels"] = [{**timed, "weight": 0.875}]
    rows[0]["p_alignable"] = 0.75
    made = Fingerprint("evidence", 1, {}, {"examples": read_record(data.examples("site_1"))["fingerprint"]})
    write_table(pa.Table.from_pylist(rows, examples.schema), data.evidence_root / "site_1.parquet", made)
    said = explain(data, f"site_1:0 {timed['label']}")
    assert f"{timed['label']} 0.88 (timing {timed['weight']:.2f})" in text(said, "judged")
    assert "0.75 that anything said near it is in view" in text(said, "judged")
    facts = next(one.facts for one in said.steps if one.name == "judged")
    assert facts["labels"][0]["start"] == step(said, "pair")["label"]["start"] == timed["start"]
    assert step(said, "pair")["label"]["weight"] == timed["weight"]


def test_a_video_says_how_it_stands_with_every_fingerprint(made: DataFolder, data: DataFolder) -> None:
    answer = explain(made, "site_2")
    for table in ("frames", "words", "examples"):
        assert step(answer, table)["fingerprint"] == read_record(made.labels("site_2") / f"{table}.parquet")["fingerprint"]
    entry = next(video for video in read_manifest(made.dataset)["videos"] if video["id"] == "site_2")
    assert (step(answer, "dataset")["fingerprint"], step(answer, "dataset")["rows"]) == (entry["fingerprint"], 4)  # 6 less 2
    bury(data, ["site_2"], "2026-11-21", relabel=False)
    assert text(explain(data, "site_2"), "state") == "forgotten on 2026-11-21"
    with pytest.raises(InputError, match="forgotten"):
        explain(data, "site_2:0")


@pytest.mark.parametrize(("question", "says"), [
    ("site_9:1", "did you mean site_"), ("site_1:99", "it has frames 0 to 7"), ("site_1@99:00", "last until 0:24.00"),
    ("train:99999", "it has rows 0 to "), ("test:0", "the split is empty"), ("knive", "did you mean knife?"),
    ("0123456789abcdef", "no picture"), ("", "nothing that can be asked"), ("a\x1b[2J", "nothing that can be asked"),
    ("x" * 400, "nothing that can be asked"), ("../../etc/passwd", "nobody says it")])
def test_what_is_not_there_is_told_in_one_line(made: DataFolder, question: str, says: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        explain(made, question)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_empty_folder_has_no_answers(tmp_path: Path) -> None:
    for question in ("site_1", "knife", "train:0", "site_1:0", "0123456789abcdef"):
        with pytest.raises(InputError):
            explain(DataFolder(tmp_path / "data"), question)


@pytest.mark.parametrize(("url", "moment"), [
    ("https://www.youtube.com/watch?v=abc&t=5", "https://www.youtube.com/watch?v=abc&t=75s"),
    ("https://youtu.be/abc", "https://youtu.be/abc?t=75s"), ("https://vimeo.com/1", "https://vimeo.com/1#t=75s"),
    ("https://www.dailymotion.com/video/x", "https://www.dailymotion.com/video/x?start=75"),
    ("https://example.org/a/b.mp4?x=1", "https://example.org/a/b.mp4?x=1#t=75"),
    ("https://example.org/page", "https://example.org/page"), ("/home/me/a.mp4", "/home/me/a.mp4")])
def test_an_address_names_the_moment_where_the_site_can(url: str, moment: str) -> None:
    assert at_moment(url, 75.9) == moment


def test_a_clock_never_shows_sixty_seconds() -> None:
    assert [clock(seconds) for seconds in (0, 59.999, 3599.999, 36.04)] == ["0:00.00", "1:00.00", "1:00:00.00", "0:36.04"]


def test_text_is_a_line_a_step(made: DataFolder) -> None:
    answer = explain(made, "site_1:4 knife")
    assert len(render(answer).splitlines()) == 1 + len(answer.steps)


def test_nothing_heavy_is_imported_to_answer(made: DataFolder) -> None:
    code = ("import sys; from pathlib import Path\n"
            "from tasks.lineage.why import explain; from tasks.storage.layout import DataFolder\n"
            "for question in ('site_1:4 knife', 'knife', 'site_1', 'train:0'): explain(DataFolder(Path(sys.argv[1])), question)\n"
            "print([name for name in ('pandas', 'prefect', 'simplemma', 'nltk', 'scipy', 'boto3', 'av') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code, str(made.root)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
