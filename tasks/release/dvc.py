"""DVC, as a subprocess: never as a library, its exit code always checked, its locks waited for, its errors put into our words."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import InputError, TransientError, WorkflowError
from tasks.network.backoff import with_retries
from tasks.release.git import git_environment
from tasks.release.remote import MARKER, dvc_environment, read_remote
from tasks.storage.objects import StoreAddress, open_store
from tasks.storage.project import Project

ATTEMPTS, BACKOFF_SECONDS = 5, 2.0  # about a minute, DVC's own waiting included
BUSY = ("Unable to acquire lock", "is busy, it is being blocked", "RWLock-file")
# What the libraries under DVC say when a server is away or not able to now.
AWAY = re.compile(
    r"could not connect|connect(ion)? ?time|timed? ?out|connection (was )?(refused|reset|closed|aborted)|EndpointConnectionError|"
    r"ClientConnect|ServerDisconnected|Server disconnected|Temporary failure in name resolution|SlowDown|ServiceUnavailable|"
    r"InternalError|50[0234]\b|reduce your request rate|IncompleteRead|ClientPayloadError|failed to connect", re.IGNORECASE)
REMOTE_COMMANDS = ("push", "pull", "fetch")
LOOK_SECONDS = 10.0  # between two looks at the store while one of them runs
MAX_SILENT_LOOKS = 2
REMEDIES = {
    "Unable to locate credentials": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile",
    "NoSuchBucket": "make the bucket with `framewords remote URL --create`",
    "unsaved files": "they belong to no version: publish them with `framewords nightly`, or remove them",
    "No space left on device": "free some space, then run again",
}
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")
SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class _Ended:
    """How a DVC ended. lines: what it printed. gone: set when it was stopped because its store had gone."""

    code: int
    lines: list[str]
    gone: TransientError | None


def run_dvc(project: Project, *arguments: str) -> str:
    """What DVC prints on standard output.

    Raises TransientError when the remote does not answer or another DVC stays at work, InputError when DVC is not installed,
    WorkflowError for all else, with the one line that says what.
    """
    environment = _environment(project)

    def attempt() -> _Ended:
        _drop_dead_locks(project)
        ended = _run(project, arguments, environment)
        if ended.code and any(sign in line for line in ended.lines for sign in BUSY):
            raise TransientError(f"{project.root}: another DVC is at work", "wait for it, then run again")
        return ended

    ended = with_retries(attempt, attempts=ATTEMPTS, backoff_seconds=BACKOFF_SECONDS)
    if ended.code:
        raise ended.gone or _failure(arguments[0], ended.lines)
    return "".join(ended.lines)


def site_cache(project: Project) -> Path:
    """Where DVC keeps what it remembers, pickles among it: in the project, for us alone, not in a folder shared with others."""
    folder = project.root / ".dvc" / "tmp" / "site"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _environment(project: Project) -> dict[str, str]:
    bounded = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "3"}  # for each object; the libraries above try it again
    return {
        **bounded, **git_environment(), **dvc_environment(read_remote(project)), "DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1",
        "DVC_SITE_CACHE_DIR": str(site_cache(project)), "NO_COLOR": "1"}


def _run(project: Project, arguments: tuple[str, ...], environment: dict[str, str]) -> _Ended:
    command = [sys.executable, "-m", "dvc", *arguments]
    with subprocess.Popen(
            command, cwd=project.root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", errors="replace") as process:
        assert process.stdout is not None
        try:
            with _watched(process, read_remote(project) if arguments[0] in REMOTE_COMMANDS else None) as silent:
                lines = list(process.stdout)
        except BaseException:
            process.kill()
            raise
    return _Ended(process.returncode, lines, silent[-1] if len(silent) == MAX_SILENT_LOOKS else None)


@contextmanager
def _watched(process: "subprocess.Popen[str]", address: StoreAddress | None) -> Iterator[list[TransientError]]:
    """Stop DVC when its store has gone: alone it would try every single object for as long as the first.

    Yields the looks in a row that got no answer; DVC is stopped at MAX_SILENT_LOOKS.
    """
    over, silent = threading.Event(), list[TransientError]()
    if address is None or not address.is_s3:
        yield silent
        return

    def look() -> None:
        store = open_store(address)
        while len(silent) < MAX_SILENT_LOOKS and not over.wait(LOOK_SECONDS):
            try:
                store.size(MARKER)
                silent.clear()
            except TransientError as error:
                silent.append(error)
            except WorkflowError:  # it answers, though not as we like: DVC will say so
                silent.clear()
        if not over.is_set():
            process.kill()

    watch = threading.Thread(target=look, name="dvc-watch", daemon=True)
    watch.start()
    try:
        yield silent
    finally:
        over.set()
        watch.join()


def _failure(command: str, lines: list[str]) -> WorkflowError:
    """What went wrong: the first line that says so."""
    text = "".join(lines)
    errors = [line.removeprefix("ERROR: ").strip() for line in lines if line.startswith("ERROR: ")]
    said = next(iter(errors), (text.strip().splitlines() or ["it ended without a word"])[-1])
    if "No module named dvc" in text:
        return InputError("DVC is not installed", "pip install 'framewords[nightly]'")
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
            return "dvc" in [Path(word).name for word in Path(f"/proc/{process_id}/cmdline").read_text().split("\0")]
        os.kill(process_id, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
