"""A small project as the nights leave it: media, labels and dataset, committed with DVC, pushed and tagged."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.dataset.build import build_dataset
from tasks.discovery.catalogue import append_videos
from tasks.download.media import Gathered, write_record
from tasks.params import load_params
from tasks.release.dvc import run_dvc
from tasks.release.git import run_git
from tasks.release.metrics import write_metrics
from tasks.release.template import init_project
from tasks.storage.artefact import Fingerprint
from tasks.storage.project import Project
from tests.labels import make_labels, make_videos

TAG = "dataset-2026-11-20.1"
MEDIA_BYTES = 20_000


def make_project(root: Path, video_ids: Sequence[str] = ("site_0", "site_1", "site_2")) -> Project:
    """A project with these videos fetched, labelled and sealed; no version yet."""
    project = init_project(root)
    videos = make_videos(video_ids, channels=("alice", "bob", "carol"))
    append_videos(project.data.catalogue, videos, first_seen="2026-11-20")
    for name in video_ids:
        make_media(project.data.media(name), name)
    make_labels(project.data.labels_root, video_ids)
    seal(project)
    return project


def seal(project: Project, video_ids: Sequence[str] = ("site_0", "site_1", "site_2")) -> None:
    videos = make_videos(video_ids, channels=("alice", "bob", "carol"))
    build_dataset(project.data.labels_root, videos, project.data.dataset, load_params(project.params).dataset)
    write_metrics(project.data)


def make_media(folder: Path, video_id: str, seed: int = 0) -> None:
    """A folder as a download leaves it; another seed is another picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "picture.mp4").write_bytes(np.random.default_rng([seed, *video_id.encode()]).bytes(MEDIA_BYTES))
    (folder / "info.json").write_text(f'{{"title": "About {video_id}"}}\n')
    fingerprint = Fingerprint("download", 1, {"max_height_px": 360}, {"url": video_id})
    (folder / "media.json").unlink(missing_ok=True)
    write_record(folder, video_id, Gathered("picture.mp4", "picture.mp4", 30.0), fingerprint)


def publish(project: Project, tag: str = TAG) -> None:
    """Commit with DVC, push to the store, commit and tag with git."""
    run_dvc(project, "commit", "-f")
    run_dvc(project, "push")
    run_git(project.root, "add", "-A")
    run_git(project.root, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", tag)
    run_git(project.root, "tag", tag)


def copy_project(project: Project, root: Path) -> Project:
    """The same project elsewhere, modes of the cache's objects included."""
    shutil.copytree(project.root, root, symlinks=True)
    return Project(root)
