"""Nets beside the versions of the dataset: on the store through DVC, and which one is in use in git and on the store."""

from collections.abc import Iterator
from dataclasses import replace

from tasks.errors import TransientError
from tasks.evaluation.candidate import CURVES, METRICS
from tasks.evaluation.champion import CHAMPION, Champion, Pointer, read_champion
from tasks.release.dvc import run_dvc
from tasks.release.git import commit_files
from tasks.release.publish import Log
from tasks.release.remote import read_remote
from tasks.storage.objects import ObjectStore, open_store
from tasks.storage.project import Project

STAGES = ("train", "evaluate")
FOLDER = "nets"  # below the project's prefix: <net>/champion.json


def release_net(project: Project, message: str, log: Log) -> bool:
    """Keep the nets that are here: pushed to the store, and committed with what they were made from and which one is in use.

    Returns whether anything was new. Raises as release and share_champions do.
    """
    log("pushing nets")
    run_dvc(project, "commit", "--force", *STAGES)
    run_dvc(project, "push", *STAGES)
    share_champions(project)
    pointers = [path.relative_to(project.root).as_posix() for path in sorted(project.data.models.glob(f"*/{CHAMPION}"))]
    ours = ("dvc.lock", "dvc.yaml", "params.yaml", "data/training.json", f"data/{METRICS}", f"data/{CURVES}", *pointers)
    return commit_files(project.root, ours, message)


def share_champions(project: Project) -> None:
    """Say on the store which version of each net is in use, once its files are there.

    The store's is moved by compare-and-swap, and only forward. Raises TransientError where another machine has moved it.
    """
    address = read_remote(project)
    store = open_store(replace(address, url=f"{address.url.rstrip('/')}/{FOLDER}"))
    for champion, pointer in _champions(project, store):
        there, found = pointer.read()
        if there == champion:
            continue
        if there is not None and there.generation >= champion.generation:
            raise TransientError(
                f"{champion.net}: on the store {there.version} is champion (generation {there.generation}), here "
                f"{champion.version} (generation {champion.generation})", "`git pull` and `dvc pull`, then promote again")
        pointer.move(champion, found)


def _champions(project: Project, store: ObjectStore) -> Iterator[tuple[Champion, Pointer]]:
    for path in sorted(project.data.models.glob(f"*/{CHAMPION}")):
        champion = read_champion(project.data.models, path.parent.name)
        if champion is not None:
            yield champion, Pointer(store, champion.net)
