"""A dataset again from its recipe: fetch the videos, take the pictures at the same times, and check each by its hash."""

import hashlib
import io
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from tasks.dataset.books import book, summarise_split
from tasks.dataset.card import write_card
from tasks.dataset.export import RECIPE, RECIPE_FILE
from tasks.dataset.manifest import shard_entry, write_manifest
from tasks.dataset.rows import PICTURE, ROWS, picture_key
from tasks.dataset.splits import SPLITS
from tasks.errors import InputError, IntegrityError, TransientError, UnusableVideoError
from tasks.params import DatasetParams
from tasks.schema import Video
from tasks.storage.artefact import Fingerprint, digest_json, read_record, write_table
from tasks.storage.atomic import staged_folder

VERSION = 1
log = logging.getLogger(__name__)

Picture = tuple[bytes, int]  # JPEG and its 64-bit hash
Fetch = Callable[[Video], Path]
Grab = Callable[[Path, Sequence[float]], Sequence[Picture | None]]


@dataclass
class RebuildSummary:
    """What became of a recipe's pictures. left_out: how many, by reason. videos_left_out: videos without any picture."""

    wanted: int = 0
    rebuilt: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    videos_left_out: Counter[str] = field(default_factory=Counter)

    @property
    def line(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.left_out.items())) or "nothing"
        return f"{self.rebuilt} of {self.wanted} pictures are there again; left out: {reasons}"


def rebuild(recipe: Path, out: Path, fetch: Fetch, grab: Grab, params: DatasetParams) -> RebuildSummary:
    """Make the dataset of a recipe in the new folder `out`.

    recipe: the file, or the folder that `framewords export recipe` made.
    fetch: gives the file with the picture stream of a video; raises UnusableVideoError or TransientError when it cannot be had.
    grab: gives the pictures of that file at some times in seconds, ascending, None where there is none.
    A picture is left out as `no_picture`, as `other_picture` when its hash is further than duplicate_bits away from the recipe's,
    or under the code of what its video failed with.
    Raises InputError when `out` holds something or the recipe is none, IntegrityError when the recipe is torn.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is there already", "name a new or empty folder")
    rows, told = read_recipe(recipe)
    summary = RebuildSummary(wanted=len(rows))
    records = {record["id"]: record for record in told["videos"]}
    members: dict[str, list[tuple[Video, dict[str, Any]]]] = {split: [] for split in SPLITS}
    shards: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    with staged_folder(out) as staging:
        for split in SPLITS:
            writer = _ShardWriter(staging, split, params)
            for video, wanted in _by_video(rows.filter(pc.equal(rows["split"], split))):
                table = _rebuild_video(video, wanted, fetch, grab, params.duplicate_bits, summary)
                writer.add(video.id, table)
                lengths = pc.list_value_length(table["labels"]).to_pylist()
                members[split].append((video, {
                    **records[video.id], "rows": len(table), "labels": sum(lengths), "rows_without_label": lengths.count(0)}))
            shards[split] = writer.close()
        manifest = {**told, **_manifest(members, shards, summary, params)}
        write_card(staging, manifest, [video for split in SPLITS for video, _ in members[split]])
        write_manifest(staging, manifest)
    return summary


def read_recipe(recipe: Path) -> tuple[pa.Table, dict[str, Any]]:
    """The rows of a recipe (schema RECIPE) and what it tells about its dataset."""
    path = recipe / RECIPE_FILE if recipe.is_dir() else recipe
    if not path.is_file():
        raise InputError(f"{path}: no such recipe", "name a file made by `framewords export recipe`")
    record = read_record(path)
    if record["step"] != "recipe" or not pq.read_schema(path).equals(RECIPE):
        raise InputError(f"{path}: not a recipe", "name a file made by `framewords export recipe`")
    try:
        return pq.read_table(path, page_checksum_verification=True), record["extra"]
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(f"{path}: recipe is damaged ({error})", "get it again") from error


def _manifest(
    members: dict[str, list[tuple[Video, dict[str, Any]]]], shards: dict[str, list[dict[str, Any]]], summary: RebuildSummary,
    params: DatasetParams,
) -> dict[str, Any]:
    """What differs from the manifest of the dataset that the recipe was made of."""
    videos = [record for split in SPLITS for _, record in members[split]]
    missing, pictures = dict(sorted(summary.videos_left_out.items())), dict(sorted(summary.left_out.items()))
    return {
        "step": "rebuild", "version": VERSION, "params": params.model_dump(), "index": None, "videos": videos,
        "notes": ["Rebuilt from a recipe: pictures that could not be had again are left out."],
        "splits": {split: summarise_split(members[split], shards[split], params) for split in SPLITS},
        "books": {"videos": book(len(videos), sum(record["rows"] > 0 for record in videos), missing),
                  "frames": book(summary.wanted, summary.rebuilt, pictures)}}


def _by_video(rows: pa.Table) -> Iterator[tuple[Video, pa.Table]]:
    """The videos of a split with their rows; the rows of one lie together."""
    names = rows["video_id"].to_pylist()
    starts = [at for at in range(len(names)) if not at or names[at] != names[at - 1]]
    for start, end in pairwise([*starts, len(names)]):
        some = rows.slice(start, end - start)
        first = some.slice(0, 1).to_pylist()[0]
        details = {name: first[name] or "" for name in ("url", "title", "channel", "uploaded", "licence")}
        yield Video(id=first["video_id"], source="recipe", **details), some


def _rebuild_video(
    video: Video, wanted: pa.Table, fetch: Fetch, grab: Grab, duplicate_bits: int, summary: RebuildSummary,
) -> pa.Table:
    """The rows (schema ROWS) of a video whose pictures could be had again; the others are counted by reason."""
    try:
        pictures = grab(fetch(video), wanted["timestamp"].to_pylist())
    except (UnusableVideoError, TransientError) as error:
        code = error.code if isinstance(error, UnusableVideoError) else "unavailable_now"
        log.warning("%s is left out: %s", video.id, error)
        summary.left_out[code] += len(wanted)
        summary.videos_left_out[code] += 1
        return ROWS.empty_table()
    rows, reasons = [], Counter[str]()
    for row, picture in zip(wanted.to_pylist(), pictures, strict=True):
        reason = _reason(picture, row["phash"], duplicate_bits)
        if picture is None or reason:
            reasons[reason] += 1
            continue
        jpeg, phash = picture
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            width, height = image.size
        del row["split"]
        name = picture_key(video.id, row["frame"]) + ".jpg"
        rows.append({**row, "image": {"bytes": jpeg, "path": name}, "phash": phash, "width": width, "height": height})
    summary.rebuilt += len(rows)
    summary.left_out.update(reasons)
    if not rows:
        summary.videos_left_out[reasons.most_common(1)[0][0]] += 1
    return pa.Table.from_pylist(rows, ROWS)


def _reason(picture: Picture | None, phash: int, duplicate_bits: int) -> str:
    """Why a picture is not the one the recipe means; nothing when it is."""
    if picture is None:
        return "no_picture"
    return "other_picture" if (picture[1] ^ phash).bit_count() > duplicate_bits else ""


class _ShardWriter:
    """Writes the shards of one split, each when it is full."""

    def __init__(self, out: Path, split: str, params: DatasetParams) -> None:
        self._out, self._split, self._params = out, split, params
        self._waiting: list[tuple[str, pa.Table]] = []
        self._shards: list[dict[str, Any]] = []

    def add(self, name: str, table: pa.Table) -> None:
        if len(table):
            self._waiting.append((name, table))
        if sum(table.nbytes for _, table in self._waiting) >= self._params.shard_megabytes * 1_000_000:
            self._flush()

    def close(self) -> list[dict[str, Any]]:
        if self._waiting:
            self._flush()
        return self._shards

    def _flush(self) -> None:
        inputs = {name: digest_json([
            hashlib.blake2b(row["bytes"], digest_size=16).hexdigest() for row in table["image"].to_pylist()])
            for name, table in self._waiting}
        fingerprint = Fingerprint("rebuild", VERSION, {"row_group_rows": self._params.row_group_rows}, inputs)
        path = self._out / "data" / f"{self._split}-{len(self._shards):05d}-{fingerprint.digest[:8]}.parquet"
        rows = pa.concat_tables([table for _, table in self._waiting])
        write_table(rows, path, fingerprint, row_group_rows=self._params.row_group_rows, plain_columns=(PICTURE,))
        self._shards.append(shard_entry(path, len(rows), list(inputs)))
        self._waiting = []
