"""The words of one video, as a Prefect task."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.params import AudioParams, TranscriptionParams
from tasks.progress import tell
from tasks.retry import is_transient
from tasks.schema import Media
from tasks.storage.artefact import Fingerprint, is_done, read_record
from tasks.storage.child import run_in_child
from tasks.storage.layout import DataFolder
from tasks.transcription.captions import transcribe_captions
from tasks.transcription.choose import EngineChoice, choose_engine
from tasks.transcription.models import models_folder
from tasks.transcription.transcribe import heard_fingerprint, transcribe


@dataclass(frozen=True)
class Hearing:
    """How a video will be heard, or what was said when it was heard before.

    said: None when it is still to be done.
    """

    choice: EngineChoice
    out: Path
    fingerprint: Fingerprint
    said: dict[str, Any] | None

    @property
    def needs_sound(self) -> bool:
        return self.said is None and self.choice.caption is None


def prepare_hearing(media: Media, data: DataFolder, audio: AudioParams, params: TranscriptionParams) -> Hearing:
    """Choose the engine and see whether it has heard this video before."""
    choice = choose_engine(media, params, models_folder())
    fingerprint = heard_fingerprint(media.content, choice, audio, params)
    out = data.heard(media.video_id)
    return Hearing(choice, out, fingerprint, read_record(out)["extra"] if is_done(out, fingerprint) else None)


@task(task_run_name="transcription-{media.video_id}", cache_policy=NO_CACHE, retries=1, retry_condition_fn=is_transient)
def transcribe_video(
    media: Media, hearing: Hearing, wav: Path, segments: list[list[float]], params: TranscriptionParams,
) -> dict[str, Any] | State[Any]:
    """Every word heard, with its time: from captions, or recognised in a child process with all cores."""
    if hearing.said is not None:
        return Completed(name="Cached", message=f"done: {hearing.out}", data=hearing.said)
    choice, video_id = hearing.choice, media.video_id
    if choice.caption is not None:
        return transcribe_captions(video_id, choice.caption, media.duration, hearing.out, hearing.fingerprint, choice.reason)
    said = run_in_child(
        transcribe, video_id, wav, segments, hearing.out, hearing.fingerprint, choice, params,
        timeout_seconds=params.timeout_seconds, memory_megabytes=params.memory_megabytes,
        progress=partial(tell, video_id, "transcription"), what=f"{video_id}: recognition")
    wav.unlink()
    return said
