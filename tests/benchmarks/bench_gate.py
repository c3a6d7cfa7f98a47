"""Does the gate let the right nets through? Run: python -m tests.benchmarks.bench_gate [--folder FOLDER] [--seeds 5]

20 poisoned candidates (shuffled labels, one channel flooding, broken normalisation, truncated weights; 5 seeds each) are to be
refused and 20 good ones (trained for longer, on more channels, from the champion onwards, anew on more for longer) promoted,
against a champion trained on half of the channels of a generated dataset. Every promotion is rolled back; the champion's bytes
are then to be what they were. Beside it: how many candidates of equal training, another seed apart, are promoted, and how
many poisoned ones a gate would let through that looks at the gain alone, on one half of the test videos.
"""

import argparse
import json
import logging
import tempfile
from pathlib import Path

import numpy as np

from tasks.evaluation import metrics
from tasks.evaluation.champion import promote, read_champion, roll_back
from tasks.evaluation.evaluate import Evaluation, evaluate_net
from tasks.evaluation.gate import Verdict, compare
from tasks.evaluation.metrics import Slice
from tasks.nets.store import save_net
from tasks.params import load_params
from tasks.training.samples import read_samples
from tests.evaluation.candidates import GOOD, POISONED, Workshop, save_truncated
from tests.evaluation.nets import evaluation_of, random_split, skilled
from tests.training.bed_dataset import BedOptions, make_bed_dataset

BED = BedOptions(videos=240, seed=12, channels=24, classes=12, labels="perfect", test_share=1 / 3, validation_share=1 / 8, jobs=2)
SETTINGS = {
    "nets.image": "small", "nets.picture_px": 40, "nets.width": 8, "nets.dimensions": 64, "nets.buckets": 1024,
    "training.threads": 1, "training.epochs": 14, "training.retrain_epochs": 12, "training.batch_pictures": 64,
    "training.learning_rate": 0.003, "training.loss": "mil-nce", "training.weight_decay": 0.05, "training.replay_share": 0.5,
    "training.min_pictures": 3}
NET = "bench"
SKILL, TRIALS = 0.5, 60  # share of the pictures whose word the champion knows; splits a figure


class Bench:
    """A champion among models. folder: keeps the dataset."""

    def __init__(self, folder: Path, models: Path) -> None:
        made = make_bed_dataset(folder / "perfect", BED)
        params = load_params(Path(__file__).parents[2] / "params.yaml", SETTINGS)
        train, validation = (read_samples(made.dataset, split, params.nets.picture_px, folder / "cache", threads=1)
                             for split in ("train", "validation"))
        channels = sorted(set(train.channel))
        first = set(channels[:len(channels) // 2])
        half = train.only([row for row, channel in enumerate(train.channel) if channel in first])
        self.workshop = Workshop(half, train, validation, params.nets, params.training)
        self.gate, self.dataset = params.gate, made.dataset
        self.models = models
        self.net = self.workshop.champion()
        save_net(self.models / NET / "champion", self.net)
        self.champion = self.judged("champion")
        promote(self.models, NET, "champion", compare(self.champion, None, self.gate))
        # Of the test channels, the even ones are taken for new, so that every slice is judged.
        self.known = sorted(set(self.champion.split.channels))[::2]

    def judged(self, version: str) -> Evaluation:
        return evaluate_net(self.models / NET / version, self.dataset, self.models / "work" / version)

    def verdict(self, version: str) -> tuple[Evaluation, Verdict]:
        judged = self.judged(version)
        return judged, compare(judged, self.champion, self.gate, known_channels=self.known)

    def promoted_and_back(self, version: str, verdict: Verdict) -> bool:
        """Whether the champion is byte for byte what it was, after a promotion and the way back."""
        before = self.champion_bytes()
        promote(self.models, NET, version, verdict)
        roll_back(self.models, NET, "champion")
        back = read_champion(self.models, NET)
        return back is not None and back.version == "champion" and self.champion_bytes() == before

    def champion_bytes(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.models / NET / "champion").iterdir()}


def by_gain_alone(champion: Evaluation, candidate: Evaluation) -> bool:
    """The simpler gate: precision@1 and R@10 not lower, on the first half of the videos."""
    if candidate.answers is None or champion.answers is None:
        return False
    split = champion.split
    some = np.arange(len(split.videos)) < len(split.videos) // 2
    part = Slice("some", some, np.ones(len(split.words), np.bool_))
    before, after = (metrics.measure(split, answers, part) for answers in (champion.answers, candidate.answers))
    return all(after[name] >= before[name] for name in ("precision_at_1", "r_at_10"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="keeps the videos for the next run")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--power", action="store_true", help="only: how often nets of known skill are promoted")
    options = parser.parse_args()
    if options.power:
        power()
        return
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as temporary:
        run(Bench(options.folder or Path(temporary), Path(temporary) / "models"), options.seeds)


def run(bench: Bench, seeds: int) -> None:
    figures = bench.champion.figures
    print(json.dumps({"bench": "gate_champion", **figures}), flush=True)
    refused, promoted, restored, passed_by_gain, equal = 0, 0, 0, 0, 0
    for seed in range(1, seeds + 1):
        for make in (*POISONED, save_truncated):
            version = f"{make.__name__}-{seed}"
            if make is save_truncated:
                save_truncated(bench.models / NET / version, bench.net, seed)
            else:
                save_net(bench.models / NET / version, make(bench.workshop, seed, bench.net))  # type: ignore[operator]
            judged, verdict = bench.verdict(version)
            refused += not verdict.passed
            passed_by_gain += by_gain_alone(bench.champion, judged)
            tell(version, verdict)
        for make_good in GOOD:
            version = f"{make_good.__name__}-{seed}"
            save_net(bench.models / NET / version, make_good(bench.workshop, seed, bench.net))
            _, verdict = bench.verdict(version)
            promoted += verdict.passed
            restored += verdict.passed and bench.promoted_and_back(version, verdict)
            tell(version, verdict)
        version = f"equal-{seed}"
        save_net(bench.models / NET / version, bench.workshop.fit(bench.workshop.half, seed + 500))
        _, verdict = bench.verdict(version)
        equal += verdict.passed
        tell(version, verdict)
    count = 4 * seeds
    for name, value, bar in (("poisoned_refused", refused, count), ("good_promoted", promoted, count),
                             ("rolled_back_byte_equal", restored, promoted)):
        print(json.dumps({"bench": name, "value": value, "of": count if name != "rolled_back_byte_equal" else promoted,
                          "bar": bar, "at_most": False}))
    print(json.dumps({"bench": "poisoned_passed_by_gain_alone", "value": passed_by_gain, "of": count}))
    print(json.dumps({"bench": "equal_training_other_seed_promoted", "value": equal, "of": seeds}))


def power() -> None:
    """How often a net of known skill is promoted, by its true gain and the number of test videos: nets of dice, not trained."""
    params = load_params(Path(__file__).parents[2] / "params.yaml").gate.model_copy(update={"draws": 400})
    for videos in (40, 80, 320):
        for gain in (-params.allowed_loss, 0.0, 0.1, 0.2):
            passed = 0
            for trial in range(TRIALS):
                split = random_split(videos, trial, words=40)
                before, after = (evaluation_of(split, skilled(split, skill, seed), "net/dice") for skill, seed in (
                    (SKILL, 2 * trial), (SKILL * (1 + gain), 2 * trial + 1)))
                passed += compare(after, before, params, known_channels=["one"]).passed
            figure = {"bench": "gate_promotes", "test_videos": videos, "true_gain": gain, "value": passed / TRIALS}
            print(json.dumps(figure | ({"bar": round(1 - params.confidence, 4)} if gain < 0 else {})), flush=True)


def tell(version: str, verdict: Verdict) -> None:
    figures = {f"{one.slice} {one.metric}": [round(value, 4) for value in (one.before, one.after, one.lower, one.needed)]
               for one in verdict.comparisons}
    print(json.dumps({"candidate": version, "passed": verdict.passed, "why": verdict.reasons, **figures}), flush=True)


if __name__ == "__main__":
    main()
