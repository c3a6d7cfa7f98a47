"""The residual image tower: each block adds to what it was given."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import relu

from tasks.nets.small import convolution, mean_and_greatest


class ResidualTower(nn.Module):
    """A stem and four stages of two blocks.

    Shapes for 72 x 128 pictures and width 32:
    (N, 3, 72, 128) -> (N, 32, 36, 64) -> (N, 32, 36, 64) -> (N, 64, 18, 32) -> (N, 128, 9, 16) -> (N, 256, 5, 8) -> (N, 512)
    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, the 18-layer net with a smaller stem.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = [width, width, width * 2, width * 4, width * 8]
        self.stem = convolution(3, width, stride=2)
        self.stages = nn.Sequential(*(
            nn.Sequential(_Block(before, after, 1 if before == after else 2), _Block(after, after, 1))
            for before, after in pairwise(channels)))
        self.features = width * 8 * 2

    def forward(self, pictures: Tensor) -> Tensor:
        """float (N, 3, H, W), mean about 0 -> (N, features)."""
        return mean_and_greatest(self.stages(self.stem(pictures)))


class _Block(nn.Module):
    """Two convolutions beside a way around them, which is itself a 1 x 1 convolution where the shape changes."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = convolution(before, after, stride)
        last = nn.BatchNorm2d(after)
        nn.init.zeros_(last.weight)  # a block begins as nothing but its way around
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, padding=1, bias=False), last)
        self.around: nn.Module = nn.Identity()
        if before != after or stride != 1:
            self.around = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, maps: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H / stride, W / stride)."""
        return relu(self.around(maps) + self.second(self.first(maps)))
