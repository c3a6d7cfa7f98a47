"""What does it cost to go on from an earlier net? Run: python -m tests.benchmarks.bench_retraining [--beds FOLDER] [--videos 480]

An earlier net has seen three quarters of the channels. The rest arrives: a net trained from scratch on everything, against the
earlier one retrained with replay. Samples seen and CPU seconds of both, and scores by the truth on channels that no net saw
and on held-out videos of the earlier net's own channels.
"""

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tasks.nets.store import TrainedNet
from tasks.params import load_params
from tasks.training.fit import Fitted, fit_net
from tasks.training.samples import Samples, read_samples
from tests.training.bed_dataset import BedOptions, make_bed_dataset
from tests.training.retrieval import score_net

OLD_SHARE, HELD_OUT_VIDEOS = 0.75, 3  # of a channel
COMPUTE, LOSS = 0.25, 0.01  # bars


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beds", type=Path)
    parser.add_argument("--videos", type=int, default=480)
    parser.add_argument("--channels", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    options = parser.parse_args()
    settings = {key: yaml.safe_load(value) for key, _, value in (one.partition("=") for one in options.set)}
    params = load_params(Path("params.yaml"), settings)
    with tempfile.TemporaryDirectory() as place:
        beds = options.beds or Path(place)
        bed = make_bed_dataset(beds / f"ours-{options.videos}-{options.seed}",
                               BedOptions(options.videos, options.seed, options.channels, jobs=2))
        everything, validation, test = (
            read_samples(bed.dataset, split, params.nets.picture_px, beds / "decoded", threads=params.training.threads)
            for split in ("train", "validation", "test"))
        channels = sorted(set(everything.channel))
        old = set(channels[:round(len(channels) * OLD_SHARE)])
        held = {name for channel in old for name in sorted({
            video for video, of in zip(everything.video, everything.channel, strict=True) if of == channel})[-HELD_OUT_VIDEOS:]}
        train = everything.only([at for at, name in enumerate(everything.video) if name not in held])
        unseen = everything.only([at for at, name in enumerate(everything.video) if name in held])
        before = train.only([at for at, name in enumerate(train.channel) if name in old])

        def scores(net: TrainedNet) -> dict[str, Any]:
            return {"new_channels": score_net(net, test, bed), "old_channels": score_net(net, unseen, bed)}

        def fit(samples: Samples, base: Fitted | None = None) -> tuple[Fitted, float]:
            began = time.process_time()
            fitted = fit_net(samples, validation, params.nets, params.training, base=base.net if base else None,
                             known=before.fingerprint if base else ())
            return fitted, time.process_time() - began

        base, _ = fit(before)
        scratch, scratch_seconds = fit(train)
        again, seconds = fit(train, base)
        found = {name: scores(fitted.net) for name, fitted in (("base", base), ("scratch", scratch), ("retrained", again))}
    print(json.dumps({"bench": "retraining", **found, "kept": again.kept, "new_share": round(1 - len(before) / len(train), 3),
                      "new_words": len(set(again.net.vocabulary) - set(base.net.vocabulary)),
                      "machine": platform.platform()}))
    report("retraining_compute_in_samples", again.samples_seen / scratch.samples_seen, COMPUTE)
    report("retraining_compute_in_cpu_seconds", seconds / scratch_seconds, COMPUTE)
    for figure in ("R@10", "precision_at_10", "precision_at_1", "mean_average_precision"):
        of = {name: found[name]["new_channels"][figure] for name in found}
        print(json.dumps({"bench": f"retrained_to_scratch_{figure}", "ratio": round(of["retrained"] / of["scratch"], 3),
                          "bar": 1.0 if figure == "R@10" else None, **of}))
        lost = found["base"]["old_channels"][figure] - found["retrained"]["old_channels"][figure]
        report(f"lost_on_old_channels_{figure}", float(np.round(lost, 4)), LOSS)


def report(name: str, value: float, bar: float) -> None:
    print(json.dumps({"bench": name, "value": round(value, 4), "bar": bar}))


if __name__ == "__main__":
    main()
