"""The nightly round as a user lives with it: a local site that grows, real DVC and git, the true Vosk engine, kills."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.storage.lock import held_lock
from tests.flows.project import OUTPUTS, SAMPLE, ProjectCommand
from tests.site.site import Site

pytestmark = pytest.mark.slow
VIDEOS = sorted(SAMPLE.glob("*.mp4"))
KILL_SEED, KILLS = 20_261_121, 3


@pytest.fixture
def site() -> Iterator[Site]:
    """A site with one channel and one video."""
    with Site() as site:
        site.channel("kitchen")
        site.publish("kitchen", VIDEOS[0], title="First", duration=20.0)
        yield site


@pytest.fixture
def project(tmp_path: Path, prefect_api: str, site: Site) -> ProjectCommand:
    """A project subscribed to the channel."""
    project = ProjectCommand.make(tmp_path / "project", prefect_api)
    assert project("add", site.listing("kitchen"), "--name", "kitchen").code == 0
    return project


def versions(project: ProjectCommand) -> list[str]:
    return project.run("git", "tag", "--list", "dataset-*").out.split()


def manifest(project: ProjectCommand) -> dict[str, int]:
    books = json.loads((project.root / "data" / "dataset" / "manifest.json").read_bytes())
    return {"videos": len(books["videos"])}


def test_a_night_finds_labels_and_releases_and_the_next_one_only_what_is_new(project: ProjectCommand, site: Site) -> None:
    first = project("nightly")
    assert (first.code, first.err) == (0, "")
    assert len(versions(project)) == 1
    site.publish("kitchen", VIDEOS[1], title="Second", duration=20.0)
    site.web.requests.clear()
    second = project("nightly")
    assert (second.code, second.err) == (0, "")
    assert len(versions(project)) == 2
    assert "1 new video in the list" in second.out
    assert not any("/media/1.mp4" in request.path for request in site.web.requests)  # what is done is not fetched again
    third = project("nightly")
    assert third.code == 0
    assert "nothing changed" in third.out
    assert len(versions(project)) == 2
    assert project.run("git", "status", "--short").out == ""
    assert "up to date" in project.run("dvc", "status").out
    before = project.outputs()
    repro = project.run("dvc", "repro")
    assert repro.code == 0
    assert "Running stage" not in repro.out
    assert project.outputs() == before


def test_a_round_never_starts_from_an_older_version(project: ProjectCommand, site: Site) -> None:
    assert project("nightly").code == 0
    site.publish("kitchen", VIDEOS[1], title="Second", duration=20.0)
    assert project("nightly").code == 0
    first, second = versions(project)
    assert project("checkout", first).code == 0
    refused = project("nightly")
    assert refused.code == 2
    assert f"framewords checkout {second}" in refused.err
    assert project("checkout", second).code == 0
    assert project("nightly").code == 0
    assert versions(project) == [first, second]


def test_a_clean_clone_pulls_and_rebuilds_the_very_same_bytes(project: ProjectCommand, tmp_path: Path) -> None:
    assert project("nightly").code == 0
    clone = ProjectCommand(tmp_path / "elsewhere" / "clone", project.environment)
    clone.root.parent.mkdir()
    subprocess.run(["git", "clone", "-q", str(project.root), str(clone.root)], check=True, capture_output=True)
    shutil.copytree(project.root / "store", clone.root / "store")
    assert clone.run("dvc", "pull").code == 0
    assert clone.outputs() == project.outputs()
    assert re.search(r"^1 +labelled", clone("status").out, re.MULTILINE)
    nothing = clone.run("dvc", "repro")
    assert nothing.code == 0
    assert "Running stage" not in nothing.out
    clone.remove_outputs("labels", "dataset")
    shutil.rmtree(clone.root / ".dvc" / "cache")
    rebuilt = clone.run("dvc", "repro", "--force")  # the bytes, not DVC's memory of them
    assert rebuilt.code == 0, rebuilt.out + rebuilt.err
    assert clone.outputs() == project.outputs()
    assert clone.run("git", "diff", "--stat", "dvc.lock").out == ""


def test_another_setting_re_runs_only_what_depends_on_it(project: ProjectCommand) -> None:
    assert project("nightly").code == 0
    params = project.root / "params.yaml"
    params.write_text(params.read_text().replace("\n  duplicate_bits: 6  ", "\n  duplicate_bits: 2  ", 1))
    before = {path: path.stat().st_mtime_ns for path in project.root.glob("data/**/heard.parquet")}
    repro = project.run("dvc", "repro")
    assert repro.code == 0, repro.out + repro.err
    ran = re.findall(r"Running stage '(\w+)'", repro.out)
    assert ran == ["labels", "evidence", "dataset"]
    assert {path: path.stat().st_mtime_ns for path in before} == before  # nothing was heard again


def test_of_two_nights_at_once_one_says_that_the_other_is_at_work(project: ProjectCommand) -> None:
    with held_lock(project.root / "data" / "lock"):
        second = project("nightly")
    assert (second.code, second.err) == (0, "")
    assert "already running" in second.out
    assert versions(project) == []


def test_a_source_that_blocks_us_rests_and_keeps_its_queue(project: ProjectCommand, site: Site) -> None:
    site.publish("kitchen", VIDEOS[1], title="Second", duration=20.0)
    assert project("discover").code == 0
    site.block()
    blocked = project("nightly")
    assert blocked.code == 3
    assert "rests" in blocked.out
    site.web.requests.clear()
    assert project("nightly").code == 3
    assert site.web.requests == []  # a source that rests is not asked
    status = project("status")
    assert status.code == 0
    assert re.search(r"^2 +listed", status.out, re.MULTILINE)
    site.unblock()
    assert project("retry", "--class", "blocked").code == 0
    again = project("nightly")
    assert "labelled" in again.out
    assert len(versions(project)) == 1


def test_a_night_killed_anywhere_is_made_good_by_the_next_one(
        project: ProjectCommand, site: Site, tmp_path: Path, prefect_api: str) -> None:
    for video in VIDEOS[1:]:
        site.publish("kitchen", video, title=video.stem, duration=20.0)
    undisturbed = ProjectCommand.make(tmp_path / "undisturbed", prefect_api)
    assert undisturbed("add", site.listing("kitchen"), "--name", "kitchen").code == 0
    assert undisturbed("nightly").code == 0
    marks = random.Random(KILL_SEED).sample(range(len(undisturbed.outputs())), KILLS)
    for mark in sorted(marks):
        night = project.start("nightly")
        try:
            while night.poll() is None and written(project) <= mark:
                try:
                    night.wait(timeout=0.05)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if night.poll() is None:
                os.killpg(night.pid, signal.SIGKILL)
            night.wait()
    last = project("nightly")
    assert (last.code, last.err) == (0, "")
    assert project.outputs() == undisturbed.outputs()
    assert "up to date" in project.run("dvc", "status").out
    assert project("verify").code == 0


def written(project: ProjectCommand) -> int:
    """How many files the stages have written so far."""
    return sum(path.is_file() for name in OUTPUTS for path in (project.root / "data" / name).rglob("*"))
