"""Do the numbers balance? Counted from the Parquet files alone, and said out loud where they do not."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.dataset.labels import chosen_examples
from tasks.errors import IntegrityError
from tasks.schema import EXAMPLES, FRAME_DROPS, FRAMES, WORD_DROPS, WORDS
from tasks.storage.artefact import read_record

KEPT, KEY, UNKNOWN = "kept", "key words", "unknown reason"


@dataclass(frozen=True)
class Sum:
    """A sum as a ledger writes it: `total`, counted one way, must equal its parts, counted another way."""

    name: str
    total: int
    parts: tuple[tuple[str, int], ...]

    @property
    def found(self) -> int:
        return sum(count for _, count in self.parts)

    @property
    def told(self) -> tuple[tuple[str, int], ...]:
        """The parts worth telling: what was kept, and the reasons that occurred."""
        return (*self.parts[:1], *(part for part in self.parts[1:] if part[1]))

    @property
    def balances(self) -> bool:
        return self.found == self.total


def add_up(name: str, sums: Iterable[Sum]) -> Sum:
    """One sum over many: totals with totals, each part with its like, in the order the parts first appear."""
    total, parts = 0, Counter[str]()
    for one in sums:
        total += one.total
        parts.update(dict(one.parts))
    return Sum(name, total, tuple(parts.items()))


@dataclass(frozen=True)
class Labels:
    """The tables of one labelled video; `frames` comes without the JPEG bytes.

    pictures: how many rows of frames.parquet hold JPEG bytes.
    heard: rows of heard.parquet, or None when it is not there.
    engine, model, why: what recognised the speech, and why that engine; empty when not recorded.
    languages: whose function words the key words were picked with.
    """

    folder: Path
    frames: pa.Table
    words: pa.Table
    examples: pa.Table
    pictures: int
    heard: int | None
    engine: str
    model: str
    why: str
    languages: tuple[str, ...]


def read_labels(folder: Path, evidence: Path | None = None) -> Labels:
    """The tables in data/labels/<id>, with the examples as the dataset has them.

    evidence: folder of examples that nets have judged.
    Raises IntegrityError when one is missing, torn or of another shape.
    """
    frames = _read(folder / "frames.parquet", [name for name in FRAMES.names if name not in ("jpeg", "layout")])
    words = _read(folder / "words.parquet", WORDS.names)
    examples = _read(chosen_examples(folder, evidence), EXAMPLES.names)
    heard = folder / "heard.parquet"
    extra = read_record(heard)["extra"] if heard.is_file() else {}
    params = read_record(folder / "words.parquet")["params"]
    first = words.slice(0, 1).to_pylist()
    engine = first[0]["engine"] if first else str(extra.get("engine", ""))
    reason = str(extra.get("reason", ""))
    return Labels(
        folder, frames, words, examples, _count_pictures(folder / "frames.parquet"),
        pq.read_metadata(heard).num_rows if heard.is_file() else None,
        engine=engine, model=first[0]["model"] if first else str(extra.get("model", "")),
        why=reason.partition(": ")[2] if reason.startswith(engine) else reason,
        languages=tuple(params.get("stopword_languages", ())))


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            missing = sorted(set(columns) - set(file.schema_arrow.names))
            if missing:
                raise IntegrityError(f"{path}: no column {missing[0]}", "delete it and run again")
            return file.read(columns)
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(f"{path}: not a whole framewords artefact", "delete it and run again") from error


def _count_pictures(path: Path) -> int:
    """How many rows hold JPEG bytes, from the column statistics where they are kept: no picture is read."""
    held = 0
    with pq.ParquetFile(path) as file:
        column = file.schema_arrow.names.index("jpeg")
        for group in range(file.metadata.num_row_groups):
            rows = file.metadata.row_group(group)
            statistics = rows.column(column).statistics
            nulls = (statistics.null_count if statistics is not None and statistics.has_null_count
                     else file.read_row_group(group, ["jpeg"]).column(0).null_count)
            held += rows.num_rows - nulls
    return held


def frame_sum(labels: Labels) -> Sum:
    """Frames sampled, as their numbers run, against rows kept and dropped."""
    return Sum("frames sampled", _numbered(labels.frames["frame"]), _parts(labels.frames["dropped"], KEPT, FRAME_DROPS))


def word_sum(labels: Labels) -> Sum:
    """Words heard against key words and each reason against."""
    heard = _numbered(labels.words["word_index"]) if labels.heard is None else labels.heard
    return Sum("words heard", heard, _parts(labels.words["why_not"], KEY, WORD_DROPS))


def picture_sum(labels: Labels) -> Sum:
    """Pictures held against examples with a label and without."""
    sizes = pc.list_value_length(labels.examples["labels"])
    labelled = int(pc.sum(pc.greater(sizes, 0)).as_py() or 0)
    return Sum("pictures kept", labels.pictures, (("with labels", labelled), ("without", labels.examples.num_rows - labelled)))


def find_faults(video_id: str, labels: Labels) -> list[str]:
    """What does not add up in one video, one sentence each; empty when the books balance."""
    faults = [f"{one.total:,} {one.name}, {one.found:,} accounted for"
              for one in (frame_sum(labels), word_sum(labels), picture_sum(labels)) if not one.balances]
    for name, table in (("frames", labels.frames), ("words", labels.words), ("examples", labels.examples)):
        strangers = sum(1 for one in pc.unique(table["video_id"]).to_pylist() if one != video_id)
        if strangers:
            faults.append(f"{name}.parquet holds rows of {strangers} other video(s)")
    reasons = (("frames", labels.frames["dropped"], FRAME_DROPS), ("words", labels.words["why_not"], WORD_DROPS))
    for name, column, known in reasons:
        unknown = [one for one in pc.unique(column).to_pylist() if one is not None and one not in known]
        if unknown:
            faults.append(f"{name}.parquet gives an unknown reason: {unknown[0]}")
    kept = labels.frames.filter(pc.is_null(labels.frames["dropped"]))["frame"]
    if not np.array_equal(np.sort(kept.to_numpy()), np.sort(labels.examples["frame"].to_numpy())):
        faults.append("the kept frames are not those of examples.parquet")
    keys = labels.words.filter(pc.is_null(labels.words["why_not"]))["word_index"]
    named = pc.struct_field(pc.list_flatten(labels.examples["labels"]), "word_index")
    homeless = len(np.setdiff1d(named.to_numpy(), keys.to_numpy()))
    if homeless:
        faults.append(f"{homeless:,} label(s) come from no key word")
    return faults


def _numbered(column: pa.ChunkedArray) -> int:
    """How many rows there must be when they are numbered 0, 1, 2 ... without a gap."""
    highest = pc.max(column).as_py()
    return 0 if highest is None else int(highest) + 1


def _parts(column: pa.ChunkedArray, when_null: str, reasons: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    counts = Counter(column.to_pylist())
    return ((when_null, counts.pop(None, 0)), *((reason, counts.pop(reason, 0)) for reason in reasons),
            (UNKNOWN, sum(counts.values())))
