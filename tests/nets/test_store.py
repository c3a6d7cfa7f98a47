"""A net in a folder: the same net is the same bytes, and what is not whole is not loaded."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.errors import InputError, IntegrityError
from tasks.nets.store import NET, WEIGHTS, Calibration, TrainedNet, digest, load_net, save_net
from tasks.nets.towers import NetSpec, Towers


@pytest.fixture
def net() -> TrainedNet:
    torch.manual_seed(1)
    spec = NetSpec("small", 32, 4, 8, 128)
    return TrainedNet(spec, Towers(spec), ("egg", "oven", "pan"), Calibration(0.5, (-1.0, 0.0, 1.0), 0.02))


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 56, 3), np.uint8)


def test_a_saved_net_answers_the_same_and_its_bytes_are_the_same_again(tmp_path: Path, net: TrainedNet) -> None:
    save_net(tmp_path / "one", net)
    loaded = load_net(tmp_path / "one")
    vectors = net.embed_pictures(pictures(5))
    assert np.array_equal(loaded.embed_pictures(pictures(5)), vectors)
    assert np.array_equal(loaded.probabilities(vectors), net.probabilities(vectors))
    assert np.array_equal(loaded.embed_words(["new word"]), net.embed_words(["new word"]))
    assert (loaded.spec, loaded.vocabulary, loaded.calibration) == (net.spec, net.vocabulary, net.calibration)
    save_net(tmp_path / "two", loaded)
    for name in (WEIGHTS, NET):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_probabilities_follow_the_calibration(net: TrainedNet) -> None:
    vectors = net.embed_pictures(pictures(4))
    logits = np.exp(net.towers.log_scale.item()) * vectors @ net.embed_words([*net.vocabulary, ""]).T
    scores = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    expected = 1 / (1 + np.exp(-(0.5 * scores[:, :3] + np.array([-1.0, 0.0, 1.0]))))
    assert np.allclose(net.probabilities(vectors), expected, atol=1e-5)
    assert net.probabilities(vectors[:0]).shape == (0, 3)


def _pickle(folder: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, folder / WEIGHTS)


def _pickle_that_the_record_names(folder: Path) -> None:
    _pickle(folder)
    _name_the_weights(folder)


def _torn(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-9])


def _no_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def _other_shape(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    tensors["to_space.bias"] = torch.zeros(9)
    save_file(tensors, folder / WEIGHTS)
    _name_the_weights(folder)


def _not_finite(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    tensors["to_space.bias"][0] = float("nan")
    save_file(tensors, folder / WEIGHTS)
    _name_the_weights(folder)


def _one_missing(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    del tensors["log_scale"]
    save_file(tensors, folder / WEIGHTS)
    _name_the_weights(folder)


def _name_the_weights(folder: Path) -> None:
    record = json.loads((folder / NET).read_text())
    record["weights"] = digest((folder / WEIGHTS).read_bytes())
    (folder / NET).write_text(json.dumps(record))


def _words_without_intercepts(folder: Path) -> None:
    record = json.loads((folder / NET).read_text())
    record["vocabulary"] = record["vocabulary"][:2]
    (folder / NET).write_text(json.dumps(record))


def _unknown_tower(folder: Path) -> None:
    record = json.loads((folder / NET).read_text())
    record["spec"]["image"] = "mystery"
    (folder / NET).write_text(json.dumps(record))


def _half_a_record(folder: Path) -> None:
    (folder / NET).write_text((folder / NET).read_text()[:40])


@pytest.mark.parametrize(("damage", "said"), [
    (_pickle, "pickle"), (_pickle_that_the_record_names, "not safetensors"), (_torn, "torn"), (_no_weights, "cannot be read"),
    (_other_shape, "to_space.bias is 9, not 8"), (_not_finite, "not finite"), (_one_missing, "lacks log_scale"),
    (_words_without_intercepts, "2 words with 3 intercepts"), (_unknown_tower, "mystery"), (_half_a_record, "cannot be read")])
def test_what_is_not_a_whole_net_is_one_line(
        tmp_path: Path, net: TrainedNet, damage: Callable[[Path], None], said: str) -> None:
    save_net(tmp_path, net)
    damage(tmp_path)
    with pytest.raises(IntegrityError, match=said) as caught:
        load_net(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_net_at_all_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no net there"):
        load_net(tmp_path)
