"""What a net costs: parameters, arithmetic for one picture, pictures a second on this machine."""

import time
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from tasks.nets.pictures import picture_size
from tasks.nets.towers import Towers

PICTURES, ROUNDS = 32, 3


@dataclass(frozen=True)
class Cost:
    """parameters: of both towers; image_parameters: of the image tower alone. flops: of the matrix products and convolutions
    for one picture, a multiplication and an addition counted as two; pictures_per_second: seeing, without training.
    """

    parameters: int
    image_parameters: int
    flops: int
    pictures_per_second: float

    def __str__(self) -> str:
        return (f"{self.parameters:,} parameters ({self.image_parameters:,} for pictures), {self.flops / 1e6:,.1f} MFLOPs a "
                f"picture, {self.pictures_per_second:,.0f} pictures a second")


def measure_cost(towers: Towers) -> Cost:
    """Counted exactly and timed for a moment, on the device the net is on; the net is left as it was."""
    height, width = picture_size(towers.spec.picture_px)
    device = towers.log_scale.device
    was_training = towers.training
    towers.eval()
    one = torch.zeros(1, 3, height, width, dtype=torch.uint8, device=device)
    many = torch.zeros(PICTURES, 3, height, width, dtype=torch.uint8, device=device)
    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            towers.embed_pictures(one)
        times = [_seconds(towers, many) for _ in range(ROUNDS)]
    towers.train(was_training)
    image = sum(value.numel() for value in (*towers.image.parameters(), *towers.to_space.parameters()))
    return Cost(sum(value.numel() for value in towers.parameters()), image, counter.get_total_flops(), PICTURES / min(times))


def _seconds(towers: Towers, pictures: torch.Tensor) -> float:
    began = time.perf_counter()
    vectors = towers.embed_pictures(pictures)
    vectors.sum().item()  # waits for the GPU
    return time.perf_counter() - began
