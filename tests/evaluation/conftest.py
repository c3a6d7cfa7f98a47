"""A small sealed dataset, and nets that have learnt a little from it."""

import shutil
from pathlib import Path

import pytest

from tasks.training.fit import train_net
from tests.training.worlds import labelled_dataset, tiny


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 videos of random colours with random words; about 8 in the test split."""
    return labelled_dataset(tmp_path_factory.mktemp("judged"), videos=40)


@pytest.fixture(scope="session")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of the net `main`, one seed apart."""
    folder = tmp_path_factory.mktemp("trained") / "models"
    for seed, version in enumerate(("n1", "n2")):
        nets, training = tiny(training__seed=seed)
        train_net(dataset, folder / "main" / version, nets, training, cache=folder.parent / "cache")
    return folder


@pytest.fixture
def models(trained: Path, tmp_path: Path) -> Path:
    """A copy of the two versions, to be changed."""
    return shutil.copytree(trained, tmp_path / "models")
