"""A child that crashes, hangs or eats memory costs one named failure; the parent goes on."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import StoppedError, TransientError, UnusableVideoError
from tasks.storage.child import preload, run_in_child, stop_children

MEMORY_MEGABYTES = 600


def add(a: int, b: int, *, progress: Callable[[float], None]) -> dict[str, Any]:
    progress(0.5)
    return {"sum": a + b}


def crash(*, progress: Callable[[float], None]) -> dict[str, Any]:
    return {"never": ctypes.string_at(0)}


def abort(*, progress: Callable[[float], None]) -> dict[str, Any]:
    os.abort()


def hang(*, progress: Callable[[float], None]) -> dict[str, Any]:
    progress(0.0)
    threading.Event().wait()
    return {}


def gorge(*, progress: Callable[[float], None]) -> dict[str, Any]:
    return {"bytes": len(bytearray(MEMORY_MEGABYTES << 21))}


def fail(kind: str, *, progress: Callable[[float], None]) -> dict[str, Any]:
    raise TransientError("busy", "wait") if kind == "transient" else UnusableVideoError("torn", "drop it", "truncated")


def end_itself(victim: str, *, progress: Callable[[float], None]) -> dict[str, Any]:
    """As when somebody ends the child, or the server that it was forked from and the child with it."""
    if victim == "server":
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def environment(*, progress: Callable[[float], None]) -> dict[str, Any]:
    return {"names": sorted(os.environ)}


def run(function: Callable[..., dict[str, Any]], *arguments: Any, timeout_seconds: float = 60.0) -> dict[str, Any]:
    return run_in_child(function, *arguments, timeout_seconds=timeout_seconds, memory_megabytes=MEMORY_MEGABYTES)


def test_a_child_answers_with_its_result_and_what_it_cost() -> None:
    told: list[float] = []
    answer = run_in_child(add, 2, 3, timeout_seconds=60, memory_megabytes=MEMORY_MEGABYTES, progress=told.append)
    assert answer["sum"] == 5
    assert told == [0.5]
    assert 0 < answer["peak_megabytes"] < MEMORY_MEGABYTES
    assert answer["cpu_seconds"] >= 0


@pytest.mark.parametrize(("function", "sign"), [(crash, signal.SIGSEGV), (abort, signal.SIGABRT)])
def test_a_child_killed_by_a_signal_is_a_named_failure(function: Callable[..., dict[str, Any]], sign: signal.Signals) -> None:
    with pytest.raises(UnusableVideoError, match=sign.name) as caught:
        run(function)
    assert caught.value.code == "crashed"


def test_a_child_that_hangs_is_ended_when_its_time_is_up() -> None:
    with pytest.raises(UnusableVideoError) as caught:
        run(hang, timeout_seconds=1.0)
    assert caught.value.code == "timeout"


def test_a_child_that_eats_memory_is_stopped_at_its_limit() -> None:
    with pytest.raises(UnusableVideoError) as caught:
        run(gorge)
    assert caught.value.code == "out_of_memory"


def test_errors_keep_their_class_and_code_across_the_process_border() -> None:
    with pytest.raises(TransientError, match="busy"):
        run(fail, "transient")
    with pytest.raises(UnusableVideoError, match="torn") as caught:
        run(fail, "unusable")
    assert caught.value.code == "truncated"


def test_a_child_sees_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    assert "AWS_SECRET_ACCESS_KEY" not in run(environment)["names"]


def stumble(*, progress: Callable[[float], None]) -> dict[str, Any]:
    return {"never": [][0]}


def test_our_own_fault_in_a_child_is_told_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UnusableVideoError, match="IndexError") as caught:
        run(stumble)
    assert caught.value.code == "fault"
    assert "in stumble" in caplog.text


def test_children_allocate_with_jemalloc_where_it_is_installed(tmp_path: Path) -> None:
    """In a process of its own: the fork server starts once. The C library stands in for jemalloc."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import os\n"
        "from tasks.storage import child\n"
        "def environment(*, progress):\n"
        "    return {'preloaded': os.environ.get('LD_PRELOAD')}\n"
        "if __name__ == '__main__':\n"
        "    child.find_library = lambda name: 'libc.so.6' if name == 'jemalloc' else None\n"
        "    child.preload([])\n"
        "    from parent import environment\n"
        "    said = child.run_in_child(environment, timeout_seconds=60, memory_megabytes=500)\n"
        "    print(said['preloaded'], os.environ.get('LD_PRELOAD'))\n")
    reply = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True)
    assert reply.stdout.split() == ["libc.so.6", "None"]


@pytest.mark.parametrize("victim", ["child", "server"])
def test_what_is_ended_from_outside_is_no_fault_of_the_video(victim: str) -> None:
    with pytest.raises(TransientError, match="ended from outside"):
        run(end_itself, victim)
    assert run(add, 2, 3)["sum"] == 5


def test_a_stopped_run_blames_no_video() -> None:
    """Children that were at work are ended, none is started, and neither reads as a video that crashed."""
    try:
        for _ in range(2):
            with pytest.raises(StoppedError, match="the run was stopped"):
                run_in_child(
                    hang, timeout_seconds=60, memory_megabytes=MEMORY_MEGABYTES, progress=lambda reached: stop_children())
    finally:
        preload([])
