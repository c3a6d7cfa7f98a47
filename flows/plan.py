"""What a run would do, settled before anything is written: settings, sources, and what is done already."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from tasks.discovery.catalogue import read_catalogue, refuse_forgotten
from tasks.discovery.inputs import expand_inputs
from tasks.errors import InputError, ParamsError
from tasks.params import Params, RunParams, load_params
from tasks.schema import Video
from tasks.storage.artefact import digest_file
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger


@dataclass(frozen=True)
class Plan:
    """Everything a run needs to know.

    videos: what the arguments name, each once. set_aside: (argument, code, problem) of what cannot be listed.
    """

    data: DataFolder
    params: Params
    videos: tuple[Video, ...]
    set_aside: tuple[tuple[str, str, str], ...]
    digests: Mapping[Path, str] = field(default_factory=dict)  # of local files, as read for this plan


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """`section.key=value` from the command line, values read as YAML. Raises ParamsError."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ParamsError(f"--set {pair}: no value", "write --set section.key=value")
        try:
            settings[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ParamsError(f"--set {pair}: value is not YAML", "quote it") from error
    return settings


def data_folder(path: Path) -> DataFolder:
    """The data folder, checked to be one that can be used. Raises ParamsError."""
    path = path.absolute()
    if path == Path(path.anchor):
        raise ParamsError(f"{path}: not a data folder", "name a folder of its own with --data")
    if path.exists() and not path.is_dir():
        raise ParamsError(f"{path}: is a file", "name a folder with --data")
    nearest = next(parent for parent in (path, *path.parents) if parent.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ParamsError(f"{nearest}: not writable", "name another folder with --data")
    return DataFolder(path)


def check_runner(params: RunParams) -> None:
    """Raises ParamsError when the runner that the settings name is not installed."""
    if params.task_runner == "dask" and find_spec("prefect_dask") is None:
        raise ParamsError("run.task_runner is dask: not installed", "pip install 'framewords[dask]', or set it to threads")


def make_plan(sources: Sequence[str], data: Path, params_file: Path, settings: dict[str, Any]) -> Plan:
    """Read the settings and list what the sources name. Writes nothing.

    Raises ParamsError or InputError for what a person must correct, TransientError when a site does not answer.
    """
    params = load_params(params_file, settings)
    check_runner(params.run)
    folder = data_folder(data)
    order = {video.id: place for place, video in enumerate(read_catalogue(folder.catalogue))}
    digests: dict[Path, str] = {}
    with open_ledger(folder.ledger) as ledger:

        def file_digest(path: Path) -> str:
            digests[path] = ledger.file_digest(path) if ledger else digest_file(path)
            return digests[path]

        expansion = expand_inputs(sources, params.discovery, file_digest)
    welcome, refused = refuse_forgotten(folder.catalogue, expansion.videos)
    if refused and not welcome and len(sources) == 1:
        raise InputError(refused[0][2], "give another video")
    videos = sorted(welcome, key=lambda video: order.get(video.id, len(order)))
    return Plan(folder, params, tuple(videos), (*expansion.set_aside, *refused), digests)


@contextmanager
def open_ledger(path: Path) -> Iterator[Ledger | None]:
    """The ledger, when there is one already: a plan writes nothing."""
    if not path.is_file():
        yield None
        return
    ledger = Ledger(path)
    try:
        yield ledger
    finally:
        ledger.close()
