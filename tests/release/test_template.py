"""A new project is one that git, DVC and we can work in, and nothing of the user's is touched by making it."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import tasks.release.template as template
from tasks.errors import InputError
from tasks.params import load_params
from tasks.release.dvc import run_dvc
from tasks.release.remote import read_remote, read_settings
from tasks.release.template import SHARED, init_project, shared_file
from tasks.storage.project import find_project
from tests.conftest import REPOSITORY
from tests.release.nights import git

MADE = {
    "params.yaml", "dvc.yaml", "prefect.yaml", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore", "data/videos.csv",
    "data/training.json", "data/evaluation.json", "data/learning.csv"}


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which git knows no name."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)


def test_a_new_folder_becomes_a_project_whose_first_commit_holds_our_files_alone(nobody: None, tmp_path: Path) -> None:
    project = init_project(tmp_path / "new" / "project")
    assert find_project(project.root) == project
    assert set(git(project, "ls-files").splitlines()) == MADE
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "log", "--format=%an %ae") == "framewords framewords@localhost"
    assert load_params(project.params).sources == ()
    assert project.params.read_bytes() == (REPOSITORY / "params.yaml").read_bytes()
    assert project.data.catalogue.read_text() == "id,url,source,title,channel,uploaded,licence,first_seen,state\n"
    assert read_remote(project).url == str(project.root / "store")


def test_dvc_takes_the_new_project_and_keeps_its_memory_inside_for_us_alone(tmp_path: Path) -> None:
    project = init_project(tmp_path)
    assert "media" in run_dvc(project, "stage", "list")
    site = tmp_path / ".dvc" / "tmp" / "site"
    assert site.stat().st_mode & 0o777 == 0o700
    assert list(site.iterdir())
    config = read_settings(project)
    assert (config["core"]["analytics"], config["core"]["autostage"]) == ("false", "false")
    assert config["core"]["site_cache_dir"] == str(site)  # a DVC called by hand uses it too
    assert config["'remote \"store\"'"]["verify"] == "true"
    assert git(project, "status", "--porcelain") == ""


def test_a_repository_keeps_its_files_its_author_and_what_is_staged(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org"), ("commit.gpgSign", "true")):
        subprocess.run(["git", "-C", tmp_path, "config", key, value], check=True)
    (tmp_path / "params.yaml").write_text("mine: true\n")
    (tmp_path / ".gitignore").write_text("*.log\ndata/")
    (tmp_path / "notes.txt").write_text("staged")
    subprocess.run(["git", "-C", tmp_path, "add", "notes.txt"], check=True)
    project = init_project(tmp_path)
    assert project.params.read_text() == "mine: true\n"
    assert (tmp_path / ".gitignore").read_text().startswith("*.log\ndata/\n/data/media/\n")
    assert set(git(project, "ls-tree", "-r", "--name-only", "HEAD").splitlines()) == MADE
    assert git(project, "log", "--format=%an") == "Ada"
    assert git(project, "status", "--porcelain") == "A  notes.txt"


def test_making_it_again_changes_nothing_and_completes_what_was_cut_short(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(template, "commit_files", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            init_project(tmp_path)
    project = init_project(tmp_path)
    assert git(project, "status", "--porcelain") == ""
    before = git(project, "rev-parse", "HEAD")
    project.params.write_text(project.params.read_text() + "# mine\n")
    init_project(tmp_path)
    assert git(project, "rev-parse", "HEAD") == before
    assert project.params.read_text().endswith("# mine\n")


def test_a_project_that_was_moved_or_cloned_remembers_in_its_new_place(tmp_path: Path) -> None:
    old = init_project(tmp_path / "old")
    local = old.settings.with_name("config.local")
    local.write_text("['remote \"mine\"']\n    url = /mnt\n" + local.read_text())
    project = init_project(Path(shutil.move(old.root, tmp_path / "new")))
    config = read_settings(project)
    assert config["core"]["site_cache_dir"] == str(project.root / ".dvc" / "tmp" / "site")
    assert config["'remote \"mine\"'"]["url"] == "/mnt"
    subprocess.run(["git", "clone", "-q", project.root, tmp_path / "clone"], check=True)
    clone = init_project(tmp_path / "clone")
    assert read_settings(clone)["core"]["site_cache_dir"] == str(clone.root / ".dvc" / "tmp" / "site")
    assert git(clone, "status", "--porcelain") == ""


def test_a_file_is_no_folder_for_a_project(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        init_project(tmp_path / "file")


def test_the_repository_itself_is_a_project_that_keeps_data_out_of_git() -> None:
    assert find_project(REPOSITORY)
    assert set(template.IGNORED.splitlines()) <= set((REPOSITORY / ".gitignore").read_text().splitlines())
    assert (REPOSITORY / ".dvc" / "config").read_text() == template.DVC_SETTINGS
    assert (REPOSITORY / ".dvcignore").read_text() == template.DVC_IGNORED


def test_a_wheel_carries_what_a_project_begins_with(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE", *SHARED):
        shutil.copy(REPOSITORY / name, tmp_path)
    for package in ("flows", "tasks"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    build = "import setuptools.build_meta; setuptools.build_meta.build_wheel('out')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    with zipfile.ZipFile(next((tmp_path / "out").glob("*.whl"))) as wheel:
        for name in SHARED:
            packed = next(path for path in wheel.namelist() if path.endswith(f"data/share/framewords/{name}"))
            assert wheel.read(packed) == shared_file(name) == (REPOSITORY / name).read_bytes()
