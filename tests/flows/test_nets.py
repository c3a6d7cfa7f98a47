"""A net as a user lives with it: trained, judged, put to use, trained on what is new, taken back, made again byte for byte."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tasks.discovery.catalogue import append_videos
from tasks.storage.project import Project
from tests.flows.project import ProjectCommand
from tests.labels import make_labels, make_videos
from tests.training.worlds import TINY

pytestmark = pytest.mark.slow
SETTINGS = {**TINY, "dataset.split_by": "video", "dataset.validation_share": 0.25, "dataset.test_share": 0.4}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> ProjectCommand:
    """A project of small nets with 24 labelled videos, to be looked at."""
    project = ProjectCommand.make(tmp_path_factory.mktemp("nets") / "project", prefect_api)
    params = project.root / "params.yaml"
    settings = yaml.safe_load(params.read_text())
    for key, value in SETTINGS.items():
        section, name = key.split(".")
        settings[section][name] = value
    params.write_text(yaml.safe_dump(settings))
    return grow(project, 0, 24)


@pytest.fixture
def project(labelled: ProjectCommand, tmp_path: Path) -> ProjectCommand:
    """A copy of it, to be changed."""
    shutil.copytree(labelled.root, tmp_path / "project")
    return ProjectCommand(tmp_path / "project", labelled.environment)


def grow(project: ProjectCommand, first: int, last: int) -> ProjectCommand:
    """Label some videos and seal the dataset."""
    data, names = Project(project.root).data, [f"site_{at}" for at in range(first, last)]
    append_videos(data.catalogue, make_videos(names), "2026-11-20")
    make_labels(data.labels_root, names, frames=8)
    assert project("stage", "evidence").code == 0
    assert project("stage", "dataset").code == 0
    return project


def versions(project: ProjectCommand) -> dict[str, str]:
    """SHA-256 of the weights of every version."""
    return {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in project.root.glob("data/models/main/*/weights.safetensors")}


def test_a_net_is_trained_judged_used_retrained_and_taken_back(project: ProjectCommand) -> None:
    nobody = project("find", "knife")
    assert (nobody.code, nobody.out) == (2, "")
    assert "no champion" in nobody.err
    trained = project("train")
    assert (trained.code, trained.err) == (0, "")
    [first] = versions(project)
    assert first in trained.out
    assert "precision at 1" in trained.out
    forced = project("promote", first, "--force")
    assert (forced.code, forced.out) == (0, f"main: {first} is the champion (generation 1, forced)\n")
    assert project("find", "knife", "--top", "1").code == 0
    again = project("retrain")
    assert (again.code, again.out.splitlines()[-1]) == (0, f"nothing to do: {first} was trained on this very dataset")

    grow(project, 24, 30)
    retrained = project("retrain")
    assert (retrained.code, retrained.err) == (0, "")
    [second] = set(versions(project)) - {first}
    assert re.search(rf"^(promote|refuse) main/{second}: ", retrained.out, re.MULTILINE)
    assert second in project.run("git", "log", "-1", "--format=%s").out
    assert "up to date" in project.run("dvc", "status", "train", "evaluate").out
    assert "Running stage" not in project.run("dvc", "repro", "--single-item", "train", "evaluate").out
    listed = project("models").out
    assert first in listed
    assert second in listed

    assert project("promote", second, "--force").code == 0
    back = project("rollback", first)
    assert (back.code, back.err) == (0, "")
    assert f"{first} is the champion again" in back.out


def test_a_net_that_is_lost_is_made_again_byte_for_byte(project: ProjectCommand) -> None:
    assert project("train").code == 0
    before = versions(project)
    shutil.rmtree(project.root / "data" / "models")
    shutil.rmtree(project.root / "data" / ".cache")
    made = project.run("dvc", "repro", "--single-item", "train")
    assert made.code == 0, made.out + made.err
    assert versions(project) == before
    assert project.run("dvc", "repro", "--single-item", "evaluate").code == 0
    assert "precision_at_1" in project.run("dvc", "metrics", "show", "data/evaluation.json", "--json").out


def test_with_too_little_to_learn_from_nothing_is_left_that_stops_the_pipeline(project: ProjectCommand) -> None:
    shutil.rmtree(project.root / "data" / "dataset")
    assert project("--set", "dataset.validation_share=0", "stage", "dataset").code == 0
    refused = project("train")
    assert refused.code == 2
    assert "validation split is empty" in refused.err
    waits = project("retrain")
    assert (waits.code, waits.err) == (0, "")
    assert "nothing to learn from yet" in waits.out
    assert project.run("dvc", "repro", "--single-item", "train").code == 0
    assert project.run("git", "status", "--short", "data/training.json").out == ""


@pytest.mark.parametrize(("words", "said"), [
    (("train", "--net", "../x"), "is not the name of a net"),
    (("rollback", "n1"), "no champion yet"),
    (("promote", "n123456789abc"), "no version"),
    (("evaluate", "n123456789abc"), "not there"),
    (("label", "nothing.jpg"), "no champion"),
])
def test_what_cannot_be_done_is_one_line(labelled: ProjectCommand, words: tuple[str, ...], said: str) -> None:
    done = labelled(*words)
    assert done.code == 2
    [line] = done.err.splitlines()
    assert said in line
