"""What do the labels and the loss come to? Run: python -m tests.benchmarks.bench_losses [--beds FOLDER] [--videos 480]

Nets trained alike on generated videos (lag -6..6 s, half of the sentences off topic), scored by the truth on channels that none
of them saw: our labels with our loss, as nets have judged them and by timing alone; perfect labels; and the plain ways: a
fixed window with InfoNCE, and a yes or no for each word. Drawn videos are kept in FOLDER and used again.
"""

import argparse
import json
import platform
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import yaml

from tasks.params import Params, load_params
from tasks.training.fit import fit_net
from tasks.training.samples import read_samples
from tests.training.bed_dataset import BedOptions, Labels, make_bed_dataset, with_judged_labels
from tests.training.retrieval import score_net

RUNS: tuple[tuple[Labels | Literal["judged"], str], ...] = (
    ("judged", "mil-nce"),
    ("ours", "mil-nce"), ("perfect", "mil-nce"), ("window", "infonce"), ("ours", "multi-label"), ("ours", "infonce"))
ABOVE_WINDOW, OF_PERFECT = 1.2, 0.9  # bars


def score(beds: Path, options: BedOptions, params: Params, *, judged: bool = False) -> dict[str, Any]:
    bed = make_bed_dataset(beds / f"{options.labels}-{options.videos}-{options.seed}", options)
    if judged:
        bed = with_judged_labels(bed, beds / f"judged-{options.videos}-{options.seed}", options, params)
    train, validation, test = (
        read_samples(bed.dataset, split, params.nets.picture_px, beds / "decoded", threads=params.training.threads)
        for split in ("train", "validation", "test"))
    began = time.process_time()
    fitted = fit_net(train, validation, params.nets, params.training)
    return {"pictures": len(train), "cpu_seconds": round(time.process_time() - began), "samples_seen": fitted.samples_seen,
            "calibration_error_by_labels": round(fitted.net.calibration.error, 4), **score_net(fitted.net, test, bed)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beds", type=Path)
    parser.add_argument("--videos", type=int, default=480)
    parser.add_argument("--channels", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    bed = BedOptions(options.videos, options.seed, options.channels, jobs=options.jobs)
    settings = {key: yaml.safe_load(value) for key, _, value in (one.partition("=") for one in options.set)}
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for labels, loss in RUNS:
            params = load_params(Path("params.yaml"), {**settings, "training.loss": loss})
            kind: Labels = "ours" if labels == "judged" else labels
            scores = score(options.beds or Path(place), replace(bed, labels=kind), params, judged=labels == "judged")
            found[labels, loss] = scores
            print(json.dumps({"bench": f"{loss}_on_{labels}_labels", **scores}), flush=True)
    ours = found["judged", "mil-nce"]
    for figure in ("R@10", "precision_at_10", "precision_at_1"):
        for (labels, loss), scores in found.items():
            bar = {("perfect", "mil-nce"): OF_PERFECT, ("window", "infonce"): ABOVE_WINDOW}.get((labels, loss), 1.0)
            if scores is not ours:
                print(json.dumps({
                    "bench": f"{figure}_judged_to_{loss}_on_{labels}",
                    "ratio": round(ours[figure] / max(scores[figure], 1e-9), 3),
                    "bar": bar if figure != "precision_at_10" else None, "videos": options.videos,
                    "machine": platform.platform()}), flush=True)


if __name__ == "__main__":
    main()
