"""What is new in one source, as a Prefect task."""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.discovery.sources import Found, discover_source
from tasks.network.session import NetworkSettings, SiteSession, open_session
from tasks.params import DiscoveryParams, DownloadParams, SourceParams
from tasks.retry import is_transient


def network_settings(discovery: DiscoveryParams, download: DownloadParams) -> NetworkSettings:
    """How to behave while listing: as in downloading, with the same cookies and proxy."""
    return NetworkSettings(
        discovery.allow_private_addresses, discovery.allowed_hosts, download.timeout_seconds, download.backoff_seconds,
        download.max_bytes, download.rate_limit_bytes_per_second, download.cookies_file, download.proxy)


@task(task_run_name="discover-{source.name}", cache_policy=NO_CACHE, retry_condition_fn=is_transient, retry_jitter_factor=0.5)
def find_uploads(
    source: SourceParams, known: Collection[str], state: Mapping[str, Any], discovery: DiscoveryParams, download: DownloadParams,
    now: datetime, file_digest: Callable[[Path], str], inbox: Path,
) -> Found:
    """Look at one source; a server fault is retried, a site that blocks us is not.

    The tries of the feed or listing are Prefect's, so that its UI shows them: the caller sets `retries` from the params.
    """
    with ExitStack() as stack:

        def session() -> SiteSession:
            return stack.enter_context(open_session(network_settings(discovery, download)))

        return discover_source(
            source, known, state, discovery, session=session, file_digest=file_digest, now=now, inbox=inbox, attempts=1)
