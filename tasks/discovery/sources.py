"""One subscription, one night: which uploads are new, in as few requests as can be."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.discovery.asking import ATTEMPTS, Looks, Network
from tasks.discovery.filters import filters_of
from tasks.discovery.intake import Intake
from tasks.discovery.kinds import check_source, site_kind
from tasks.discovery.lister import LOCAL, Lister
from tasks.discovery.memory import memory_from
from tasks.discovery.sites import SetAside
from tasks.errors import InputError, TransientError, UnusableVideoError
from tasks.network.session import SiteSession
from tasks.params import DiscoveryParams, SourceParams
from tasks.schema import Video
from tasks.storage.artefact import digest_json
from tasks.storage.objects import ObjectStore, StoreAddress, open_store


@dataclass(frozen=True)
class Found:
    """What one look at a source gave.

    videos: new ones, oldest first where the source says so. All of them: the cap on a night's work is the caller's.
    filtered: (address, code, problem) of what was set aside this time.
    state: what to hand in next time. Keep it after the videos are listed: should that fail between, they are found again.
    requests: made, with redirects and repeated tries.
    waiting: entries that could not be looked at yet and will be.
    trouble: what kept some of them from being looked at; all that was found stands. BlockedError: the site refuses us.
    """

    videos: tuple[Video, ...]
    filtered: tuple[SetAside, ...]
    state: dict[str, Any]
    requests: int = 0
    waiting: int = 0
    notes: tuple[str, ...] = ()
    trouble: TransientError | None = None


def discover_source(
    source: SourceParams, known: Collection[str], state: Mapping[str, Any], params: DiscoveryParams, *,
    session: Callable[[], SiteSession], file_digest: Callable[[Path], str], now: datetime, inbox: Path | None = None,
    store: Callable[[StoreAddress], ObjectStore] = open_store, attempts: int = ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
) -> Found:
    """The uploads of a source that are new: neither in `known` nor remembered in `state`.

    known: ids of all videos that are listed, whatever source they came from. A set, for speed.
    session: a conversation with sites, asked for at the first need; sources of one thread may share one.
    file_digest: 32 hex of a file's bytes (blake2b). now: when this night is, with its time zone.
    inbox: where objects of a bucket are put so that they are fetched once; None: they are not fetched, their ids not known.
    attempts: for the feed or listing itself; single entries have ATTEMPTS.
    Raises TransientError or BlockedError when the source itself cannot be listed now, InputError when it cannot be at all:
    then nothing is remembered of this look, and the state of before stays good.
    """
    memory = memory_from(state, f"{source.kind} {source.url} {source.feed}")
    today = now.astimezone(UTC).date()
    network = Network(session, attempts, sleep)
    looks = Looks(source, network, file_digest, inbox, store)
    intake = Intake(source, known, memory, today, looks.look)
    surroundings = {"hosts": params.allowed_hosts, "private": params.allow_private_addresses}
    intake.judge_again(digest_json({"filters": filters_of(source), **surroundings}))
    try:
        kind = check_source(source, params)
        if kind == "auto":
            kind = memory.kind = memory.kind or site_kind(network.session, source)
        lister = Lister(source, known, params, memory, network, today, looks)
        intake.take(lister.local(kind, now, intake) if kind in LOCAL else lister.site(kind, intake))
        if lister.single and source.kind == "auto" and not memory.seen.isdisjoint(lister.single.keys):
            memory.kind = "video"
    except UnusableVideoError as error:  # the source's own address leads nowhere
        raise InputError(f"source {source.name}: {error.problem}", "correct its url or drop it") from error
    waiting = len(memory.waiting)
    if waiting:
        lister.notes.append(f"{waiting} entries wait to be looked at")
    return Found(
        tuple(intake.given.values()), tuple(intake.filtered), memory.as_json(), network.requests + looks.requests, waiting,
        tuple(lister.notes), intake.trouble)
