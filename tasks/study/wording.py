"""What a spectrum says, in words."""

from collections.abc import Sequence

from tasks.study.change import Change
from tasks.study.spectra import Spectrum, Tail, random_tail

MUCH, SOME = 0.25, 0.05  # shares of a layer's strength
NOISE = 0.03  # of a loss: three seeds of one tower differed by up to 2.8 %
SURE = 2.0  # standard errors
CLOSE = 3.0  # distance from the law, in units of 1 / values, that random matrices stay within


def percent(share: float) -> str:
    return "<1%" if 0 < share < 0.01 else f"{share:.0%}"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def say_net(spectra: Sequence[Spectrum]) -> str:
    """The whole net in a sentence or two."""
    learnt = [one for one in spectra if one.outliers]
    if not spectra:
        return "No layer is large enough to be judged."
    if not learnt:
        return "No layer can be told from random numbers: this net has learnt little, or its learning is spread too thin to see."
    most = max(learnt, key=lambda one: one.share)
    plain = len(spectra) - len(learnt)
    others = "The other" if plain == 1 else f"The other {plain}"
    rest = f" {others} cannot be told from random numbers." if plain else ""
    return (f"{len(learnt)} of {counted(len(spectra), 'layer')} hold directions that random numbers would not give, most of all "
            f"{most.name}: {counted(most.outliers, 'direction')} with {percent(most.share)} of its strength.{rest}")


def verdict(one: Spectrum) -> str:
    """One layer in three words at most."""
    if not one.outliers:
        return "as random" if _follows(one) else "no outliers"
    return "learnt much" if one.share >= MUCH else "learnt some" if one.share >= SOME else "learnt little"


def say_layer(one: Spectrum) -> list[str]:
    """One layer, a sentence each: what stands out, what the rest looks like, how many directions count, the tail."""
    if one.outliers:
        strongest = one.values[0] / one.edge
        said = [f"{counted(one.outliers, 'direction')} of {len(one.values)} {'stands' if one.outliers == 1 else 'stand'} out and "
                f"{'carries' if one.outliers == 1 else 'carry'} {percent(one.share)} of the strength; the strongest is "
                f"{strongest:.1f} times what random numbers reach."]
    else:
        said = [f"None of {len(one.values)} directions stands out: the strongest is {one.values[0] / one.edge:.2f} times the end "
                "of the law."]
    rest = "The others" if one.outliers else "All"
    if _follows(one):
        said.append(f"{rest} follow the law of random numbers (distance {one.distance:.2f}).")
    else:
        said.append(f"{rest} do not quite follow the law (distance {one.distance:.2f}): their strength is spread more unevenly "
                    "than chance would, so what was learnt reaches into the bulk.")
    said.append(f"Its strength is that of {one.effective_rank:.0f} equal directions (effective rank), and of "
                f"{one.stable_rank:.1f} as strong as the strongest (stable rank).")
    if one.tail:
        said.append(_say_tail(one.tail, random_tail(one.shape)))
    return said


def _say_tail(tail: Tail, random: float) -> str:
    lighter = (random - tail.exponent) / tail.error
    told = "heavier than theirs, as in nets that have learnt much" if lighter > SURE else "no different"
    return (f"Tail: falls off with exponent {tail.exponent:.1f} ± {tail.error:.1f} over the {tail.count} greatest values; random "
            f"numbers of this shape give {random:.1f}: {told}.")


def _follows(one: Spectrum) -> bool:
    return one.distance < CLOSE / (len(one.values) - one.outliers)


def say_changes(changes: Sequence[Change]) -> str:
    """What changed from one version to the next, over all layers."""
    if not changes:
        return "No layer has the same shape in both versions."
    most = max(changes, key=lambda one: one.relative)
    turned = [one for one in changes if one.kept < 0.5]
    said = f"Most has changed in {most.name}, by {percent(most.relative)} of its norm."
    if not turned:
        return f"{said} The main directions stayed what they were in every layer: the later version refines the earlier one."
    if len(turned) == len(changes):
        return f"{said} The main directions are others in every layer: these are two nets rather than one that went on learning."
    return f"{said} The main directions turned away in {', '.join(one.name for one in turned[:4])}; elsewhere they stayed."


def say_nets(nets: Sequence[tuple[str, float, float]], chance: float) -> str:
    """Which tower learns most from the same compute. nets: (kind, validation loss, share of best guesses right), best first."""
    (best, loss, right), *others = nets
    near = [kind for kind, other, _ in others if other - loss < NOISE * loss]
    far = [kind for kind, _, _ in others if kind not in near]
    if not near:
        said = f"At equal compute, {best} learns most, before {_listed(far)}."
    elif far:
        said = f"At equal compute, {_listed([best, *near])} learn alike, and more than {_listed(far)}."
    else:
        said = f"At equal compute, {_listed([best, *near])} learn alike: another seed may turn their order round."
    return (f"{said} The likeliest word of {best} was said near {percent(right)} of pictures it never saw; with one word for all "
            f"pictures it would be {percent(chance)}.")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
