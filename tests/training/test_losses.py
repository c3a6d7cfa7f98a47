"""The losses against values worked out by hand."""

import math

import pytest
import torch

from tasks.training.losses import infonce, mil_nce, multi_label


def test_a_sure_bag_of_one_word_is_plain_cross_entropy_on_both_sides() -> None:
    logits = torch.tensor([[2.0, 0.0, -30.0], [0.0, 2.0, -30.0]])
    expected = math.log(1 + math.exp(-2))  # softmax over two, rows and columns alike
    assert mil_nce(logits, torch.eye(2)).item() == pytest.approx(expected, abs=1e-4)


def test_words_of_a_bag_share_what_is_true_of_the_picture() -> None:
    """Either of two words explains the picture: so long as one is likely, the other may be wrong."""
    bag = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    one_right = torch.tensor([[9.0, -9.0, -9.0, -30.0], [-9.0, -9.0, 9.0, -30.0]])
    none_right = torch.tensor([[-9.0, -9.0, 9.0, -30.0], [-9.0, -9.0, 9.0, -30.0]])
    assert mil_nce(one_right, bag) < 1.0 < 4.0 < mil_nce(none_right, bag)
    one_right[:, -1] = 0.0
    assert multi_label(one_right, bag).item() == pytest.approx(4.5, abs=0.01)  # the baseline wants both: (9 / 2 + 9 / 2) / 2


def test_the_gradient_goes_to_the_likelier_word_of_a_bag() -> None:
    logits = torch.tensor([[3.0, 0.0, 0.0, -3.0]], requires_grad=True)
    mil_nce(logits, torch.tensor([[0.4, 0.4, 0.0]])).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[0, 0] < logits.grad[0, 1]


def test_a_picture_may_show_nothing_that_was_said() -> None:
    doubtful, sure = torch.tensor([[0.1, 0.0]]), torch.tensor([[0.99, 0.0]])
    says_nothing = torch.tensor([[-9.0, -9.0, 9.0]])
    assert mil_nce(says_nothing, doubtful) < mil_nce(says_nothing, sure)


def test_infonce_takes_every_word_for_right_and_as_much() -> None:
    logits = torch.zeros(4, 6)
    light, heavy = torch.full((4, 5), 0.1), torch.full((4, 5), 0.9)
    expected = (math.log(5) + math.log(4)) / 2  # uniform over five words, uniform over four pictures
    assert infonce(logits, light).item() == pytest.approx(expected, abs=1e-5)
    assert infonce(logits, heavy).item() == pytest.approx(expected, abs=1e-5)


def test_multi_label_is_least_at_the_weights_themselves() -> None:
    weights = torch.tensor([[0.2, 0.7]])
    odds = torch.cat([torch.logit(weights), torch.zeros(1, 1)], dim=1)
    entropy = -sum(p * math.log(p) + (1 - p) * math.log(1 - p) for p in (0.2, 0.7))
    assert multi_label(odds, weights).item() == pytest.approx(entropy, abs=1e-5)


def test_pictures_without_any_words_do_not_break_the_sums() -> None:
    for loss in (mil_nce, multi_label, infonce):
        assert torch.isfinite(loss(torch.randn(3, 4), torch.zeros(3, 3)))
