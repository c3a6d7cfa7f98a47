"""Small worlds that a net can learn in seconds: every thing has a colour, and its name is said near it, among others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.dataset.build import build_dataset
from tasks.params import NetsParams, Params, TrainingParams, load_params
from tasks.training.samples import Pictures, Samples
from tests.labels import make_labels, make_videos

COLOURS = {"lemon": (230, 220, 40), "tomato": (210, 30, 30), "sea": (30, 60, 200), "grass": (40, 170, 50), "coal": (25, 25, 25),
           "snow": (240, 240, 240)}
TINY = {"nets.image": "small", "nets.picture_px": 32, "nets.width": 4, "nets.dimensions": 16, "nets.buckets": 512,
        "training.threads": 1, "training.batch_pictures": 16, "training.epochs": 2, "training.retrain_epochs": 2,
        "training.min_pictures": 1, "training.checkpoint_steps": 3}


def tiny_params(**changes: Any) -> Params:
    return load_params(Path("params.yaml"), {**TINY, **{key.replace("__", "."): value for key, value in changes.items()}})


def tiny(**changes: Any) -> tuple[NetsParams, TrainingParams]:
    params = tiny_params(**changes)
    return params.nets, params.training


def colour_samples(
    count: int, seed: int = 0, *, names: Sequence[str] = tuple(COLOURS), wrong: float = 0.5, channel: str = "alice",
    uploaded: str = "2026-01-02", picture_px: int = 32, pictures_a_video: int = 10,
) -> Samples:
    """Pictures of one thing each; its name is said, and with the chance `wrong` another, which weighs the same."""
    random = np.random.default_rng(seed)
    things = random.choice(names, count)
    height, width = picture_px, picture_px * 16 // 9
    plain = np.array([COLOURS[thing] for thing in things])[:, None, None]
    pictures = np.clip(plain + random.normal(0, 12, (count, height, width, 3)), 0, 255).astype(np.uint8)
    labels = []
    for thing in things:
        said = {str(thing): 0.5}
        if random.random() < wrong:
            said[str(random.choice(names))] = 0.5
        labels.append(said)
    video = tuple(f"{channel}_{seed}_{at // pictures_a_video}" for at in range(count))
    return Samples(Pictures((pictures,)), tuple(labels), video, np.arange(count, dtype=float), (channel,) * count, video,
                   (uploaded,) * count, tuple(f"print-{name}" for name in video))


def things_of(samples: Samples) -> list[str]:
    """What each picture truly shows: the nearest colour."""
    means = samples.pictures.take(np.arange(len(samples))).mean(axis=(1, 2))
    names = list(COLOURS)
    table = np.array([COLOURS[name] for name in names])
    return [names[int(at)] for at in ((means[:, None] - table) ** 2).sum(-1).argmin(1)]


def labelled_dataset(folder: Path, videos: int = 12, frames: int = 8, **dataset: Any) -> Path:
    """A sealed dataset of generated labels, by video, so that every split has some."""
    names = [f"site_{at}" for at in range(videos)]
    make_labels(folder / "labels", names, frames=frames)
    params = load_params(Path("params.yaml"), {
        "dataset.split_by": "video", "dataset.validation_share": 0.25, "dataset.test_share": 0.2,
        **{f"dataset.{key}": value for key, value in dataset.items()}})
    build_dataset(folder / "labels", make_videos(names), folder / "dataset", params.dataset)
    return folder / "dataset"
