"""The dataset of everything labelled so far, as a Prefect task."""

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.dataset.build import DatasetSummary, build_dataset
from tasks.params import DatasetParams
from tasks.schema import Video
from tasks.storage.layout import DataFolder


@task(task_run_name="dataset", cache_policy=NO_CACHE)
def seal_dataset(data: DataFolder, videos: Sequence[Video], params: DatasetParams) -> DatasetSummary:
    """Shards by split, manifest and card; shards whose videos have not changed stay as they are."""
    return build_dataset(data.labels_root, videos, data.dataset, params, data.evidence_root)
