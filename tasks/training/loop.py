"""The loop: batches in an order that depends on the seed alone, one step after another, from wherever a killed run stood."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.nets.towers import Towers
from tasks.nets.words import NO_WORD
from tasks.params import TrainingParams
from tasks.training.augment import augment
from tasks.training.bags import Bags
from tasks.training.checkpoint import Checkpoint
from tasks.training.losses import LOSSES
from tasks.training.processes import Processes
from tasks.training.replay import Plan
from tasks.training.samples import Progress, Samples

WARM_UP = 0.05  # share of the steps in which the rate rises
BATCHES_AHEAD = 3  # made ready while the net is at work
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Curve:
    """One epoch: samples: pictures shown so far; losses: means over the epoch, and over the validation split after it."""

    epoch: int
    samples: int
    train_loss: float
    validation_loss: float


@dataclass(frozen=True)
class Batch:
    """pictures: uint8 (n, H, W, 3), of this process. weights: float32 (N, M), of all processes. words: (M,) by number."""

    step: int
    pictures: Tensor
    weights: Tensor
    words: NDArray[np.int64]
    count: int


class Words:
    """The vocabulary as parts, ready to be embedded whole or in part; the last word is NO_WORD."""

    def __init__(self, towers: Towers, vocabulary: Sequence[str]) -> None:
        parts, starts = towers.words.parts([*vocabulary, NO_WORD])
        self._parts, self._starts = parts.cpu().numpy(), np.append(starts.cpu().numpy(), len(parts))
        self.count = len(vocabulary)

    def parts(self, words: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Of some words, by number, and of NO_WORD: rows of the table, and where each word begins."""
        chosen = np.append(words, self.count)
        length = np.diff(self._starts)[chosen]
        starts = np.cumsum(length) - length
        at = np.repeat(self._starts[chosen] - starts, length) + np.arange(length.sum())
        return torch.from_numpy(self._parts[at]), torch.from_numpy(starts)


class _Seen(nn.Module):
    """One forward pass of both towers, as one module: what is compiled, and what processes agree on the gradients of."""

    def __init__(self, towers: Towers) -> None:
        super().__init__()
        self.towers = towers

    def forward(self, pictures: Tensor, parts: Tensor, starts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        towers = self.towers
        return towers.embed_pictures(pictures), towers.words.embed(parts, starts), towers.scale()


@dataclass
class Training:
    """All that a training works with, and what has come of it. device: cpu | cuda.

    seen: pictures shown. waited: seconds in which the net had nothing to work on.
    """

    towers: Towers
    train: Samples
    validation: Samples
    vocabulary: Sequence[str]
    plan: Plan
    params: TrainingParams
    device: str = "cpu"
    processes: Processes = field(default_factory=Processes)
    checkpoint: Checkpoint | None = None
    seen: int = 0
    total: float = 0.0
    waited: float = 0.0
    curves: list[Curve] = field(default_factory=list)

    @property
    def steps_each(self) -> int:
        return max(1, len(self.plan) // self.params.batch_pictures)

    @property
    def steps(self) -> int:
        return self.plan.epochs * self.steps_each

    def run(self, progress: Progress) -> None:
        """Train the towers in place."""
        params, towers = self.params, self.towers
        towers.to(self.device).train()
        towers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
        optimiser = torch.optim.AdamW(groups(towers, params.weight_decay), lr=params.learning_rate)
        first = self._resume(optimiser)
        step_of = self._forward()
        bags, words = Bags.of(self.train.labels, self.vocabulary), Words(towers, self.vocabulary)
        for batch in self._batches(first, bags, words.count):
            for group in optimiser.param_groups:
                group["lr"] = params.learning_rate * rate(batch.step, self.steps)
            loss = self._loss(step_of, batch, words)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            self._note(batch, float(loss.detach()))
            progress("training", batch.step + 1, self.steps)
            done = batch.step + 1
            if self.checkpoint and self.processes.rank == 0 and done % params.checkpoint_steps == 0 and done < self.steps:
                self.checkpoint.save(towers, optimiser, self._position(done))
        towers.eval()

    def _forward(self) -> Callable[..., Any]:
        module: Any = _Seen(self.towers)
        if self.params.compile:
            module = torch.compile(module)
        if self.processes.count > 1:
            devices = [self.processes.local_rank] if self.device == "cuda" else None
            module = nn.parallel.DistributedDataParallel(module, device_ids=devices, gradient_as_bucket_view=True)
        return module  # type: ignore[no-any-return]

    def _loss(self, step_of: Callable[..., Any], batch: Batch, words: Words) -> Tensor:
        generator = torch.Generator().manual_seed(self.params.seed * 1_000_003 + batch.step * self.processes.count
                                                  + self.processes.rank)
        on: dict[str, Any] = {"device": self.device, "non_blocking": True}
        pictures = augment(batch.pictures.to(**on).permute(0, 3, 1, 2), generator)
        parts, starts = words.parts(batch.words)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.params.precision == "bfloat16"):
            vectors, known, scale = step_of(pictures, parts.to(**on), starts.to(**on))
        logits = scale * self.processes.gather(vectors) @ known.T
        return LOSSES[self.params.loss](logits, batch.weights.to(**on))

    def _batches(self, first: int, bags: Bags, words: int) -> Iterator[Batch]:
        """The batches from a step on, made ready ahead by threads; which thread makes one changes nothing."""
        orders: dict[int, NDArray[np.int64]] = {}

        def order(epoch: int) -> NDArray[np.int64]:
            if epoch not in orders:
                orders.clear()
                orders[epoch] = self.plan.rows(epoch)
            return orders[epoch]

        with ThreadPoolExecutor(BATCHES_AHEAD) as pool:
            ahead: list[Future[Batch]] = []
            for step in range(first, self.steps):
                epoch, place = divmod(step, self.steps_each)
                rows = order(epoch)[place * self.params.batch_pictures:(place + 1) * self.params.batch_pictures]
                ahead.append(pool.submit(self._batch, step, rows, bags, words))
                if len(ahead) > BATCHES_AHEAD:
                    yield self._wait(ahead.pop(0))
            for future in ahead:
                yield self._wait(future)

    def _wait(self, batch: Future[Batch]) -> Batch:
        began = time.perf_counter()
        ready = batch.result()
        self.waited += time.perf_counter() - began
        return ready

    def _batch(self, step: int, rows: NDArray[np.int64], bags: Bags, words: int) -> Batch:
        rank, count = self.processes.rank, self.processes.count
        each = len(rows) // count
        rows = rows[:each * count]
        chosen = choose_words(bags, rows, words, self.params.words_per_step, [self.params.seed, step])
        pictures = torch.from_numpy(self.train.pictures.take(rows[rank * each:(rank + 1) * each]))
        weights = torch.from_numpy(bags.dense(rows, chosen))
        if self.device == "cuda":
            pictures, weights = pictures.pin_memory(), weights.pin_memory()
        return Batch(step, pictures, weights, chosen, len(rows))

    def _note(self, batch: Batch, loss: float) -> None:
        self.total += loss
        self.seen += batch.count
        epoch, place = divmod(batch.step, self.steps_each)
        if place == self.steps_each - 1:
            held_out = validation_loss(self.towers, self.validation, self.vocabulary, self.params)
            self.curves.append(Curve(epoch + 1, self.seen, self.total / self.steps_each, held_out))
            log.info("epoch %d of %d: loss %.4f, validation %.4f",
                     epoch + 1, self.plan.epochs, self.curves[-1].train_loss, held_out)
            self.total = 0.0

    def _position(self, step: int) -> dict[str, Any]:
        return {"step": step, "seen": self.seen, "total": self.total, "curves": [asdict(curve) for curve in self.curves]}

    def _resume(self, optimiser: torch.optim.Optimizer) -> int:
        """The step to begin with."""
        position = self.checkpoint.restore(self.towers, optimiser) if self.checkpoint else None
        if position is None:
            return 0
        self.seen, self.total = position["seen"], position["total"]
        self.curves = [Curve(**curve) for curve in position["curves"]]
        log.info("going on from step %d of %d", position["step"], self.steps)
        return int(position["step"])


def groups(towers: Towers, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases, normalisation and the scale do not."""
    learnt = [value for value in towers.parameters() if value.requires_grad]
    return [{"params": [value for value in learnt if value.ndim >= 2], "weight_decay": weight_decay},
            {"params": [value for value in learnt if value.ndim < 2], "weight_decay": 0.0}]


def rate(step: int, steps: int) -> float:
    """Share of the learning rate: up in a line, down along a cosine."""
    up = max(1, round(steps * WARM_UP))
    if step < up:
        return (step + 1) / up
    return 0.5 * (1 + math.cos(math.pi * (step - up) / max(1, steps - up)))


def choose_words(bags: Bags, rows: NDArray[np.int64], count: int, limit: int, seed: list[int]) -> NDArray[np.int64]:
    """Words that a batch is compared with, ascending: all, or those near it and random others."""
    if count <= limit:
        return np.arange(count)
    near = bags.words_of(rows)
    others = np.random.default_rng(seed).choice(count, max(0, limit - len(near)), replace=False)
    return np.union1d(near, others)


def validation_loss(towers: Towers, validation: Samples, vocabulary: Sequence[str], params: TrainingParams) -> float:
    """Mean loss over the validation split, in batches as of the training."""
    was_training = towers.training
    towers.eval()
    device = towers.log_scale.device
    bags, words = Bags.of(validation.labels, vocabulary), Words(towers, vocabulary)
    chosen = np.arange(words.count)
    total = 0.0
    with torch.inference_mode():
        known = towers.words.embed(*(part.to(device) for part in words.parts(chosen)))
        for at in range(0, len(validation), params.batch_pictures):
            rows = np.arange(at, min(at + params.batch_pictures, len(validation)))
            pictures = torch.from_numpy(validation.pictures.take(rows)).to(device).permute(0, 3, 1, 2)
            logits = towers.logits(towers.embed_pictures(pictures), known)
            total += float(LOSSES[params.loss](logits, torch.from_numpy(bags.dense(rows, chosen)).to(device))) * len(rows)
    towers.train(was_training)
    return total / len(validation)
