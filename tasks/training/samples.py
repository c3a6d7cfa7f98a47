"""What a net learns from: pictures at training size, decoded once, and the words near each."""

import logging
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.dataset.manifest import read_manifest
from tasks.errors import InputError, IntegrityError
from tasks.nets.pictures import decode_picture, picture_size
from tasks.storage.artefact import digest_file
from tasks.storage.atomic import staged_file
from tasks.storage.objects import ObjectStore

DECODED_VERSION = 1  # raise it when the same JPEG would give other bytes
SMALL_COLUMNS = ["video_id", "frame", "timestamp", "labels", "channel", "duplicate_group", "uploaded", "fingerprint"]
REMEDY = "restore the dataset from where it was pushed, or build it again with `framewords ingest`"
log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]  # what is being done, how much of it is done, how much there is


def silent(what: str, done: int, of: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size in several arrays, as if they were one. arrays: uint8 (n, H, W, 3), memory-mapped or not."""

    arrays: tuple[NDArray[np.uint8], ...]

    def __len__(self) -> int:
        return sum(map(len, self.arrays))

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """uint8 (len(rows), H, W, 3), in that order."""
        starts = [0, *accumulate(map(len, self.arrays))]
        out = np.empty((len(rows), *self.arrays[0].shape[1:]), np.uint8)
        for at, row in enumerate(rows.tolist()):
            array = bisect_right(starts, row) - 1
            out[at] = self.arrays[array][row - starts[array]]
        return out


@dataclass(frozen=True)
class Samples:
    """Kept frames, one a row, in the order of the dataset.

    labels: of each row, lemma -> weight: the probability that the picture shows it.
    video, channel, group, uploaded, fingerprint: of each row; group: the first of the re-uploads the video belongs to.
    """

    pictures: Pictures
    labels: tuple[dict[str, float], ...]
    video: tuple[str, ...]
    timestamp: NDArray[np.float64]
    channel: tuple[str, ...]
    group: tuple[str, ...]
    uploaded: tuple[str, ...]
    fingerprint: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def with_labels(self, labels: Sequence[dict[str, float]]) -> "Samples":
        """The same pictures with other words."""
        assert len(labels) == len(self)
        return replace(self, labels=tuple(labels))

    def only(self, rows: Sequence[int] | NDArray[np.int64]) -> "Samples":
        """Some of the rows, in the given order; their pictures are copied."""
        at = np.asarray(rows, np.int64)
        columns = {name: tuple(getattr(self, name)[row] for row in at.tolist())
                   for name in ("labels", "video", "channel", "group", "uploaded", "fingerprint")}
        return Samples(Pictures((self.pictures.take(at),)), timestamp=self.timestamp[at], **columns)


def read_samples(
    dataset: Path, split: str, picture_px: int, cache: Path, *, threads: int = 2, progress: Progress = silent,
    manifest: dict[str, Any] | None = None, store: ObjectStore | None = None,
) -> Samples:
    """The rows of a split. Pictures are decoded once into `cache`, one file a shard and size, and mapped from there.

    store: where shards are fetched from, into `cache`, that are not in the dataset's folder; it then needs its manifest only.
    Raises IntegrityError naming a shard that is not what the manifest says, InputError when there is no dataset.
    """
    whole = manifest or read_manifest(dataset)
    shards = whole["splits"].get(split, {"shards": []})["shards"]
    tables, arrays = [], []
    for number, shard in enumerate(shards):
        progress("decoding", number, len(shards))
        path = _shard_here(dataset, shard, cache, store)
        try:
            tables.append(pq.ParquetFile(path).read(columns=SMALL_COLUMNS))
            arrays.append(_decoded(path, shard["digest"], picture_px, cache, threads))
        except (pa.ArrowException, OSError) as error:
            raise IntegrityError(f"{path}: not a whole shard ({error})", REMEDY) from error
    if not tables:
        height, width = picture_size(picture_px)
        return Samples(Pictures((np.empty((0, height, width, 3), np.uint8),)), (), (), np.empty(0), (), (), (), ())
    table = pa.concat_tables(tables)
    labels = tuple({one["label"]: float(one["weight"]) for one in row} for row in table["labels"].to_pylist())
    column = {name: tuple(table[name].to_pylist()) for name in SMALL_COLUMNS if name != "labels"}
    return Samples(Pictures(tuple(arrays)), labels, column["video_id"], table["timestamp"].to_numpy(), column["channel"],
                   column["duplicate_group"], column["uploaded"], column["fingerprint"])


def _shard_here(dataset: Path, shard: dict[str, Any], cache: Path, store: ObjectStore | None) -> Path:
    """The shard's file on this machine, whole. Raises IntegrityError naming it when it is not."""
    path: Path = dataset / shard["path"]
    if store is not None and not path.exists():
        path = cache / f"{shard['digest']}-{path.name}"
        if not path.exists():
            store.get_file(shard["object"], path, digest=f"blake2b:{shard['digest']}")
    check_shard(path, shard)
    return path


def sweep_cache(cache: Path, manifest: dict[str, Any]) -> None:
    """Remove what was decoded or fetched of shards that the dataset no longer has."""
    named = {shard["digest"] for split in manifest["splits"].values() for shard in split["shards"]}
    for path in cache.iterdir():
        if path.suffix in (".npy", ".parquet") and path.name.partition("-")[0] not in named:
            path.unlink(missing_ok=True)


def check_shard(path: Path, shard: dict[str, Any]) -> None:
    """Raises IntegrityError when the bytes are not those the manifest was written for."""
    try:
        found = digest_file(path)
    except OSError as error:
        raise IntegrityError(f"{path}: shard cannot be read ({error.strerror})", REMEDY) from error
    if found != shard["digest"]:
        raise IntegrityError(f"{path}: shard is damaged: digest {found}, not {shard['digest']}", REMEDY)


def _decoded(path: Path, digest: str, picture_px: int, cache: Path, threads: int) -> NDArray[np.uint8]:
    """The pictures of a shard at training size, (rows, H, W, 3), memory-mapped."""
    place = cache / f"{digest}-{picture_px}-{DECODED_VERSION}.npy"
    file = pq.ParquetFile(path)
    shape = (file.metadata.num_rows, *picture_size(picture_px), 3)
    if not _is_whole(place, shape):
        with staged_file(place) as staging, ThreadPoolExecutor(threads) as pool:
            out = np.lib.format.open_memmap(staging, mode="w+", dtype=np.uint8, shape=shape)
            row = 0
            for batch in file.iter_batches(batch_size=256, columns=["image"]):
                contents = [image["bytes"] for image in batch["image"].to_pylist()]
                for picture in pool.map(lambda content: _decode(content, picture_px, path), contents):
                    out[row] = picture
                    row += 1
            out.flush()
    array: NDArray[np.uint8] = np.load(place, mmap_mode="r")
    return array


def _is_whole(place: Path, shape: tuple[int, ...]) -> bool:
    try:
        array = np.load(place, mmap_mode="r")
        return bool(array.shape == shape and array.dtype == np.uint8)
    except (OSError, ValueError, EOFError):
        return False  # none, or torn: it is simply made again


def _decode(content: bytes, picture_px: int, path: Path) -> NDArray[np.uint8]:
    try:
        return decode_picture(content, picture_px)
    except InputError as error:
        raise IntegrityError(f"{path}: {error.problem}", REMEDY) from error


def choose_vocabulary(samples: Samples, min_pictures: int, known: Sequence[str] = ()) -> tuple[str, ...]:
    """Words near at least so many pictures, and all that the net knows already; sorted.

    Raises InputError when there is nothing to tell apart.
    """
    if not len(samples):
        raise InputError("the train split is empty", "ingest videos first")
    count = Counter(word for labels in samples.labels for word in labels)
    words = {word for word, pictures in count.items() if pictures >= min_pictures}
    if len(words | set(known)) < 2:
        raise InputError(f"{len(words)} words are near {min_pictures} pictures or more; two are needed to tell apart",
                         "ingest more videos, or lower training.min_pictures")
    return tuple(sorted(words | set(known)))
