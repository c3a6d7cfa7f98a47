"""The small image tower: a few convolutions, trained from scratch, quick on a CPU."""

import torch
from torch import Tensor, nn


class SmallTower(nn.Module):
    """A stem and three blocks; each halves the picture, each block doubles the channels.

    Shapes for 72 x 128 pictures and width 32:
    (N, 3, 72, 128) -> (N, 32, 36, 64) -> (N, 64, 18, 32) -> (N, 128, 9, 16) -> (N, 256, 5, 8) -> (N, 512)
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = convolution(3, width, stride=2)
        self.blocks = nn.Sequential(*(
            nn.Sequential(convolution(width * wide // 2, width * wide, stride=2), convolution(width * wide, width * wide))
            for wide in (2, 4, 8)))
        self.features = width * 8 * 2

    def forward(self, pictures: Tensor) -> Tensor:
        """float (N, 3, H, W), mean about 0 -> (N, features)."""
        return mean_and_greatest(self.blocks(self.stem(pictures)))


def convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    """A 3 x 3 convolution, normalised over the batch."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True))


def mean_and_greatest(maps: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, 2 C): what fills the picture, and what is somewhere in it."""
    return torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)
