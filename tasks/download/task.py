"""The media of one video, as a Prefect task."""

import threading
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.download.fetch import fetch_media, read_media
from tasks.errors import IntegrityError
from tasks.params import DiscoveryParams, DownloadParams
from tasks.progress import tell
from tasks.retry import is_transient
from tasks.schema import Media, Video
from tasks.storage.layout import DataFolder

_hosts: dict[str, threading.BoundedSemaphore] = {}
_hosts_lock = threading.Lock()


@task(task_run_name="download-{video.id}", cache_policy=NO_CACHE, retry_condition_fn=is_transient, retry_jitter_factor=0.5)
def download_media(
    video: Video, data: DataFolder, params: DownloadParams, discovery: DiscoveryParams) -> Media | State[Any]:
    """Fetch one video, at most `videos_per_host` at once from one host; a server fault is retried, a missing video is not."""
    folder = data.media(video.id)
    try:
        media = read_media(folder)
    except IntegrityError:
        with _slot(urlsplit(video.url).hostname or "", params.videos_per_host):
            return fetch_media(video, folder, params, discovery, partial(tell, video.id, "download"))
    return Completed(name="Cached", message=f"whole in {folder}", data=media)


def _slot(host: str, videos: int) -> threading.BoundedSemaphore:
    with _hosts_lock:
        return _hosts.setdefault(host, threading.BoundedSemaphore(videos))
