"""Which flow runs have a process. Prefect goes on calling a run RUNNING when its process was killed; the system knows better."""

from contextlib import ExitStack
from pathlib import Path

from tasks.errors import AlreadyRunningError
from tasks.storage.lock import held_lock
from tasks.storage.project import Project

_lives = ExitStack()  # closed by nobody: the system does it when this process ends, however it ends


def show_life(project: Project, flow_run_id: str) -> None:
    """Show that this process is that of a flow run, for as long as it lives: it keeps a file locked."""
    _lives.enter_context(held_lock(_lives_of(project) / flow_run_id))


def is_alive(project: Project, flow_run_id: str) -> bool:
    """True when the process of a flow run is there, on this machine."""
    return is_held(_lives_of(project) / flow_run_id)


def sweep_lives(project: Project) -> None:
    """Remove the files of the dead."""
    for path in _lives_of(project).glob("*"):
        if not is_held(path):
            path.unlink()


def is_served(root: Path) -> bool:
    """True while `framewords serve` runs for the project in this folder."""
    return is_held(serve_lock(Project(root)))


def serve_lock(project: Project) -> Path:
    return project.private / "serve.lock"


def private_folder(project: Project) -> Path:
    """The folder for what belongs to this machine, made where it is not; git does not look into it."""
    project.private.mkdir(exist_ok=True)
    (project.private / ".gitignore").write_text("*\n")
    return project.private


def is_held(path: Path) -> bool:
    """True when a process holds this lock file."""
    if not path.exists():
        return False
    try:
        with held_lock(path):
            return False
    except AlreadyRunningError:
        return True


def _lives_of(project: Project) -> Path:
    return private_folder(project) / "runs"
