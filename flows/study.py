"""Looking into nets: pages for people."""

import argparse
import difflib
from pathlib import Path

from flows.plan import data_folder, parse_settings
from flows.search import champion_folder, shown_progress
from tasks.errors import InputError
from tasks.params import load_params


def study(options: argparse.Namespace) -> int:
    """Write a page. options: subject (weights | nets), net, out, and versions (of weights) or epochs (of nets; None: as set)."""
    return _weights(options) if options.subject == "weights" else _nets(options)


def _nets(options: argparse.Namespace) -> int:
    from flows.commands import leaving_at_once

    params, data = load_params(options.params, parse_settings(options.set)), data_folder(options.data)
    training = params.training if options.epochs is None else params.training.model_copy(update={"epochs": options.epochs})
    with leaving_at_once():
        from tasks.study.nets import study_nets
    out = options.out or data.root / "study-nets.html"
    with shown_progress() as bar:
        task = bar.add_task("", total=None)
        told = study_nets(data.dataset, data.cache, out, params.nets, training, lambda what, done, of: bar.update(
            task, description=what, completed=done, total=of))
    print(told.summary)
    print(out)
    return 0


def _weights(options: argparse.Namespace) -> int:
    folders = _versions(options)
    from tasks.nets.store import load_net
    from tasks.study.weights import study_weights

    data = data_folder(options.data)
    out = options.out or data.root / "study-weights.html"
    told = study_weights(options.net, [(folder.name, load_net(folder)) for folder in folders], out)
    print(told.summary)
    print(out)
    return 0


def _versions(options: argparse.Namespace) -> list[Path]:
    """The folders of the versions named, or of the champion and what it took the place of, oldest first."""
    models = data_folder(options.data).root / "models" / options.net
    if not options.versions:
        champion = champion_folder(options)
        from tasks.evaluation.champion import read_champion

        moved = read_champion(models.parent, options.net)
        before = [str(move["version"]) for move in (moved.history if moved else ())][-1:]
        return [folder for folder in (models / name for name in before) if folder.is_dir() and folder != champion] + [champion]
    known = sorted(path.parent.name for path in models.glob("*/net.json"))
    for name in options.versions:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise InputError(f"{name[:60]}: no version of {options.net}",
                             f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}")
    return [models / name for name in options.versions]
