"""Shards become pictures and words; what is damaged is named."""

from pathlib import Path

import numpy as np
import pytest

from tasks.dataset.manifest import read_manifest
from tasks.errors import InputError, IntegrityError
from tasks.storage.objects import StoreAddress, open_store
from tasks.training.bags import Bags
from tasks.training.samples import Pictures, choose_vocabulary, read_samples
from tests.stores import MotoServer, new_bucket
from tests.training.worlds import colour_samples, labelled_dataset


def test_rows_come_in_the_order_of_the_shards_with_what_was_said(tmp_path: Path) -> None:
    dataset = labelled_dataset(tmp_path)
    samples = read_samples(dataset, "train", 32, tmp_path / "cache")
    assert len(samples) == read_manifest(dataset)["splits"]["train"]["rows"] == len(samples.pictures)
    assert samples.pictures.take(np.array([0])).shape == (1, 32, 56, 3)
    assert set(samples.channel) == {"alice", "bob"}
    assert all(weight == 0.5 for labels in samples.labels for weight in labels.values())


def test_pictures_are_decoded_once_and_the_same_with_any_number_of_threads(tmp_path: Path) -> None:
    dataset = labelled_dataset(tmp_path)
    one = read_samples(dataset, "train", 32, tmp_path / "one", threads=1)
    many = read_samples(dataset, "train", 32, tmp_path / "many", threads=4)
    rows = np.arange(len(one))
    assert np.array_equal(one.pictures.take(rows), many.pictures.take(rows))
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").iterdir()}
    read_samples(dataset, "train", 32, tmp_path / "one")
    assert made == {path: path.stat().st_mtime_ns for path in (tmp_path / "one").iterdir()}


def test_a_damaged_shard_is_named_also_when_its_pictures_are_decoded_already(tmp_path: Path) -> None:
    dataset = labelled_dataset(tmp_path)
    read_samples(dataset, "train", 32, tmp_path / "cache")
    shard = next((dataset / "data").glob("train-*.parquet"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(IntegrityError, match=shard.name):
        read_samples(dataset, "train", 32, tmp_path / "cache")
    shard.unlink()
    with pytest.raises(IntegrityError, match=shard.name):
        read_samples(dataset, "train", 32, tmp_path / "cache")


def test_shards_may_lie_on_a_store(tmp_path: Path, moto_server: MotoServer) -> None:
    dataset = labelled_dataset(tmp_path)
    here = read_samples(dataset, "train", 32, tmp_path / "one")
    store = open_store(StoreAddress(f"s3://{new_bucket(moto_server.endpoint)}/p", moto_server.endpoint))
    for shard in read_manifest(dataset)["splits"]["train"]["shards"]:
        store.put_file(dataset / shard["path"], shard["object"])
        (dataset / shard["path"]).unlink()
    there = read_samples(dataset, "train", 32, tmp_path / "two", store=store)
    rows = np.arange(len(here))
    assert there.labels == here.labels
    assert np.array_equal(there.pictures.take(rows), here.pictures.take(rows))
    store.put_bytes(b"PAR1 something else", shard["object"])
    with pytest.raises(IntegrityError, match=shard["object"]):
        read_samples(dataset, "train", 32, tmp_path / "three", store=store)


@pytest.mark.parametrize("length", [0, 50, 200])
def test_a_torn_cache_is_made_again(tmp_path: Path, length: int) -> None:
    dataset = labelled_dataset(tmp_path)
    read_samples(dataset, "train", 32, tmp_path / "cache")
    whole = {path: path.read_bytes() for path in (tmp_path / "cache").iterdir()}
    for path, content in whole.items():
        path.write_bytes(content[:length])
    read_samples(dataset, "train", 32, tmp_path / "cache")
    assert {path: path.read_bytes() for path in (tmp_path / "cache").iterdir()} == whole


def test_no_dataset_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no dataset there"):
        read_samples(tmp_path / "absent", "train", 32, tmp_path / "cache")


def test_pictures_of_several_shards_are_taken_in_any_order() -> None:
    first, second = (np.arange(at, at + 3, dtype=np.uint8).reshape(3, 1, 1, 1) for at in (0, 3))
    assert Pictures((first, second)).take(np.array([5, 0, 3, 3])).ravel().tolist() == [5, 0, 3, 3]


def test_words_said_too_seldom_are_not_learnt_but_known_ones_stay() -> None:
    samples = colour_samples(3).with_labels([{"egg": 0.5, "pan": 0.5}, {"egg": 0.1}, {"egg": 0.2, "pan": 1.0}])
    assert choose_vocabulary(samples, 2) == ("egg", "pan")
    assert choose_vocabulary(samples, 3, known=("oven",)) == ("egg", "oven")
    with pytest.raises(InputError, match="two are needed"):
        choose_vocabulary(samples, 3)
    with pytest.raises(InputError, match="empty"):
        choose_vocabulary(samples.only([]), 1)


def test_bags_hold_the_weights_of_the_words_asked_for() -> None:
    bags = Bags.of([{"pan": 0.25, "egg": 0.5, "unknown": 1.0}, {}, {"oven": 0.75}], ("egg", "oven", "pan"))
    assert bags.dense(np.array([0, 1, 2]), np.arange(3)).tolist() == [[0.5, 0, 0.25], [0, 0, 0], [0, 0.75, 0]]
    assert bags.dense(np.array([2, 0]), np.array([0, 2])).tolist() == [[0, 0], [0.5, 0.25]]
    assert bags.words_of(np.array([0, 2])).tolist() == [0, 1, 2]
