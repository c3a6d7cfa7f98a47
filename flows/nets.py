"""What the subcommands about nets do: train, evaluate, retrain, promote, roll back."""

import argparse
from importlib.metadata import version as installed_version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flows.console import print_line, steps_shown
from flows.plan import data_folder, parse_settings
from tasks.errors import InputError
from tasks.evaluation.candidate import (
    TrainingPlan,
    make_plan,
    planned_version,
    read_plan,
    train_planned,
    write_plan,
    write_results,
)
from tasks.params import Params, load_params
from tasks.storage.layout import DataFolder
from tasks.storage.lock import held_lock
from tasks.storage.project import find_project

FIGURES = ("precision_at_1", "precision_at_5", "recall_at_5", "r_at_1", "r_at_10", "median_rank", "calibration_error")


def run_train(options: argparse.Namespace) -> int:
    """Train a candidate on the dataset as it is now; it is judged, and nothing is promoted."""
    data, params = data_folder(options.data), _params(options)
    with held_lock(data.lock):
        plan = make_plan(data, options.net, from_scratch=options.from_scratch)
        folder = _train(data, plan, params)
        write_plan(data, plan)  # a plan that cannot be carried out would stop `dvc repro`
        _judge(data, params, folder)
        write_results(data, folder)
    print(f"{folder}: a candidate; `framewords promote {folder.name}` puts it to use")
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    """Candidate and champion on the test split, side by side."""
    data, params = data_folder(options.data), _params(options)
    with held_lock(data.lock):
        folder = data.models / options.net / options.version if options.version else planned_version(data, params)
        if folder is None or not folder.is_dir():
            raise InputError(f"{options.version or 'no candidate'}: not there", "train one with `framewords train`")
        _judge(data, params, folder)
        write_results(data, folder)
    return 0


def run_retrain(options: argparse.Namespace) -> int:
    """Train on what is new, judge, promote or refuse."""
    from flows.commands import with_server

    project = find_project(options.params.absolute().parent)
    with with_server(options.verbose, Console()):
        from flows.retrain import RetrainSummary, retrain

        answer = retrain(str(project.root), parse_settings(options.set), options.net, from_scratch=options.from_scratch)
    assert isinstance(answer, RetrainSummary)
    if answer.verdict is None:
        print(f"nothing to do: {answer.why}")
        return 0
    print(answer.verdict.summary)
    print(f"champion: generation {answer.generation}" if answer.generation else "no champion yet")
    return 0


def run_promote(options: argparse.Namespace) -> int:
    """Put a version to use: one that its verdict speaks for, or any with --force."""
    from tasks.evaluation.champion import promote
    from tasks.evaluation.gate import read_verdict

    data = data_folder(options.data)
    verdict = read_verdict(data.models / options.net / options.version)
    champion = promote(data.models, options.net, options.version, verdict, force=options.force)
    print(f"{champion.net}: {champion.version} is the champion (generation {champion.generation}"
          f"{', forced' if champion.forced else ''})")
    return 0


def run_rollback(options: argparse.Namespace) -> int:
    """Put an earlier champion to use again."""
    from tasks.evaluation.champion import roll_back

    champion = roll_back(data_folder(options.data).models, options.net, options.version)
    print(f"{champion.net}: {champion.version} is the champion again (generation {champion.generation})")
    return 0


def print_models(data: DataFolder, console: Console) -> None:
    """Every version of every net, how good it is, and which is in use."""
    from tasks.evaluation.champion import list_models

    table = Table(box=None, pad_edge=False)
    for name in ("net", "version", "", "P@1", "R@10", "dataset", "verdict"):
        table.add_column(name)
    for model in list_models(data.models):
        figures = [f"{model.figures[name]:.2f}" if name in model.figures else "" for name in ("precision_at_1", "r_at_10")]
        said = "" if model.verdict is None else "passed" if model.verdict.passed else model.verdict.reasons[0][:60]
        table.add_row(model.net, model.version, "champion" if model.is_champion else "", *figures, model.dataset[:12], said)
    console.print(table if table.row_count else "no nets yet: `framewords train`")


def stage_train(data: DataFolder, params: Params) -> int:
    """Stage `train` of dvc.yaml: what data/training.json asks for, trained and judged."""
    data.models.mkdir(parents=True, exist_ok=True)
    plan = read_plan(data)
    if plan is None:
        print("nothing is asked for yet: `framewords train`")
        return 0
    _judge(data, params, _train(data, plan, params))
    return 0


def stage_evaluate(data: DataFolder, params: Params) -> int:
    """Stage `evaluate` of dvc.yaml: the figures of what was asked for."""
    write_results(data, planned_version(data, params))
    return 0


def _train(data: DataFolder, plan: TrainingPlan, params: Params) -> Path:
    with steps_shown() as progress:
        return train_planned(data, plan, params, code=f"framewords {installed_version('framewords')}", progress=progress)


def _judge(data: DataFolder, params: Params, folder: Path) -> None:
    from tasks.evaluation.decide import decide

    decision = decide(data.models, folder.parent.name, folder.name, data.dataset, data.cache / "evaluation", params.gate)
    console, champion = Console(), decision.champion
    table = Table(box=None, pad_edge=False)
    for name in ("", f"candidate {folder.name}", *((f"champion {champion.net.rpartition('/')[2]}",) if champion else ())):
        table.add_column(name)
    judged = [decision.candidate.figures, *([champion.figures] if champion else [])]
    for name in FIGURES:
        if name in judged[0]:
            table.add_row(name.replace("_", " "), *(f"{figures[name]:.3f}" for figures in judged))
    console.print(table)
    print_line(console, decision.verdict.summary)


def _params(options: argparse.Namespace) -> Params:
    return load_params(options.params, parse_settings(options.set))
