"""Which flow runs have a process. Prefect goes on calling a run RUNNING when its process was killed; the system knows better."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import AlreadyRunningError
from tasks.storage.lock import held_lock
from tasks.storage.project import Project


@contextmanager
def being_alive(project: Project, flow_run_id: str) -> Iterator[None]:
    """Show, while the block runs, that this flow run has a process: it keeps a file locked, which its death frees."""
    path = _life(project, flow_run_id)
    with held_lock(path):
        yield
        path.unlink()


def is_alive(project: Project, flow_run_id: str) -> bool:
    """True when the process of a flow run is there, on this machine."""
    path = _life(project, flow_run_id)
    try:
        with held_lock(path):
            path.unlink()
    except AlreadyRunningError:
        return True
    return False


def private_folder(project: Project) -> Path:
    """The folder for what belongs to this machine, made where it is not; git does not look into it."""
    project.private.mkdir(exist_ok=True)
    (project.private / ".gitignore").write_text("*\n")
    return project.private


def _life(project: Project, flow_run_id: str) -> Path:
    return private_folder(project) / "runs" / flow_run_id
