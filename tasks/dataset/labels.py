"""What the steps before left about one video, read without its pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.errors import IntegrityError
from tasks.schema import Video
from tasks.storage.artefact import digest_json, read_record

STEPS = ("frames", "words", "examples")


@dataclass(frozen=True)
class Fingerprinted:
    """A labelled video and what made its labels; equal fingerprints mean equal rows.

    records: the fingerprint record of each of STEPS.
    examples: the file of its examples: as judged by what nets see in the pictures, where that was done, else from timing alone.
    """

    video: Video
    fingerprint: str
    records: Mapping[str, dict[str, Any]]
    examples: Path


@dataclass(frozen=True)
class LabelledVideo:
    """What the dataset needs to know about a video before it touches its pictures.

    facts: counts and engine, as they stand in the manifest.
    frames, phash, flat, labels: of each kept frame, in order of time; labels is how many it has.
    """

    facts: dict[str, Any]
    frames: NDArray[np.int32]
    phash: NDArray[np.uint64]
    flat: NDArray[np.bool_]
    labels: NDArray[np.int32]


def chosen_examples(folder: Path, evidence: Path | None) -> Path:
    """The examples of a labelled video: as nets have judged them, else from timing alone.

    folder: its labels, named for the video. evidence: folder of judged examples, <id>.parquet; one that was made from other
    examples than are there now does not count.
    Raises IntegrityError when a file is torn.
    """
    timed = folder / "examples.parquet"
    judged = evidence / f"{folder.name}.parquet" if evidence else timed
    fresh = judged.is_file() and read_record(judged)["inputs"].get("examples") == read_record(timed)["fingerprint"]
    return judged if fresh else timed


def fingerprint_video(folder: Path, video: Video, evidence: Path | None = None) -> Fingerprinted | None:
    """What made the labels of a video, from the footers alone; None while labelling is not finished.

    evidence: as in chosen_examples.
    It is not finished when a file is missing, or when the examples were made from other frames or words than are there now.
    Raises IntegrityError when a file is torn.
    """
    paths = [folder / f"{step}.parquet" for step in STEPS]
    if not all(path.is_file() for path in paths):
        return None
    records = {step: read_record(path) for step, path in zip(STEPS, paths, strict=True)}
    if any(records["examples"]["inputs"].get(step) != records[step]["fingerprint"] for step in ("frames", "words")):
        return None
    examples = chosen_examples(folder, evidence)
    records["examples"] = read_record(examples)
    details = [video.id, video.url, video.title, video.channel, video.uploaded, video.licence]
    return Fingerprinted(video, digest_json([details, [records[step]["fingerprint"] for step in STEPS]]), records, examples)


def read_labelled(folder: Path, labelled: Fingerprinted) -> LabelledVideo:
    """Read the cheap columns of a video's labels.

    Raises IntegrityError when a file is damaged or the files do not belong together.
    """
    try:
        frames = _read(folder / "frames.parquet", ["frame", "end", "phash", "flat", "dropped"])
        words = _read(folder / "words.parquet", ["why_not", "engine", "model"])
        examples = _read(labelled.examples, ["frame", "labels.list.element.count"])
        kept = frames.filter(pc.is_null(frames["dropped"]))
        numbers = kept["frame"].to_numpy()
        together = np.array_equal(numbers, examples["frame"].to_numpy())
        picture_bytes = _column_bytes(folder / "frames.parquet", "jpeg")
        facts = {
            "seconds": round(pc.max(frames["end"]).as_py() or 0.0, 3), "picture_bytes": picture_bytes,
            "frames_sampled": len(frames), "frames_kept": len(kept), "frames_dropped": _reasons(frames["dropped"]),
            "words_heard": len(words), "words_key": words["why_not"].null_count, "words_dropped": _reasons(words["why_not"]),
            "engine": _engine(words)}
    except (pa.ArrowException, OSError, KeyError) as error:
        raise IntegrityError(f"{folder}: labels are damaged ({error})", "delete the folder and run again") from error
    if not together:
        raise IntegrityError(
            f"{folder}: {len(numbers)} kept frames and {len(examples)} examples do not match", "run `framewords ingest` again")
    return LabelledVideo(
        facts, numbers.astype(np.int32), kept["phash"].to_numpy(), kept["flat"].to_numpy(),
        pc.list_value_length(examples["labels"]).to_numpy().astype(np.int32))


def _read(path: Path, columns: list[str]) -> pa.Table:
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read(columns)


def _reasons(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each reason was given, by name."""
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(column.drop_null()).to_pylist()}
    return dict(sorted(counts.items()))


def _engine(words: pa.Table) -> str:
    return f"{words['engine'][0].as_py()} {words['model'][0].as_py()}" if len(words) else ""


def _column_bytes(path: Path, name: str) -> int:
    """Stored bytes of one column, from the footer."""
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    columns = [group.column(at) for group in groups for at in range(group.num_columns)]
    return sum(int(column.total_compressed_size) for column in columns if column.path_in_schema == name)
