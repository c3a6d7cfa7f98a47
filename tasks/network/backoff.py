"""Try again what can pass, waiting longer each time."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from tasks.errors import BlockedError, TransientError

Result = TypeVar("Result")

JITTER = 0.5  # a wait is its nominal length +- this share, so that many clients do not come back at once
MAX_BIDDEN_WAITS = 3  # for a site that blocks us and says for how long; after that its source is to rest
MAX_RETRY_AFTER_SECONDS = 60.0  # a server that asks for more is tried in a later run


class BusyError(TransientError):
    """The server is busy and says for how long."""

    def __init__(self, problem: str, remedy: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(problem, remedy)
        self.args = (problem, remedy, retry_after_seconds)

    @property
    def retry_after_seconds(self) -> float:
        return float(self.args[2])


def with_retries(
    work: Callable[[], Result], *, attempts: int, backoff_seconds: float,
    sleep: Callable[[float], None] = time.sleep, jitter: Callable[[], float] = random.random,
) -> Result:
    """What `work()` returns, tried up to `attempts` times while it raises TransientError.

    backoff_seconds: before the second try; doubles each time, +- JITTER. A server's own Retry-After is kept when longer.
    jitter: draws from [0, 1).
    A site that blocks us is asked again only if it says when, and then MAX_BIDDEN_WAITS times on top of `attempts`.
    Raises the last TransientError.
    """
    failed = bidden = 0
    while True:
        try:
            return work()
        except BlockedError as error:
            bidden += 1
            if not 0 < error.retry_after_seconds <= MAX_RETRY_AFTER_SECONDS or bidden > MAX_BIDDEN_WAITS:
                raise
            sleep(error.retry_after_seconds)
        except TransientError as error:
            failed += 1
            asked = error.retry_after_seconds if isinstance(error, BusyError) else 0.0
            if failed >= attempts or asked > MAX_RETRY_AFTER_SECONDS:
                raise
            nominal = backoff_seconds * 2.0 ** (failed - 1)
            sleep(max(asked, nominal * (1 + JITTER * (2 * jitter() - 1))))
