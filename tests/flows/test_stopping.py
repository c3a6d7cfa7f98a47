"""A signal stops a run where that is safe, and is never lost."""

import os
import signal
from collections.abc import Iterator

import pytest

from flows.stopping import listen, put_off, stop_if_asked


@pytest.fixture
def listening() -> Iterator[None]:
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    listen()
    yield
    listen()  # forget what was asked
    for sign, handler in before.items():
        signal.signal(sign, handler)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_that_went_nowhere_is_remembered(listening: None, sign: signal.Signals) -> None:
    stop_if_asked()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), sign)
    with pytest.raises(KeyboardInterrupt):
        stop_if_asked()
    listen()
    stop_if_asked()


def test_while_a_stop_is_put_off_the_first_signal_wakes_and_the_second_raises(listening: None) -> None:
    woken: list[str] = []
    with put_off(lambda: woken.append("once")):
        os.kill(os.getpid(), signal.SIGINT)
        assert woken == ["once"]
        with pytest.raises(KeyboardInterrupt):
            stop_if_asked()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert woken == ["once"]
