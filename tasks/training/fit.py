"""A net from a dataset: read, train, calibrate, write. The same dataset, settings and threads give the same bytes on a CPU."""

import json
import logging
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tasks.dataset.manifest import read_manifest
from tasks.errors import InputError
from tasks.nets.store import Calibration, TrainedNet, load_net, save_net
from tasks.nets.towers import NetSpec, Towers
from tasks.params import NetsParams, TrainingParams
from tasks.storage.artefact import Fingerprint, digest_file
from tasks.storage.atomic import staged_folder
from tasks.training.bags import Bags
from tasks.training.calibrate import fit_calibration
from tasks.training.loop import Curve, run_epochs
from tasks.training.samples import Progress, Samples, choose_vocabulary, read_samples, silent

VERSION = 1  # raise it when the same dataset and settings would give other weights
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedSummary:
    """What a training came to. samples_seen: pictures shown to the net, with repeats; cpu_seconds: of this process, all threads.

    calibration_error: expected, on the validation split. curves: a point an epoch.
    """

    folder: Path
    words: int
    pictures: int
    samples_seen: int
    cpu_seconds: float
    calibration_error: float
    curves: tuple[Curve, ...]


def version_name(dataset: Path, nets: NetsParams, training: TrainingParams, base: Path | None = None) -> str:
    """`n` and 12 hex digits: the same for the same dataset, settings, code and earlier version."""
    return "n" + training_fingerprint(read_manifest(dataset), nets, training, base).digest[:12]


def training_fingerprint(
    manifest: Mapping[str, Any], nets: NetsParams, training: TrainingParams, base: Path | None) -> Fingerprint:
    files = {entry["path"]: entry["digest"] for split in manifest["splits"].values() for entry in split["shards"]}
    inputs = {**files, **({"base": digest_file(base / "weights.safetensors")} if base else {})}
    return Fingerprint("training", VERSION, {"nets": nets.model_dump(), "training": training.model_dump()}, inputs)


def train_net(
    dataset: Path, out: Path, nets: NetsParams, training: TrainingParams, *, base: Path | None = None,
    progress: Progress = silent, cache: Path | None = None,
) -> TrainedSummary:
    """Train on the train split, calibrate on the validation split and write the folder `out`, whole or not at all.

    base: an earlier version to go on from. cache: where decoded pictures are kept; else `.cache/pictures` beside the dataset.
    Raises InputError when the dataset is empty, has one word only or no validation split, IntegrityError when a shard or the
    base is not what it should be.
    """
    manifest = read_manifest(dataset)
    place = cache or dataset.parent / ".cache" / "pictures"
    train, validation = (
        read_samples(dataset, split, nets.picture_px, place, threads=training.threads, progress=progress, manifest=manifest)
        for split in ("train", "validation"))
    began = _cpu_seconds()
    net, curves, seen = fit_net(train, validation, nets, training, base=load_net(base) if base else None, progress=progress)
    fingerprint = training_fingerprint(manifest, nets, training, base)
    with staged_folder(out) as staging:
        save_net(staging, net)
        (staging / "curves.csv").write_text(_csv(curves))
        record = json.loads(fingerprint.to_json()) | {
            "samples_seen": seen, "pictures": len(train), "words": len(net.vocabulary),
            "calibration_error": net.calibration.error, "loss": curves[-1].train_loss,
            "validation_loss": curves[-1].validation_loss}
        (staging / "training.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    return TrainedSummary(
        out, len(net.vocabulary), len(train), seen, _cpu_seconds() - began, net.calibration.error, tuple(curves))


def fit_net(
    train: Samples, validation: Samples, nets: NetsParams, training: TrainingParams, *, base: TrainedNet | None = None,
    progress: Progress = silent,
) -> tuple[TrainedNet, list[Curve], int]:
    """-> (net, its learning curve, pictures shown to it). Nothing is written."""
    if not len(validation):
        raise InputError("the validation split is empty: probabilities cannot be calibrated",
                         "set dataset.split_by: video, raise dataset.validation_share, or ingest more channels")
    vocabulary = choose_vocabulary(train, training.min_pictures, base.vocabulary if base else ())
    torch.set_num_threads(training.threads)
    torch.manual_seed(training.seed)
    towers = Towers(NetSpec(nets.image, nets.picture_px, nets.width, nets.dimensions, nets.buckets))
    if base:
        if base.spec != towers.spec:
            raise InputError(f"the base is {base.spec}, not {towers.spec}", "train from scratch, or with the base's settings")
        towers.load_state_dict(base.towers.state_dict())
    curves, seen = run_epochs(towers, train, validation, vocabulary, training, progress)
    return calibrated(towers, validation, vocabulary), curves, seen


def calibrated(towers: Towers, validation: Samples, vocabulary: tuple[str, ...]) -> TrainedNet:
    """The net with probabilities fitted to the labels of the validation split."""
    plain = TrainedNet(towers.spec, towers, vocabulary, Calibration(1.0, (0.0,) * len(vocabulary)))
    rows = np.arange(len(validation))
    scores = plain.scores(plain.embed_pictures(validation.pictures.take(rows)))
    shown = Bags.of(validation.labels, vocabulary).dense(rows, np.arange(len(vocabulary))).numpy()
    return TrainedNet(towers.spec, towers, vocabulary, fit_calibration(scores, shown))


def _csv(curves: list[Curve]) -> str:
    lines = ["epoch,samples,train_loss,validation_loss"]
    lines += [f"{c.epoch},{c.samples},{c.train_loss:.6f},{c.validation_loss:.6f}" for c in curves]
    return "\n".join(lines) + "\n"


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
