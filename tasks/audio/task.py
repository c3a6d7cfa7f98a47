"""The sound of one video, as a Prefect task."""

from functools import partial
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.audio import extract
from tasks.params import AudioParams
from tasks.progress import tell
from tasks.retry import is_transient
from tasks.schema import Media
from tasks.storage.child import run_in_child


@task(task_run_name="audio-{media.video_id}", cache_policy=NO_CACHE, retries=1, retry_condition_fn=is_transient)
def extract_audio(media: Media, sound: Path, wav: Path, params: AudioParams, memory_megabytes: int) -> dict[str, Any]:
    """Write the sound track as a mono WAV for the recogniser, which removes it, and say where to cut it."""
    wav.parent.mkdir(parents=True, exist_ok=True)
    return run_in_child(
        extract.extract_audio, media.video_id, sound, wav, params,
        timeout_seconds=params.timeout_seconds, memory_megabytes=memory_megabytes,
        progress=partial(tell, media.video_id, "audio"), what=f"{media.video_id}: audio")
