"""DVC, as a subprocess: never as a library, its exit code always checked, its locks waited for, its errors put into our words."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import InputError, TransientError, WorkflowError
from tasks.network.backoff import with_retries
from tasks.release.git import git_environment
from tasks.release.remote import dvc_environment, read_remote
from tasks.storage.project import Project

ATTEMPTS, BACKOFF_SECONDS = 5, 2.0  # about a minute, DVC's own waiting included
BUSY = ("Unable to acquire lock", "is busy, it is being blocked", "RWLock-file")
# What the libraries under DVC say when a server is away or not able to now.
AWAY = re.compile(
    r"could not connect|connect(ion)? ?time|timed? ?out|connection (was )?(refused|reset|closed|aborted)|EndpointConnectionError|"
    r"ClientConnect|ServerDisconnected|Server disconnected|Temporary failure in name resolution|SlowDown|ServiceUnavailable|"
    r"InternalError|50[0234]\b|reduce your request rate|IncompleteRead|ClientPayloadError|failed to connect", re.IGNORECASE)
# After so many objects that could not be sent, DVC is stopped: it would try each of the rest for minutes.
MAX_FAILED_OBJECTS = 8
REMEDIES = {
    "Unable to locate credentials": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile",
    "NoSuchBucket": "make the bucket with `framewords remote URL --create`",
    "unsaved files": "they belong to no version: publish them with `framewords nightly`, or remove them",
    "No space left on device": "free some space, then run again",
}
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")
SHOWN_CHARACTERS = 300


def run_dvc(project: Project, *arguments: str) -> str:
    """What DVC prints on standard output.

    Raises TransientError when the remote does not answer or another DVC stays at work, InputError when DVC is not installed,
    WorkflowError for all else, with the one line that says what.
    """
    environment = _environment(project)

    def attempt() -> str:
        _drop_dead_locks(project)
        return _run(project, arguments, environment)

    return with_retries(attempt, attempts=ATTEMPTS, backoff_seconds=BACKOFF_SECONDS)


def site_cache(project: Project) -> Path:
    """Where DVC keeps what it remembers, pickles among it: in the project, for us alone, not in a folder shared with others."""
    folder = project.root / ".dvc" / "tmp" / "site"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _environment(project: Project) -> dict[str, str]:
    return {
        **git_environment(), **dvc_environment(read_remote(project)), "DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1",
        "DVC_SITE_CACHE_DIR": str(site_cache(project)), "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


def _run(project: Project, arguments: tuple[str, ...], environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    with subprocess.Popen(
            command, cwd=project.root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", errors="replace") as process:
        assert process.stdout is not None
        try:
            lines = list(_until_hopeless(process.stdout, process))
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise _failure(project, arguments[0], lines)
    return "".join(lines)


def _until_hopeless(lines: Iterator[str], process: "subprocess.Popen[str]") -> Iterator[str]:
    """The lines of DVC; it is stopped when object after object fails because the remote is away."""
    failed = 0
    for line in lines:
        yield line
        failed += line.startswith("ERROR: failed to") and AWAY.search(line) is not None
        if failed == MAX_FAILED_OBJECTS:
            process.kill()


def _failure(project: Project, command: str, lines: list[str]) -> WorkflowError:
    """What went wrong: the first line that says so."""
    text = "".join(lines)
    errors = [line.removeprefix("ERROR: ").strip() for line in lines if line.startswith("ERROR: ")]
    said = next(iter(errors), (text.strip().splitlines() or ["it ended without a word"])[-1])
    if "No module named dvc" in text:
        return InputError("DVC is not installed", "pip install 'framewords[nightly]'")
    if any(sign in text for sign in BUSY):
        return TransientError(f"{project.root}: another DVC is at work", "wait for it, then run again")
    away = next((line for line in errors if AWAY.search(line)), "")
    line = f"dvc {command}: {hide_secrets(away or said)[:SHOWN_CHARACTERS]}"
    if away:
        return TransientError(line, "see that the store answers, then run again")
    return WorkflowError(line, next((remedy for sign, remedy in REMEDIES.items() if sign in text), f"see `dvc {command} -v`"))


def hide_secrets(text: str) -> str:
    """The text without credentials, whether from the environment or inside an address."""
    for name in SECRETS:
        if len(os.environ.get(name, "")) >= 4:
            text = text.replace(os.environ[name], "***")
    text = re.sub(r"(?<=://)[^/\s@]+@", "***@", text)
    return re.sub(r"(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s]+", r"\1***", text)


def _drop_dead_locks(project: Project) -> None:
    """Take out of DVC's list of paths in use what was put there by a DVC that is no more.

    DVC's other locks are freed by the system when their holder dies. This one is a file of process ids; DVC drops an id that
    no process has, but after a restart of the machine or container another process often has it, and a file torn by a kill
    stays torn.
    """
    path = project.root / ".dvc" / "tmp" / "rwlock"
    try:
        held = json.loads(path.read_bytes())
        readers = {name: [one for one in holders if _is_dvc(one["pid"])] for name, holders in held.get("read", {}).items()}
        alive = {"read": {name: holders for name, holders in readers.items() if holders},
                 "write": {name: holder for name, holder in held.get("write", {}).items() if _is_dvc(holder["pid"])}}
        if alive == {"read": held.get("read", {}), "write": held.get("write", {})}:
            return
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError, AttributeError):  # torn
        alive = {}
    path.write_text(json.dumps(alive))


def _is_dvc(process_id: int) -> bool:
    """True when the process is a DVC; where processes cannot be looked at, when there is one."""
    try:
        if Path("/proc/self").exists():
            return b"dvc" in Path(f"/proc/{process_id}/cmdline").read_bytes()
        os.kill(process_id, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
