"""Image towers side by side at equal compute: each as wide and as long trained as the same arithmetic allows."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.dataset.manifest import read_manifest
from tasks.errors import InputError
from tasks.params import NetsParams, TrainingParams
from tasks.storage.atomic import write_whole
from tasks.study.drawing import curves_chart
from tasks.study.page import write_page
from tasks.study.wording import say_nets

if TYPE_CHECKING:
    from tasks.nets.store import TrainedNet
    from tasks.training.samples import Progress, Samples

KINDS = ("small", "vgg", "residual")
BACKWARD = 3  # a step forward and back costs about three times the step forward
WIDTHS = range(4, 132, 4)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variant:
    """One tower, trained. flops: for one picture, seen; compute: of the whole training, in FLOPs. best_guess: of pictures of the
    validation split, the share whose likeliest word was said near them. curves: (compute so far, validation loss) an epoch.
    """

    image: str
    width: int
    parameters: int
    flops: int
    pictures_per_second: float
    epochs: int
    compute: float
    validation_loss: float
    best_guess: float
    curves: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class NetsStudy:
    """What the page says, for those who do not look at it. variants: best first."""

    summary: str
    variants: tuple[Variant, ...]


def study_nets(
    dataset: Path, cache: Path, out: Path, nets: NetsParams, training: TrainingParams, progress: "Progress",
) -> NetsStudy:
    """Train each kind of tower with the compute that the tower of the settings takes for training.epochs, and write the page.

    What was trained before on the same dataset with the same settings is taken from `cache`.
    Raises what train_net raises.
    """
    from tasks.nets.cost import measure_cost
    from tasks.nets.pretrained import new_towers
    from tasks.training.fit import fit_net, training_fingerprint
    from tasks.training.samples import read_samples

    if nets.image not in KINDS:
        raise InputError(f"nets.image is {nets.image}", f"towers to compare are {', '.join(KINDS)}: --set nets.image=small")
    manifest = read_manifest(dataset)
    train, validation = (
        read_samples(dataset, split, nets.picture_px, cache / "pictures", threads=training.threads, progress=progress,
                     manifest=manifest) for split in ("train", "validation"))
    if not len(train):
        raise InputError(f"{dataset}: no picture to train on", "label some videos with `framewords ingest` first")
    target = measure_cost(new_towers(nets)).flops
    budget = float(BACKWARD * target * len(train) * training.epochs)
    variants = []
    for kind in KINDS:
        mine = match_width(nets.model_copy(update={"image": kind}), target)
        cost = measure_cost(new_towers(mine))
        each = BACKWARD * cost.flops * len(train)
        settings = training.model_copy(update={"epochs": max(1, round(budget / each))})
        kept = cache / "study" / f"{training_fingerprint(manifest, mine, settings, None).digest}.json"
        known = _read(kept)
        if known is None:
            fitted = fit_net(train, validation, mine, settings, progress=progress)
            known = Variant(
                kind, mine.width, cost.parameters, cost.flops, cost.pictures_per_second, settings.epochs,
                float(each * settings.epochs), fitted.curves[-1].validation_loss, best_guesses(fitted.net, validation),
                tuple((float(BACKWARD * cost.flops * curve.samples), curve.validation_loss) for curve in fitted.curves))
            write_whole(kept, json.dumps(asdict(known), sort_keys=True).encode() + b"\n")
        variants.append(known)
    variants.sort(key=lambda one: one.validation_loss)
    chance = commonest_share(train, validation)
    summary = say_nets([(one.image, one.validation_loss, one.best_guess) for one in variants], chance)
    write_page("nets.html", out, summary=summary, variants=variants, chart=curves_chart([one.curves for one in variants]),
               budget=budget, chance=chance, pictures=len(train), held_out=len(validation))
    return NetsStudy(summary, tuple(variants))


def match_width(nets: NetsParams, flops: int) -> NetsParams:
    """The width whose cost for one picture is nearest to the wanted one."""
    from tasks.nets.cost import measure_cost
    from tasks.nets.pretrained import new_towers

    best, nearest = nets, float("inf")
    for width in WIDTHS:
        tried = nets.model_copy(update={"width": width})
        away = abs(float(np.log(measure_cost(new_towers(tried)).flops / flops)))
        if away > nearest:
            break  # the cost grows with the width
        best, nearest = tried, away
    return best


def best_guesses(net: "TrainedNet", samples: "Samples") -> float:
    """The share of pictures with labels whose likeliest word is among them."""
    rows = np.asarray([row for row, labels in enumerate(samples.labels) if labels], np.int64)
    if not len(rows):
        return 0.0
    guesses = net.probabilities(net.embed_pictures(samples.pictures.take(rows))).argmax(axis=1)
    return float(np.mean([net.vocabulary[guess] in samples.labels[row] for row, guess in zip(rows, guesses, strict=True)]))


def commonest_share(train: "Samples", samples: "Samples") -> float:
    """What the same word for every picture would get: the one said near most pictures of the train split."""
    words = [word for labels in train.labels for word in labels]
    labelled = [labels for labels in samples.labels if labels]
    if not words or not labelled:
        return 0.0
    names, counts = np.unique(words, return_counts=True)
    return float(np.mean([names[counts.argmax()] in labels for labels in labelled]))


def _read(path: Path) -> Variant | None:
    try:
        said: dict[str, Any] = json.loads(path.read_bytes())
        curves: Sequence[Sequence[float]] = said["curves"]
        return Variant(**{**said, "curves": tuple((float(x), float(y)) for x, y in curves)})
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a torn one is made again
