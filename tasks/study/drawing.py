"""Numbers that an SVG of the page is drawn from: places in px."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.study.spectra import Spectrum, Values, law_density, law_edges

WIDTH, HEIGHT = 520, 170  # of one histogram, without its axis
FEWEST_BINS, MOST_BINS, VALUES_A_BIN = 8, 40, 3
CHART, CHART_HIGH, NAME_LINE = 760, 300, 18.0  # of the learning curves
STRIP, STRIP_FROM = 560, 0.02  # width of a row of the overview, and the least value it shows


@dataclass(frozen=True)
class Histogram:
    """bars: (left, width, top, height, of outliers). law: points of its curve. ticks: (place, text). edge: the end of the law."""

    bars: tuple[tuple[float, float, float, float, bool], ...]
    law: str
    ticks: tuple[tuple[float, str], ...]
    edge: float


def histogram(one: Spectrum) -> Histogram:
    """How many values lie where, with the law over it. Values far out are drawn at a scale of their own: logarithmic."""
    low, high = law_edges(one.ratio)
    values = one.values
    begin, end = min(low, float(values[-1])), max(float(values[0]), one.limit) * 1.03

    def place(value: Values | float) -> Values:
        return (_scale(value) - _scale(begin)) / (_scale(end) - _scale(begin)) * WIDTH

    bins = min(MOST_BINS, max(FEWEST_BINS, len(values) // VALUES_A_BIN))
    edges = np.sinh(np.linspace(_scale(begin), _scale(end), bins + 1))
    far, near = (np.histogram(part, edges)[0] for part in (values[:one.outliers], values[one.outliers:]))
    points = np.linspace(low, high, 301)
    # Expected in a bin of this width about the point, so that curve and bars share one height.
    width = np.interp(points, (edges[1:] + edges[:-1]) / 2, np.diff(edges))
    law = law_density(points, one.ratio) * width * (len(values) - one.outliers)
    law[[0, -1]] = 0
    top = max(float((far + near).max()), float(np.quantile(law, 0.97)))
    step = WIDTH / bins
    bars = [(at * step, step - 1, HEIGHT * (1 - (count + below) / top), count / top * HEIGHT, is_far)
            for is_far, counts, others in ((False, near, 0 * far), (True, far, near))
            for at, (count, below) in enumerate(zip(counts.tolist(), others.tolist(), strict=True)) if count]
    curve = " ".join(f"{x:.1f},{HEIGHT - min(1.0, y / top) * HEIGHT:.1f}" for x, y in zip(place(points), law, strict=True))
    ticks = [tick for tick in (0, 0.5, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500) if begin <= tick <= end]
    return Histogram(tuple(bars), curve, tuple((float(place(tick)), f"{tick:g}") for tick in ticks), float(place(high)))


@dataclass(frozen=True)
class Strip:
    """One layer of the overview. law: left and right end of the grey band. dots: (place, is outlier)."""

    spectrum: Spectrum
    law: tuple[float, float]
    dots: tuple[tuple[float, bool], ...]


def strips(spectra: Sequence[Spectrum]) -> tuple[list[Strip], tuple[tuple[float, str], ...]]:
    """All layers over one logarithmic axis: each value in units of where its layer's law ends, so that the ends meet at 1."""
    greatest = max((float(one.values[0] / one.edge) for one in spectra), default=1.0) * 1.1
    span = np.log(max(greatest, 2.0) / STRIP_FROM)

    def place(value: float) -> float:
        return float(np.clip(np.log(max(value, STRIP_FROM) / STRIP_FROM) / span, 0, 1)) * STRIP

    drawn = []
    for one in spectra:
        low, high = law_edges(one.ratio)
        dots = tuple((place(value / one.edge), at < one.outliers) for at, value in enumerate(one.values.tolist()))
        drawn.append(Strip(one, (place(low / high), place(1.0)), dots))
    ticks = [tick for tick in (0.1, 1.0, 3.0, 10.0, 30.0, 100.0) if tick <= greatest]
    return drawn, tuple((place(tick), f"{tick:g}") for tick in ticks)


def _scale(value: Values | float) -> Values:
    """Nearly even within the law, which lies between 0 and 4, and logarithmic beyond."""
    return np.asarray(np.arcsinh(value), np.float64)


@dataclass(frozen=True)
class Chart:
    """lines: points of each curve, and where its name goes. across, up: ticks as (place, text)."""

    lines: tuple[tuple[str, float, float], ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]


def curves_chart(curves: Sequence[Sequence[tuple[float, float]]]) -> Chart:
    """Losses over compute (FLOPs), CHART x CHART_HIGH px; names at the right ends, kept apart."""
    flat = np.asarray([point for curve in curves for point in curve], np.float64)
    most, (low, high) = flat[:, 0].max(), (flat[:, 1].min(), flat[:, 1].max())
    high = max(high, low + 1e-6)

    def place(x: float, y: float) -> tuple[float, float]:
        return x / most * CHART, CHART_HIGH - (y - low) / (high - low) * CHART_HIGH

    names, last = {}, -np.inf
    for y, at in sorted((place(*curve[-1])[1], at) for at, curve in enumerate(curves)):
        last = max(y, last + NAME_LINE)
        names[at] = float(last)
    lines = tuple(
        (" ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in curve)), place(*curve[-1])[0], names[at])
        for at, curve in enumerate(curves))
    step = 10 ** np.floor(np.log10(most / 2))
    step *= next(factor for factor in (1, 2, 5, 10) if most / (step * factor) <= 5)
    across = tuple((x / most * CHART, _flops(x)) for x in np.arange(0, most * 1.001, step).tolist())
    up = tuple((place(0, y)[1], f"{y:.2f}") for y in np.linspace(low, high, 4).tolist())
    return Chart(lines, across, up)


def _flops(count: float) -> str:
    return "0" if not count else f"{count / 1e15:g} PFLOP" if count >= 1e15 else f"{count / 1e12:g} TFLOP"
