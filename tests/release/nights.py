"""Nights of a small project, without a site or a recogniser: videos are listed, their labels made, the dataset sealed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.dataset.build import build_dataset
from tasks.dataset.manifest import file_entries
from tasks.discovery.catalogue import append_videos, read_catalogue
from tasks.evaluation.candidate import begin_empty
from tasks.params import load_params
from tasks.release.git import run_git
from tasks.release.publish import release
from tasks.release.template import init_project
from tasks.release.versions import Version
from tasks.storage.objects import ObjectStore
from tasks.storage.project import Project
from tests.labels import make_labels, make_videos
from tests.release.published import make_media

FIRST_NIGHT, SECOND_NIGHT = datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2026, 1, 3, 3, tzinfo=UTC)
FIRST, SECOND = "dataset-2026-01-02.1", "dataset-2026-01-03.1"


def label_videos(project: Project, video_ids: Sequence[str], **labels: Any) -> None:
    """List these videos, and do what the stages would."""
    append_videos(project.data.catalogue, make_videos(video_ids, ("alice", "bob")), first_seen="2026-01-01")
    make_labels(project.data.labels_root, video_ids, **labels)
    for name in video_ids:
        make_media(project.data.media(name), name)
    seal_listed(project)


def seal_listed(project: Project) -> None:
    listed = read_catalogue(project.data.catalogue)
    project.data.evidence_root.mkdir(exist_ok=True)
    begin_empty(project.data)
    build_dataset(project.data.labels_root, listed, project.data.dataset, load_params(project.params).dataset)


def small_project(root: Path) -> Project:
    """Two labelled videos, no version yet."""
    project = init_project(root)
    label_videos(project, ["site_0", "site_1"])
    return project


def publish(project: Project, night: datetime = FIRST_NIGHT) -> Version | None:
    return release(project, night, lambda line: None)


def git(project: Project, *arguments: str) -> str:
    return (run_git(project.root, *arguments) or "").strip()


def holds_all(store: ObjectStore, manifest: dict[str, Any]) -> bool:
    """True when the store has every object that a manifest names, in full."""
    return all(store.size(entry["object"]) == entry["bytes"] for entry in file_entries(manifest))
