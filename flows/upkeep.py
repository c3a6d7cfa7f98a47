"""What the subcommands of a project do: subscribe, nightly rounds, versions, and looking after what is there."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from flows.console import Board, counted, print_found, print_night, print_summary
from flows.outcome import NightSummary
from flows.plan import data_folder, parse_settings
from tasks.errors import InputError
from tasks.params import Params, load_params
from tasks.storage.project import Project, find_project


def run_init(options: argparse.Namespace) -> int:
    """Make a project."""
    from tasks.release.template import init_project

    project = init_project(options.folder)
    print(f"{project.root}: a project; subscribe with `framewords add`")
    return 0


def run_add(options: argparse.Namespace) -> int:
    """Subscribe to a source, or show what a night would fetch of it."""
    from tasks.discovery.subscribe import make_source, subscribe

    source = make_source(options.name, options.url, **parse_settings(options.keys))
    if options.dry_run:
        from flows.discover import print_preview

        print_preview(source, _params(options), data_folder(options.data), Console())
        return 0
    subscribe(options.params, source)
    print(f"{options.params}: subscribed to {source.name}; `framewords nightly` fetches it, `framewords serve` every night")
    return 0


def run_remote(options: argparse.Namespace) -> int:
    """Say, or set, where versions are kept."""
    from tasks.release.remote import read_remote, set_remote

    project = _project(options)
    if not options.url:
        address = read_remote(project)
        print(address.url + (f" at {address.endpoint}" if address.endpoint else ""))
        return 0
    said = set_remote(
        project, options.url, endpoint=options.endpoint, profile=options.profile, region=options.region, create=options.create)
    print(said.line)
    return 0


def run_discover(options: argparse.Namespace) -> int:
    """Look for new uploads and list them."""
    from flows.commands import with_server

    with with_server(options.verbose, Console()):
        from flows.discover import discover

        found = discover(str(options.data), str(options.params), parse_settings(options.set))
    print_found(found, Console())
    return 3 if found.problems else 0


def run_nightly(options: argparse.Namespace) -> int:
    """One round, now."""
    from flows.commands import with_server

    project = _project(options)
    console = Console()
    with with_server(options.verbose, console):
        from flows.labelling import listened
        from flows.nightly import nightly

        with Board(0, console).shown() as board, listened(board.settled):
            answer = nightly(str(project.root), parse_settings(options.set))
    if not isinstance(answer, NightSummary):
        print("already running: another run is at work in this project")
        return 0
    summary = answer
    print_night(summary, console)
    return 3 if summary.found.problems or summary.run.failed else 0


def run_serve(options: argparse.Namespace) -> int:
    """Prefect's server and UI, and the schedule, until stopped."""
    from flows.serve import serve

    return serve(_project(options), host=options.host, port=options.port)


def run_stage(options: argparse.Namespace) -> int:
    """One stage of dvc.yaml. A video that may pass another time is no reason to stop the pipeline."""
    from flows.commands import with_server

    console, settings = Console(), parse_settings(options.set)
    if options.stage == "dataset":
        from flows.stages import make_dataset

        summary = make_dataset(options.data, options.params, settings)
        print(f"{counted(summary.videos, 'video')}, {counted(sum(summary.rows.values()), 'picture')}")
        return 0
    with with_server(options.verbose, console):
        from flows.labelling import listened
        from flows.stages import fetch_media, make_labels

        stage = fetch_media if options.stage == "media" else make_labels
        with Board(0, console).shown() as board, listened(board.settled):
            run = stage(str(options.data), str(options.params), settings)
    print_summary(run, console)
    return 0


def run_status(options: argparse.Namespace) -> int:
    """What is labelled, waiting, set aside and paused."""
    from flows.status import print_status

    print_status(data_folder(options.data), _params(options), Console(), datetime.now(UTC))
    return 0


def run_why(options: argparse.Namespace) -> int:
    """Where a picture, word or label comes from."""
    from tasks.lineage.why import explain, render

    answer = explain(data_folder(options.data), " ".join(options.question))
    print(json.dumps(answer.to_json(), indent=1, ensure_ascii=False) if options.json else render(answer))
    return 0


def run_versions(options: argparse.Namespace) -> int:
    """The versions of the dataset."""
    from tasks.release.versions import list_versions

    for version in list_versions(_project(options)):
        print(version.line)
    return 0


def _project(options: argparse.Namespace) -> Project:
    """The project of the command: the folder of its params.yaml. Raises InputError when its data lie elsewhere."""
    project = find_project(options.params.absolute().parent)
    if options.data.absolute() != project.data.root:
        raise InputError(f"{options.data}: a project keeps its data in {project.data.root}", "leave out --data")
    return project


def _params(options: argparse.Namespace) -> Params:
    return load_params(options.params, parse_settings(options.set))


def missing_project(folder: Path) -> bool:
    """True where there is no project."""
    return not (folder / ".dvc").exists()
