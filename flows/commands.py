"""What each subcommand of `framewords` does. Prefect is imported only where a flow runs: the rest answers at once."""

import argparse
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from flows.console import LINE_CHARACTERS, Board, counted, print_summary
from flows.outcome import RunSummary
from flows.plan import Plan, data_folder, make_plan, parse_settings
from tasks.errors import InputError, UnusableVideoError
from tasks.network.text import shown
from tasks.params import load_params

STOPPED = 130  # the shell's word for "ended by Ctrl-C"


def run_ingest(options: argparse.Namespace) -> int:
    """Label videos. Exit code 2 when the only video given cannot be used, 3 when some may pass another time."""
    settings = parse_settings(options.set)
    plan = make_plan(options.sources, options.data, options.params, settings)
    console = Console()
    if options.dry_run:
        from flows.estimate import print_estimate

        print_estimate(plan, console)
        return 0
    _check_recogniser(plan)
    if len(plan.videos) == 1:
        from flows.estimate import inspect

        inspect(plan.videos[0], plan)  # a lone file that cannot be used is refused before anything is written
    if not plan.videos and len(plan.set_aside) == len(options.sources) == 1:
        _, code, problem = plan.set_aside[0]
        raise InputError(f"{code}: {problem}", "give an address that leads to a video")
    summary = _ingest(options, plan, console)
    print_summary(summary, console)
    if len(summary.results) == 1 and summary.results[0].outcome.outcome == "set_aside":
        problem, _, remedy = summary.results[0].outcome.problem.rpartition(": ")
        raise UnusableVideoError(problem, remedy)
    return 3 if summary.failed else 0


def _check_recogniser(plan: Plan) -> None:
    """A model that is named but cannot be had is a mistake in the settings, told before anything is written."""
    from tasks.transcription.models import models_folder, require_model

    params = plan.params.transcription
    if params.engine == "vosk" or (params.engine == "auto" and os.sep in params.model):
        require_model(params.model, models_folder(), params.fetch_models)


def _ingest(options: argparse.Namespace, plan: Plan, console: Console) -> RunSummary:
    console.print(f"[dim]{counted(len(plan.videos), 'video')}[/dim]")
    with with_server(options.verbose, console):
        from flows.ingest import ingest, prepared
        from flows.labelling import listened

        with Board(len(plan.videos), console).shown() as board, prepared(plan), listened(board.settled):
            return ingest(list(options.sources), str(options.data), str(options.params), parse_settings(options.set))


@contextmanager
def with_server(verbose: bool, console: Console) -> Iterator[None]:
    """Prefect, imported and with a server to talk to, while the block runs a flow."""
    from flows.server import choose_server

    _choose_logging(verbose)
    console.print("[dim]asking Prefect's server, or starting one[/dim]")
    api = choose_server()
    with leaving_at_once():
        import prefect  # noqa: F401 - slow, and not to be interrupted half-way
    if api:
        console.print(f"[dim]seen at {api.removesuffix('/api')}[/dim]")
    yield


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Ctrl-C while a large library is being imported: half of its modules turn it into an error of their own."""
    before = signal.signal(signal.SIGINT, lambda number, frame: (_ for _ in ()).throw(SystemExit(STOPPED)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _choose_logging(verbose: bool) -> None:
    """Prefect's own log goes to its server; the terminal shows it only when asked."""
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    else:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def run_report(options: argparse.Namespace) -> int:
    """Write the report page."""
    from tasks.report.page import write_report

    data = data_folder(options.data)
    if not data.catalogue.is_file():
        raise InputError(f"{data.catalogue}: no list of videos", "run `framewords ingest` first, or name its folder with --data")
    out = options.out or data.report
    summary = write_report(data.root, out)
    for fault in summary.faults:
        print(f"does not balance: {shown(fault, LINE_CHARACTERS)}")
    print(f"{out}: {summary.videos} videos, {summary.pictures} pictures")
    return 4 if summary.faults else 0


def run_export(options: argparse.Namespace) -> int:
    """Write the dataset as WebDataset shards, as COCO, or as a recipe without pixels."""
    from tasks.dataset.export import export_dataset

    written = export_dataset(data_folder(options.data).dataset, options.format, options.out)
    print(f"{options.out}: {written} pictures as {options.format}")
    return 0


def run_rebuild(options: argparse.Namespace) -> int:
    """Get the pictures of a recipe again and check each by its hash."""
    from flows.rebuild import rebuild_recipe

    params = load_params(options.params, parse_settings(options.set))
    summary = rebuild_recipe(options.recipe, options.out, params)
    print(summary.line)
    return 0


def run_models(options: argparse.Namespace) -> int:
    """List the nets; or list, fetch or find recogniser models."""
    if options.action is None:
        from flows.nets import print_models

        print_models(data_folder(options.data), Console())
        return 0
    from tasks.transcription.models import fetch_model, find_model, list_models, models_folder

    cache = models_folder()
    if options.action == "list":
        table = Table(box=None, pad_edge=False)
        for name in ("model", "language", "size", "here"):
            table.add_column(name)
        for model, path in list_models(cache):
            table.add_row(model.name, model.language, f"{model.megabytes} MB", str(path or "no"))
        Console().print(table)
        print(f"cache folder: {cache}")
    elif options.action == "fetch":
        print(fetch_model(options.name, cache, sha256=options.sha256 or None))
    else:
        print(find_model(options.name, cache))
    return 0
