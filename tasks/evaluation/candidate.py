"""A candidate: what it is to be made from, its training, and the figures of the judgement on it.

data/training.json, in git, names the dataset and the version that training goes on from. So the same net can be made again,
and a dataset that has grown does not make it out of date: whoever wants a newer one writes a newer plan.
"""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.dataset.manifest import read_manifest
from tasks.errors import InputError, IntegrityError, ParamsError
from tasks.evaluation.champion import NAME, read_champion
from tasks.params import Params
from tasks.storage.artefact import digest_json
from tasks.storage.atomic import write_whole
from tasks.storage.layout import DataFolder

METRICS, CURVES = "evaluation.json", "learning.csv"
EMPTY_CURVES = "epoch,split,loss\n"
DEFAULT_NET = "main"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TrainingPlan:
    """net: its name. dataset: digest of the manifest. base: the version that it goes on from; empty: from scratch."""

    net: str
    dataset: str
    base: str


def read_plan(data: DataFolder) -> TrainingPlan | None:
    """What was planned last; None before the first time. Raises IntegrityError when the file is damaged."""
    if not data.training.is_file():
        return None
    try:
        said = json.loads(data.training.read_bytes())
        return TrainingPlan(**said) if said else None
    except (ValueError, TypeError) as error:
        remedy = "restore it with `git checkout`, or run `framewords train`"
        raise IntegrityError(f"{data.training}: not a plan", remedy) from error


def make_plan(data: DataFolder, net: str, *, from_scratch: bool) -> TrainingPlan:
    """The next version: from the dataset as it is, going on from the champion where there is one. Nothing is written.

    Raises InputError when there is no dataset or the net's name is none.
    """
    if not NAME.fullmatch(net):
        raise InputError(f"{net[:80]!r} is not the name of a net", "use letters, digits and . _ -")
    champion = None if from_scratch else read_champion(data.models, net)
    return TrainingPlan(net, digest_json(read_manifest(data.dataset)), champion.version if champion else "")


def write_plan(data: DataFolder, plan: TrainingPlan) -> None:
    write_whole(data.training, json.dumps(asdict(plan), indent=1, sort_keys=True).encode() + b"\n")


def begin_empty(data: DataFolder) -> None:
    """Make be there, empty, what the stages of a net have before the first one."""
    data.models.mkdir(parents=True, exist_ok=True)
    if not data.training.is_file():
        write_whole(data.training, b"{}\n")
    if not ((data.root / METRICS).is_file() and (data.root / CURVES).is_file()):
        write_results(data, None)


def require_torch() -> None:
    """Raises ParamsError when PyTorch is not installed."""
    try:
        import torch  # noqa: F401 - half a second, and only to see that it is there
    except ImportError as error:
        raise ParamsError("PyTorch is not installed", "pip install 'framewords[train]'") from error


def train_planned(data: DataFolder, plan: TrainingPlan, params: Params, *, code: str, progress: Progress) -> Path:
    """The folder of the version that the plan asks for, with its card; trained unless it is there already.

    code: version of the software, for the card.
    Raises InputError when the dataset here is another, the base is not here, or there is too little to learn from;
    IntegrityError when a shard is damaged.
    """
    require_torch()
    from tasks.evaluation.card import CARD, write_card
    from tasks.training.fit import train_net, version_name

    if digest_json(read_manifest(data.dataset)) != plan.dataset:
        raise InputError(
            f"{data.training}: asks for another dataset than is here",
            "`framewords train` plans anew; for the very same net, `framewords checkout` the version it was made from")
    base = data.models / plan.net / plan.base if plan.base else None
    if base is not None and not base.is_dir():
        raise InputError(f"{base}: the version to go on from is not here", "`dvc pull` it, or train with --from-scratch")
    version = version_name(data.dataset, params.nets, params.training, base)
    folder = data.models / plan.net / version
    if not folder.is_dir():
        train_net(data.dataset, folder, params.nets, params.training, base=base, progress=progress)
    if not (folder / CARD).is_file():
        settings = {"nets": params.nets.model_dump(mode="json"), "training": params.training.model_dump(mode="json")}
        write_card(folder, data.dataset, settings, code=code, base=base)
    return folder


def planned_version(data: DataFolder, params: Params) -> Path | None:
    """The folder of the version that was planned last, None while it is not trained."""
    plan = read_plan(data)
    if plan is None or not (data.models / plan.net).is_dir():
        return None
    require_torch()
    from tasks.training.fit import version_name

    base = data.models / plan.net / plan.base if plan.base else None
    folder = data.models / plan.net / version_name(data.dataset, params.nets, params.training, base)
    return folder if folder.is_dir() else None


def write_results(data: DataFolder, folder: Path | None) -> None:
    """Write data/evaluation.json and data/learning.csv, for `dvc metrics` and `dvc plots`; both empty without a version."""
    figures: dict[str, Any] = {}
    curves = EMPTY_CURVES.encode()
    if folder is not None:
        card = json.loads((folder / "card.json").read_bytes())
        figures = {"test": card.get("metrics", {}), **card.get("slices", {})}
        curves = _long(folder / "curves.csv")
    write_whole(data.root / METRICS, json.dumps(figures, indent=1, sort_keys=True).encode() + b"\n")
    write_whole(data.root / CURVES, curves)


def _long(curves: Path) -> bytes:
    """A learning curve with one loss a row."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("epoch", "split", "loss"))
    for row in csv.DictReader(io.StringIO(curves.read_text(encoding="utf-8"), newline="")):
        table.writerows((row["epoch"], split, row[f"{split}_loss"]) for split in ("train", "validation"))
    return text.getvalue().encode()
