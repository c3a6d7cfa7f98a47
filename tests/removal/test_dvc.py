"""Forgetting in a project that DVC itself keeps: the new version pulls whole elsewhere, and the old objects are gone."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tasks.dataset.build import build_dataset
from tasks.dataset.verify import verify
from tasks.discovery.catalogue import append_videos, read_catalogue
from tasks.params import load_params
from tasks.release.dvc import run_dvc
from tasks.release.integrity import verify_all
from tasks.release.publish import release
from tasks.release.remote import read_remote
from tasks.release.template import init_project
from tasks.removal.forget import finish, forget
from tasks.storage.objects import open_store
from tasks.storage.project import Project
from tests.labels import make_labels, make_videos
from tests.release.published import make_media

VIDEOS = ("site_0", "site_1", "site_2")


def test_with_dvc_itself_the_new_version_pulls_whole_and_the_old_one_is_gone(tmp_path: Path) -> None:
    project = init_project(tmp_path / "project")
    data, params = project.data, load_params(project.params)
    append_videos(data.catalogue, make_videos(VIDEOS), "2026-11-20")
    for name in VIDEOS:
        make_media(data.media(name), name)
    make_labels(data.labels_root, VIDEOS)
    build_dataset(data.labels_root, read_catalogue(data.catalogue), data.dataset, params.dataset)
    old = release(project, datetime(2026, 11, 20, tzinfo=UTC), print)
    store = open_store(read_remote(project))
    media = (data.media("site_1") / "picture.mp4").read_bytes()[500:564]
    assert len(holding(project, media)) == 3  # here, in DVC's cache and on the store
    now = datetime(2026, 11, 21, tzinfo=UTC)
    report = forget(project, data, ["site_1"], params, store=store, relabel=False, now=now, progress=print)
    assert release(project, now, print) is not None
    report = finish(project, data, report, store=store, progress=print)
    assert report.searched is not None
    assert report.searched.left == ()
    assert old is not None
    assert report.versions == (old.tag,)
    assert holding(project, media) == []
    assert "up to date" in run_dvc(project, "status")
    assert verify_all(project, store).exit_code == 0
    subprocess.run(["git", "clone", "-q", str(project.root), str(tmp_path / "clone")], check=True)
    clone = Project(tmp_path / "clone")
    run_dvc(clone, "remote", "modify", "--local", "store", "url", read_remote(project).url)
    run_dvc(clone, "pull")
    assert verify(clone.data.dataset) > 0
    assert sorted(path.name for path in clone.data.labels_root.iterdir()) == ["site_0", "site_2"]


def holding(project: Project, content: bytes) -> list[Path]:
    return [path for path in project.root.rglob("*") if path.is_file() and content in path.read_bytes()]
