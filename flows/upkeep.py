"""What the subcommands of a project do: subscribe, nightly rounds, versions, and looking after what is there."""

import argparse
import difflib
import json
from contextlib import closing
from datetime import UTC, datetime

from rich.console import Console

from flows.console import Board, counted, print_found, print_night, print_summary
from flows.outcome import NightSummary
from flows.plan import data_folder, parse_settings
from tasks.discovery.catalogue import read_catalogue
from tasks.errors import InputError
from tasks.params import Params, load_params
from tasks.release.metrics import write_metrics
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
    if options.stage == "evidence":
        from flows.console import steps_shown
        from flows.stages import make_evidence

        with steps_shown() as progress:
            said = make_evidence(options.data, options.params, settings, progress)
        print(said)
        return 0
    if options.stage in ("train", "evaluate"):
        from flows.nets import stage_evaluate, stage_train

        stage_net = stage_train if options.stage == "train" else stage_evaluate
        return stage_net(data_folder(options.data), _params(options))
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


def run_retry(options: argparse.Namespace) -> int:
    """Have videos tried again by the next round: those named, or all of a class."""
    from tasks.storage.failures import CLASSES, FailureClass
    from tasks.storage.ledger import Ledger
    from tasks.storage.lock import held_lock

    names: dict[str, FailureClass] = {"network": "transient", **{name: name for name in CLASSES}}
    kind = options.failure_class
    if kind is not None and kind not in names:
        close = difflib.get_close_matches(kind, names, n=1)
        known = ", ".join(CLASSES)
        raise InputError(f"--class {kind}: no such class", f"did you mean {close[0]}?" if close else f"known: {known}")
    if (kind is None) == (not options.videos):
        raise InputError("retry what?", "name videos, or a class with --class; `framewords status` shows both")
    data = data_folder(options.data)
    if not data.catalogue.is_file():
        raise InputError(f"{data.catalogue}: no list of videos", "go to the project's folder, or name its data with --data")
    listed = {video.id for video in read_catalogue(data.catalogue)}
    for name in options.videos:
        if name not in listed:
            close = difflib.get_close_matches(name, listed, n=1)
            raise InputError(f"{name}: not in the list", f"did you mean {close[0]}?" if close else "give an id of videos.csv")
    with held_lock(data.lock), closing(Ledger(data.ledger)) as ledger:
        resting = len(ledger.paused(datetime.now(UTC)))
        count = ledger.reset_class(names[kind]) if kind else ledger.reset(options.videos)
        woken = resting - len(ledger.paused(datetime.now(UTC)))
    sources = f", and {counted(woken, 'source')} no longer rest{'s' if woken == 1 else ''}" if woken else ""
    print(f"{counted(count, 'video')} will be tried again by the next round (`framewords nightly`){sources}")
    return 0


def run_forget(options: argparse.Namespace) -> int:
    """Remove videos everywhere: here, in the current version, and what older versions held of them."""
    from tasks.release.publish import release
    from tasks.release.remote import read_remote
    from tasks.removal.forget import finish, forget, preview, render
    from tasks.storage.objects import open_store

    project, console = _project(options), Console(stderr=True)
    store = open_store(read_remote(project))

    def progress(doing: str) -> None:
        console.print(f"[dim]{doing}[/dim]")

    if options.dry_run:
        print(render(preview(project, project.data, options.videos, store=store, progress=progress)))
        return 0
    now = datetime.now(UTC)
    report = forget(project, project.data, options.videos, _params(options), store=store, relabel=options.relabel, now=now,
                    progress=progress, label=lambda: _relabel(options))
    write_metrics(project.data)
    release(project, now, progress)
    report = finish(project, project.data, report, store=store, progress=progress)
    print(render(report))
    return 4 if report.searched and report.searched.left else 0


def _relabel(options: argparse.Namespace) -> None:
    """Label the whole list as it is now."""
    from flows.commands import with_server

    with with_server(options.verbose, Console(stderr=True)):
        from flows.stages import make_labels

        make_labels(str(options.data), str(options.params), parse_settings(options.set))


def run_verify(options: argparse.Namespace) -> int:
    """Re-hash the dataset against its manifest; in a project, every copy of everything, here and on the store."""
    from tasks.dataset.verify import verify

    root = options.params.absolute().parent
    if not (root / ".dvc").is_dir() or options.data.absolute() != root / "data":
        if options.repair:
            raise InputError("--repair: not in a project, so there is no other copy", "make one with `framewords init`")
        print(f"{verify(data_folder(options.data).dataset)} files are what the manifest says")
        return 0
    from rich.progress import Progress

    from tasks.release.integrity import verify_all
    from tasks.release.remote import read_remote
    from tasks.storage.lock import held_lock
    from tasks.storage.objects import open_store

    project = _project(options)
    with held_lock(project.data.lock), Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading every copy", total=None)
        findings = verify_all(
            project, open_store(read_remote(project)), repair=options.repair,
            progress=lambda read, total: bar.update(task, completed=read, total=total))
    for finding in findings.found:
        print(finding.line)
    print(findings.line)
    return findings.exit_code


def run_versions(options: argparse.Namespace) -> int:
    """The versions of the dataset, oldest first."""
    from tasks.release.versions import list_versions, render_versions

    print(render_versions(list_versions(_project(options))))
    return 0


def run_diff(options: argparse.Namespace) -> int:
    """What changed between two versions."""
    from tasks.release.difference import diff_versions

    print(diff_versions(_project(options), options.old, options.new).text)
    return 0


def run_checkout(options: argparse.Namespace) -> int:
    """Bring back a version."""
    from tasks.release.versions import checkout_version
    from tasks.storage.lock import held_lock

    project = _project(options)
    with held_lock(project.data.lock):
        print(checkout_version(project, options.version).line)
    return 0


def _project(options: argparse.Namespace) -> Project:
    """The project of the command: the folder of its params.yaml. Raises InputError when its data lie elsewhere."""
    project = find_project(options.params.absolute().parent)
    if options.data.absolute() != project.data.root:
        raise InputError(f"{options.data}: a project keeps its data in {project.data.root}", "leave out --data")
    return project


def _params(options: argparse.Namespace) -> Params:
    return load_params(options.params, parse_settings(options.set))
