"""The frozen test split as nets are judged on it: pictures, videos, and labels with the probability that they are right."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.dataset.manifest import read_manifest, shard_paths
from tasks.errors import InputError, IntegrityError
from tasks.storage.artefact import digest_file, digest_json, numbers

SPLIT = "test"
RARE_SHARE = 1 / 3  # of the words: those with the fewest training pictures
READ_ROWS = 256

Whole = NDArray[np.signedinteger[Any]]
Real = NDArray[np.float32]


@dataclass(frozen=True)
class FrozenSplit:
    """The rows of the split, in the order of the dataset.

    digest: of pictures and labels; nets are compared on the same one only.
    videos, channels, groups: one each video. video_of, frames: one each picture.
    words: every label, sorted. training: pictures of the training split that are expected to show each word.
    pairs: picture, word and weight of each label, by picture and then word; no pair twice.
    shards: where the pictures are.
    """

    digest: str
    videos: tuple[str, ...]
    channels: tuple[str, ...]
    groups: tuple[str, ...]
    video_of: Whole
    frames: Whole
    words: tuple[str, ...]
    training: Real
    pairs: tuple[Whole, Whole, Real]
    shards: tuple[Path, ...] = ()

    @property
    def rare(self) -> NDArray[np.bool_]:
        """Which words are the rarest third in training, ties by name."""
        rare = np.zeros(len(self.words), np.bool_)
        rare[np.argsort(self.training, kind="stable")[:int(len(self.words) * RARE_SHARE)]] = True
        return rare

    def weights(self, pictures: NDArray[Any], words: NDArray[Any]) -> Real:
        """The weight of each (picture, word), 0 where it is no label or the word is -1. Arrays of one shape."""
        picture, word, weight = self.pairs
        if not len(weight):
            return np.zeros(np.broadcast(pictures, words).shape, np.float32)
        many = len(self.words)
        keys = picture.astype(np.int64) * many + word
        wanted = np.asarray(pictures, np.int64) * many + words
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((keys[at] == wanted) & (np.asarray(words) >= 0), weight[at], np.float32(0))


def read_split(dataset: Path) -> FrozenSplit:
    """The test split of a dataset.

    Raises InputError when there is no dataset or the split is empty, IntegrityError when a shard is not what the manifest says.
    """
    manifest = read_manifest(dataset)
    shards = tuple(shard_paths(dataset, manifest, SPLIT))
    check_shards(dataset, manifest)
    columns = ["video_id", "frame", "channel", "duplicate_group", "labels"]
    tables = [pq.ParquetFile(path).read(columns=columns) for path in shards]
    if not sum(len(table) for table in tables):
        raise InputError(f"{dataset}: no test videos", "list videos of more channels, or set dataset.split_by: video")
    table = pa.concat_tables(tables)
    ids = table["video_id"].to_pylist()
    first = {video: at for at, video in reversed(list(enumerate(ids)))}
    videos = sorted(first, key=first.__getitem__)
    number = {video: at for at, video in enumerate(videos)}
    words, pairs = _labels(table["labels"])
    trained = _expected(shard_paths(dataset, manifest, "train"))
    frames = numbers(table["frame"])
    return FrozenSplit(
        digest=digest_json([ids, frames.tolist(), words, *(part.tolist() for part in pairs)]),
        videos=tuple(videos), channels=_each(table["channel"], first, videos),
        groups=_each(table["duplicate_group"], first, videos),
        video_of=np.array([number[video] for video in ids], np.int32), frames=frames, words=words,
        training=np.array([trained.get(word, 0.0) for word in words], np.float32), pairs=pairs, shards=shards)


def check_shards(dataset: Path, manifest: Mapping[str, Any]) -> None:
    """Raises IntegrityError for a shard of the split whose bytes are not those of the manifest."""
    for shard in manifest["splits"].get(SPLIT, {"shards": []})["shards"]:
        path = dataset / shard["path"]
        if not path.is_file() or digest_file(path) != shard["digest"]:
            raise IntegrityError(f"{path}: missing or damaged", "run `framewords verify`, then restore or rebuild it")


def read_pictures(split: FrozenSplit) -> Iterator[bytes]:
    """The JPEG of each picture, in order."""
    for path in split.shards:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=READ_ROWS, columns=["image"]):
                yield from batch["image"].field("bytes").to_pylist()


def _each(column: pa.ChunkedArray, first: Mapping[str, int], videos: list[str]) -> tuple[str, ...]:
    return tuple(column[first[video]].as_py() or "" for video in videos)


def _labels(column: pa.ChunkedArray) -> tuple[tuple[str, ...], tuple[Whole, Whole, Real]]:
    """All labels as sorted words and pairs; of a word twice in a picture the greater weight counts."""
    found: dict[tuple[int, str], float] = {}
    for picture, labels in enumerate(column.to_pylist()):
        for label in labels or ():
            key = picture, label["label"]
            found[key] = max(found.get(key, 0.0), label["weight"])
    words = tuple(sorted({word for _, word in found}))
    number = {word: at for at, word in enumerate(words)}
    ordered = sorted((picture, number[word], weight) for (picture, word), weight in found.items())
    rows = np.array(ordered, np.float64).reshape(-1, 3)  # numbers of pictures and words are exact in it
    weights = np.clip(rows[:, 2], 0, 1).astype(np.float32)
    return words, (rows[:, 0].astype(np.int32), rows[:, 1].astype(np.int32), weights)


def _expected(shards: list[Path]) -> dict[str, float]:
    """By word, the sum of the weights of its labels."""
    found: dict[str, float] = {}
    for path in shards:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["labels"]):
                labels = batch["labels"].flatten()
                for word, weight in zip(labels.field("label").to_pylist(), labels.field("weight").to_pylist(), strict=True):
                    found[word] = found.get(word, 0.0) + weight
    return found
