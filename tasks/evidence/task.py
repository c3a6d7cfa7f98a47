"""Labels judged by nets, as a Prefect task."""

from collections.abc import Sequence

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.evidence.gather import judge_labels
from tasks.params import Params
from tasks.schema import Video
from tasks.storage.layout import DataFolder


@task(task_run_name="evidence", cache_policy=NO_CACHE)
def gather_evidence(data: DataFolder, videos: Sequence[Video], params: Params) -> str:
    """What nets see in the pictures goes back into the labels; nothing where there are too few videos yet."""
    said = judge_labels(data, videos, params)
    get_run_logger().info("%s", said)
    return said
