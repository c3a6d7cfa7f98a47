"""A new project: a folder with settings, stages, an empty list and a store of its own, in git."""

import contextlib
import re
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from tasks.discovery.catalogue import COLUMNS
from tasks.errors import InputError
from tasks.evaluation.candidate import CURVES, EMPTY_CURVES, METRICS
from tasks.release.dvc import site_cache
from tasks.release.git import commit_files, make_repository, run_git
from tasks.storage.atomic import write_whole
from tasks.storage.project import Project

SHARED = ("params.yaml", "dvc.yaml", "prefect.yaml")  # the repository's own; a wheel carries them as data files
IGNORED = """\
/data/media/
/data/labels/
/data/evidence/
/data/dataset/
/data/models/
/data/ledger.sqlite*
/data/report.html
/data/study-*.html
/data/.work/
/data/.cache/
/data/lock
/store/
"""
DVC_SETTINGS = """\
[core]
    remote = store
    analytics = false
    autostage = false
['remote "store"']
    url = ../store
    verify = true
"""
DVC_IGNORED = """\
# Half-written files of a run at work
.staging-*
# In git: which net is in use changes without a training
champion.json
"""


def init_project(folder: Path) -> Project:
    """Make `folder` a project, or complete one; files that are there stay as they are, but for lines added to .gitignore.

    Raises InputError when the folder cannot be one, WorkflowError when git refuses.
    """
    root = folder.absolute()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{root}: is a file", "name a folder") from error
    project = Project(root)
    make_repository(root)
    contents = {name: shared_file(name).decode() for name in SHARED} | {
        "data/videos.csv": ",".join(COLUMNS) + "\n", "data/training.json": "{}\n",
        f"data/{METRICS}": "{}\n", f"data/{CURVES}": EMPTY_CURVES, ".dvc/config": DVC_SETTINGS, ".dvcignore": DVC_IGNORED,
        ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n"}
    for name, content in contents.items():
        if not (root / name).exists():
            write_whole(root / name, content.encode())
    _ignore_what_dvc_keeps(root / ".gitignore")
    _keep_to_ourselves(project)
    new = (run_git(root, "ls-files", "--others", "--", *contents, ".gitignore") or "").splitlines()
    if new:
        commit_files(root, new, "A framewords project")
    return project


def shared_file(name: str) -> bytes:
    """A file of the repository's root: beside the code in a clone, among the data files of an installed package."""
    places = [Path(__file__).parents[2] / name]
    with contextlib.suppress(PackageNotFoundError):
        places += [Path(str(file.locate())) for file in files("framewords") or [] if file.parts[-2:] == ("framewords", name)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise InputError(f"{name}: not among the installed files", "install framewords again")
    return found.read_bytes()


def _ignore_what_dvc_keeps(path: Path) -> None:
    """Keep data out of git: DVC has them."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [line for line in IGNORED.splitlines() if line not in old.splitlines()]
    if missing:
        start = old if old.endswith("\n") or not old else f"{old}\n"
        write_whole(path, (start + "\n".join(missing) + "\n").encode())


def _keep_to_ourselves(project: Project) -> None:
    """Also a DVC called by hand keeps what it remembers in the project. The path is this machine's, so it is not in git."""
    local = project.settings.with_name("config.local")
    old = local.read_text(encoding="utf-8") if local.exists() else ""
    line = f"    site_cache_dir = {site_cache(project)}\n"
    kept = re.sub(r"(?m)^\s*site_cache_dir\s*=.*\n?", "", old)  # of before the project was moved
    core = kept if "[core]\n" in kept else f"{kept}[core]\n"
    new = core.replace("[core]\n", f"[core]\n{line}", 1)
    if new != old:
        write_whole(local, new.encode())
