"""How much of the time trains? Run: python -m tests.benchmarks.bench_training [--pictures 1024]

Pictures a second of the real training (shards on disk, decoded once, mapped, mixed, augmented, bags made) against the same net,
loss and optimiser on tensors that lie in memory already. Rounds of both alternate; medians of elapsed time, since waiting counts.
Also how long the first reading takes, in epochs of training.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import yaml

from tasks.dataset.build import build_dataset
from tasks.nets.cost import measure_cost
from tasks.nets.pretrained import new_towers
from tasks.params import Params, load_params
from tasks.training.loop import Training, Words, groups
from tasks.training.losses import LOSSES
from tasks.training.replay import plan_all
from tasks.training.samples import Samples, choose_vocabulary, read_samples
from tests.labels import make_labels, make_videos

ROUNDS = 5
FRAMES_A_VIDEO = 128


def make_dataset(folder: Path, pictures: int, params: Params) -> Path:
    names = [f"site_{at}" for at in range(-(-pictures // (FRAMES_A_VIDEO * 3 // 4)))]
    make_labels(folder / "labels", names, frames=FRAMES_A_VIDEO)
    everything = params.dataset.model_copy(update={"validation_share": 0.0, "test_share": 0.0})
    build_dataset(folder / "labels", make_videos(names), folder / "dataset", everything)
    return folder / "dataset"


def train(samples: Samples, vocabulary: tuple[str, ...], params: Params, device: str) -> tuple[float, float]:
    """Seconds of one epoch of the real training, and how many of them it waited for pictures."""
    some = samples.only(range(2))  # a validation split that costs nothing
    plan = plan_all(samples, 1, 0)
    run = Training(new_towers(params.nets), samples, some, vocabulary, plan, params.training, device)
    began = time.perf_counter()
    run.run(lambda what, done, of: None)
    return time.perf_counter() - began, run.waited


def train_in_memory(samples: Samples, vocabulary: tuple[str, ...], params: Params, device: str) -> float:
    """Seconds of as many steps on one batch that is in the device's memory."""
    size = params.training.batch_pictures
    towers = new_towers(params.nets).to(device).train()
    towers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(groups(towers, params.training.weight_decay), lr=1e-3)
    pictures = torch.from_numpy(samples.pictures.take(np.arange(size))).to(device).permute(0, 3, 1, 2)
    weights = torch.rand(size, len(vocabulary)).to(device)
    parts = [part.to(device) for part in Words(towers, vocabulary).parts(np.arange(len(vocabulary)))]
    loss_of = LOSSES[params.training.loss]
    began = time.perf_counter()
    for _ in range(len(samples) // size):
        with torch.autocast(device, torch.bfloat16, enabled=params.training.precision == "bfloat16"):
            logits = towers.logits(towers.embed_pictures(pictures), towers.words.embed(*parts))
        optimiser.zero_grad(set_to_none=True)
        loss_of(logits, weights).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    weights.sum().item()  # waits for the GPU
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1024)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    options = parser.parse_args()
    overrides = {key: yaml.safe_load(value) for key, _, value in (one.partition("=") for one in options.set)}
    params = load_params(Path("params.yaml"), overrides)
    torch.set_num_threads(params.training.threads)
    with tempfile.TemporaryDirectory() as place:
        dataset = make_dataset(Path(place), options.pictures, params)
        began = time.perf_counter()
        samples = read_samples(dataset, "train", params.nets.picture_px, Path(place) / "cache", threads=params.training.threads)
        reading = time.perf_counter() - began
        vocabulary = choose_vocabulary(samples, 1)
        real, memory = [], []
        for _ in range(ROUNDS + 1):
            real.append(train(samples, vocabulary, params, options.device))
            memory.append(train_in_memory(samples, vocabulary, params, options.device))
    ours = statistics.median(seconds for seconds, _ in real[1:])  # the first round only warms up
    theirs = statistics.median(memory[1:])
    count = len(samples) // params.training.batch_pictures * params.training.batch_pictures
    print(json.dumps({
        "bench": "training_of_pictures_in_memory", "ratio": round(theirs / ours, 3), "bar": 0.7,
        "pictures_per_second": round(count / ours), "in_memory": round(count / theirs), "pictures": count,
        "waited_share": round(statistics.median(waited / seconds for seconds, waited in real[1:]), 4), "device": options.device,
        "first_reading_in_epochs": round(reading / ours, 2), "net": str(measure_cost(new_towers(params.nets))),
        "threads": params.training.threads, "machine": platform.platform()}))


if __name__ == "__main__":
    main()
