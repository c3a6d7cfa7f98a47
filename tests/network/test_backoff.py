"""Waiting longer each time, and not for ever."""

import pickle
from functools import partial

import pytest

from tasks.errors import TransientError, UnusableVideoError
from tasks.network.backoff import BusyError, with_retries


class Flaky:
    """Fails with the given errors in turn, then works."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_waits_double_and_the_result_comes_at_last() -> None:
    waits: list[float] = []
    down = TransientError("down", "wait")
    assert with_retries(
        Flaky(down, down, down), attempts=4, backoff_seconds=2, sleep=waits.append, jitter=lambda: 0.5) == "done"
    assert waits == [2, 4, 8]


def test_jitter_spreads_a_wait_by_half_to_either_side() -> None:
    waits: list[float] = []
    for draw in (0.0, 1.0):
        with_retries(
            Flaky(TransientError("", "")), attempts=2, backoff_seconds=2, sleep=waits.append, jitter=partial(float, draw))
    assert waits == [1, 3]


def test_the_last_error_comes_out_after_all_attempts() -> None:
    waits: list[float] = []
    with pytest.raises(TransientError, match="second"):
        with_retries(
            Flaky(TransientError("first", ""), TransientError("second", "")), attempts=2, backoff_seconds=1, sleep=waits.append)
    assert len(waits) == 1


def test_a_server_that_asks_for_time_gets_it() -> None:
    waits: list[float] = []
    with_retries(Flaky(BusyError("", "", 17)), attempts=2, backoff_seconds=1, sleep=waits.append)
    assert waits == [17]


def test_a_server_that_asks_for_an_hour_is_left_for_a_later_run() -> None:
    with pytest.raises(BusyError):
        with_retries(Flaky(BusyError("", "", 3600)), attempts=9, backoff_seconds=1, sleep=lambda _: pytest.fail("waited"))


def test_what_cannot_pass_is_not_tried_again() -> None:
    with pytest.raises(UnusableVideoError):
        with_retries(
            Flaky(UnusableVideoError("", "")), attempts=9, backoff_seconds=1, sleep=lambda _: pytest.fail("waited"))


def test_a_busy_error_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(BusyError("a", "b", 3.0))).retry_after_seconds == 3.0
