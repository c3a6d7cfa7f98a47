"""The media of one video, as a Prefect task."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed
from prefect.tasks import Task

from tasks.download.fetch import Refuse, fetch_media, media_fingerprint, read_media
from tasks.download.media import is_whole
from tasks.errors import UnusableVideoError
from tasks.params import DiscoveryParams, DownloadParams
from tasks.progress import tell
from tasks.retry import is_transient
from tasks.schema import Media, Video
from tasks.storage.layout import DataFolder


@dataclass(frozen=True)
class Wishes:
    """What the subscription a video came from adds: what it does not want, and where its file lies when it is not fetched."""

    refuse: Refuse = lambda info: None
    locate: Callable[[Video], Video] = lambda video: video


_hosts: dict[str, threading.BoundedSemaphore] = {}
_hosts_lock = threading.Lock()


async def may_pass(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """True for what can pass by itself, and for a file that came incomplete."""
    failure = await state.aresult(raise_on_failure=False)
    incomplete = isinstance(failure, UnusableVideoError) and failure.code == "incomplete"
    return incomplete or await is_transient(task, task_run, state)


@task(task_run_name="download-{video.id}", cache_policy=NO_CACHE, retry_condition_fn=may_pass, retry_jitter_factor=0.5)
def download_media(
    video: Video, data: DataFolder, params: DownloadParams, discovery: DiscoveryParams, wishes: Wishes = Wishes(),
) -> Media | State[Any]:
    """Fetch one video, at most `videos_per_host` at once from one host; a server fault is retried, a missing video is not.

    The tries are Prefect's, so that its UI shows them: the caller sets `retries` from the params.
    """
    folder = data.media(video.id)
    if is_whole(folder, media_fingerprint(video, params)):
        return Completed(name="Cached", message=f"whole in {folder}", data=read_media(folder))
    once = params.model_copy(update={"attempts": 1})
    with _slot(urlsplit(video.url).hostname or "", params.videos_per_host):
        progress = partial(tell, video.id, "download")
        return fetch_media(wishes.locate(video), folder, once, discovery, progress, refuse=wishes.refuse)


def _slot(host: str, videos: int) -> threading.BoundedSemaphore:
    with _hosts_lock:
        return _hosts.setdefault(host, threading.BoundedSemaphore(videos))
