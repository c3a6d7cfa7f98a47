"""The frames of one video, as a Prefect task."""

from functools import partial
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.frames import sample
from tasks.params import FramesParams
from tasks.progress import tell
from tasks.retry import is_transient
from tasks.schema import Media
from tasks.storage.artefact import is_done, read_record
from tasks.storage.child import run_in_child
from tasks.storage.layout import DataFolder


@task(task_run_name="frames-{media.video_id}", cache_policy=NO_CACHE, retries=1, retry_condition_fn=is_transient)
def sample_frames(
    media: Media, data: DataFolder, params: FramesParams, memory_megabytes: int) -> dict[str, Any] | State[Any]:
    """See the video: sampled frames with hash and reason, kept ones with their picture. Decoding runs in a child process."""
    out = data.frames(media.video_id)
    fingerprint = sample.frames_fingerprint(media.content, params)
    if is_done(out, fingerprint):
        return Completed(name="Cached", message=f"done: {out}", data=read_record(out)["extra"])
    return run_in_child(
        sample.sample_frames, media.video_id, media.picture, out, fingerprint, params,
        timeout_seconds=params.timeout_seconds, memory_megabytes=memory_megabytes,
        progress=partial(tell, media.video_id, "frames"), what=f"{media.video_id}: frames")
