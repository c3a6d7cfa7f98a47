"""Waiting longer each time, and not for ever."""

import pickle
from functools import partial

import pytest

from tasks.errors import BlockedError, TransientError, UnusableVideoError
from tasks.network.backoff import MAX_BIDDEN_WAITS, BusyError, with_retries


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


def test_a_site_that_blocks_us_without_saying_for_how_long_is_not_asked_again() -> None:
    with pytest.raises(BlockedError):
        with_retries(Flaky(BlockedError("", "")), attempts=9, backoff_seconds=1, sleep=lambda _: pytest.fail("waited"))


def test_a_site_that_says_when_to_come_back_is_taken_at_its_word_a_few_times() -> None:
    waits: list[float] = []
    patient = Flaky(*[BlockedError("", "", 20)] * MAX_BIDDEN_WAITS)
    assert with_retries(patient, attempts=1, backoff_seconds=1, sleep=waits.append) == "done"
    assert waits == [20] * MAX_BIDDEN_WAITS
    with pytest.raises(BlockedError):
        with_retries(
            Flaky(*[BlockedError("", "", 20)] * (MAX_BIDDEN_WAITS + 1)), attempts=9, backoff_seconds=1, sleep=waits.append)


def test_what_cannot_pass_is_not_tried_again() -> None:
    with pytest.raises(UnusableVideoError):
        with_retries(
            Flaky(UnusableVideoError("", "")), attempts=9, backoff_seconds=1, sleep=lambda _: pytest.fail("waited"))


def test_how_long_to_wait_survives_pickling() -> None:
    for error in (BusyError("a", "b", 3.0), BlockedError("a", "b", 3.0)):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.problem, again.remedy, again.retry_after_seconds) == (type(error), "a", "b", 3.0)
