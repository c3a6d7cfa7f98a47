"""Videos seen and heard on the workers of a Dask cluster, which share no disk with this machine.

Fetching stays on this machine: sites see one polite visitor, cookies do not travel, and no worker's core waits for a site.
Media go to the workers, and labels come back, as parcels on the object store; Dask carries only what is to be done. A worker
that dies takes nothing with it but its own time: Dask gives its video to another, which finds the parcels made so far.
"""

import logging
import multiprocessing
import platform
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import dask
import distributed
from distributed.scheduler import KilledWorker
from prefect import Flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext, SettingsContext, TaskRunContext, get_settings_context
from prefect.results import ResultStore
from prefect_dask.task_runners import DaskTaskRunner

from flows.sensing import CHILD_MODULES, Said, SensingParams, hear, see
from tasks.errors import ParamsError, TransientError, UnusableVideoError
from tasks.frames.sample import frames_fingerprint
from tasks.params import RunParams
from tasks.retry import is_transient
from tasks.schema import Media
from tasks.storage.artefact import is_done
from tasks.storage.child import preload
from tasks.storage.exchange import Parcel, is_published, parcels, receive, send, withdraw
from tasks.storage.layout import DataFolder
from tasks.storage.objects import StoreAddress, open_store
from tasks.transcription.task import prepare_hearing

CONNECT_SECONDS = 15
LOOK_SECONDS = 1.0  # between two looks at whether there are workers at all
LOST = "the Dask scheduler was lost"
log = logging.getLogger("framewords.cluster")


@dataclass(frozen=True)
class Job:
    """What a worker is told. Nothing in it is secret: the store's credentials are in the environment of every machine.

    media: with paths relative to the parcel of its files.
    frames, heard: fingerprints of what is wanted; empty for what is there already.
    """

    media: Media
    store: StoreAddress
    params: SensingParams
    frames: str
    heard: str


class Cluster:
    """A runner on Dask, through prefect-dask. `local`: started when the first video needs it, ended with the run."""

    def __init__(self, data: DataFolder, params: SensingParams, run: RunParams, address: StoreAddress) -> None:
        self.videos_at_once = run.videos_at_once
        self._data, self._params, self._run, self._address = data, params, run, address
        self._store = open_store(address)
        self._starting = threading.Lock()
        self._running = ExitStack()
        self._dask: DaskTaskRunner | None = None
        self._alone_since: float | None = None

    @contextmanager
    def open(self) -> Iterator["Cluster"]:
        """Connected while the block runs; afterwards the exchange is rid of all that came home.

        Raises TransientError when the scheduler does not answer.
        """
        with self._running:
            if self._run.scheduler != "local":
                self._connected()
            yield self
            self._sweep()

    def sense(self, media: Media) -> Said:
        """See and hear a video on some worker and bring its labels home.

        Raises what the steps raise; TransientError when the cluster or the store fails; ParamsError when a worker would not
        make what this machine makes.
        """
        video_id, data, params = media.video_id, self._data, self._params
        seen = frames_fingerprint(media.content, params.frames)
        hearing = prepare_hearing(media, data, params.audio, params.transcription)
        frames = None if is_done(data.frames(video_id), seen) else Parcel(video_id, seen.digest)
        heard = None if hearing.said is not None else Parcel(video_id, hearing.fingerprint.digest)
        wanted = [parcel.fingerprint if parcel and not is_published(self._store, parcel) else "" for parcel in (frames, heard)]
        try:
            if any(wanted):
                relative, files = _packed(media)
                send(self._store, _media_parcel(media), files)
                self._submit(Job(relative, self._address, params, *wanted))
            answers = self._home(frames, data) if frames else see(media, data, params)
            answers |= self._home(heard, data) if heard else hear(media, data, params)
        except UnusableVideoError:
            self._withdraw(video_id)
            raise
        self._withdraw(video_id)
        return answers

    def _home(self, parcel: Parcel, data: DataFolder) -> Said:
        return receive(self._store, parcel, data.labels(parcel.video_id))

    def _submit(self, job: Job) -> None:
        """Have a worker do the job, and wait for it."""
        runner = self._connected()
        self._look(runner)
        with _bare_context():
            future = runner.submit(sense_away, {"job": job})
        on_dask: Any = future.wrapped_future
        done = threading.Event()
        on_dask.add_done_callback(lambda _: done.set())
        while not done.wait(LOOK_SECONDS) and not on_dask.done():
            self._look(runner)
        try:
            on_dask.result()
        except KilledWorker as error:
            raise TransientError(f"the Dask workers died at it: {error}", "look at their logs, then run again") from error
        except ImportError as error:
            raise ParamsError(f"a Dask worker lacks {error.name}", "install framewords[dask] on every machine") from error
        except (CancelledError, OSError) as error:
            raise TransientError(LOST, "start it, then run again") from error
        future.result()  # raises what the steps raised

    def _look(self, runner: DaskTaskRunner) -> None:
        """Raises TransientError when the scheduler is lost, or all lanes together have seen no worker for too long."""
        client: Any = runner.client
        if client.status in ("closed", "closing"):
            raise TransientError(LOST, "start it, then run again")
        try:
            alone = not client.nthreads()
        except OSError:
            alone = True  # the client goes on trying
        self._alone_since = (self._alone_since or time.monotonic()) if alone else None
        if self._alone_since is not None and time.monotonic() - self._alone_since > self._run.no_worker_seconds:
            raise TransientError(f"no Dask worker for {self._run.no_worker_seconds:g} s", "start some, then run again")

    def _connected(self) -> DaskTaskRunner:
        with self._starting:
            if self._dask is None:
                runner = DaskTaskRunner(**self._where())
                try:
                    self._dask = self._running.enter_context(runner)
                    assert runner.client is not None  # this connects
                except (OSError, ValueError) as error:
                    where = self._run.scheduler
                    raise TransientError(f"{where}: no Dask scheduler answers ({error})", "start it, then run again") from error
            return self._dask

    def _where(self) -> dict[str, Any]:
        if self._run.scheduler != "local":
            if self._run.scheduler.startswith("tls://") and not dask.config.get("distributed.comm.tls.ca-file", None):
                raise ParamsError(f"{self._run.scheduler}: no certificates to speak TLS with",
                                  "name them in Dask's settings, as docs/scaling.md shows")
            return {"address": self._run.scheduler, "client_kwargs": {"timeout": CONNECT_SECONDS}}
        # Workers start children of their own, which a daemonic process may not.
        self._running.enter_context(dask.config.set({"distributed.worker.daemon": False}))
        self._data.work.mkdir(parents=True, exist_ok=True)
        folder = self._running.enter_context(tempfile.TemporaryDirectory(dir=self._data.work))
        return {"cluster_kwargs": {
            "n_workers": self._run.workers, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0",
            "local_directory": folder, "silence_logs": logging.ERROR}}

    def _sweep(self) -> None:
        """Take from the exchange what is at home: of lanes that ran twice, and of runs that were killed."""
        with _by_the_way():
            for parcel in parcels(self._store):
                if self._data.frames(parcel.video_id).is_file() and self._data.heard(parcel.video_id).is_file():
                    withdraw(self._store, parcel)

    def _withdraw(self, video_id: str) -> None:
        with _by_the_way():
            for parcel in parcels(self._store, video_id):
                withdraw(self._store, parcel)


@contextmanager
def _by_the_way() -> Iterator[None]:
    """Tidying up that fails costs nobody their labels: the next run tidies up again."""
    try:
        yield
    except TransientError as error:
        log.warning("left on the exchange: %s", error)


@task(task_run_name="sense-{job.media.video_id}", cache_policy=NO_CACHE, retries=2, retry_delay_seconds=1,
      retry_condition_fn=is_transient)
def sense_away(job: Job) -> None:
    """On a worker: see and hear a video whose media are on the exchange, and leave its labels there."""
    _prepare_worker()
    store, video_id, params = open_store(job.store), job.media.video_id, job.params
    with _scratch() as data:
        _check_alike(job.frames, frames_fingerprint(job.media.content, params.frames).digest, "frames")
        folder = data.media(video_id)
        receive(store, _media_parcel(job.media), folder)
        media = _unpacked(job.media, folder)
        if job.heard:
            hearing = prepare_hearing(media, data, params.audio, params.transcription)
            _check_alike(job.heard, hearing.fingerprint.digest, "words")
        frames, heard = Parcel(video_id, job.frames), Parcel(video_id, job.heard)
        if job.frames and not is_published(store, frames):
            said = see(media, data, params)
            send(store, frames, {"frames.parquet": data.frames(video_id)}, said)
        if job.heard and not is_published(store, heard):
            said = hear(media, data, params)
            send(store, heard, {"heard.parquet": data.heard(video_id)}, said)


@cache
def _prepare_worker() -> None:
    """Once a worker process."""
    if multiprocessing.current_process().daemon:
        raise ParamsError("a Dask worker may not start processes",
                          "start it with --no-nanny, or with DASK_DISTRIBUTED__WORKER__DAEMON=False in its environment")
    preload(CHILD_MODULES)


@contextmanager
def _scratch() -> Iterator[DataFolder]:
    """A data folder for one video, below the worker's own folder, which Dask removes after a worker that was killed."""
    with tempfile.TemporaryDirectory(dir=distributed.get_worker().local_directory) as folder:
        yield DataFolder(Path(folder))


def _check_alike(wanted: str, made: str, what: str) -> None:
    if wanted and wanted != made:
        raise ParamsError(f"Dask worker on {platform.node()}: would make other {what} than the machine of the run",
                          "install the same framewords and the same recogniser model on every machine")


def _media_parcel(media: Media) -> Parcel:
    return Parcel(media.video_id, media.content)


def _packed(media: Media) -> tuple[Media, dict[str, Path]]:
    """The media with paths relative to their parcel, and the files to send, by name there."""
    folder = media.info.parent

    def packed(path: Path) -> Path:
        return Path(path.name if path.parent == folder else "picture")  # a file of the user's own that could not be linked

    captions = tuple(replace(caption, path=packed(caption.path)) for caption in media.captions)
    relative = replace(media, picture=packed(media.picture), sound=media.sound and packed(media.sound), captions=captions,
                       thumbnail=None, info=Path("info.json"))
    paths = [media.picture, *([media.sound] if media.sound else []), *(caption.path for caption in media.captions)]
    return relative, {packed(path).name: path for path in paths}


def _unpacked(media: Media, folder: Path) -> Media:
    captions = tuple(replace(caption, path=folder / caption.path) for caption in media.captions)
    return replace(media, picture=folder / media.picture, sound=media.sound and folder / media.sound, captions=captions,
                   info=folder / media.info)


class _SettingsOfHere(SettingsContext):
    def serialize(self, include_secrets: bool = True) -> dict[str, Any]:
        return {}


@contextmanager
def _bare_context() -> Iterator[None]:
    """prefect-dask sends the caller's Prefect context along: settings with their keys, result storage with its credentials,
    parameters of the run. A worker has settings of its own; of the rest it needs only the place of its task in the run.
    """
    here = get_settings_context()
    with ExitStack() as stack:
        stack.enter_context(_SettingsOfHere(profile=here.profile, settings=here.settings))
        if (around := FlowRunContext.get()) and around.flow and around.flow_run:
            flow, whole = Flow(_nothing, name=around.flow.name), around.flow_run
            run = FlowRun(id=whole.id, flow_id=whole.flow_id, name=whole.name, run_count=whole.run_count)
            stack.enter_context(around.model_copy(
                update={"flow": flow, "flow_run": run, "parameters": {}, "result_store": ResultStore()}))
        if lane := TaskRunContext.get():
            stack.enter_context(lane.model_copy(update={"parameters": {}, "result_store": ResultStore()}))
        yield


def _nothing() -> None:
    """The body of the flow as workers know it: its own would drag its whole module along."""
