"""One at a time on an object of a store that knows no conditions: each who wants it puts a claim beside it.

It is held by whoever lists no claim but its own. Of two who come at once at least one lists after both have put theirs, so
that never both hold it. Who lists one that comes before its own in order withdraws and has lost; else it waits until the
others are gone.
Needs a store that lists what was put, as S3 does since 2020. A claim whose owner has died counts for CLAIM_SECONDS.
"""

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tasks.errors import IntegrityError, TransientError

if TYPE_CHECKING:
    from tasks.storage.objects import ObjectStore

CLAIM_SECONDS = 600.0  # far more than a swap takes, with all its retries
WAIT_SECONDS = 30.0
LOOK_SECONDS = 0.05

log = logging.getLogger("framewords.storage")


@contextmanager
def claimed(store: "ObjectStore", key: str) -> Iterator[None]:
    """Hold the object while the block runs, which is to be short.

    Raises TransientError when another one has it, or would have it for too long.
    """
    prefix = f"{key}.claims/"
    own = f"{prefix}{uuid.uuid4().hex}"
    store.put_bytes(f"{time.time():.0f}\n".encode(), own)
    try:
        _wait_alone(store, prefix, own)
        yield
    finally:
        store.delete(own)


def _wait_alone(store: "ObjectStore", prefix: str, own: str) -> None:
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        others = [claim for claim, _ in store.keys(prefix) if claim != own and not _swept(store, claim)]
        if not others:
            return
        if others[0] < own or time.monotonic() > give_up:
            raise TransientError(f"{prefix.removesuffix('.claims/')}: somebody else is changing it", "look at it, then run again")
        time.sleep(LOOK_SECONDS)


def _swept(store: "ObjectStore", claim: str) -> bool:
    """Whether a claim is gone, or was left behind by one who has died: then it is removed."""
    try:
        text = store.get_bytes(claim)
    except IntegrityError:  # gone between two requests
        text = None
    if text is None:
        return True
    try:
        abandoned = time.time() - float(text) > CLAIM_SECONDS
    except ValueError:
        abandoned = True
    if abandoned:
        log.warning("%s: left behind, removed", claim)
        store.delete(claim)
    return abandoned
