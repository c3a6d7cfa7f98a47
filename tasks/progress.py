"""What is being worked on now, for whoever shows it. Steps tell; a terminal or the UI listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, str, float], None]
_listeners: list[Listener] = []


def tell(video_id: str, step: str, seconds: float) -> None:
    """Say that `step` has reached `seconds` of the media of this video."""
    for listener in _listeners:
        listener(video_id, step, seconds)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Hear what the steps of this process tell while the block runs. The listener is called from worker threads."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
