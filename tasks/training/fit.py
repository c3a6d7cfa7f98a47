"""A net from a dataset: read, train, calibrate, write. The same dataset, settings and threads give the same bytes on a CPU."""

import json
import logging
import resource
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tasks.dataset.manifest import read_manifest
from tasks.errors import InputError, IntegrityError
from tasks.nets.cost import measure_cost
from tasks.nets.pretrained import new_towers
from tasks.nets.store import WEIGHTS, Calibration, TrainedNet, load_net, save_net
from tasks.nets.towers import NetSpec, Towers
from tasks.params import NetsParams, TrainingParams
from tasks.storage.artefact import Fingerprint, digest_file, digest_json
from tasks.storage.atomic import staged_folder
from tasks.storage.objects import ObjectStore
from tasks.training.bags import Bags
from tasks.training.blend import blend
from tasks.training.calibrate import fit_calibration
from tasks.training.checkpoint import Checkpoint
from tasks.training.loop import Curve, Training
from tasks.training.processes import Processes, joined
from tasks.training.replay import Plan, plan_all, plan_replay
from tasks.training.samples import Progress, Samples, choose_vocabulary, read_samples, silent, sweep_cache

VERSION = 1  # raise it when the same dataset and settings would give other weights
RECORD = "training.json"
CALIBRATED_PAIRS = 10_000_000  # of a picture and a word: more would not fit into memory, nor tell more
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """A trained net and what it took. samples_seen: pictures shown to it, with repeats. kept: share of the new weights in the
    blend with those of the base, 1 from scratch.
    """

    net: TrainedNet
    curves: tuple[Curve, ...]
    samples_seen: int
    kept: float


@dataclass(frozen=True)
class TrainedSummary:
    """What a training came to. samples_seen: pictures shown to the net, with repeats; cpu_seconds: of this process, all threads.

    new_pictures: those that the base had not seen. calibration_error: expected, on the validation split. kept: share of the new
    weights in the blend with those of the base, 1 from scratch. curves: a point an epoch.
    """

    folder: Path
    words: int
    pictures: int
    new_pictures: int
    samples_seen: int
    cpu_seconds: float
    calibration_error: float
    kept: float
    curves: tuple[Curve, ...]


def version_name(dataset: Path, nets: NetsParams, training: TrainingParams, base: Path | None = None) -> str:
    """`n` and 12 hex digits: the same for the same dataset, settings, code and earlier version."""
    return "n" + training_fingerprint(read_manifest(dataset), nets, training, base).digest[:12]


def training_fingerprint(
    manifest: Mapping[str, Any], nets: NetsParams, training: TrainingParams, base: Path | None, processes: int = 1,
) -> Fingerprint:
    """What a net depends on: the pictures and labels, the settings, the code, the base, and among how many it was shared out."""
    inputs = {entry["path"]: entry["digest"] for split in manifest["splits"].values() for entry in split["shards"]}
    if base:
        inputs["base"] = _digest(base / WEIGHTS)
    if nets.pretrained:
        files = sorted(Path(nets.pretrained).glob("*")) if Path(nets.pretrained).is_dir() else [Path(nets.pretrained)]
        inputs |= {f"pretrained/{file.name}": _digest(file) for file in files if file.suffix in (".safetensors", ".json")}
    params: dict[str, Any] = {"nets": nets.model_dump(exclude={"pretrained"}),
                              "training": training.model_dump(exclude={"checkpoint_steps"})}
    if processes > 1:
        params["processes"] = processes
    return Fingerprint("training", VERSION, params, inputs)


def train_net(
    dataset: Path, out: Path, nets: NetsParams, training: TrainingParams, *, base: Path | None = None,
    progress: Progress = silent, cache: Path | None = None, store: ObjectStore | None = None,
) -> TrainedSummary:
    """Train on the train split, calibrate on the validation split and write the folder `out`, whole or not at all.

    base: an earlier version to go on from. store: where shards are fetched from that are not here.
    cache: where decoded pictures of this dataset are kept; else `.cache/pictures` beside it.
    A killed run leaves a checkpoint in the cache, which the next call with the same arguments goes on from, to the same bytes.
    Raises InputError when the dataset is empty, has one word only, no validation split or nothing new, IntegrityError when a
    shard or the base is not what it should be.
    """
    began = _cpu_seconds()
    manifest = read_manifest(dataset)
    place = cache or dataset.parent / ".cache" / "pictures"
    train, validation = (
        read_samples(dataset, split, nets.picture_px, place, threads=training.threads, progress=progress, manifest=manifest,
                     store=store)
        for split in ("train", "validation"))
    device = choose_device(training.device)
    with joined(device) as processes:
        fingerprint = training_fingerprint(manifest, nets, training, base, processes.count)
        checkpoint = Checkpoint(place / f"{digest_json(str(out.resolve()))[:12]}.checkpoint", fingerprint.digest)
        known = read_known(base) if base else frozenset()
        fitted = fit_net(
            train, validation, nets, training, base=load_net(base) if base else None, known=known, device=device,
            processes=processes, checkpoint=checkpoint, progress=progress)
        if processes.rank == 0:
            _write(out, fitted, fingerprint, train, known)
            checkpoint.remove()
            sweep_cache(place, manifest)
    return TrainedSummary(
        out, len(fitted.net.vocabulary), len(train), sum(name not in known for name in train.fingerprint), fitted.samples_seen,
        _cpu_seconds() - began, fitted.net.calibration.error, fitted.kept, fitted.curves)


def fit_net(
    train: Samples, validation: Samples, nets: NetsParams, training: TrainingParams, *, base: TrainedNet | None = None,
    known: Iterable[str] = (), device: str = "cpu", processes: Processes | None = None, checkpoint: Checkpoint | None = None,
    progress: Progress = silent,
) -> Fitted:
    """Train and calibrate; nothing but the checkpoint is written.

    known: fingerprints of the videos that the base was trained on: those are shown again in part only.
    """
    vocabulary = choose_vocabulary(train, training.min_pictures, base.vocabulary if base else ())
    if not len(validation):
        raise InputError("the validation split is empty: probabilities cannot be calibrated",
                         "set dataset.split_by: video, raise dataset.validation_share, or ingest more channels")
    torch.set_num_threads(training.threads)
    torch.manual_seed(training.seed)
    towers = new_towers(nets)
    if base:
        check_same_net(base.spec, towers.spec)
        towers.load_state_dict(base.towers.state_dict())
    plan = _plan(train, training, base is not None, frozenset(known))
    log.info("%s: %d pictures, %d words, %d epochs of %d",
             measure_cost(towers.to(device)), len(train), len(vocabulary), plan.epochs, len(plan))
    run = Training(towers, train, validation, vocabulary, plan, training, device, processes or Processes(), checkpoint)
    run.run(progress)
    kept = blend(towers, base.towers, validation, vocabulary, training) if base else 1.0
    net = calibrated(towers, validation, vocabulary)
    towers.cpu()
    return Fitted(net, tuple(run.curves), run.seen, kept)


def check_same_net(old: NetSpec, new: NetSpec) -> None:
    """Raises InputError naming what the settings now want otherwise."""
    for part in fields(NetSpec):
        before, now = getattr(old, part.name), getattr(new, part.name)
        if before != now:
            raise InputError(f"the earlier version has {part.name} {str(before)[:60]}, nets now {str(now)[:60]}",
                             "train from scratch, or set it back")


def _plan(train: Samples, training: TrainingParams, is_retraining: bool, known: frozenset[str]) -> Plan:
    if not is_retraining:
        return plan_all(train, training.epochs, training.seed)
    plan = plan_replay(train, known, training.replay_share, training.retrain_epochs, training.seed)
    if not len(plan.new):
        raise InputError("nothing new to learn: the earlier version has seen every video of the train split",
                         "ingest more videos, or train from scratch")
    return plan


def calibrated(towers: Towers, validation: Samples, vocabulary: tuple[str, ...]) -> TrainedNet:
    """The net with probabilities fitted to the validation split, or to one picture in so many of a very large one."""
    plain = TrainedNet(towers.spec, towers, vocabulary, Calibration(1.0, (0.0,) * len(vocabulary)))
    rows = np.arange(0, len(validation), -(-len(validation) * len(vocabulary) // CALIBRATED_PAIRS))
    vectors = [plain.embed_pictures(validation.pictures.take(some)) for some in np.array_split(rows, -(-len(rows) // 1024))]
    scores = plain.scores(np.concatenate(vectors))
    shown = Bags.of(validation.labels, vocabulary).dense(rows, np.arange(len(vocabulary)))
    videos = np.array(validation.video)[rows]
    half = np.isin(videos, np.unique(videos)[::2])
    return TrainedNet(towers.spec, towers, vocabulary, fit_calibration(scores, shown, half))


def choose_device(device: str) -> str:
    """cpu | cuda. Raises InputError when a GPU is asked for and there is none."""
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("training.device is cuda: torch sees no GPU", "set it to auto or cpu")
    return device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def read_known(folder: Path) -> frozenset[str]:
    """Fingerprints of the videos that a version was trained on, by itself and by those it went on from."""
    try:
        return frozenset(map(str, json.loads((folder / RECORD).read_bytes())["known"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{folder / RECORD}: does not say what the net was trained on", "train from scratch") from error


def _write(out: Path, fitted: Fitted, fingerprint: Fingerprint, train: Samples, known: frozenset[str]) -> None:
    lines = ["epoch,samples,train_loss,validation_loss"]
    lines += [f"{c.epoch},{c.samples},{c.train_loss:.6f},{c.validation_loss:.6f}" for c in fitted.curves]
    record = json.loads(fingerprint.to_json()) | {
        "samples_seen": fitted.samples_seen, "pictures": len(train), "words": len(fitted.net.vocabulary),
        "calibration_error": fitted.net.calibration.error, "kept": fitted.kept, "known": sorted(known | set(train.fingerprint))}
    with staged_folder(out) as staging:
        save_net(staging, fitted.net)
        (staging / "curves.csv").write_text("\n".join(lines) + "\n")
        (staging / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def _digest(path: Path) -> str:
    try:
        return digest_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "name a trained version or pretrained weights") from error


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
