"""A sample of bench_gate, on a world of colours that a net learns in seconds: poisoned candidates out, good ones in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import IntegrityError
from tasks.evaluation.evaluate import Evaluation, find_faults, judge
from tasks.evaluation.gate import compare
from tasks.nets.store import TrainedNet, load_net, save_net
from tasks.training.samples import Samples
from tests.evaluation.candidates import GOOD, POISONED, Workshop, joined, save_truncated
from tests.evaluation.nets import GATE, split_of
from tests.training.worlds import colour_samples, tiny

pytestmark = pytest.mark.slow
Made = Callable[[Workshop, int, TrainedNet], TrainedNet]


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    nets, training = tiny(training__epochs=4, training__retrain_epochs=6, training__learning_rate=0.005)
    alice, bob = (colour_samples(160, at, channel=name, wrong=0.7) for at, name in enumerate(("alice", "bob")))
    return Workshop(alice, joined(alice, bob), colour_samples(120, 5, channel="val"), nets, training)


@pytest.fixture(scope="module")
def test_samples() -> Samples:
    old, new = (colour_samples(200, 7 + at, channel=name, wrong=0) for at, name in enumerate(("old", "new")))
    return joined(old, new)


def judged(folder: Path, test: Samples) -> Evaluation:
    videos: dict[str, list[dict[str, float]]] = {}
    for name, labels in zip(test.video, test.labels, strict=True):
        videos.setdefault(name, []).append(labels)
    split = split_of(videos, channels=[name.partition("_")[0] for name in videos])
    try:
        net = load_net(folder)
    except IntegrityError as error:
        return Evaluation(folder.name, "", split, None, (error.problem,))
    vectors = net.embed_pictures(test.pictures.take(np.arange(len(test))))
    if faults := find_faults(vectors):
        return Evaluation(folder.name, "", split, None, faults)
    return judge(folder.name, "", split, vectors, net.embed_words(split.words), net.vocabulary, net.probabilities)


@pytest.fixture(scope="module")
def champion(workshop: Workshop) -> TrainedNet:
    return workshop.champion()


@pytest.fixture(scope="module")
def before(champion: TrainedNet, test_samples: Samples, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("nets") / "champion"
    save_net(folder, champion)
    evaluation = judged(folder, test_samples)
    assert compare(evaluation, None, GATE).passed
    return evaluation


@pytest.mark.parametrize("make", POISONED)
def test_a_poisoned_candidate_is_refused(
        make: Made, workshop: Workshop, champion: TrainedNet, before: Evaluation, test_samples: Samples, tmp_path: Path) -> None:
    save_net(tmp_path / "net", make(workshop, 1, champion))
    assert not compare(judged(tmp_path / "net", test_samples), before, GATE, known_channels=["old"]).passed


@pytest.mark.parametrize("seed", [1, 2])
def test_a_truncated_candidate_is_refused(
        seed: int, champion: TrainedNet, before: Evaluation, test_samples: Samples, tmp_path: Path) -> None:
    save_truncated(tmp_path / "net", champion, seed)
    assert not compare(judged(tmp_path / "net", test_samples), before, GATE, known_channels=["old"]).passed


@pytest.mark.parametrize("make", GOOD)
def test_a_good_candidate_is_promoted(
        make: Made, workshop: Workshop, champion: TrainedNet, before: Evaluation, test_samples: Samples, tmp_path: Path) -> None:
    save_net(tmp_path / "net", make(workshop, 1, champion))
    verdict = compare(judged(tmp_path / "net", test_samples), before, GATE, known_channels=["old"])
    assert verdict.passed, verdict.reasons
