"""Forgetting in a project that DVC itself keeps: the new version pulls whole elsewhere, and the old objects are gone."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tasks.dataset.verify import verify
from tasks.params import load_params
from tasks.release.dvc import run_dvc
from tasks.release.git import run_git
from tasks.release.remote import read_remote
from tasks.removal.forget import finish, forget
from tasks.storage.objects import open_store
from tasks.storage.project import Project
from tests.release.published import make_project, publish


def test_with_dvc_itself_the_new_version_pulls_whole_and_the_old_one_is_gone(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    publish(project, "dataset-2026-11-20.1")
    store = open_store(read_remote(project))
    media = (project.data.media("site_1") / "picture.mp4").read_bytes()[500:564]
    pictures = [path.read_bytes() for path in (tmp_path / "project").rglob("*") if path.is_file() and ".git/" not in str(path)]
    assert sum(media in content for content in pictures) == 3  # here, in DVC's cache and on the store
    report = forget(project, project.data, ["site_1"], load_params(project.params), store=store, relabel=False,
                    now=datetime(2026, 11, 21, tzinfo=UTC), progress=print)
    publish(project, "dataset-2026-11-21.1")
    report = finish(project, project.data, report, store=store, progress=print)
    assert report.searched is not None
    assert report.searched.left == ()
    assert not any(media in path.read_bytes() for path in project.root.rglob("*") if path.is_file())
    assert "up to date" in run_dvc(project, "status")
    subprocess.run(["git", "clone", "-q", str(project.root), str(tmp_path / "clone")], check=True)
    clone = Project(tmp_path / "clone")
    run_git(clone.root, "config", "user.name", "t")
    run_dvc(clone, "remote", "modify", "--local", "store", "url", read_remote(project).url)
    run_dvc(clone, "pull")
    assert verify(clone.data.dataset) > 0
    assert sorted(path.name for path in clone.data.labels_root.iterdir()) == ["site_0", "site_2"]
