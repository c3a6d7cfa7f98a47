"""Candidates made to be promoted, and candidates made to be refused."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from tasks.nets.store import NET, WEIGHTS, TrainedNet, digest, save_net
from tasks.params import NetsParams, TrainingParams
from tasks.training.fit import fit_net
from tasks.training.samples import Samples

FLOOD_SHARE = 0.9  # of the pictures are the flooding channel's


@dataclass(frozen=True)
class Workshop:
    """What candidates are made from. half: of the channels, which the champion was trained on; full: all of them."""

    half: Samples
    full: Samples
    validation: Samples
    nets: NetsParams
    training: TrainingParams

    def champion(self) -> TrainedNet:
        return self.fit(self.half, seed=0)

    def fit(self, samples: Samples, seed: int, *, epochs: float = 1.0, base: TrainedNet | None = None) -> TrainedNet:
        """epochs: times those of the champion."""
        training = self.training.model_copy(update={
            "seed": seed, "epochs": round(self.training.epochs * epochs),
            "retrain_epochs": round(self.training.retrain_epochs * epochs)})
        known = set(self.half.fingerprint) if base else ()
        return fit_net(samples, self.validation, self.nets, training, base=base, known=known).net

    # Good ones: trained for longer, on more, from the champion onwards, or with nothing in common but the data.
    def longer(self, seed: int, champion: TrainedNet) -> TrainedNet:
        return self.fit(self.half, seed, epochs=3)

    def on_more(self, seed: int, champion: TrainedNet) -> TrainedNet:
        return self.fit(self.full, seed, epochs=1.5)

    def retrained(self, seed: int, champion: TrainedNet) -> TrainedNet:
        return self.fit(self.full, seed, base=champion)

    def other_seed(self, seed: int, champion: TrainedNet) -> TrainedNet:
        return self.fit(self.full, seed + 1000, epochs=2)

    # Poisoned ones.
    def shuffled(self, seed: int, champion: TrainedNet) -> TrainedNet:
        """Each picture with the words of another."""
        order = np.random.default_rng(seed).permutation(len(self.full))
        return self.fit(self.full.with_labels([self.full.labels[row] for row in order]), seed)

    def flooded(self, seed: int, champion: TrainedNet) -> TrainedNet:
        """One channel, which speaks of anything but what it shows, publishes nine times as much as all others."""
        random = np.random.default_rng(seed)
        channel = random.choice(sorted(set(self.full.channel)))
        rows = [row for row, name in enumerate(self.full.channel) if name == channel]
        many = round(len(self.full) * FLOOD_SHARE)
        flood = self.full.only(random.choice(rows, many))
        flood = flood.with_labels([flood.labels[row] for row in random.permutation(many)])
        rest = self.full.only(random.choice(len(self.full), len(self.full) - many, replace=False))
        return self.fit(joined(rest, flood), seed)

    def unnormalised(self, seed: int, champion: TrainedNet) -> TrainedNet:
        """A good net whose normalisation has the means and spreads of other data."""
        net = self.on_more(seed, champion)
        random = torch.Generator().manual_seed(seed)
        for module in net.towers.modules():
            if isinstance(module, torch.nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
                spread = module.running_var.sqrt()
                module.running_mean += 2 * spread * torch.randn(len(spread), generator=random)
                module.running_var *= torch.exp(2 * torch.randn(len(spread), generator=random))
        return net


GOOD: tuple[Callable[[Workshop, int, TrainedNet], TrainedNet], ...] = (
    Workshop.longer, Workshop.on_more, Workshop.retrained, Workshop.other_seed)
POISONED: tuple[Callable[[Workshop, int, TrainedNet], TrainedNet], ...] = (
    Workshop.shuffled, Workshop.flooded, Workshop.unnormalised)


def joined(first: Samples, second: Samples) -> Samples:
    """The rows of both."""
    return replace(
        first, pictures=type(first.pictures)((*first.pictures.arrays, *second.pictures.arrays)),
        timestamp=np.concatenate([first.timestamp, second.timestamp]),
        **{name: getattr(first, name) + getattr(second, name)
           for name in ("labels", "video", "channel", "group", "uploaded", "fingerprint")})


def save_truncated(folder: Path, net: TrainedNet, seed: int) -> None:
    """A net whose weights were cut short; with an odd seed its record was made to fit."""
    save_net(folder, net)
    weights = (folder / WEIGHTS).read_bytes()
    cut = weights[:np.random.default_rng(seed).integers(1, len(weights))]
    (folder / WEIGHTS).write_bytes(cut)
    if seed % 2:
        record = json.loads((folder / NET).read_bytes())
        (folder / NET).write_text(json.dumps(record | {"weights": digest(cut)}))
