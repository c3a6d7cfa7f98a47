from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from flows.__main__ import main
from tasks.evaluation.champion import promote
from tasks.nets.store import Calibration, TrainedNet, save_net
from tasks.nets.towers import NetSpec, Towers
from tasks.nets.words import word_parts
from tasks.study.layers import layers_of
from tasks.study.weights import study_weights

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SPEC = NetSpec("small", 32, 16, 64, 1024)
LEARNT = "image.blocks.2.1.0"  # 128 x 1152


def make_net(strength: float = 0.0, seed: int = 0, vocabulary: tuple[str, ...] = ("cup", "knife", "tree")) -> TrainedNet:
    """An untrained net, and in one layer one direction of a strength in units of what random numbers have."""
    torch.manual_seed(seed)
    towers = Towers(SPEC)
    weight = towers.state_dict()[f"{LEARNT}.weight"]
    random = np.random.default_rng(1)
    out, into = (vector / np.linalg.norm(vector) for vector in (random.standard_normal(128), random.standard_normal(1152)))
    added = strength * float(weight.std()) * np.sqrt(1152) * np.outer(out, into)
    weight += torch.tensor(added.reshape(weight.shape), dtype=weight.dtype)
    return TrainedNet(SPEC, towers, vocabulary, Calibration(1.0, (0.0,) * len(vocabulary)))


def test_layers_are_outputs_by_inputs() -> None:
    layers = layers_of(make_net(), ("cup",))
    assert next(iter(layers)) == "image.stem.0"
    assert (layers["image.stem.0"].shape, layers[LEARNT].shape, layers["to_space"].shape) == ((16, 27), (128, 1152), (64, 256))
    # The word itself, <cu cup up> of three letters, <cup cup> of four, <cup> of five.
    assert layers["words.table"].shape == (64, len(set(word_parts("cup", 1024))))
    assert len(word_parts("cup", 1024)) == 7


def test_an_untrained_net_is_called_random(tmp_path: Path) -> None:
    told = study_weights("main", [("n0", make_net())], tmp_path / "page.html")
    assert told.summary.startswith("No layer can be told from random numbers")


def test_what_was_learnt_is_named(tmp_path: Path) -> None:
    told = study_weights("main", [("n0", make_net(3.0))], tmp_path / "page.html")
    assert [one.name for one in told.spectra if one.outliers] == [LEARNT]
    assert f"most of all {LEARNT}: 1 direction with" in told.summary
    page = (tmp_path / "page.html").read_text()
    assert told.summary in page
    assert "1 direction of 128 stands out and carries" in page


def test_versions_are_compared_over_the_words_that_both_know(tmp_path: Path) -> None:
    before, after = make_net(3.0), make_net(3.3, vocabulary=("cup", "knife", "lamp", "tree"))
    study_weights("main", [("n0", before), ("n1", after)], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "From n0 to n1" in page
    assert f"Most has changed in {LEARNT}" in page
    assert "The main directions stayed what they were in every layer" in page
    assert "not compared" not in page


def test_two_nets_from_different_seeds_are_said_to_be_two_nets(tmp_path: Path) -> None:
    study_weights("main", [("n0", make_net(3.0)), ("n1", make_net(seed=1))], tmp_path / "page.html")
    assert "these are two nets" in (tmp_path / "page.html").read_text()


def test_the_page_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        study_weights("main", [("n0", make_net(2.0))], tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_shows_each_learnt_direction_and_asks_the_network_nothing(
        browser: "Browser", tmp_path: Path, width: int) -> None:
    study_weights("main", [("<b>n0", make_net(3.0))], tmp_path / "page.html")
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: asked.append(message.text))
    page.goto((tmp_path / "page.html").as_uri())
    assert [url for url in asked if not url.startswith("file:")] == []
    assert page.locator(".strip .out").count() == 1
    assert page.locator("b").count() == 0
    assert page.locator(".layers article").count() == page.locator(".strip svg[role]").count()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_command_studies_the_champion_and_what_it_replaced(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    models = tmp_path / "data" / "models"
    assert main(["study", "weights"]) == 2
    for name, strength in (("n1", 2.0), ("n2", 3.0)):
        save_net(models / "main" / name, make_net(strength))
        promote(models, "main", name, None, force=True)
    assert main(["study", "weights"]) == 0
    out = Path(capsys.readouterr().out.splitlines()[-1])
    assert "From n1 to n2" in out.read_text()
    assert main(["study", "weights", "n1", "--out", "one.html"]) == 0
    assert "From n" not in Path("one.html").read_text()
    capsys.readouterr()
    assert main(["study", "weights", "m3"]) == 2
    assert capsys.readouterr().err == "error: m3: no version of main: there are: n1, n2\n"
