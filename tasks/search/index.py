"""An index of all pictures of a dataset under one net: one file of vectors a shard, made once and searched memory-mapped.

A file is named for the bytes of its shard and lies in a folder named for its net, so whatever is there is right: a new version of
the dataset costs the new shards only, and a build that was killed goes on where it stopped.
Vectors are kept twice. As 8-bit numbers they are what every search reads: a quarter of float32, and no slower. As float16 they
rank the best of these again.
"""

import logging
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.dataset.manifest import read_manifest
from tasks.errors import InputError, IntegrityError
from tasks.search.arrays import read_arrays, write_arrays
from tasks.storage.artefact import digest_file

if TYPE_CHECKING:
    from tasks.nets.store import TrainedNet

VERSION = 1  # raise it when the same shard and weights would give other vectors
PICTURES_AT_ONCE = 64
FLOAT32_ROWS = 1_024  # turned into float32 at once: they and their answers stay in the processor's cache
SUFFIX = ".vectors"

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Indexed:
    """A video with pictures in a shard. url: address or path; title: as listed, may be empty."""

    id: str
    url: str
    title: str


@dataclass(frozen=True)
class Piece:
    """The pictures of one shard, (N,) each and in its order.

    shard: its file. rows: places in it. owners: numbers in `videos`. timestamps: seconds.
    offsets: what a calibrated net takes off the log odds of every word for this picture (see Words).
    small: (N, D) int8; times `scales` they are the unit vectors to within half a step. exact: (N, D) float16.
    """

    shard: Path
    videos: tuple[Indexed, ...]
    rows: NDArray[np.int32]
    owners: NDArray[np.int32]
    timestamps: NDArray[np.float64]
    offsets: Vectors
    scales: Vectors
    small: NDArray[np.int8]
    exact: NDArray[np.float16]

    def cosines(self, terms: Vectors) -> Vectors:
        """Of all pictures with some terms, (D, k) -> (N, k), from the 8-bit vectors."""
        found = np.empty((len(self.rows), terms.shape[1]), np.float32)
        block = np.empty((min(FLOAT32_ROWS, len(self.rows)), len(terms)), np.float32)
        for start in range(0, len(self.rows), FLOAT32_ROWS):
            part = block[:len(self.rows) - start]
            part[:] = self.small[start:start + FLOAT32_ROWS]
            np.matmul(part, terms, out=found[start:start + len(part)])
        found *= self.scales[:, None]
        return found


@dataclass(frozen=True)
class Index:
    """All pieces of a version of the dataset, in the order of its manifest. Its pictures are numbered through them."""

    pieces: tuple[Piece, ...]

    def __len__(self) -> int:
        return int(self.starts[-1])

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The number of each piece's first picture, and how many there are in all."""
        return np.cumsum([0, *(len(piece.rows) for piece in self.pieces)])

    @cached_property
    def owners(self) -> NDArray[np.int32]:
        """Of every picture: the number of its video; a video in several shards has one number."""
        numbers: dict[str, int] = {}
        parts = [np.empty(0, np.int32)]
        for piece in self.pieces:
            of_piece = [numbers.setdefault(video.id, len(numbers)) for video in piece.videos]
            parts.append(np.asarray(of_piece, np.int32)[piece.owners])
        return np.concatenate(parts)

    @cached_property
    def offsets(self) -> Vectors:
        """Of every picture: (N,)."""
        return np.concatenate([np.empty(0, np.float32), *(piece.offsets for piece in self.pieces)])

    def cosines(self, terms: Vectors) -> Vectors:
        """Of all pictures with some terms, (D, k) -> (N, k), from the 8-bit vectors."""
        return np.concatenate([np.empty((0, terms.shape[1]), np.float32), *(piece.cosines(terms) for piece in self.pieces)])

    def exact(self, pictures: NDArray[np.int64]) -> Vectors:
        """The vectors of some pictures, as float16 holds them: (n, D)."""
        rows = [piece.exact[at] for piece, at in map(self.place, pictures)]
        return np.asarray(rows, np.float32).reshape(len(pictures), -1)

    def place(self, picture: int) -> tuple[Piece, int]:
        """The piece that a picture lies in, and where within it."""
        number = int(np.searchsorted(self.starts, picture, "right")) - 1
        return self.pieces[number], int(picture - self.starts[number])


def index_folder(cache: Path, net: Path) -> Path:
    """Where the vectors of a net lie. net: its folder. Raises InputError when there is no net."""
    if not (net / "net.json").is_file():
        raise InputError(f"{net}: no net there", "train one with `framewords train`")
    return cache / "search" / f"{digest_file(net / 'net.json')[:16]}-v{VERSION}"  # it names the digest of the weights


def open_index(dataset: Path, folder: Path) -> Index | None:
    """The index of a dataset; None when a shard has no vectors yet, or there is none. Raises what read_manifest raises."""
    shards = _shards(dataset)
    try:
        pieces = tuple(_read_piece(dataset / shard["path"], folder / (shard["digest"] + SUFFIX)) for shard in shards)
    except (FileNotFoundError, IntegrityError):
        return None
    return Index(pieces) if pieces else None


def update_index(dataset: Path, folder: Path, net: "TrainedNet", progress: Progress = lambda done, total: None) -> Index:
    """Make vectors of the shards that have none yet, and drop those of shards that are no longer in the dataset.

    progress: told how many of how many pictures are done.
    Raises InputError when there is no picture, IntegrityError naming a shard that is not what the manifest says.
    """
    shards = _shards(dataset)
    total, done = sum(shard["rows"] for shard in shards), 0
    if not total:
        raise InputError(f"{dataset}: no picture in the dataset", "label some videos with `framewords ingest` first")
    pieces = []
    for shard in shards:
        source, path = dataset / shard["path"], folder / (shard["digest"] + SUFFIX)
        try:
            piece = _read_piece(source, path)
        except (FileNotFoundError, IntegrityError):
            _write_piece(source, shard, path, net, partial(_tell, progress, done, total))
            piece = _read_piece(source, path)
        pieces.append(piece)
        done += shard["rows"]
        progress(done, total)
    named = {shard["digest"] for shard in shards}
    for path in folder.glob("*" + SUFFIX):
        if path.stem not in named:
            path.unlink()
    return Index(tuple(pieces))


def drop_indices(cache: Path, nets: Collection[Path]) -> None:
    """Remove the vectors of all nets but these. nets: their folders."""
    kept = {index_folder(cache, net) for net in nets}
    for folder in (cache / "search").glob("*"):
        if folder not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def _tell(progress: Progress, before: int, total: int, more: int) -> None:
    progress(before + more, total)


def _shards(dataset: Path) -> list[dict[str, Any]]:
    return [shard for split in read_manifest(dataset)["splits"].values() for shard in split["shards"]]


def _read_piece(shard: Path, path: Path) -> Piece:
    facts, arrays = read_arrays(path)
    try:
        return Piece(shard, tuple(Indexed(*video) for video in facts["videos"]), **arrays)
    except (KeyError, TypeError) as error:
        raise IntegrityError(f"{path}: no part of an index", "delete it; it is made again when needed") from error


def _write_piece(
    source: Path, shard: Mapping[str, Any], path: Path, net: "TrainedNet", progress: Callable[[int], None],
) -> None:
    remedy = "run `framewords verify --repair`, or `framewords ingest` to build the dataset again"
    if not source.is_file() or digest_file(source) != shard["digest"]:
        raise IntegrityError(f"{source}: not the shard that the manifest names", remedy)
    videos: dict[Indexed, int] = {}
    rows, owners, timestamps = [], [], []
    vectors = [np.empty((0, net.spec.dimensions), np.float32)]
    for start, batch in _batches(source):
        good, pictures = _decode(batch["jpeg"], net.spec.picture_px, f"{source.name}, from row {start} on")
        rows += [start + at for at in good]
        timestamps += [batch["timestamp"][at] for at in good]
        for at in good:
            video = Indexed(batch["video_id"][at], batch["url"][at] or "", batch["title"][at] or "")
            owners.append(videos.setdefault(video, len(videos)))
        if good:
            vectors.append(net.embed_pictures(pictures))
        progress(start + len(batch["jpeg"]))
    write_arrays(
        path, {"videos": [[video.id, video.url, video.title] for video in videos]},
        piece_arrays(np.asarray(rows, np.int32), np.asarray(owners, np.int32), np.asarray(timestamps, np.float64),
                     picture_offsets(net, np.concatenate(vectors)), np.concatenate(vectors)))


def picture_offsets(net: "TrainedNet", vectors: Vectors) -> Vectors:
    """(N, D) -> (N,): what lies between slope * logit and the calibrated log odds of a word, its intercept aside.

    A net scores a word by its share among all words, so this is the same for every word: the first one tells.
    """
    if not net.vocabulary or not len(vectors):
        return np.zeros(len(vectors), np.float32)
    logits = float(net.towers.scale().detach()) * (vectors @ net.word_vectors[0])
    return np.asarray(net.calibration.slope * (logits - net.scores(vectors)[:, 0]), np.float32)


def piece_arrays(
    rows: NDArray[np.int32], owners: NDArray[np.int32], timestamps: NDArray[np.float64], offsets: Vectors, vectors: Vectors,
) -> dict[str, NDArray[Any]]:
    """What a piece is made of. vectors: (N, D), of unit length."""
    scales = np.abs(vectors).max(axis=1, initial=np.finfo(np.float32).tiny) / np.float32(127)
    return {"rows": rows, "owners": owners, "timestamps": timestamps, "offsets": offsets, "scales": scales,
            "small": np.rint(vectors / scales[:, None]).astype(np.int8), "exact": vectors.astype(np.float16)}


def _batches(source: Path) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """Rows of a shard, some at once: the first one's number, and the columns that are needed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    start = 0
    try:
        with pq.ParquetFile(source, memory_map=True) as file:
            columns = ["image", "video_id", "timestamp", "url", "title"]
            for batch in file.iter_batches(PICTURES_AT_ONCE, columns=columns, use_threads=False):
                table = {name: batch[name].to_pylist() for name in columns}
                yield start, {**table, "jpeg": [image["bytes"] for image in table["image"]]}
                start += len(batch)
    except pa.ArrowException as error:
        raise IntegrityError(f"{source}: not a whole shard ({error})", "run `framewords verify`") from error


def _decode(jpegs: list[bytes], picture_px: int, where: str) -> tuple[list[int], NDArray[np.uint8]]:
    """Which of some JPEGs are pictures, and these as the net is shown them; a broken one is left out of the index, and said."""
    from tasks.nets.pictures import decode_picture

    good, pictures = [], []
    for at, jpeg in enumerate(jpegs):
        try:
            pictures.append(decode_picture(jpeg, picture_px))
            good.append(at)
        except InputError as error:
            log.warning("%s: picture %d is left out: %s", where, at, error)
    return good, np.stack(pictures) if pictures else np.empty((0, 0, 0, 3), np.uint8)
