"""How well a net of the bed answers, by the truth: words to pictures and pictures to words."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.nets.store import TrainedNet
from tasks.training.samples import Samples
from tests.training.bed_dataset import BedDataset


def score_net(net: TrainedNet, samples: Samples, bed: BedDataset, channels: Sequence[str] = ()) -> dict[str, float]:
    """Over pictures that show an object, of some channels or all.

    precision_at_1: the likeliest word is on the picture. R@10: of the first ten pictures for a word one shows it;
    precision_at_10: how many do; mean_average_precision: of the whole ranking, by the likelihood of the word, as search ranks,
    and by its cosine alone. Words are the classes of the bed that occur; one that the net does not know is ranked by its cosine.
    """
    rows = [at for at in range(len(samples)) if not channels or samples.channel[at] in channels]
    shown = [bed.shown(samples.video[at], float(samples.timestamp[at])) for at in rows]
    vectors = net.embed_pictures(samples.pictures.take(np.array(rows)))
    said = net.probabilities(vectors)
    names = np.array(net.vocabulary)
    objects = [at for at, things in enumerate(shown) if things]
    right = [names[said[at].argmax()] in shown[at] for at in objects]
    classes = sorted(set().union(*shown))
    cosines = net.embed_words(classes) @ vectors.T
    likely, known = net.scores(vectors), {word: at for at, word in enumerate(net.vocabulary)}
    scores = np.stack([likely[:, known[name]] if name in known else cosines[at] for at, name in enumerate(classes)])
    hits = np.array([[name in things for things in shown] for name in classes])
    ranked = _ranked(hits, scores)
    return {
        "pictures": len(rows), "classes": len(classes), "precision_at_1": round(float(np.mean(right)), 4),
        "R@1": round(float(ranked[:, 0].mean()), 4), "R@10": round(float(ranked[:, :10].any(axis=1).mean()), 4),
        "precision_at_10": round(float(ranked[:, :10].mean()), 4),
        "mean_average_precision": _average_precision(ranked),
        "mean_average_precision_by_cosine": _average_precision(_ranked(hits, cosines))}


def _ranked(hits: NDArray[np.bool_], scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.take_along_axis(hits, np.argsort(-scores, axis=1, kind="stable"), axis=1)


def _average_precision(ranked: NDArray[np.bool_]) -> float:
    precision = np.cumsum(ranked, axis=1) / np.arange(1, ranked.shape[1] + 1)
    return round(float(((precision * ranked).sum(1) / ranked.sum(1)).mean()), 4)
