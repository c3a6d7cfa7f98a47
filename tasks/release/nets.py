"""Nets beside the versions of the dataset: on the store through DVC, and which one is in use in git."""

from tasks.evaluation.candidate import CURVES, METRICS
from tasks.release.dvc import run_dvc
from tasks.release.git import commit_files
from tasks.release.publish import Log
from tasks.storage.project import Project

STAGES = ("train", "evaluate")


def release_net(project: Project, message: str, log: Log) -> bool:
    """Keep the nets that are here: pushed to the store, and committed with what they were made from and which one is in use.

    Returns whether anything was new. Raises as release does.
    """
    log("pushing nets")
    run_dvc(project, "commit", "--force", *STAGES)
    run_dvc(project, "push", *STAGES)
    pointers = [path.relative_to(project.root).as_posix() for path in sorted(project.data.models.glob("*/champion.json"))]
    ours = ("dvc.lock", "dvc.yaml", "params.yaml", "data/training.json", f"data/{METRICS}", f"data/{CURVES}", *pointers)
    return commit_files(project.root, ours, message)
