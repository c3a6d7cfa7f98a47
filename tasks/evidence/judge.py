"""A judge: a small net that has seen other videos, and says which of their words a picture may show."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from tasks.alignment.screen import Floats
from tasks.nets.small import SmallTower
from tasks.params import EvidenceParams
from tasks.storage.atomic import write_whole
from tasks.training.augment import augment

PRIOR_PICTURES = 1.0  # no class is rarer than this many pictures
DROPPED = 0.3  # share of features left out at each step
BATCH = 64
FEWEST_STEPS = 10  # that the schedule of the learning rate can be laid over
AT_ONCE = 256
CENTRE, SPREAD = 118.0, 62.0  # of the bytes of natural pictures

Pictures = NDArray[np.uint8]  # (n, H, W, 3)


class JudgeNet(nn.Module):
    """uint8 or float (N, 3, H, W), 0-255 -> logits (N, classes)."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.tower = SmallTower(width)
        self.dropout = nn.Dropout(DROPPED)
        self.head = nn.Linear(self.tower.features, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.tower((pictures.float() - CENTRE) / SPREAD)))
        return logits


@dataclass(frozen=True)
class Judge:
    """words: the classes but the last, which is everything else, nothing nameable included.

    prior: how often each class was in view where the net learnt, shape (words + 1,); sums to 1.
    """

    words: tuple[str, ...]
    prior: Floats
    net: JudgeNet

    def look(self, pictures: Pictures) -> Floats:
        """Probability of each class for each picture, shape (pictures, words + 1); mirrored it is the same picture."""
        parts = [np.empty((0, len(self.prior)))]
        with torch.inference_mode():
            for at in range(0, len(pictures), AT_ONCE):
                batch = _planes(pictures[at:at + AT_ONCE])
                both = [self.net(view).softmax(dim=1) for view in (batch, batch.flip(3))]
                parts.append(((both[0] + both[1]) / 2).double().numpy())
        return np.concatenate(parts)


def train_judge(
    pictures: Pictures, shares: NDArray[np.float32], words: Sequence[str], params: EvidenceParams, seed: int,
    start: Judge | None = None,
) -> Judge:
    """A judge from what pictures are taken to show.

    shares: shape (pictures, words + 1), rows sum to 1. start: an earlier judge of the same words to go on from, which takes
    half as long.
    """
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    net = JudgeNet(len(words) + 1, params.width)
    if start is not None:
        net.load_state_dict(start.net.state_dict())
    epochs, rate = (params.epochs, params.learning_rate) if start is None else (-(-params.epochs // 2), params.learning_rate / 2)
    batches = -(-len(pictures) // BATCH)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own types lack it
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=params.weight_decay)
    steps = max(epochs * batches + 1, FEWEST_STEPS)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.2)
    wanted = torch.from_numpy(shares)
    net.train()
    for _ in range(epochs):
        shuffled = torch.randperm(len(pictures), generator=order)
        for rows in shuffled.tensor_split(batches):
            seen = augment(_planes(pictures[rows.numpy()]), order)
            with torch.autocast("cpu", torch.bfloat16, enabled=params.precision == "bfloat16"):
                logits = net(seen).float()
            loss = -(wanted[rows] * logits.log_softmax(dim=1)).sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    net.eval()
    prior = shares.astype(np.float64).sum(axis=0) + PRIOR_PICTURES
    return Judge(tuple(words), prior / prior.sum(), net)


def save_judge(path: Path, judge: Judge, fingerprint: str) -> None:
    """One safetensors file, the same bytes for the same judge; whole or not at all."""
    tensors = {name: tensor.contiguous() for name, tensor in sorted(judge.net.state_dict().items())}
    record = json.dumps({"fingerprint": fingerprint, "words": judge.words}, sort_keys=True)
    write_whole(path, save({**tensors, "prior": torch.from_numpy(judge.prior)}, metadata={"framewords": record}))


def load_judge(path: Path, width: int, fingerprint: str) -> Judge | None:
    """The judge in `path` if it is whole and was made by `fingerprint`; None: it has to be trained."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {})["framewords"])
            if record["fingerprint"] != fingerprint:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (a safetensors file is no dict)
        net = JudgeNet(len(record["words"]) + 1, width)
        prior = tensors.pop("prior").numpy()
        net.load_state_dict(tensors)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError):
        return None  # torn or foreign: made again
    net.eval()
    return Judge(tuple(record["words"]), prior, net)


def _planes(pictures: Pictures) -> Tensor:
    """(n, H, W, 3) -> (n, 3, H, W), channels last in memory."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
