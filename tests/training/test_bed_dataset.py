"""The shared generator says what is true of its pictures."""

from pathlib import Path

import pytest

from tasks.dataset.manifest import read_manifest
from tasks.training.samples import read_samples
from tests.training.bed_dataset import BedOptions, Labels, make_bed_dataset

OPTIONS = BedOptions(4, seed=3, channels=4, seconds=30, test_share=0.25, validation_share=0.25)


@pytest.fixture(scope="module")
def beds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("beds")


@pytest.mark.parametrize(("labels", "least", "most"), [("perfect", 1.0, 1.0), ("visible", 1.0, 1.0), ("window", 0.0, 0.7)])
def test_labels_are_as_right_as_they_are_said_to_be(beds: Path, labels: Labels, least: float, most: float) -> None:
    options = BedOptions(**{**OPTIONS.__dict__, "labels": labels})
    bed = make_bed_dataset(beds / labels, options)
    splits = read_manifest(bed.dataset)["splits"]
    assert [splits[name]["rows"] > 0 for name in ("train", "validation", "test")] == [True] * 3
    samples = read_samples(bed.dataset, "train", 32, beds / "cache")
    right = [word in bed.shown(video, float(time)) for video, time, words in
             zip(samples.video, samples.timestamp, samples.labels, strict=True) for word in words]
    assert least <= sum(right) / len(right) <= most
    assert make_bed_dataset(beds / labels, options).truth == bed.truth  # taken, not made again
