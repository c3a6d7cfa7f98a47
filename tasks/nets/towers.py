"""Two towers that meet in one space: a picture and the words for it point the same way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tasks.nets.residual import ResidualTower
from tasks.nets.small import SmallTower
from tasks.nets.vgg import VggTower
from tasks.nets.words import WordTower

FIRST_SCALE, GREATEST_SCALE = 10.0, 100.0
CENTRE, SPREAD = 118.0, 62.0  # of the bytes of natural pictures


@dataclass(frozen=True)
class NetSpec:
    """All that is needed to build a net again.

    image: small | vgg | residual | pretrained. picture_px: height of the pictures it is shown, 16:9 wide.
    width: channels of the first layer. dimensions: of the joint space. buckets: rows of the word tower.
    config: of a pretrained image tower, its architecture as JSON; else empty.
    """

    image: str
    picture_px: int
    width: int
    dimensions: int
    buckets: int
    config: str = ""


class Towers(nn.Module):
    """The net. Both towers end on the unit sphere of `dimensions`; what is alike has a high cosine."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.image = build_image_tower(spec)
        self.to_space = nn.Linear(self.image.features, spec.dimensions)
        self.words = WordTower(spec.buckets, spec.dimensions)
        self.log_scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))

    def embed_pictures(self, pictures: Tensor) -> Tensor:
        """uint8 (N, 3, H, W), or floats of the same range -> float32 (N, dimensions), unit length."""
        seen = (pictures.float() - CENTRE) / SPREAD
        return nn.functional.normalize(self.to_space(self.image(seen)).float(), dim=-1)

    def embed_words(self, words: Sequence[str]) -> Tensor:
        """-> float32 (len(words), dimensions), unit length; any word, also one never seen."""
        vectors: Tensor = self.words(words)
        return vectors

    def logits(self, pictures: Tensor, words: Tensor) -> Tensor:
        """(N, D) and (M, D), unit length -> (N, M): cosine times a learnt scale."""
        return self.scale() * pictures @ words.T

    def scale(self) -> Tensor:
        return self.log_scale.exp().clamp(max=GREATEST_SCALE)


def build_image_tower(spec: NetSpec) -> Any:
    """An untrained image tower: a module, with the number of its features."""
    if spec.image == "pretrained":
        from tasks.nets.pretrained import PretrainedTower  # transformers takes seconds to import
        return PretrainedTower(spec.config)
    kinds = {"small": SmallTower, "vgg": VggTower, "residual": ResidualTower}
    if spec.image not in kinds:
        raise ValueError(f"unknown image tower: {spec.image}")
    return kinds[spec.image](spec.width)
