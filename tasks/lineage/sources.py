"""What the lineage of a video is read from: its row of the list, its media, its tables and their records, and the dataset."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.dataset.labels import chosen_examples
from tasks.dataset.manifest import read_manifest
from tasks.discovery.catalogue import read_catalogue
from tasks.errors import InputError, IntegrityError
from tasks.lineage.columns import matching, read_columns, rows_at
from tasks.schema import FRAMES, Video
from tasks.storage.artefact import numbers, read_record, read_table
from tasks.storage.layout import DataFolder

TABLES = ("frames", "heard", "words", "examples")
MEDIA_RECORD = "media.json"


@dataclass
class Sources:
    """The data folder, read as far as a question needs it."""

    data: DataFolder

    @cached_property
    def videos(self) -> dict[str, Video]:
        return {video.id: video for video in read_catalogue(self.data.catalogue)}

    @cached_property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest of the dataset; None when there is none. Raises IntegrityError when it is damaged."""
        try:
            return read_manifest(self.data.dataset)
        except InputError:
            return None

    @cached_property
    def shards(self) -> list[dict[str, Any]]:
        """The dataset's shards in order of rows, each with its split and the number of its first row there."""
        found = []
        for split, told in (self.manifest or {"splits": {}})["splits"].items():
            first = 0
            for shard in told["shards"]:
                found.append({**shard, "split": split, "first": first})
                first += shard["rows"]
        return found

    def labels(self, video_id: str) -> "Labels":
        return Labels(self.data, video_id)

    def verdict(self, video_id: str, frame: int) -> dict[str, Any] | None:
        """The cross-video verdict on a kept picture; None when it is not in the dataset's index."""
        if not self.manifest or not self.manifest["index"]:
            return None
        columns = ["video_id", "frame", "dropped", "duplicate_video", "duplicate_frame"]
        index = read_columns(self.data.dataset / self.manifest["index"]["path"], columns, ["video_id"])
        mine = rows_at(index, matching(index["video_id"], video_id.__eq__) & (numbers(index["frame"]) == frame))
        return mine[0] if mine else None

    def place(self, video_id: str, frame: int) -> dict[str, Any] | None:
        """The shard that holds a picture, with `row` (in the split) and `row_in_shard`; None when none does."""
        for shard in self.shards:
            if any(piece.partition("#")[0] == video_id for piece in shard["videos"]):
                rows = read_columns(self.data.dataset / shard["path"], ["video_id", "frame"], ["video_id"])
                found = np.flatnonzero(matching(rows["video_id"], video_id.__eq__) & (numbers(rows["frame"]) == frame))
                if len(found):
                    return {**shard, "row": shard["first"] + int(found[0]), "row_in_shard": int(found[0])}
        return None


@dataclass
class Labels:
    """What the steps left about one video, a table at a time."""

    data: DataFolder
    video_id: str

    @cached_property
    def media(self) -> dict[str, Any] | None:
        """The record of its media; None when they are not here. Raises IntegrityError when it is damaged."""
        path = self.data.media(self.video_id) / MEDIA_RECORD
        if not path.is_file():
            return None
        try:
            return dict(json.loads(path.read_bytes()))
        except (ValueError, TypeError) as error:
            raise IntegrityError(f"{path}: not a record of media", "delete its folder and run again") from error

    def record(self, table: str) -> dict[str, Any] | None:
        """What made a table; None when it is not there."""
        path = self.data.labels(self.video_id) / f"{table}.parquet"
        return read_record(path) if path.is_file() else None

    @cached_property
    def frames(self) -> pa.Table:
        """Every sampled frame but its picture."""
        return read_table(self.data.frames(self.video_id), [name for name in FRAMES.names if name not in ("jpeg", "layout")])

    @cached_property
    def words(self) -> pa.Table:
        return read_table(self.data.words(self.video_id))

    def example(self, frame: int) -> dict[str, Any] | None:
        """The labels of a kept frame; None when it has no row."""
        if not self.data.examples(self.video_id).is_file():
            return None
        examples = read_table(self.data.examples(self.video_id))
        mine = rows_at(examples, numbers(examples["frame"]) == frame)
        return mine[0] if mine else None

    def judged(self, frame: int) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The labels of a kept frame as nets have judged them, and what made them; None where none have, or of other labels."""
        if not self.data.examples(self.video_id).is_file():
            return None
        path = chosen_examples(self.data.labels(self.video_id), self.data.evidence_root)
        if path == self.data.examples(self.video_id):
            return None
        examples = read_table(path)
        mine = rows_at(examples, numbers(examples["frame"]) == frame)
        return (mine[0], read_record(path)) if mine else None

    def jpeg(self, frame: int) -> bytes | None:
        """The picture as it was stored; only its own row group is read."""
        with pq.ParquetFile(self.data.frames(self.video_id)) as file:
            for group in range(file.num_row_groups):
                numbers = file.read_row_group(group, ["frame"])["frame"].to_pylist()
                if frame in numbers:
                    picture: bytes | None = file.read_row_group(group, ["jpeg"])["jpeg"][numbers.index(frame)].as_py()
                    return picture
        return None
