"""The loop: batches in an order that depends on the seed alone, one step after another."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.nets.towers import Towers
from tasks.nets.words import NO_WORD
from tasks.params import TrainingParams
from tasks.training.augment import augment
from tasks.training.bags import Bags
from tasks.training.losses import LOSSES
from tasks.training.samples import Progress, Samples

WARM_UP = 0.05  # share of the steps in which the rate rises
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Curve:
    """One epoch: samples: pictures shown so far; losses: means over the epoch, and over the validation split after it."""

    epoch: int
    samples: int
    train_loss: float
    validation_loss: float


class Words:
    """The vocabulary as parts, ready to be embedded whole or in part; the last word is NO_WORD."""

    def __init__(self, towers: Towers, vocabulary: Sequence[str]) -> None:
        parts, starts = towers.words.parts([*vocabulary, NO_WORD])
        self._parts, self._starts = parts.cpu().numpy(), np.append(starts.cpu().numpy(), len(parts))
        self.count = len(vocabulary)

    def embed(self, towers: Towers, words: NDArray[np.int64]) -> Tensor:
        """Vectors of some words, by number, and of NO_WORD: (len(words) + 1, D)."""
        chosen = np.append(words, self.count)
        length = np.diff(self._starts)[chosen]
        starts = np.cumsum(length) - length
        at = np.repeat(self._starts[chosen] - starts, length) + np.arange(length.sum())
        device = towers.log_scale.device
        parts = torch.from_numpy(self._parts[at]).to(device)
        return towers.words.embed(parts, torch.from_numpy(starts).to(device))


def run_epochs(
    towers: Towers, train: Samples, validation: Samples, vocabulary: Sequence[str], params: TrainingParams, progress: Progress,
) -> tuple[list[Curve], int]:
    """Train in place; -> (a point an epoch, pictures shown)."""
    towers.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    bags, words = Bags.of(train.labels, vocabulary), Words(towers, vocabulary)
    loss_of = LOSSES[params.loss]
    steps_each = max(1, len(train) // params.batch_pictures)
    steps = params.epochs * steps_each
    optimiser = torch.optim.AdamW(groups(towers, params.weight_decay), lr=params.learning_rate)
    curves: list[Curve] = []
    seen = 0
    total = 0.0
    for step in range(steps):
        epoch, place = divmod(step, steps_each)
        for group in optimiser.param_groups:
            group["lr"] = params.learning_rate * rate(step, steps)
        rows = batch_rows(params.seed, epoch, place, len(train), params.batch_pictures)
        pictures = torch.from_numpy(train.pictures.take(rows)).permute(0, 3, 1, 2)
        generator = torch.Generator().manual_seed(params.seed * 1_000_003 + step)
        chosen = choose_words(bags, rows, words.count, params.words_per_step, [params.seed, step])
        seen_pictures = towers.embed_pictures(augment(pictures, generator))
        logits = towers.logits(seen_pictures, words.embed(towers, chosen))
        loss = loss_of(logits, bags.dense(rows, chosen))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += float(loss.detach())
        seen += len(rows)
        if place == steps_each - 1:
            held_out = validation_loss(towers, validation, vocabulary, params)
            curves.append(Curve(epoch + 1, seen, total / steps_each, held_out))
            log.info("epoch %d of %d: loss %.4f, validation %.4f", epoch + 1, params.epochs, total / steps_each, held_out)
            total = 0.0
        progress("training", step + 1, steps)
    towers.eval()
    return curves, seen


def groups(towers: Towers, weight_decay: float) -> list[dict[str, object]]:
    """Weights decay; biases, normalisation and the scale do not."""
    plain = [value for value in towers.parameters() if value.ndim < 2]
    return [{"params": [value for value in towers.parameters() if value.ndim >= 2], "weight_decay": weight_decay},
            {"params": plain, "weight_decay": 0.0}]


def rate(step: int, steps: int) -> float:
    """Share of the learning rate: up in a line, down along a cosine."""
    up = max(1, round(steps * WARM_UP))
    if step < up:
        return (step + 1) / up
    return 0.5 * (1 + math.cos(math.pi * (step - up) / max(1, steps - up)))


def batch_rows(seed: int, epoch: int, place: int, count: int, size: int) -> NDArray[np.int64]:
    """The rows of one batch: an epoch is a permutation that depends on seed and epoch alone. The rest of it is left out."""
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[place * size:(place + 1) * size]


def choose_words(bags: Bags, rows: NDArray[np.int64], count: int, limit: int, seed: list[int]) -> NDArray[np.int64]:
    """Words that a batch is compared with, ascending: all, or those near it and random others."""
    if count <= limit:
        return np.arange(count)
    near = bags.words_of(rows)
    others = np.random.default_rng(seed).choice(count, max(0, limit - len(near)), replace=False)
    return np.union1d(near, others)


def validation_loss(towers: Towers, validation: Samples, vocabulary: Sequence[str], params: TrainingParams) -> float:
    """Mean loss of the validation split."""
    towers.eval()
    bags, words = Bags.of(validation.labels, vocabulary), Words(towers, vocabulary)
    chosen = np.arange(min(words.count, params.words_per_step))
    total = 0.0
    with torch.inference_mode():
        embedded = words.embed(towers, chosen)
        for at in range(0, len(validation), params.batch_pictures):
            rows = np.arange(at, min(at + params.batch_pictures, len(validation)))
            pictures = torch.from_numpy(validation.pictures.take(rows)).permute(0, 3, 1, 2)
            logits = towers.logits(towers.embed_pictures(pictures), embedded)
            total += float(LOSSES[params.loss](logits, bags.dense(rows, chosen))) * len(rows)
    towers.train()
    return total / len(validation)
