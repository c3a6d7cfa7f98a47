"""Shapes, sizes and costs of the nets, by hand count."""

import pytest
import torch

from tasks.nets.cost import measure_cost
from tasks.nets.towers import NetSpec, Towers


def spec(image: str = "small", width: int = 8) -> NetSpec:
    return NetSpec(image, 48, width, 16, 256)


@pytest.mark.parametrize("image", ["small", "vgg", "residual"])
def test_pictures_and_words_meet_on_the_unit_sphere(image: str) -> None:
    towers = Towers(spec(image)).eval()
    pictures = towers.embed_pictures(torch.randint(0, 256, (3, 3, 48, 85), dtype=torch.uint8))
    words = towers.embed_words(["egg", "pan"])
    assert pictures.shape == (3, 16)
    assert pictures.dtype == torch.float32
    for vectors in (pictures, words):
        assert torch.allclose(vectors.norm(dim=1), torch.ones(len(vectors)), atol=1e-5)
    assert towers.logits(pictures, words).shape == (3, 2)
    assert towers.logits(pictures, words).abs().max() <= towers.scale() + 1e-4


@pytest.mark.parametrize("image", ["small", "vgg", "residual"])
def test_every_weight_has_a_part_in_the_answer(image: str) -> None:
    towers = Towers(spec(image))
    for parameter in towers.parameters():
        torch.nn.init.normal_(parameter, 0.1, 0.1)
    pictures = towers.embed_pictures(torch.randint(0, 256, (4, 3, 48, 85), dtype=torch.uint8))
    towers.logits(pictures, towers.embed_words(["egg"])).square().sum().backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None for parameter in towers.parameters())


def test_parameters_and_arithmetic_of_the_small_net_are_those_of_a_hand_count() -> None:
    cost = measure_cost(Towers(spec()))
    kernels = [(3, 8), (8, 16), (16, 16), (16, 32), (32, 32), (32, 64), (64, 64)]  # channels before and after
    areas = [24 * 43, 12 * 22, 12 * 22, 6 * 11, 6 * 11, 3 * 6, 3 * 6]  # of 48 x 85, halved and rounded up
    weights = sum(9 * before * after + 2 * after for before, after in kernels)  # with normalisation
    head = 128 * 16 + 16
    assert cost.image_parameters == weights + head
    assert cost.parameters == weights + head + 256 * 16 + 1
    products = sum(9 * before * after * area for (before, after), area in zip(kernels, areas, strict=True)) + 128 * 16
    assert cost.flops == 2 * products
    assert cost.pictures_per_second > 0


def test_an_unknown_kind_of_tower_is_refused() -> None:
    with pytest.raises(ValueError, match="mystery"):
        Towers(spec("mystery"))
