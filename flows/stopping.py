"""Ctrl-C and SIGTERM stop a command where that is safe.

An exception that a signal raises anywhere can be lost in a library's callback, or leave a lock held for ever that a worker thread
then waits for. So while lanes are at work a signal only wakes their loop, and that raises.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_asked = threading.Event()
_wakers: list[Callable[[], None]] = []


def listen() -> None:
    """From now on Ctrl-C and SIGTERM stop the command. Call in the main thread."""
    _asked.clear()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _stop)


@contextmanager
def put_off(wake: Callable[[], None]) -> Iterator[None]:
    """While the block runs, the first signal calls `wake`, and stop_if_asked raises; a second one raises at once.

    wake: called between any two steps of the main thread: it must not wait for anything.
    """
    _wakers.append(wake)
    try:
        yield
    finally:
        _wakers.remove(wake)


def stop_if_asked() -> None:
    """Raises KeyboardInterrupt when a signal has come."""
    if _asked.is_set():
        raise KeyboardInterrupt


def _stop(number: int, frame: FrameType | None) -> None:
    again = _asked.is_set()
    _asked.set()
    if again or not _wakers:
        raise KeyboardInterrupt
    _wakers[-1]()
