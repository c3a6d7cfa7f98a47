"""Old and new weights in between: what was learnt last is kept as far as the validation split likes it."""

from collections.abc import Sequence

from torch import Tensor

from tasks.nets.towers import Towers
from tasks.params import TrainingParams
from tasks.training.loop import validation_loss
from tasks.training.samples import Samples

SHARES = (0.25, 0.5, 0.75, 1.0)  # of the new weights


def blend(new: Towers, old: Towers, validation: Samples, vocabulary: Sequence[str], params: TrainingParams) -> float:
    """Put the best mixture of both into `new`; -> the share of the new weights in it.

    Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
    """
    before = {name: value.to(new.log_scale.device, copy=True) for name, value in old.state_dict().items()}
    after = {name: value.clone() for name, value in new.state_dict().items()}
    losses = {}
    for share in SHARES:
        new.load_state_dict(mixed(before, after, share))
        losses[share] = validation_loss(new, validation, vocabulary, params)
    best = min(SHARES, key=lambda share: (losses[share], -share))
    new.load_state_dict(mixed(before, after, best))
    return best


def mixed(before: dict[str, Tensor], after: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights `share` of the way from before to after; counters are taken from after."""
    return {name: value.lerp(after[name], share) if value.is_floating_point() else after[name]
            for name, value in before.items()}

