"""Git, as a subprocess: exactly our files are committed, nothing of the user's waits in it or is lost by it.

Hooks, signatures and editors are left out, since nobody is there at night to answer them.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tasks.errors import InputError, TransientError, WorkflowError
from tasks.network.backoff import with_retries

UNATTENDED = tuple(part for setting in (
    "core.hooksPath=/dev/null", "commit.gpgSign=false", "tag.gpgSign=false", "core.autocrlf=false",
) for part in ("-c", setting))
OWN_NAME = {"user.name": "framewords", "user.email": "framewords@localhost"}  # only where the user has none
# Set while git runs a hook: they would lead us to another repository, or to half an index.
FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE")
HELD = re.compile(r"Unable to create '(.+?\.lock)': File exists")
ATTEMPTS, BACKOFF_SECONDS = 4, 0.5


class _HeldError(TransientError):
    """Another git, or one that was killed, holds a lock file. lock: its path."""

    def __init__(self, problem: str, remedy: str, lock: str = "") -> None:
        super().__init__(problem, remedy)
        self.args = (problem, remedy, lock)


def git_environment() -> dict[str, str]:
    """Our environment without what would lead git, or DVC, to another repository or to a person."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true"}


def run_git(root: Path, *arguments: str, said: str = "", answers: tuple[int, ...] = (0,)) -> str | None:
    """What git prints; None when its exit code is one of `answers` but not 0.

    said: its standard input.
    Raises TransientError when another git is at work, WorkflowError when git refuses. A lock left by a git that was killed is
    removed.
    """
    printed = _ask_git(root, arguments, said, answers)
    return None if printed is None else printed.decode(errors="replace")


def _ask_git(root: Path, arguments: Sequence[str], said: str, answers: tuple[int, ...]) -> bytes | None:
    def attempt() -> bytes | None:
        try:
            return _run(root, arguments, said, answers)
        except _HeldError as error:
            if not _git_at_work(root):
                Path(error.args[2]).unlink(missing_ok=True)
            raise

    return with_retries(attempt, attempts=ATTEMPTS, backoff_seconds=BACKOFF_SECONDS)


def _run(root: Path, arguments: Sequence[str], said: str, answers: tuple[int, ...]) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", *UNATTENDED, *arguments], cwd=root, env=git_environment(), input=said.encode(), capture_output=True)  # noqa: S607
    except FileNotFoundError as error:
        raise InputError("git is not installed", "install it: versions are kept in git") from error
    if done.returncode in answers:
        return done.stdout if done.returncode == 0 else None
    complaint = done.stderr.decode(errors="replace").strip()
    held = HELD.search(complaint)
    if held:
        raise _HeldError(f"{root}: another git is at work ({held[1]})", "wait for it, or remove that file if none is", held[1])
    line = next((line for line in complaint.splitlines() if line.startswith(("fatal:", "error:"))), complaint)
    raise WorkflowError(f"{root}: git {arguments[0]}: {line[:300]}", "settle it with git, then run again")


def _git_at_work(root: Path) -> bool:
    """True when a git process may be at work in this repository; where processes cannot be seen, one may always be."""
    if not Path("/proc/self/cwd").exists():
        return True
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == "git" and (process / "cwd").resolve().is_relative_to(root.resolve()):
                return True
        except OSError:  # ended meanwhile, or of another user
            continue
    return False


def make_repository(root: Path) -> None:
    """Make the folder a repository, unless it is one."""
    if not (root / ".git").exists():
        run_git(root, "init", "-q")


def commit_files(root: Path, paths: Sequence[str], message: str, *, even_if_same: bool = False) -> bool:
    """Commit the present state of exactly these files, whatever else is changed or staged.

    paths: below root; those that are not there are left out. even_if_same: make a commit also when there is nothing to commit.
    Returns whether there was anything to commit.
    """
    present = [path for path in paths if (root / path).is_file()]
    run_git(root, "add", "-f", "--", *present)
    same = run_git(root, "diff", "--cached", "--quiet", "--", *present, answers=(0, 1)) is not None
    if not same or even_if_same:
        run_git(root, *_author(root), "commit", "-q", "--no-verify", "--allow-empty", "--only", "-m", message, "--", *present)
    return not same


def make_tag(root: Path, name: str, message: str, commit: str = "HEAD") -> None:
    """Give a commit an annotated tag."""
    run_git(root, *_author(root), "tag", "-a", name, "-F", "-", commit, said=message)


def file_at(root: Path, commit: str, path: str) -> bytes | None:
    """A file as it was in a commit, None when it was not there."""
    return _ask_git(root, ("show", f"{commit}:{path}"), "", (0, 128))


def _author(root: Path) -> list[str]:
    """A name to commit under, where git has none."""
    missing = [key for key in OWN_NAME if not (run_git(root, "config", "--get", key, answers=(0, 1)) or "").strip()]
    return [part for key in missing for part in ("-c", f"{key}={OWN_NAME[key]}")]
