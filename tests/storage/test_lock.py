"""One holder; freed by death, however it comes; held by nobody else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.errors import AlreadyRunningError
from tasks.storage.lock import held_lock

HOLDER = """
import os, subprocess, sys, time
from pathlib import Path
from tasks.storage.lock import held_lock
with held_lock(Path(sys.argv[1])):
    if sys.argv[2] == "spawn":
        print(subprocess.Popen(["sleep", "600"]).pid, flush=True)
    elif not os.fork():
        print(os.getpid(), flush=True)
    time.sleep(600)
"""


def hold(path: Path, way: str) -> tuple["subprocess.Popen[str]", int]:
    """A process that holds the lock, and the child it has made meanwhile."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path), way], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    return holder, int(holder.stdout.readline())


def end(holder: "subprocess.Popen[str]", child: int) -> None:
    os.kill(child, signal.SIGKILL)
    holder.communicate()


def test_a_second_holder_is_told_which_process_is_the_first(tmp_path: Path) -> None:
    holder, child = hold(tmp_path / "lock", "spawn")
    try:
        with pytest.raises(AlreadyRunningError) as caught, held_lock(tmp_path / "lock"):
            pass
        assert f"another run is at work here (process {holder.pid})" in caught.value.problem
        assert caught.value.exit_code == 3
    finally:
        holder.kill()
        end(holder, child)


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_a_child_that_outlives_a_killed_holder_does_not_hold(tmp_path: Path, way: str) -> None:
    holder, child = hold(tmp_path / "lock", way)
    holder.kill()
    holder.wait()
    try:
        os.kill(child, 0)  # it lives
        with held_lock(tmp_path / "lock"):
            pass
    finally:
        end(holder, child)


def test_a_forked_child_that_ends_well_does_not_free_the_lock(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom tasks.storage.lock import held_lock\n"
        "with held_lock(Path(sys.argv[1])):\n"
        "    child = os.fork()\n"
        "    if child:\n"
        "        assert os.waitpid(child, 0)[1] == 0\n"
        "        print('ready', flush=True)\n"
        "        sys.stdin.read()\n")
    command = [sys.executable, "-c", program, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        with pytest.raises(AlreadyRunningError), held_lock(tmp_path / "lock"):
            pass
        holder.communicate("")
    assert holder.returncode == 0
    with held_lock(tmp_path / "lock"):
        pass


def test_an_id_left_behind_by_a_killed_holder_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    with held_lock(path):
        path.write_text(f"{dead.pid}\n")
        with pytest.raises(AlreadyRunningError) as caught, held_lock(path):
            pass
    assert "process" not in caught.value.problem


def test_the_lock_is_free_after_an_error_inside(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), held_lock(tmp_path / "lock"):
        raise ValueError("inside")
    with held_lock(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    assert (tmp_path / "lock").read_text() == ""
