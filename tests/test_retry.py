"""What is worth another try within the same run."""

import asyncio
from typing import Any

import pytest
from prefect.states import Failed

from tasks.errors import AlreadyRunningError, BlockedError, StoppedError, TransientError, UnusableVideoError
from tasks.retry import is_transient

NOBODY: Any = None


@pytest.mark.parametrize(("error", "again"), [
    (TransientError("503", "wait"), True), (AlreadyRunningError("", ""), True), (BlockedError("429", "rest"), False),
    (StoppedError("", ""), False), (UnusableVideoError("", ""), False), (ValueError(), False)])
def test_a_passing_fault_is_tried_again_and_a_site_that_blocks_us_is_not_asked_again(error: Exception, again: bool) -> None:
    assert asyncio.run(is_transient(NOBODY, NOBODY, Failed(data=error))) is again
