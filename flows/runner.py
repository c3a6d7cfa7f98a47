"""Where videos are seen and heard: on this machine, or on the workers of a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from flows.plan import Plan
from flows.sensing import Said, SensingParams, hear, see
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


@contextmanager
def open_runner(plan: Plan) -> Iterator[Runner]:
    """The runner that the settings name, for the time of a run.

    Raises TransientError when the scheduler does not answer.
    """
    run = plan.params.run
    sensing = SensingParams.of(plan.params)
    if run.task_runner == "threads":
        yield Here(plan.data, sensing, plan.params.ingest.videos_at_once)
        return
    from flows.cluster import Cluster
    from tasks.release.remote import read_remote
    from tasks.storage.project import Project

    with Cluster(plan.data, sensing, run, read_remote(Project(plan.data.root.parent))).open() as cluster:
        yield cluster
