"""The page as a file: what it says, what it refuses to say, and that it is the same every time."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tasks.dataset.build import build_dataset
from tasks.dataset.manifest import read_manifest, write_manifest
from tasks.params import load_params
from tasks.report.page import write_report
from tasks.schema import Video
from tasks.storage.artefact import read_record, write_table
from tasks.storage.ledger import Ledger, Outcome
from tests.report.conftest import DOG_AND_CUP, TREE, Story, fingerprint, write_data
from tests.storage.policies import NIGHT, POLICY

Tamper = Callable[[pa.Table], pa.Table]
LOUD = "does not balance"
DOG = DOG_AND_CUP.video.id


def page(data: Path) -> str:
    write_report(data, data / "report.html")
    return (data / "report.html").read_text(encoding="utf-8")


def test_a_whole_folder_balances_by_the_numbers_counted_by_hand(data: Path) -> None:
    summary = write_report(data, data / "report.html")
    html = (data / "report.html").read_text(encoding="utf-8")
    assert (summary.videos, summary.labelled, summary.pictures, summary.labels, summary.faults) == (2, 2, 5, 4, ())
    assert "6 frames sampled = 3 kept + 1 black + 2 duplicate" in html
    assert "7 words heard = 3 key words + 1 filler + 2 stopword + 1 not visual" in html
    assert 'role="alert"' not in html
    assert LOUD not in html


def rewrite(path: Path, tamper: Tamper) -> None:
    """A whole artefact with the old fingerprint and other rows: what no digest of the file itself would give away."""
    write_table(tamper(pq.read_table(path)), path, fingerprint(path.stem), extra=read_record(path)["extra"])


def _put(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), table.schema.field(name), column)


def _drop_frame_row(table: pa.Table) -> pa.Table:
    return table.filter(pc.not_equal(table["frame"], 2))


def _lose_picture(table: pa.Table) -> pa.Table:
    return _put(table, "jpeg", pc.if_else(pc.equal(table["frame"], 0), pa.scalar(None, pa.binary()), table["jpeg"]))


def _invent_reason(table: pa.Table) -> pa.Table:
    return _put(table, "dropped", pc.if_else(pc.equal(table["frame"], 2), "boring", table["dropped"]))


def _drop_first_row(table: pa.Table) -> pa.Table:
    return table.slice(1)


def _drop_last_row(table: pa.Table) -> pa.Table:
    return table.slice(0, table.num_rows - 1)


def _unkey(table: pa.Table) -> pa.Table:
    return _put(table, "why_not", pc.if_else(pc.equal(table["word_index"], 1), "number", table["why_not"]))


def _give_to_another(table: pa.Table) -> pa.Table:
    return _put(table, "video_id", pa.chunked_array([pa.array([TREE.video.id] * table.num_rows)]))


@pytest.mark.parametrize(("name", "tamper", "said"), [
    ("frames", _drop_frame_row, "6 frames sampled, 5 accounted for"),
    ("frames", _lose_picture, "2 pictures kept, 3 accounted for"),
    ("frames", _invent_reason, "frames.parquet gives an unknown reason: boring"),
    ("words", _drop_last_row, "7 words heard, 6 accounted for"),
    ("words", _unkey, "1 label(s) come from no key word"),
    ("heard", _drop_last_row, "6 words heard, 7 accounted for"),
    ("examples", _drop_first_row, "the kept frames are not those of examples.parquet"),
    ("examples", _give_to_another, "examples.parquet holds rows of 1 other video(s)"),
])
def test_a_tampered_table_is_said_loudly(data: Path, name: str, tamper: Tamper, said: str) -> None:
    rewrite(data / "labels" / DOG / f"{name}.parquet", tamper)
    summary = write_report(data, data / "report.html")
    html = (data / "report.html").read_text(encoding="utf-8")
    assert f"{DOG}: {said}" in summary.faults
    assert 'role="alert"' in html
    assert f"{DOG}: {said}" in html


@pytest.mark.parametrize("name", ["frames", "heard", "words", "examples"])
def test_a_torn_table_costs_its_video_and_the_rest_is_shown(data: Path, name: str) -> None:
    path = data / "labels" / DOG / f"{name}.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    summary = write_report(data, data / "report.html")
    assert summary.labelled == 1
    assert len(summary.faults) == 1
    assert summary.faults[0].startswith(f"{DOG}: {name}.parquet")
    html = (data / "report.html").read_text(encoding="utf-8")
    assert "A tree" in html
    assert f"1 accounted for: {LOUD}" in html  # one of two listed videos


def test_videos_without_labels_stand_with_their_reason(data: Path) -> None:
    others = [Video(f"file_{name}", "/x", title=f"The {name} one") for name in ("silent", "busy", "new", "lost")]
    write_data(data, [DOG_AND_CUP, TREE], others)
    ledger = Ledger(data / "ledger.sqlite")
    ledger.record(Outcome("file_silent", "set_aside", "audio", "no_audio", "no sound track: give it captions"), NIGHT, POLICY)
    ledger.record(Outcome("file_busy", "failed", "download", "transient", "server said 503: run again"), NIGHT, POLICY)
    ledger.record(Outcome("file_lost", "labelled"), NIGHT, POLICY)
    ledger.close()
    summary = write_report(data, data / "report.html")
    html = (data / "report.html").read_text(encoding="utf-8")
    assert "no sound track: give it captions" in html
    assert "server said 503: run again" in html
    assert summary.faults == ("file_lost: labelled, says the ledger, but its labels are not there",)
    assert f"5 accounted for: {LOUD}" in html  # 2 labelled, 1 set aside, 1 failed, 1 not tried yet, of 6


def test_labels_of_a_video_that_is_not_listed_are_a_fault(data: Path) -> None:
    write_data(data, [TREE])
    assert write_report(data, data / "report.html").faults == (f"{DOG}: has labels, but is not in videos.csv",)


def test_the_dataset_must_hold_every_picture_or_say_why_not(data: Path) -> None:
    params = load_params(Path(__file__).parents[2] / "params.yaml").dataset
    build_dataset(data / "labels", [TREE.video], data / "dataset", params)
    html = page(data)
    assert "not in it yet" in html  # the three pictures of the other video
    assert LOUD not in html
    manifest = read_manifest(data / "dataset")
    manifest["videos"][0]["rows"] -= 1
    write_manifest(data / "dataset", manifest)
    assert write_report(data, data / "report.html").faults == ("dataset: 5 pictures kept, 4 accounted for",)


def test_the_same_folder_gives_the_same_bytes_wherever_it_lies(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "elsewhere" / "data")
    write_report(data, tmp_path / "one.html")
    write_report(tmp_path / "elsewhere" / "data", tmp_path / "two.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert str(tmp_path).encode() not in (tmp_path / "one.html").read_bytes()


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    summary = write_report(tmp_path, tmp_path / "report.html")
    assert (summary.videos, summary.faults) == (0, ())
    assert "framewords ingest" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_is_left_out_is_stated(tmp_path: Path) -> None:
    short = [Story(Video(f"file_{number:02}", "/x", title=f"Video {number:02}"), 1, words=[("tree", 0.5, None)])
             for number in range(25)]
    long = Story(Video("file_long", "/x", title="Long"), 60, words=[("dog", 239.0, None)])  # 4 minutes, 60 pictures
    html = page(write_data(tmp_path, [*short, long]))
    assert "Showing the 24 listed last of 26 labelled videos" in html
    assert 'id="v-file_01"' not in html
    assert 'id="v-file_02"' in html
    assert "Showing 48 of 60 pictures" in html
    assert "Showing the first 2:00 of 4:00" in html


def test_a_picture_that_cannot_be_decoded_is_said_and_costs_nothing_else(data: Path) -> None:
    rewrite(data / "labels" / DOG / "frames.parquet", lambda table: _put(
        table, "jpeg", pc.if_else(pc.equal(table["frame"], 4), pa.scalar(b"\xff\xd8\xff spoilt"), table["jpeg"])))
    assert page(data).count("picture cannot be decoded") == 1


def test_no_control_or_direction_character_of_a_title_reaches_the_page(tmp_path: Path) -> None:
    video = replace(TREE.video, title="a\x1b[2Jb\u202ec\u2066d\x00e\x9bf\ufeffg")
    html = page(write_data(tmp_path, [replace(TREE, video=video)]))
    assert not set(html) & set("\x1b\u202e\u2066\x00\x9b\ufeff")
    assert "a[2Jbcdefg" in html
