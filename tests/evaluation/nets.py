"""Splits and answers made by hand, for tests."""

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.evaluation.evaluate import Evaluation, judge
from tasks.evaluation.metrics import Real
from tasks.evaluation.split import FrozenSplit
from tasks.params import GateParams

GATE = GateParams(
    allowed_loss=0.1, slice_allowed_loss=0.2, max_calibration_error=0.1, first_gain=0.5, confidence=0.95, draws=400,
    min_videos=10, seed=0)


def split_of(
    videos: Mapping[str, Sequence[Mapping[str, float]]], *, channels: Sequence[str] = (),
    training: Mapping[str, float] | None = None,
) -> FrozenSplit:
    """videos: the labels of each picture of each video."""
    pictures = [labels for video in videos.values() for labels in video]
    words = sorted({word for labels in pictures for word in labels})
    rows = sorted((at, words.index(word), weight) for at, labels in enumerate(pictures) for word, weight in labels.items())
    picture, word, weight = zip(*rows, strict=True) if rows else ((), (), ())
    frames = [frame for video in videos.values() for frame in range(len(video))]
    return FrozenSplit(
        "split", tuple(videos), tuple(channels) or tuple(videos), tuple(videos),
        np.repeat(np.arange(len(videos)), [len(video) for video in videos.values()]), np.array(frames), tuple(words),
        np.array([(training or {}).get(name, 0) for name in words], np.float32),
        (np.array(picture, np.int32), np.array(word, np.int32), np.array(weight, np.float32)))


def evaluation_of(split: FrozenSplit, chances: Real, name: str = "net/candidate") -> Evaluation:
    """A net that says these chances (N, W) of the split's words, and ranks pictures by them."""
    lengths = np.linalg.norm(chances, axis=1, keepdims=True)
    rest = np.sqrt(np.maximum(4 - lengths**2, 0))  # a coordinate of its own makes all vectors of one length, none changes order
    pictures = (np.concatenate([chances, rest], axis=1) / 2).astype(np.float32)
    queries = np.eye(len(split.words), len(split.words) + 1, dtype=np.float32)
    return judge(name, "digest", split, pictures, queries, split.words, lambda vectors: vectors[:, :-1] * 2)


def skilled(split: FrozenSplit, skill: float, seed: int) -> Real:
    """Chances of a net that knows each label with probability `skill`, and says another word with as much conviction if not."""
    random = np.random.default_rng(seed)
    chances = random.uniform(0, 0.04, (len(split.video_of), len(split.words))).astype(np.float32)
    for picture, word, weight in zip(*split.pairs, strict=True):
        said = word if random.random() < skill else random.integers(len(split.words))
        chances[picture, said] = 0.9 * weight
    return chances


def random_split(videos: int, seed: int, *, pictures: int = 8, words: int = 12) -> FrozenSplit:
    """One label a picture; two channels in turn."""
    random = np.random.default_rng(seed)
    names = [f"word{at:02d}" for at in range(words)]
    return split_of(
        {f"v{at:03d}": [{names[random.integers(words)]: 1.0} for _ in range(pictures)] for at in range(videos)},
        channels=["one" if at % 2 else "two" for at in range(videos)],
        training={name: float(at) for at, name in enumerate(names)})
