"""Labels that nets have judged take the place of those from timing alone, as long as they were made from them."""

from pathlib import Path

import pytest

from tasks.dataset.labels import chosen_examples
from tasks.schema import EXAMPLES
from tasks.storage.artefact import Fingerprint, write_table


def write_examples(path: Path, step: str, inputs: dict[str, str]) -> Fingerprint:
    made = Fingerprint(step, 1, {}, inputs)
    write_table(EXAMPLES.empty_table(), path, made)
    return made


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return tmp_path / "labels" / "file_1"


def test_examples_that_nets_have_judged_are_taken(labels: Path, tmp_path: Path) -> None:
    timed = write_examples(labels / "examples.parquet", "alignment", {})
    assert chosen_examples(labels, tmp_path / "evidence") == labels / "examples.parquet"
    write_examples(tmp_path / "evidence" / "file_1.parquet", "evidence", {"examples": timed.digest})
    assert chosen_examples(labels, tmp_path / "evidence") == tmp_path / "evidence" / "file_1.parquet"
    assert chosen_examples(labels, None) == labels / "examples.parquet"


def test_a_judgement_of_other_labels_does_not_count(labels: Path, tmp_path: Path) -> None:
    timed = write_examples(labels / "examples.parquet", "alignment", {})
    write_examples(tmp_path / "evidence" / "file_1.parquet", "evidence", {"examples": timed.digest})
    write_examples(labels / "examples.parquet", "alignment", {"words": "heard again"})
    assert chosen_examples(labels, tmp_path / "evidence") == labels / "examples.parquet"
