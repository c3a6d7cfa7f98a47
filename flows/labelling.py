"""Videos into labels: lanes in a bounded window, then key words and alignment in list order.

Each video is a lane of its own (fetch, see, hear); decoding and recognition run in child processes. Key words and alignment
need the words of the videos listed before, so they follow in list order, as soon as the lanes before them have settled. A
video that cannot be used is a row in the ledger, and the rest goes on.
"""

import queue
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed
from prefect.tasks import Task, exponential_backoff

from flows.labeller import Labeller, said
from flows.outcome import VideoResult
from flows.plan import Plan
from tasks.audio.task import extract_audio
from tasks.discovery.catalogue import read_catalogue
from tasks.download.fetch import media_fingerprint, read_media
from tasks.download.media import is_whole
from tasks.download.task import download_media
from tasks.errors import TransientError, UnusableVideoError, WorkflowError
from tasks.frames.sample import frames_fingerprint
from tasks.frames.task import sample_frames
from tasks.params import Params
from tasks.progress import tell
from tasks.schema import Media, Video
from tasks.storage.artefact import is_done, read_record
from tasks.storage.atomic import sweep_staging
from tasks.storage.child import preload, stop_children
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger, Outcome
from tasks.storage.lock import held_lock
from tasks.transcription.task import prepare_hearing, transcribe_video

# What children need, loaded once: 0.3 CPU seconds a child. pyarrow imports pandas, where it is, at first use.
CHILD_MODULES = [
    "av", "numpy", "pandas", "pyarrow.parquet", "PIL.Image", "pydub", "scipy.ndimage", "skimage.metrics._structural_similarity",
    "vosk", "tasks.download.probe", "tasks.frames.sample", "tasks.audio.extract", "tasks.transcription.transcribe"]
Settled = Callable[[VideoResult], None]


@contextmanager
def workbench(data: DataFolder) -> Iterator[Ledger]:
    """The data folder, ours alone and swept, with its ledger open; no child outlives it.

    Raises AlreadyRunningError when another run is at work in it.
    """
    with held_lock(data.lock):
        sweep_staging(data.root)
        shutil.rmtree(data.work, ignore_errors=True)  # what a killed run left
        preload(CHILD_MODULES)
        ledger = Ledger(data.ledger)
        try:
            yield ledger
        finally:
            stop_children()
            ledger.close()


def label_all(plan: Plan, ledger: Ledger, settled: Settled) -> list[VideoResult]:
    """Label the videos of the plan, which are in the list, and whatever else of the list needs it now.

    settled: told of every video of the plan as it is done or set aside, in list order.
    """
    results: list[VideoResult] = []
    labeller = Labeller(plan, read_catalogue(plan.data.catalogue))
    for video, future in lanes(plan.videos, plan.params.ingest.videos_at_once, lambda video: label_video.submit(video, plan)):
        result = _settle(video, future)
        if result.outcome.outcome == "labelled":
            result = labeller.label(result)
        ledger.record(result.outcome)
        settled(result)
        results.append(result)
    labeller.label_rest()
    return results


@task(task_run_name="label-{video.id}", cache_policy=NO_CACHE)
def label_video(video: Video, plan: Plan) -> dict[str, Any] | State[Any]:
    """Fetch one video, see it and hear it. Returns what each step said, by step name."""
    done = done_before(video, plan)
    if done is not None:
        return Completed(name="Cached", message="every artefact is there", data=done)
    params = plan.params
    fetched = fetching(params)(video, plan.data, params.download, params.discovery)
    media: Media = fetched.result() if isinstance(fetched, State) else fetched
    tell(video.id, "duration", media.duration)
    if media.sound is None and not media.captions:
        raise UnusableVideoError(f"{video.id}: no sound track and no captions", "drop it from the list", "no_audio")
    memory = params.ingest.decode_memory_megabytes
    frames = said(sample_frames(media, plan.data, params.frames, memory))
    hearing = prepare_hearing(media, plan.data, params.audio, params.transcription)
    wav, sound = plan.data.work / f"{video.id}.wav", dict[str, Any]()
    if hearing.needs_sound and media.sound is not None:
        sound = said(extract_audio(media, media.sound, wav, params.audio, memory))
    words = said(transcribe_video(media, hearing, wav, sound.get("segments", []), params.transcription))
    _refuse_silence(video, words)
    return {"media": {"duration": media.duration}, "frames": frames, "sound": sound, "transcription": words}


def fetching(params: Params) -> Task[..., Any]:
    """The download task with the retries of the settings."""
    backoff = exponential_backoff(max(1, round(params.download.backoff_seconds)))
    return download_media.with_options(retries=params.download.attempts - 1, retry_delay_seconds=backoff)


def done_before(video: Video, plan: Plan) -> dict[str, Any] | None:
    """What the steps said when all were done before; takes milliseconds, so that a second run costs next to nothing."""
    folder = plan.data.media(video.id)
    if not is_whole(folder, media_fingerprint(video, plan.params.download)):
        return None
    media = read_media(folder)
    frames = plan.data.frames(video.id)
    if not is_done(frames, frames_fingerprint(media.content, plan.params.frames)):
        return None
    hearing = prepare_hearing(media, plan.data, plan.params.audio, plan.params.transcription)
    if hearing.said is None:
        return None
    _refuse_silence(video, hearing.said)
    return {"cached": True, "media": {"duration": media.duration}, "frames": read_record(frames)["extra"],
            "transcription": hearing.said}


def _refuse_silence(video: Video, words: dict[str, Any]) -> None:
    if not words["words"]:
        raise UnusableVideoError(f"{video.id}: no words were heard", "nothing to do, it stays set aside", "no_words")


def lanes(
    videos: Sequence[Video], at_once: int, start: Callable[[Video], PrefectFuture[Any]],
) -> Iterator[tuple[Video, PrefectFuture[Any]]]:
    """Every video with its finished lane, in the order given; at most `at_once` are at work."""
    waiting, finished = deque(videos), dict[str, PrefectFuture[Any]]()
    done: queue.Queue[tuple[str, PrefectFuture[Any]]] = queue.Queue()
    at_work = 0
    for video in videos:
        while video.id not in finished:
            while waiting and at_work < at_once:
                started = waiting.popleft()
                start(started).add_done_callback(partial(_report_done, done, started.id))
                at_work += 1
            video_id, lane = done.get()
            finished[video_id] = lane
            at_work -= 1
        yield video, finished.pop(video.id)


def _report_done(done: queue.Queue[tuple[str, PrefectFuture[Any]]], video_id: str, lane: PrefectFuture[Any]) -> None:
    done.put((video_id, lane))


def _settle(video: Video, future: PrefectFuture[Any]) -> VideoResult:
    """The result of a finished lane; a failure becomes an outcome with its reason."""
    answer = future.result(raise_on_failure=False)
    if isinstance(answer, dict):
        steps = {name: said for name, said in answer.items() if isinstance(said, dict)}
        cached = bool(answer.get("cached"))
        return VideoResult(video, Outcome(video.id, "labelled"), answer["media"]["duration"], cached, steps)
    return VideoResult(video, failure_outcome(video.id, answer))


def failure_outcome(video_id: str, error: Any) -> Outcome:
    """How a failed lane goes into the ledger: set aside for good reasons, failed when it may pass another time."""
    if isinstance(error, UnusableVideoError):
        return Outcome(video_id, "set_aside", code=error.code, problem=str(error))
    if isinstance(error, TransientError):
        return Outcome(video_id, "failed", code="transient", problem=str(error))
    if isinstance(error, WorkflowError):
        return Outcome(video_id, "failed", code=type(error).__name__, problem=str(error))
    return Outcome(video_id, "failed", code="unexpected", problem=f"{type(error).__name__}: {error}")
