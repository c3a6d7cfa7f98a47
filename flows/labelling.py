"""Videos into labels: lanes in a bounded window, then key words and alignment in list order.

Each video is a lane of its own (fetch, see, hear); decoding and recognition run in child processes. Key words and alignment
need the words of the videos listed before, so they follow in list order, as soon as the lanes before them have settled. A
video that cannot be used is a row in the ledger, and the rest goes on.
"""

import logging
import queue
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed
from prefect.tasks import Task, exponential_backoff

from flows.labeller import Labeller
from flows.outcome import VideoResult
from flows.plan import Plan
from flows.policy import policy_of
from flows.runner import Runner, open_runner
from flows.sensing import CHILD_MODULES
from flows.stopping import put_off, stop_if_asked
from tasks.discovery.bucket import fetch_object
from tasks.discovery.catalogue import read_catalogue
from tasks.discovery.filters import refuse
from tasks.download.fetch import media_fingerprint, read_media
from tasks.download.media import is_whole
from tasks.download.task import Wishes, download_media
from tasks.errors import BlockedError, UnusableVideoError, WorkflowError
from tasks.frames.sample import frames_fingerprint
from tasks.params import Params
from tasks.progress import tell
from tasks.schema import Media, Video
from tasks.storage.artefact import is_done, read_record
from tasks.storage.atomic import sweep_staging
from tasks.storage.child import preload, stop_children
from tasks.storage.failures import code_of
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger, Outcome
from tasks.storage.lock import held_lock
from tasks.storage.objects import open_store
from tasks.transcription.task import prepare_hearing

Settled = Callable[[VideoResult], None]
Item = TypeVar("Item")
Done = queue.SimpleQueue["tuple[int, PrefectFuture[Any]] | None"]
log = logging.getLogger("framewords.videos")


def log_settled(result: VideoResult) -> None:
    log.info("%s", result.line)


_listeners: ContextVar[tuple[Settled, ...]] = ContextVar("listeners", default=(log_settled,))


@contextmanager
def listened(settled: Settled) -> Iterator[None]:
    """Have `settled`, too, told of every video that is done or set aside by runs in this context."""
    token = _listeners.set((*_listeners.get(), settled))
    try:
        yield
    finally:
        _listeners.reset(token)


def told(result: VideoResult) -> VideoResult:
    """The same result, told to whoever listens."""
    for listener in _listeners.get():
        listener(result)
    return result


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


def label_all(plan: Plan, ledger: Ledger) -> list[VideoResult]:
    """Label the videos of the plan, which are in the list, and whatever else of the list needs it now."""
    recorder = Recorder(plan.params, ledger)
    results: list[VideoResult] = []
    labeller = Labeller(plan, read_catalogue(plan.data.catalogue))
    with open_runner(plan) as runner:
        for video, future in lanes(
                plan.videos, runner.videos_at_once, lambda video: label_video.submit(video, plan, runner), recorder.rests):
            result = recorder.waits(video) if future is None else settle(video, future, recorder)
            if result.outcome.outcome == "labelled":
                result = labeller.label(result)
            recorder.record(result)
            results.append(told(result))
    labeller.label_rest()
    return results


class Recorder:
    """Takes outcomes to the ledger. A site that refuses us is asked for nothing more: the rest of its videos wait."""

    def __init__(self, params: Params, ledger: Ledger) -> None:
        self._ledger = ledger
        self._policy = policy_of(params)
        self._sources = {source.name for source in params.sources}
        self._resting: dict[str, BlockedError] = {}

    def rests(self, video: Video) -> bool:
        """True when the source of the video has blocked us during this run."""
        return self._source(video) in self._resting

    def waits(self, video: Video) -> VideoResult:
        """What is said of a video that was not tried because its source rests."""
        name = self._source(video)
        problem = f"{name} rests: {self._resting[name].problem}"
        return VideoResult(video, Outcome(video.id, "waiting", code="blocked", problem=problem))

    def blocked(self, video: Video, error: BlockedError) -> None:
        """Let the source of this video rest."""
        name = self._source(video)
        self._resting.setdefault(name, error)
        self._ledger.block_source(name, error.problem, error.retry_after_seconds, datetime.now(UTC), self._policy)

    def record(self, result: VideoResult) -> None:
        """Note how a video that was tried ended."""
        if result.outcome.outcome == "waiting":
            return
        self._ledger.record(replace(result.outcome, source=result.video.source), datetime.now(UTC), self._policy)

    def _source(self, video: Video) -> str:
        """What rests: a subscription, or the host of a video that none of them gave."""
        return video.source if video.source in self._sources else urlsplit(video.url).hostname or ""


@task(task_run_name="label-{video.id}", cache_policy=NO_CACHE)
def label_video(video: Video, plan: Plan, runner: Runner) -> dict[str, Any] | State[Any]:
    """Fetch one video, see it and hear it. Returns what each step said, by step name."""
    done = done_before(video, plan)
    if done is not None:
        return Completed(name="Cached", message="every artefact is there", data=done)
    params = plan.params
    fetched: Any = fetching(params)(video, plan.data, params.download, params.discovery, wishes_for(video, plan.data, params))
    media: Media = fetched.result() if isinstance(fetched, State) else fetched
    tell(video.id, "duration", media.duration)
    if media.sound is None and not media.captions:
        raise UnusableVideoError(f"{video.id}: no sound track and no captions", "drop it from the list", "no_audio")
    answers = runner.sense(media)
    _refuse_silence(video, answers["transcription"])
    return {"media": {"duration": media.duration}, **answers}


def fetching(params: Params) -> Task[..., Any]:
    """The download task with the retries of the settings."""
    backoff = exponential_backoff(max(1, round(params.download.backoff_seconds)))
    return download_media.with_options(retries=params.download.attempts - 1, retry_delay_seconds=backoff)


def wishes_for(video: Video, data: DataFolder, params: Params) -> Wishes:
    """What the subscription that a video came from has to say about it; nothing when it came from none."""
    source = next((source for source in params.sources if source.name == video.source), None)
    if source is None:
        return Wishes()

    def locate(video: Video) -> Video:
        if not video.url.startswith("s3://"):
            return video
        return replace(video, url=str(fetch_object(video, source, data.inbox, open_store)))

    return Wishes(partial(refuse, source), locate)


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


def is_behind(video: Video, plan: Plan) -> bool:
    """True when a labelled video must be fetched, seen or heard again."""
    try:
        return done_before(video, plan) is None
    except UnusableVideoError:
        return False


def _refuse_silence(video: Video, words: dict[str, Any]) -> None:
    if not words["words"]:
        raise UnusableVideoError(f"{video.id}: no words were heard", "nothing to do, it stays set aside", "no_words")


def lanes(
    items: Sequence[Item], at_once: int, start: Callable[[Item], PrefectFuture[Any]],
    left_out: Callable[[Item], bool] = lambda item: False,
) -> Iterator[tuple[Item, PrefectFuture[Any] | None]]:
    """Every item with its finished lane, in the order given; at most `at_once` are at work.

    left_out: asked when a lane would start; one that is left out has None for a lane.
    """
    finished = dict[int, PrefectFuture[Any] | None]()
    done: Done = queue.SimpleQueue()  # a signal may put something in while it is being read
    at_work = started = 0
    with put_off(partial(done.put, None)):
        for place, item in enumerate(items):
            while place not in finished:
                while started < len(items) and at_work < at_once:
                    stop_if_asked()
                    if left_out(items[started]):
                        finished[started] = None
                    else:
                        start(items[started]).add_done_callback(partial(_report_done, done, started))
                        at_work += 1
                    started += 1
                if place in finished:
                    break
                if (ended := done.get()) is None:
                    stop_if_asked()
                    continue
                number, lane = ended
                finished[number] = lane
                at_work -= 1
            yield item, finished.pop(place)
    stop_if_asked()


def _report_done(done: Done, number: int, lane: PrefectFuture[Any]) -> None:
    done.put((number, lane))


def settle(video: Video, future: PrefectFuture[Any], recorder: Recorder) -> VideoResult:
    """The result of a finished lane or download; a failure becomes an outcome with its reason."""
    answer = future.result(raise_on_failure=False)
    if isinstance(answer, Media):
        return VideoResult(video, Outcome(video.id, "fetched"), answer.duration)
    if isinstance(answer, dict):
        steps = {name: said for name, said in answer.items() if isinstance(said, dict)}
        cached = bool(answer.get("cached"))
        return VideoResult(video, Outcome(video.id, "labelled"), answer["media"]["duration"], cached, steps)
    if isinstance(answer, BlockedError):
        recorder.blocked(video, answer)
    return VideoResult(video, failure_outcome(video.id, answer))


def failure_outcome(video_id: str, error: Any) -> Outcome:
    """How a failed lane goes into the ledger: set aside for good reasons, failed when it may pass another time."""
    outcome = "set_aside" if isinstance(error, UnusableVideoError) else "failed"
    problem = str(error) if isinstance(error, WorkflowError) else f"{type(error).__name__}: {error}"
    return Outcome(video_id, outcome, code=code_of(error), problem=problem)
