"""Versions are listed, compared and brought back, and what was forgotten never comes back with them."""

import shutil
from pathlib import Path

import pytest

from tasks.dataset.manifest import MANIFEST, read_manifest
from tasks.discovery.catalogue import empty_rows, read_catalogue
from tasks.errors import InputError, IntegrityError, WorkflowError
from tasks.params import load_params
from tasks.release.difference import Change, diff_versions
from tasks.release.dvc import run_dvc
from tasks.release.remote import read_remote
from tasks.release.template import init_project
from tasks.release.versions import checkout_version, list_versions, published_key, render_versions
from tasks.storage.objects import FolderStore
from tasks.storage.project import Project
from tasks.storage.tombstones import Tombstone, write_tombstones
from tests.labels import make_labels
from tests.release import nights
from tests.release.nights import FIRST, FIRST_NIGHT, SECOND, SECOND_NIGHT, git, label_videos, small_project

OLD_BITS, NEW_BITS = "duplicate_bits: 6                # pictures of two", "duplicate_bits: 5                # pictures of two"


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two videos; then a third, a changed second one with fewer pictures, and another setting."""
    project = small_project(tmp_path_factory.mktemp("two") / "project")
    assert nights.publish(project, FIRST_NIGHT)
    shutil.rmtree(project.data.labels("site_1"))
    make_labels(project.data.labels_root, ["site_1"], frames=4)  # three of them kept
    project.params.write_text(project.params.read_text().replace(OLD_BITS, NEW_BITS))
    label_videos(project, ["site_2"])
    assert nights.publish(project, SECOND_NIGHT)
    return project


@pytest.fixture
def project(two_versions: Project, tmp_path: Path) -> Project:
    shutil.copytree(two_versions.root, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def listed(project: Project) -> list[str]:
    return [video.id for video in read_catalogue(project.data.catalogue)]


def in_dataset(project: Project) -> list[str]:
    return [video["id"] for video in read_manifest(project.data.dataset)["videos"]]


def test_versions_are_listed_oldest_first_without_tags_of_others(project: Project, tmp_path: Path) -> None:
    git(project, "tag", "dataset-sketch")
    git(project, "tag", "v1.0")
    assert [version.tag for version in list_versions(project)] == [FIRST, SECOND]
    assert render_versions(list_versions(project)).splitlines()[0].startswith(f"{FIRST}: 2 videos, 0.0 hours, 12 pictures, ")
    assert "framewords nightly" in render_versions(list_versions(init_project(tmp_path / "new")))


def test_a_difference_names_what_came_went_and_changed(project: Project) -> None:
    difference = diff_versions(project, FIRST, SECOND)
    assert {how: list(names) for how, names in difference.videos.items()} == {
        "added": ["site_2"], "removed": [], "changed": ["site_1"]}
    assert difference.counts["videos"] == Change(2, 3, added=1, removed=0, changed=1)
    # 6 + 6 pictures; then 6 + 3 + 6. The three of the changed video have the places of its first three.
    pictures = difference.counts["pictures"]
    assert (pictures.before, pictures.after, pictures.added, pictures.removed) == (12, 15, 6, 3)
    assert ("dataset.duplicate_bits", 6, 5) in difference.settings
    assert [setting[0] for setting in difference.settings] == ["dataset.duplicate_bits"]
    # every fourth frame is a duplicate: 2 + 2, then 2 + 1 + 2
    assert ("frames", "duplicate", 4, 5) in difference.left_out
    assert "videos added: site_2" in difference.text
    assert "dataset.duplicate_bits: 6 -> 5" in difference.text
    nothing = diff_versions(project, SECOND, SECOND)
    assert not nothing.left_out
    assert not nothing.settings
    assert all(count.added == count.removed == count.changed == 0 for count in nothing.counts.values())


def test_an_unknown_version_is_answered_with_the_nearest(project: Project) -> None:
    with pytest.raises(InputError, match=rf"2026-01-02.2: no such version: did you mean {FIRST}\?"):
        checkout_version(project, "2026-01-02.2")
    with pytest.raises(InputError, match="no such version: see `framewords versions`"):
        diff_versions(project, "yesterday", FIRST)


def test_a_version_comes_back_whole_and_so_does_the_newest(project: Project) -> None:
    assert checkout_version(project, "2026-01-02.1").line == f"{FIRST} is checked out"
    assert listed(project) == in_dataset(project) == ["site_0", "site_1"]
    assert sorted(path.name for path in project.data.labels_root.iterdir()) == ["site_0", "site_1"]
    assert OLD_BITS in project.params.read_text()
    assert run_dvc(project, "status").strip() == "Data and pipelines are up to date."
    assert nights.publish(project, SECOND_NIGHT) is None  # looking back makes no version
    checkout_version(project, SECOND)
    assert listed(project) == in_dataset(project) == ["site_0", "site_1", "site_2"]
    assert git(project, "status", "--porcelain") == ""


def test_a_version_comes_back_from_the_store_when_nothing_is_left_here(project: Project) -> None:
    for folder in (project.data.root / "media", project.data.labels_root, project.data.dataset, project.root / ".dvc" / "cache"):
        shutil.rmtree(folder)
    checkout_version(project, FIRST)
    assert in_dataset(project) == ["site_0", "site_1"]


def test_changes_that_are_in_no_version_are_not_lost(project: Project) -> None:
    settings = project.params.read_text()
    project.params.write_text(settings + "# mine\n")
    with pytest.raises(InputError, match=r"params\.yaml: has changes that are in no version"):
        checkout_version(project, FIRST)
    project.params.write_text(settings)
    make_labels(project.data.labels_root, ["site_9"])
    with pytest.raises(WorkflowError, match="they belong to no version"):
        checkout_version(project, FIRST)
    assert project.data.examples("site_9").is_file()
    assert listed(project) == in_dataset(project) == ["site_0", "site_1", "site_2"]  # all as it was
    assert project.data.media("site_2").is_dir()
    assert git(project, "status", "--porcelain") == ""


def forget(project: Project, name: str) -> None:
    """What is left of a video that was forgotten: a tombstone, an empty row, no data and no published old version."""
    write_tombstones(project.data.forgotten, [Tombstone(name, "2026-01-04")])
    empty_rows(project.data.catalogue, [name])
    shutil.rmtree(project.data.media(name))
    shutil.rmtree(project.data.labels(name))
    nights.seal_listed(project)
    assert nights.publish(project, SECOND_NIGHT)
    FolderStore(read_remote(project)).delete(published_key(FIRST, MANIFEST))


def test_a_forgotten_video_does_not_come_back_with_an_old_version(project: Project) -> None:
    forget(project, "site_0")
    tombs = project.data.forgotten.read_bytes()
    done = checkout_version(project, FIRST)
    assert done.forgotten == ("site_0",)
    assert "site_0 was forgotten since" in done.line
    assert [video.state for video in read_catalogue(project.data.catalogue)] == ["forgotten", "listed"]
    assert "About site_0" not in project.data.catalogue.read_text()
    assert project.data.forgotten.read_bytes() == tombs
    assert not project.data.media("site_0").exists()
    assert not project.data.labels("site_0").exists()
    assert "site_0" not in in_dataset(project)
    assert load_params(project.params).dataset.duplicate_bits == 6  # the settings of that version
    with pytest.raises(InputError, match=f"{FIRST}: withdrawn since site_0 was forgotten"):
        diff_versions(project, FIRST, SECOND)
    checkout_version(project, "dataset-2026-01-03.2")
    assert git(project, "status", "--porcelain") == ""


def test_a_manifest_that_the_store_lost_is_told_as_damage(project: Project) -> None:
    FolderStore(read_remote(project)).delete(published_key(FIRST, MANIFEST))
    with pytest.raises(IntegrityError, match="not on the store"):
        diff_versions(project, FIRST, SECOND)
