"""A net learns what is shown from what is said, keeps what it knew, and says in one line why it cannot."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.dataset.manifest import read_manifest
from tasks.errors import InputError, IntegrityError
from tasks.nets.store import load_net
from tasks.training.bags import Bags
from tasks.training.fit import Fitted, fit_net, train_net, version_name
from tasks.training.loop import choose_words
from tasks.training.samples import Samples
from tests.training.test_replay import joined
from tests.training.worlds import colour_samples, labelled_dataset, things_of, tiny

NAMES = {"weights.safetensors", "net.json", "training.json", "curves.csv"}


def right(fitted: Fitted, samples: Samples) -> float:
    net = fitted.net
    said = net.probabilities(net.embed_pictures(samples.pictures.take(np.arange(len(samples))))).argmax(1)
    return float(np.mean([net.vocabulary[at] == thing for at, thing in zip(said, things_of(samples), strict=True)]))


def learn(train: Samples, **changes: object) -> Fitted:
    nets, training = tiny(training__epochs=12, training__learning_rate=0.01, **changes)
    return fit_net(train, colour_samples(60, 99), nets, training)


def test_names_are_learnt_although_half_of_them_come_with_a_wrong_one() -> None:
    assert right(learn(colour_samples(240)), colour_samples(60, 7)) > 0.9


def test_words_beyond_those_compared_at_once_are_learnt_too() -> None:
    assert right(learn(colour_samples(240), training__words_per_step=4), colour_samples(60, 7)) > 0.8


def test_a_batch_is_compared_with_its_own_words_and_others() -> None:
    bags = Bags.of([{"b": 1.0}, {"d": 1.0}], tuple("abcdefgh"))
    chosen = choose_words(bags, np.array([0, 1]), 8, 4, [0, 1])
    assert {1, 3} <= set(chosen.tolist())
    assert len(chosen) <= 4
    assert np.all(np.diff(chosen) > 0)
    assert choose_words(bags, np.array([0, 1]), 8, 8, [0, 1]).tolist() == list(range(8))


def test_retraining_learns_new_words_and_forgets_no_old_ones() -> None:
    old_names, new_names = ("lemon", "tomato", "sea"), ("grass", "snow")
    old = colour_samples(200, 1, names=old_names)
    base = learn(old)
    new = colour_samples(60, 2, names=new_names, channel="bob")
    nets, training = tiny(training__retrain_epochs=12, training__learning_rate=0.01)
    again = fit_net(joined(old, new), colour_samples(60, 99), nets, training, base=base.net, known=old.fingerprint)
    assert set(again.net.vocabulary) == {*old_names, *new_names}
    assert right(again, colour_samples(40, 8, names=new_names)) > 0.9
    assert right(again, colour_samples(40, 9, names=old_names)) > right(base, colour_samples(40, 9, names=old_names)) - 0.01
    assert again.samples_seen < base.samples_seen


def test_the_blend_is_no_worse_on_validation_than_the_new_weights_alone() -> None:
    """Retrained on labels without sense: the old weights are to win."""
    old, validation = colour_samples(200, 1), colour_samples(100, 99, wrong=0.0)
    base = learn(old)
    nonsense = colour_samples(60, 2, channel="liar")
    liars = nonsense.with_labels([{"coal": 1.0} for _ in range(len(nonsense))])
    nets, training = tiny(training__retrain_epochs=6, training__learning_rate=0.01, training__replay_share=0.0)
    again = fit_net(joined(old, liars), validation, nets, training, base=base.net, known=old.fingerprint)
    assert again.kept == 0.25


def test_the_same_dataset_and_settings_give_the_same_bytes(tmp_path: Path) -> None:
    dataset = labelled_dataset(tmp_path)
    nets, training = tiny()
    torch.manual_seed(123)  # what another part of the process did before
    train_net(dataset, tmp_path / "one", nets, training)
    torch.manual_seed(321)
    train_net(dataset, tmp_path / "two", nets, training, cache=tmp_path / "elsewhere")
    assert {path.name for path in (tmp_path / "one").iterdir()} == NAMES
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert not list(tmp_path.rglob("*.checkpoint"))


def test_a_version_has_one_name_for_one_dataset_and_settings(tmp_path: Path) -> None:
    dataset = labelled_dataset(tmp_path)
    nets, training = tiny()
    name = version_name(dataset, nets, training)
    assert len(name) == 13
    assert name[0] == "n"
    assert name == version_name(dataset, nets, training)
    assert name != version_name(dataset, nets, tiny(training__seed=1)[1])
    assert name == version_name(dataset, nets, tiny(training__checkpoint_steps=77)[1])  # changes no byte


def test_retraining_knows_what_its_base_has_seen(tmp_path: Path) -> None:
    nets, training = tiny()
    small = labelled_dataset(tmp_path / "before", videos=12)
    first = train_net(small, tmp_path / "first", nets, training)
    with pytest.raises(InputError, match="nothing new"):
        train_net(small, tmp_path / "again", nets, training, base=first.folder)
    with pytest.raises(InputError, match="width 4, nets now 8"):
        train_net(small, tmp_path / "again", *tiny(nets__width=8), base=first.folder)
    large = labelled_dataset(tmp_path / "after", videos=18)
    second = train_net(large, tmp_path / "second", nets, training, base=first.folder, cache=tmp_path / "before/.cache/pictures")
    named = {shard["digest"] for split in read_manifest(large)["splits"].values() for shard in split["shards"]}
    assert {path.name.partition("-")[0] for path in (tmp_path / "before/.cache/pictures").iterdir()} <= named  # no leftovers
    assert 0 < second.new_pictures < second.pictures
    assert second.samples_seen <= 2 * 2 * second.new_pictures
    known = [set(json.loads((tmp_path / name / "training.json").read_text())["known"]) for name in ("first", "second")]
    assert known[0] < known[1]
    assert load_net(second.folder).vocabulary
    assert not (tmp_path / "again").exists()


def test_what_cannot_be_learnt_from_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    nets, training = tiny()
    dataset = labelled_dataset(tmp_path / "a", validation_share=0.0)
    with pytest.raises(InputError, match="validation split is empty"):
        train_net(dataset, tmp_path / "out", nets, training)
    with pytest.raises(InputError, match="two are needed"):
        train_net(dataset, tmp_path / "out", nets, tiny(training__min_pictures=1000)[1])
    with pytest.raises(InputError, match="no dataset there"):
        train_net(tmp_path / "absent", tmp_path / "out", nets, training)
    with pytest.raises(InputError, match="train split is empty"):
        train_net(labelled_dataset(tmp_path / "none", videos=0), tmp_path / "out", nets, training)
    with pytest.raises(InputError, match="cannot be read"):
        train_net(dataset, tmp_path / "out", nets, training, base=tmp_path / "absent")
    shard = next((dataset / "data").glob("train-*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-4])
    with pytest.raises(IntegrityError, match=shard.name):
        train_net(dataset, tmp_path / "out", nets, training)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.rglob(".staging-*"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_said(tmp_path: Path) -> None:
    nets, training = tiny(training__device="cuda")
    with pytest.raises(InputError, match="no GPU"):
        train_net(labelled_dataset(tmp_path), tmp_path / "out", nets, training)
