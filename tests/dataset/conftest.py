"""A small labelled project: eight videos of three channels."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tasks.dataset.build import DatasetSummary, build_dataset
from tasks.params import DatasetParams, load_params
from tasks.schema import Video
from tests.labels import make_labels, make_videos


def dataset_params(**changes: Any) -> DatasetParams:
    return load_params(Path("params.yaml"), {f"dataset.{key}": value for key, value in changes.items()}).dataset


@dataclass
class Project:
    """Labels and the dataset built of them."""

    root: Path
    videos: list[Video]
    params: DatasetParams = field(default_factory=dataset_params)

    @property
    def labels(self) -> Path:
        return self.root / "labels"

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    def build(self, videos: list[Video] | None = None, out: Path | None = None) -> DatasetSummary:
        return build_dataset(self.labels, self.videos if videos is None else videos, out or self.dataset, self.params)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="session")
def made_labels(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Labels made once for all tests that ask for the same ones."""
    made: dict[str, Path] = {}

    def make(count: int, **labels: Any) -> Path:
        key = repr((count, labels))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("labels")
            make_labels(made[key], [f"site_{at}" for at in range(count)], **labels)
        return made[key]
    return make


@pytest.fixture
def new_project(tmp_path: Path, made_labels: Callable[..., Path]) -> Callable[..., Project]:
    def make(count: int = 8, channels: tuple[str, ...] = ("alice", "bob", "carol"), **labels: Any) -> Project:
        project = Project(tmp_path / "project", make_videos([f"site_{at}" for at in range(count)], channels))
        shutil.copytree(made_labels(count, **labels), project.labels)
        return project
    return make
