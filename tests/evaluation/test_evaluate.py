"""From the shards of the test split to the answers of a net; broken nets are told, not raised."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.dataset.manifest import read_manifest, shard_paths
from tasks.errors import InputError, IntegrityError
from tasks.evaluation.evaluate import VECTORS, evaluate_net
from tasks.evaluation.split import read_split
from tasks.nets.store import load_net
from tasks.storage.artefact import digest_file


def test_the_split_holds_each_picture_with_its_labels_by_video(dataset: Path) -> None:
    rows = [row for path in shard_paths(dataset, read_manifest(dataset), "test")
            for row in pq.ParquetFile(path).read(columns=["video_id", "frame", "labels"]).to_pylist()]
    split = read_split(dataset)
    assert [(split.videos[video], frame) for video, frame in zip(split.video_of, split.frames, strict=True)] == [
        (row["video_id"], row["frame"]) for row in rows]
    for at, row in enumerate(rows):
        said = {label["label"]: label["weight"] for label in row["labels"]}
        found = split.weights(np.full(len(split.words), at), np.arange(len(split.words)))
        assert {word: weight for word, weight in zip(split.words, found, strict=True) if weight} == pytest.approx(said)


def test_words_are_rare_by_their_training_pictures(dataset: Path) -> None:
    counts: Counter[str] = Counter()
    for path in shard_paths(dataset, read_manifest(dataset), "train"):
        for row in pq.ParquetFile(path).read(columns=["labels"]).to_pylist():
            counts.update({label["label"]: label["weight"] for label in row["labels"]})
    split = read_split(dataset)
    assert split.training == pytest.approx([counts[word] for word in split.words], rel=1e-4)


def test_a_damaged_shard_stops_the_evaluation_with_its_name(dataset: Path, tmp_path: Path) -> None:
    copy = tmp_path / "dataset"
    shutil.copytree(dataset, copy)
    shard = next((copy / "data").glob("test-*"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match=shard.name):
        read_split(copy)


def test_the_vectors_of_a_net_are_kept_and_used_again(dataset: Path, models: Path, tmp_path: Path) -> None:
    net, out, told = models / "main" / "n1", tmp_path / "work", list[float]()
    first = evaluate_net(net, dataset, out, told.append)
    assert told[-1] == 1.0
    made = (out / VECTORS).stat().st_mtime_ns
    again = evaluate_net(net, dataset, out)
    assert (out / VECTORS).stat().st_mtime_ns == made
    assert first.answers is not None
    assert again.answers is not None
    assert np.array_equal(first.answers.pictures, again.answers.pictures)
    assert np.array_equal(first.answers.best, again.answers.best)
    evaluate_net(models / "main" / "n2", dataset, out)
    assert (out / VECTORS).stat().st_mtime_ns != made


def test_answers_are_those_of_the_net(dataset: Path, models: Path, tmp_path: Path) -> None:
    judged = evaluate_net(models / "main" / "n1", dataset, tmp_path)
    net = load_net(models / "main" / "n1")
    assert judged.answers is not None
    chances = net.probabilities(judged.answers.pictures)
    assert list(judged.answers.answered) == [net.vocabulary[at] for at in chances.argmax(axis=1)]
    best = [net.vocabulary[at] for at in np.argsort(-chances[0], kind="stable")[:5]]
    assert [judged.split.words[word] for word in judged.answers.best[0]] == best


def poison(folder: Path, how: str) -> None:
    weights = folder / "weights.safetensors"
    tensors = load_file(weights)
    name = next(name for name in tensors if name.startswith("to_space") and name.endswith("weight"))
    if how == "not a number":
        tensors[name][0, 0] = torch.nan
    elif how == "another shape":
        tensors[name] = tensors[name][:, :-1].contiguous()
    elif how == "one answer":
        tensors[name] = tensors[name] * 0
    elif how == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
        return
    elif how == "pickle":
        weights.write_bytes(b"\x80\x04.")
        return
    elif how == "gone":
        weights.unlink()
        return
    save_file(tensors, weights)
    record = json.loads((folder / "net.json").read_text())
    (folder / "net.json").write_text(json.dumps(record | {"weights": digest_file(weights)}))


@pytest.mark.parametrize(("how", "said"), [
    ("not a number", "not finite"), ("another shape", "to_space"), ("one answer", "same answer to all"), ("truncated", "torn"),
    ("pickle", "pickle"), ("gone", "cannot be read")])
def test_a_broken_net_has_faults_in_one_line(dataset: Path, models: Path, tmp_path: Path, how: str, said: str) -> None:
    poison(models / "main" / "n1", how)
    judged = evaluate_net(models / "main" / "n1", dataset, tmp_path)
    assert judged.answers is None
    assert said in judged.faults[0]
    assert "\n" not in judged.faults[0]
    assert judged.figures == {}


def test_a_net_that_is_not_there_is_an_input_error(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no net there"):
        evaluate_net(tmp_path / "nowhere", dataset, tmp_path)
