"""A net on the frozen test split: its vectors, its answers, its figures. A net that is broken is found out here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.errors import InputError, IntegrityError
from tasks.evaluation import metrics
from tasks.evaluation.metrics import BEST, SHOWN, Answers, Real
from tasks.evaluation.split import FrozenSplit, read_pictures, read_split
from tasks.storage.artefact import Fingerprint, digest_file, is_done, read_table, write_table

if TYPE_CHECKING:
    from tasks.nets.store import TrainedNet

VERSION = 1  # raise it when the same net would get other vectors
VECTORS = "vectors.parquet"
WEIGHTS = "weights.safetensors"
PICTURES_AT_ONCE = 128
LENGTH_TOLERANCE = 1e-2  # of vectors that are to have length 1
LEAST_SPREAD = 1e-4  # mean squared distance of pictures from their mean, of length 1; less is the same answer to all


@dataclass(frozen=True)
class Evaluation:
    """What a net is worth.

    net: `<name>/<version>`. weights: digest of its file. split: what it was judged on.
    answers: None when it is broken; faults then says why, one line each.
    """

    net: str
    weights: str
    split: FrozenSplit
    answers: Answers | None
    faults: tuple[str, ...] = ()

    @property
    def figures(self) -> dict[str, float]:
        """All figures over the whole split, as metrics.measure gives them; none when it is broken."""
        return metrics.measure(self.split, self.answers, metrics.everything(self.split)) if self.answers else {}


def evaluate_net(
    net_folder: Path, dataset: Path, out: Path, progress: Callable[[float], None] = lambda share: None,
) -> Evaluation:
    """Judge a net on the test split of a dataset.

    out: keeps the vectors of the pictures (vectors.parquet), so that the same net on the same split is not run again.
    progress: is told the share of the pictures that are done.
    A net that cannot be read or gives no answers does not raise: it has faults. Raises InputError when there is no dataset,
    no net or no test video, IntegrityError when a shard is damaged.
    """
    from tasks.nets.store import load_net

    split = read_split(dataset)
    name = "/".join(net_folder.parts[-2:])
    if not net_folder.is_dir():
        raise InputError(f"{net_folder}: no net there", "train one with `framewords train`")
    weights = digest_file(net_folder / WEIGHTS) if (net_folder / WEIGHTS).is_file() else ""
    try:
        net = load_net(net_folder)
    except (IntegrityError, InputError) as error:
        return Evaluation(name, weights, split, None, (error.problem.replace(f"{net_folder}/", ""),))
    vectors = _vectors(net, digest_file(net_folder / "net.json"), weights, split, out, progress)
    faults = find_faults(vectors)
    if faults:
        return Evaluation(name, weights, split, None, faults)
    return judge(name, weights, split, vectors, net.embed_words(split.words), net.vocabulary, net.probabilities)


def judge(
    name: str, weights: str, split: FrozenSplit, pictures: Real, queries: Real, vocabulary: Sequence[str],
    probabilities: Callable[[Real], Real],
) -> Evaluation:
    """From vectors to answers. probabilities: of each word of the vocabulary, for some pictures."""
    number = {word: at for at, word in enumerate(split.words)}
    numbers = np.array([number.get(word, -1) for word in vocabulary], np.int32)
    best = np.full((len(pictures), BEST), -1, np.int32)
    answered, said = list[str](), list[tuple[NDArray[Any], ...]]()
    for at in range(0, len(pictures), PICTURES_AT_ONCE):
        chances = probabilities(pictures[at:at + PICTURES_AT_ONCE])
        if chances.shape != (len(pictures[at:at + PICTURES_AT_ONCE]), len(vocabulary)) or not np.isfinite(chances).all():
            return Evaluation(name, weights, split, None, ("its probabilities are not all numbers",))
        order = np.argsort(-chances, axis=1, kind="stable")[:, :BEST]
        best[at:at + len(chances), :order.shape[1]] = numbers[order]
        answered += [vocabulary[first] for first in order[:, 0]] if len(vocabulary) else [""] * len(chances)
        rows, columns = np.nonzero(chances >= SHOWN)
        said.append((rows.astype(np.int32) + at, numbers[columns], chances[rows, columns]))
    faults = find_faults(queries) if len(queries) > 1 else ()
    if not sum(len(rows) for rows, _, _ in said):
        faults = (*faults, f"it gives no word a probability of {SHOWN} or more, on any picture")
    if faults:
        return Evaluation(name, weights, split, None, faults)
    rows, columns, chances = (np.concatenate(part) for part in zip(*said, strict=True))
    answers = Answers(pictures, queries, best, (rows, columns, chances), len(vocabulary), tuple(answered))
    return Evaluation(name, weights, split, answers)


def by_chance(split: FrozenSplit, seed: int) -> Evaluation:
    """One who has not looked: the commonest words for every picture, and pictures in any order for a word.

    Which words are the commonest it knows from the test split itself, so that it is harder to beat than chance.
    """
    random = np.random.default_rng(seed)
    many, words = len(split.video_of), len(split.words)
    pictures, queries = (random.standard_normal((count, 64)).astype(np.float32) for count in (many, words))
    mean = np.bincount(split.pairs[1], split.pairs[2], words) / max(many, 1)
    common = np.argsort(-mean, kind="stable")[:BEST].astype(np.int32)
    best = np.full((len(pictures), BEST), -1, np.int32)
    best[:, :len(common)] = common
    said = (np.repeat(np.arange(len(pictures), dtype=np.int32), len(common)), np.tile(common, len(pictures)),
            np.tile(mean[common].astype(np.float32), len(pictures)))
    answered = (split.words[common[0]] if len(common) else "",) * len(pictures)
    return Evaluation("chance", "", split, Answers(pictures, queries, best, said, len(split.words), answered))


def find_faults(vectors: Real) -> tuple[str, ...]:
    """Why vectors, one a row, can be no answers; empty when they can."""
    if not np.isfinite(vectors).all():
        broken = int((~np.isfinite(vectors)).any(axis=1).sum())
        return (f"{broken} of {len(vectors)} of its vectors are not numbers",)
    lengths = np.linalg.norm(vectors, axis=1)
    if (np.abs(lengths - 1) > LENGTH_TOLERANCE).any():
        return (f"its vectors have lengths from {lengths.min():.3g} to {lengths.max():.3g}, not 1",)
    if len(vectors) > 1 and float(((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1).mean()) < LEAST_SPREAD:
        return (f"it gives the same answer to all of {len(vectors)}",)
    return ()


def _vectors(
    net: "TrainedNet", net_digest: str, weights: str, split: FrozenSplit, out: Path, progress: Callable[[float], None],
) -> Real:
    """(N, D): read from `out` where they are there."""
    fingerprint = Fingerprint(
        "evaluation-vectors", VERSION, {}, {"net": net_digest, "weights": weights, "split": split.digest})
    path, many = out / VECTORS, len(split.video_of)
    if not is_done(path, fingerprint):
        vectors = np.concatenate(list(_embed(net, read_pictures(split), many, progress)))
        table = pa.table({"vector": pa.array([row.tobytes() for row in vectors], pa.binary(4 * vectors.shape[1]))})
        write_table(table, path, fingerprint, row_group_rows=4096, plain_columns=("vector",))
        return np.asarray(vectors, np.float32)
    rows = b"".join(read_table(path, ["vector"])["vector"].to_pylist())
    progress(1.0)
    return np.frombuffer(rows, np.float32).reshape(many, -1)


def _embed(net: "TrainedNet", pictures: Iterator[bytes], many: int, progress: Callable[[float], None]) -> Iterator[Real]:
    from tasks.nets.pictures import decode_picture

    done = 0
    while jpegs := list(islice(pictures, PICTURES_AT_ONCE)):
        decoded = np.stack([decode_picture(jpeg, net.spec.picture_px) for jpeg in jpegs])
        yield net.embed_pictures(decoded)
        done += len(jpegs)
        progress(done / many)
