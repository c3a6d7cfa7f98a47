"""A version of the dataset, and a net, as Prefect tasks."""

import logging
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.release.nets import release_net
from tasks.release.publish import release
from tasks.retry import is_transient
from tasks.storage.project import Project

log = logging.getLogger("framewords.release")


@task(task_run_name="release", cache_policy=NO_CACHE, retries=2, retry_delay_seconds=10, retry_condition_fn=is_transient)
def publish_version(project: Project, now: datetime) -> str:
    """Publish what is new as a version; returns its tag, empty when nothing changed. A store that is busy is asked again."""
    published = release(project, now, log.info)
    return published.tag if published else ""


@task(task_run_name="release-net", cache_policy=NO_CACHE, retries=2, retry_delay_seconds=10, retry_condition_fn=is_transient)
def publish_net(project: Project, message: str) -> bool:
    """Push and commit the nets that are here; returns whether anything was new."""
    return release_net(project, message, log.info)
