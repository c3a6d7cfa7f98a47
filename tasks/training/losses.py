"""What training makes small. A picture comes with a bag of words, most of which it does not show.

Throughout: logits float (N, M) of N pictures and M words; the last word is NO_WORD, for pictures that show none of theirs.
weights float (N, M - 1): probability that the picture shows the word, 0 for words that are not near it.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

LEAST = 1e-6
WORD_SIDE = 0.5  # share of the loss that asks which pictures a word belongs to


def mil_nce(logits: Tensor, weights: Tensor) -> Tensor:
    """Of each picture's bag at least one word is right, or none is; of each word's pictures at least one.

    The words of a bag share what is true of the picture: the likelihood of the bag is the weighted sum of theirs, so that the
    gradient goes to the words that the net already finds likely. Likewise for the pictures near a word.
    Source: Miech et al., "End-to-End Learning of Visual Representations from Uncurated Instructional Videos", CVPR 2020;
    with the weights as a prior within the bag.
    """
    nothing = (1 - weights).clamp(min=LEAST).log().sum(1, keepdim=True).exp()
    prior = torch.cat([weights, nothing.clamp(min=LEAST)], dim=1)
    prior = prior / prior.sum(1, keepdim=True)
    pictures = -_log_weighted(log_softmax(logits, dim=1), prior, 1).mean()
    return (1 - WORD_SIDE) * pictures + WORD_SIDE * _word_side(logits, weights)


def _word_side(logits: Tensor, weights: Tensor) -> Tensor:
    """Which of the batch's pictures a word belongs to; words count by how surely they are shown at all."""
    near = weights.sum(0)
    share = weights / near.clamp(min=LEAST)
    likely = -_log_weighted(log_softmax(logits[:, :-1], dim=0), share, 0)
    surely = near.clamp(max=1)
    return (likely * surely).sum() / surely.sum().clamp(min=LEAST)


def _log_weighted(log_likelihood: Tensor, prior: Tensor, dim: int) -> Tensor:
    """Log of the sum of likelihoods, weighted."""
    return torch.logsumexp(log_likelihood + prior.clamp(min=LEAST).log().masked_fill(prior <= 0, -1e4), dim=dim)


def multi_label(logits: Tensor, weights: Tensor) -> Tensor:
    """Every word by itself, yes or no, against its weight. The baseline that takes all labels for true."""
    return binary_cross_entropy_with_logits(logits[:, :-1] - logits[:, -1:], weights, reduction="sum") / len(logits)


def infonce(logits: Tensor, weights: Tensor) -> Tensor:
    """Every pair of a picture and a word near it is a positive of its own, whatever its weight; both directions.

    Source: van den Oord et al., 2018, as CLIP uses it. The baseline for a fixed window around the picture.
    """
    pairs = (weights > 0).float()
    count = pairs.sum().clamp(min=1)
    words = -(log_softmax(logits[:, :-1], dim=1) * pairs).sum() / count
    pictures = -(log_softmax(logits[:, :-1], dim=0) * pairs).sum() / count
    return (words + pictures) / 2


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mil-nce": mil_nce, "multi-label": multi_label, "infonce": infonce}
