import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.__main__ import main
from tasks.dataset.build import build_dataset
from tasks.nets.cost import measure_cost
from tasks.nets.pretrained import new_towers
from tasks.params import load_params
from tasks.study.drawing import NAME_LINE, curves_chart
from tasks.study.nets import match_width
from tasks.study.wording import say_nets
from tests.dataset.conftest import dataset_params
from tests.labels import make_labels, make_videos

PARAMS = Path(__file__).parents[2] / "params.yaml"
SMALL = {"nets.picture_px": 32, "nets.width": 8, "nets.dimensions": 8, "nets.buckets": 256, "training.threads": 1,
         "training.min_pictures": 1, "training.batch_pictures": 8}


def settings(values: dict[str, Any]) -> list[str]:
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes(PARAMS.read_bytes())
    ids = [f"site_{at}" for at in range(8)]
    make_labels(tmp_path / "data" / "labels", ids)
    build_dataset(tmp_path / "data" / "labels", make_videos(ids, ids), tmp_path / "data" / "dataset",
                  dataset_params(validation_share=0.3))
    return tmp_path


def test_towers_are_trained_with_the_same_compute_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["study", "nets", "--epochs", "8", *settings(SMALL)]
    assert main(command) == 0
    kept = sorted((project / "data" / ".cache" / "study").glob("*.json"))
    variants = [json.loads(path.read_bytes()) for path in kept]
    assert sorted(one["image"] for one in variants) == ["residual", "small", "vgg"]
    compute = [one["compute"] for one in variants]
    assert max(compute) / min(compute) < 1.15  # whole epochs: of 8, half a one either way
    for one in variants:
        assert len(one["curves"]) == one["epochs"]
        assert one["curves"][-1][1] == one["validation_loss"]
    before = {path: path.stat().st_mtime_ns for path in kept}
    page = (project / "data" / "study-nets.html").read_bytes()
    assert main(command) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    assert (project / "data" / "study-nets.html").read_bytes() == page
    assert capsys.readouterr().out.startswith("At equal compute, ")


def test_widths_are_matched_by_what_they_cost() -> None:
    nets = load_params(PARAMS, SMALL).nets
    wanted = measure_cost(new_towers(nets.model_copy(update={"width": 24}))).flops
    assert match_width(nets, wanted).width == 24


@pytest.mark.parametrize(("losses", "said"), [
    ((1.0, 1.2, 1.3), "At equal compute, a learns most, before b and c."),
    ((1.0, 1.001, 1.3), "At equal compute, a and b learn alike, and more than c."),
    ((1.0, 1.001, 1.002), "At equal compute, a, b and c learn alike: another seed may turn their order round."),
])
def test_what_is_close_is_not_called_better(losses: tuple[float, ...], said: str) -> None:
    assert say_nets([(kind, loss, 0.5) for kind, loss in zip("abc", losses, strict=True)], 0.1).startswith(said)


def test_curves_end_at_the_right_with_names_apart() -> None:
    chart = curves_chart([[(1e12, 3.0), (2e12, 2.0)], [(1e12, 2.5), (2e12, 2.001)]])
    assert [line[0] for line in chart.lines] == ["380.0,0.0 760.0,300.0", "380.0,150.0 760.0,299.7"]
    assert np.diff(sorted(line[2] for line in chart.lines)) >= NAME_LINE - 1e-9
    assert chart.across[-1] == (760.0, "2 TFLOP")


def test_a_tower_that_cannot_be_compared_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "nets", "--set", "nets.image=pretrained"]) == 2
    assert capsys.readouterr().err.startswith("error: nets.image is pretrained: ")
