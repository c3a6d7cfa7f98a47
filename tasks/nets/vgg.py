"""The image tower after VGG: nothing but 3 x 3 convolutions in pairs, each pair followed by a halving."""

from itertools import pairwise

from torch import Tensor, nn

from tasks.nets.small import convolution, mean_and_greatest


class VggTower(nn.Module):
    """Five pairs; the picture is halved after each, channels double up to eight times the width.

    Shapes for 72 x 128 pictures and width 32:
    (N, 3, 72, 128) -> (N, 32, 36, 64) -> (N, 64, 18, 32) -> (N, 128, 9, 16) -> (N, 256, 4, 8) -> (N, 256, 2, 4) -> (N, 512)
    Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015; batch
    normalisation added, the fully connected layers left out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = [3, width, width * 2, width * 4, width * 8, width * 8]
        self.pairs = nn.Sequential(*(
            nn.Sequential(convolution(before, after), convolution(after, after), nn.MaxPool2d(2, ceil_mode=False))
            for before, after in pairwise(channels)))
        self.features = width * 8 * 2

    def forward(self, pictures: Tensor) -> Tensor:
        """float (N, 3, H, W), mean about 0 -> (N, features)."""
        return mean_and_greatest(self.pairs(pictures))
