"""A page on the weights of a net: what stands out from random numbers, layer by layer, and what changed between versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.study.change import Change, changes_between
from tasks.study.drawing import histogram, strips
from tasks.study.layers import layers_of
from tasks.study.page import write_page
from tasks.study.spectra import FEWEST, Spectrum, spectrum_of
from tasks.study.wording import say_changes, say_net

if TYPE_CHECKING:
    from tasks.nets.store import TrainedNet


@dataclass(frozen=True)
class WeightsStudy:
    """What the page says, for those who do not look at it. small: layers too small to be judged."""

    summary: str
    spectra: tuple[Spectrum, ...]
    small: tuple[str, ...]


@dataclass(frozen=True)
class _Changed:
    before: str
    after: str
    layers: list[Change]
    others: list[str]
    summary: str


def study_weights(net: str, versions: "Sequence[tuple[str, TrainedNet]]", out: Path) -> WeightsStudy:
    """Write the page about the last of some versions, (name, net) oldest first, and about the steps from each to the next."""
    spectra = [{name: spectrum_of(name, matrix) for name, matrix in layers_of(version, version.vocabulary).items()}
               for _, version in versions]
    judged = [one for one in spectra[-1].values() if one]
    small = tuple(name for name, one in spectra[-1].items() if not one)
    changes = []
    for (before, first), (after, second), known in zip(versions, versions[1:], spectra, strict=False):
        both = sorted({*first.vocabulary} & {*second.vocabulary})
        outliers = {name: one.outliers for name, one in known.items() if one}
        layers, others = changes_between(layers_of(first, both), layers_of(second, both), outliers)
        changes.append(_Changed(before, after, layers, others, say_changes(layers)))
    drawn, ticks = strips(judged)
    summary = say_net(judged)
    write_page(
        "weights.html", out, net=net, version=versions[-1][0], summary=summary, strips=drawn, ticks=ticks, small=small,
        fewest=FEWEST, changes=changes, layers=[(strip, histogram(strip.spectrum)) for strip in drawn])
    return WeightsStudy(summary, tuple(judged), small)
