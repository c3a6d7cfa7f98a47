"""Each picture a little different each time it is seen: cut, mirrored, lit and coloured otherwise."""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

CLOSEST, FARTHEST = 0.65, 1.1  # of the picture's width that is seen; beyond 1 its border is repeated
STRETCH = 0.12  # greatest change of its shape, in log
LIGHT, CONTRAST, TINT = 0.25, 0.25, 0.12  # greatest changes, as shares
MIDDLE = 118.0


def augment(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """uint8 (N, 3, H, W) -> float32 of the same shape and memory format, 0-255 with some overshoot."""
    count = len(pictures)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand((count, *shape), generator=generator) * (high - low) + low

    zoom = uniform(math.log(CLOSEST), math.log(FARTHEST)).exp()
    stretch = uniform(-STRETCH, STRETCH).exp()
    mirror = (uniform(0, 1) < 0.5).float() * 2 - 1
    across, down = (zoom * stretch).clamp(max=FARTHEST), (zoom / stretch).clamp(max=FARTHEST)
    transform = torch.zeros(count, 2, 3)
    transform[:, 0, 0], transform[:, 1, 1] = across * mirror, down
    transform[:, 0, 2] = uniform(-1, 1) * (1 - across).abs()
    transform[:, 1, 2] = uniform(-1, 1) * (1 - down).abs()
    light = MIDDLE * uniform(-LIGHT, LIGHT, 1, 1, 1)
    gain = 1 + uniform(-CONTRAST, CONTRAST, 1, 1, 1) + uniform(-TINT, TINT, 3, 1, 1)
    device = pictures.device
    grid = affine_grid(transform.to(device), [count, *pictures.shape[1:]], align_corners=False)
    seen = grid_sample(pictures.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return (seen - MIDDLE) * gain.to(device) + (MIDDLE + light).to(device)
