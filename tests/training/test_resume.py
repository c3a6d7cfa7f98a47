"""A training that is killed goes on to the same bytes; several processes agree with one."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from tasks.training.checkpoint import Checkpoint
from tasks.training.fit import train_net
from tests.training.worlds import TINY, labelled_dataset, tiny

REPOSITORY = Path(__file__).parents[2]
# Trains as a user's process does, and is killed for real between two steps.
CHILD = """
import os, signal, sys
from pathlib import Path
from tasks.training.fit import train_net
from tests.training.worlds import tiny
dataset, out, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
def progress(what, done, of):
    if what == "training" and done == last:
        os.kill(os.getpid(), signal.SIGKILL)
train_net(dataset, out, *tiny(training__epochs=4, training__batch_pictures=8), progress=progress)
"""


def start(*arguments: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, *map(str, arguments)], cwd=REPOSITORY, env=environment)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_killed_training_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    dataset = labelled_dataset(tmp_path)
    steps = []
    settings = tiny(training__epochs=4, training__batch_pictures=8)
    whole = train_net(dataset, tmp_path / "whole", *settings, progress=lambda what, done, of: steps.append(of))
    assert steps[-1] > 12
    last = random.Random().randint(4, steps[-1] - 1)  # anywhere after the first checkpoint, in the middle of an epoch or not
    assert start("-c", CHILD, dataset, tmp_path / "killed", last).wait() == -signal.SIGKILL, last
    assert not (tmp_path / "killed").exists()
    resumed: list[int] = []
    train_net(dataset, tmp_path / "killed", *settings,
              progress=lambda what, done, of: resumed.append(done) if what == "training" else None)
    assert resumed[0] == (last - 1) // 3 * 3 + 1, last  # from the checkpoint before, every three steps
    assert bytes_of(tmp_path / "killed") == bytes_of(whole.folder), last
    assert not list(tmp_path.rglob("*.checkpoint"))


def test_a_checkpoint_of_other_settings_or_half_a_file_is_not_gone_on_from(tmp_path: Path) -> None:
    towers = torch.nn.Linear(2, 2)
    optimiser = torch.optim.AdamW(towers.parameters())
    Checkpoint(tmp_path / "file", "one").save(towers, optimiser, {"step": 3})
    assert Checkpoint(tmp_path / "file", "one").restore(towers, optimiser) == {"step": 3}
    assert Checkpoint(tmp_path / "file", "other").restore(towers, optimiser) is None
    (tmp_path / "file").write_bytes((tmp_path / "file").read_bytes()[:50])
    assert Checkpoint(tmp_path / "file", "one").restore(towers, optimiser) is None
    assert Checkpoint(tmp_path / "absent", "one").restore(towers, optimiser) is None


def test_random_numbers_go_on_where_they_stood(tmp_path: Path) -> None:
    towers = torch.nn.Linear(2, 2)
    optimiser = torch.optim.AdamW(towers.parameters())
    Checkpoint(tmp_path / "file", "one").save(towers, optimiser, {})
    expected = torch.rand(3)
    torch.manual_seed(1)
    Checkpoint(tmp_path / "file", "one").restore(towers, optimiser)
    assert torch.equal(torch.rand(3), expected)


@pytest.fixture
def params_file(tmp_path: Path) -> Path:
    tree = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    for dotted, value in TINY.items():
        section, _, key = dotted.partition(".")
        tree[section][key] = value
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def test_two_processes_train_one_net_and_do_so_again(tmp_path: Path, params_file: Path) -> None:
    dataset = labelled_dataset(tmp_path)
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2)
    runs = [start(*torchrun, "-m", "tasks.training", "--dataset", dataset, "--out", tmp_path / name, "--params", params_file)
            for name in ("one", "two")]
    assert [one.wait() for one in runs] == [0, 0]
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    alone = train_net(dataset, tmp_path / "alone", *tiny())
    together = json.loads((tmp_path / "one" / "training.json").read_text())
    assert together["samples_seen"] == alone.samples_seen  # every picture shown once, not by both
    mine, theirs = (load_file(tmp_path / name / "weights.safetensors") for name in ("alone", "one"))
    apart = [float((mine[name] - theirs[name]).norm() / mine[name].norm()) for name in mine if mine[name].ndim >= 2]
    assert np.median(apart) < 0.2  # only augmentation and batch statistics differ
