"""Where videos are seen and heard: on this machine, or on the workers of a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Protocol

from flows.plan import Plan
from flows.sensing import Said, SensingParams, hear, see
from tasks.errors import ParamsError
from tasks.params import RunParams
from tasks.schema import Media
from tasks.storage.layout import DataFolder


class Runner(Protocol):
    """videos_at_once: how many lanes keep it busy."""

    videos_at_once: int

    def sense(self, media: Media) -> Said:
        """See and hear a video: its frames.parquet and heard.parquet are then in our data folder.

        Called from the thread of the video's lane. Returns what each step said, by its name.
        """


class Here:
    """Children of this process do the work."""

    def __init__(self, data: DataFolder, params: SensingParams, videos_at_once: int) -> None:
        self.videos_at_once = videos_at_once
        self._data, self._params = data, params

    def sense(self, media: Media) -> Said:
        return see(media, self._data, self._params) | hear(media, self._data, self._params)


def check_runner(params: RunParams) -> None:
    """Raises ParamsError when what the settings name is not installed."""
    if params.task_runner == "dask" and find_spec("prefect_dask") is None:
        raise ParamsError("run.task_runner: dask is not installed", "pip install 'framewords[dask]', or set it to threads")


@contextmanager
def open_runner(plan: Plan) -> Iterator[Runner]:
    """The runner that the settings name, for the time of a run.

    Raises ParamsError as check_runner, TransientError when the scheduler does not answer.
    """
    run = plan.params.run
    sensing = SensingParams.of(plan.params)
    if run.task_runner == "threads":
        yield Here(plan.data, sensing, plan.params.ingest.videos_at_once)
        return
    check_runner(run)
    from flows.cluster import Cluster
    from tasks.release.remote import read_remote
    from tasks.storage.project import Project

    with Cluster(plan.data, sensing, run, read_remote(Project(plan.data.root.parent))).open() as cluster:
        yield cluster
