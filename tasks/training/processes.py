"""Several processes that train one net, each with its share of every batch. Started by torchrun; alone without it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """This process among all. rank: 0 writes."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    def gather(self, vectors: Tensor) -> Tensor:
        """(n, D) of every process -> (n * count, D), by rank.

        Only the own part has a gradient, `count` times as steep: averaged over all processes it is that of the whole batch.
        """
        if self.count == 1:
            return vectors
        parts = [torch.empty_like(vectors) for _ in range(self.count)]
        dist.all_gather(parts, vectors.detach())
        parts[self.rank] = vectors + (self.count - 1) * (vectors - vectors.detach())
        return torch.cat(parts)


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """All processes that torchrun started, while the block runs; just this one when it did not."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if device == "cuda":
        torch.cuda.set_device(local_rank)  # from here on `cuda` is this process's own
    dist.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), count, local_rank)
    finally:
        dist.destroy_process_group()
