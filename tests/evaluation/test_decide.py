"""What is left in a version's folder when it was judged: card, figures, pictures, verdict."""

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tasks.errors import IntegrityError
from tasks.evaluation.card import read_card, write_card
from tasks.evaluation.champion import list_models, promote, read_champion
from tasks.evaluation.chart import Line, page, plot, round_range, spread, text
from tasks.evaluation.decide import decide
from tasks.evaluation.draw import draw_learning, draw_versions
from tasks.evaluation.gate import read_verdict
from tests.evaluation.nets import GATE

PARAMS = {"training": {"seed": 3}, "nets": {"image": "small"}}
PICTURES = ["learning.svg", "retrieval.svg", "confusion.svg"]


def judged(models: Path, dataset: Path, version: str = "n1") -> Path:
    folder = models / "main" / version
    write_card(folder, dataset, PARAMS, code="1.2", dataset_version="dataset-1")
    decide(models, "main", version, dataset, models.parent / "work", GATE)
    return folder


def test_a_judged_version_has_figures_pictures_and_a_verdict(models: Path, dataset: Path) -> None:
    folder = judged(models, dataset)
    for name in PICTURES:
        assert ET.parse(folder / name).getroot().tag.endswith("svg")
    verdict = read_verdict(folder)
    assert verdict is not None
    assert (verdict.passed, verdict.champion) == (False, "chance")
    assert json.loads((folder / "metrics.json").read_text())["all"]["videos"] == verdict.comparisons[0].videos
    with (folder / "confusion.csv").open() as file:
        assert next(csv.reader(file)) == ["label", "answer"]
    assert (models / "main" / "versions.svg").is_file()
    assert read_champion(models, "main") is None


def test_judging_again_leaves_the_same_bytes(models: Path, dataset: Path) -> None:
    folder = judged(models, dataset)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    decide(models, "main", "n1", dataset, models.parent / "elsewhere", GATE)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_card_says_what_the_net_was_made_from_and_is_not_for(models: Path, dataset: Path) -> None:
    folder = judged(models, dataset)
    card, page_of_it = read_card(folder), (folder / "README.md").read_text()
    assert (card["dataset_version"], card["code"], card["seed"]) == ("dataset-1", "1.2", 3)
    assert card["dataset"]["licences"] == {"CC-BY-4.0": card["dataset"]["pictures"]}
    assert (card["channels"], card["pictures"]) == (["alice", "bob"], PICTURES)
    manifest = json.loads((dataset / "manifest.json").read_text())
    assert card["trained_on"] == sorted(video["id"] for video in manifest["videos"] if video["split"] == "train")
    assert set(card["pictures_of"]) <= {video["id"] for video in manifest["videos"] if video["split"] == "test"}
    for said in ("must not be used for", "Recognising or telling apart people", "Surveillance", "Medical, safety",
                 "moderation", "CC-BY-4.0", "dataset-1", "precision_at_1", "![Learning curves](learning.svg)"):
        assert said in page_of_it


def test_what_a_base_had_seen_its_successor_has_seen(models: Path, dataset: Path) -> None:
    folder = judged(models, dataset)
    card = read_card(folder)
    (folder / "card.json").write_text(json.dumps({**card, "trained_on": ["gone_video"], "channels": ["carol"]}))
    write_card(models / "main" / "n2", dataset, PARAMS, code="1.2", base=folder)
    after = read_card(models / "main" / "n2")
    assert {"gone_video", *card["trained_on"]} == set(after["trained_on"])
    assert (after["channels"], after["base"]) == (["alice", "bob", "carol"], "n1")


def test_a_card_that_was_marked_keeps_its_mark(models: Path, dataset: Path) -> None:
    folder = judged(models, dataset)
    card = read_card(folder)
    (folder / "card.json").write_text(json.dumps({**card, "forgotten": ["site_1"]}))
    decide(models, "main", "n1", dataset, models.parent / "work", GATE)
    assert read_card(folder)["forgotten"] == ["site_1"]
    assert "1 videos that have been forgotten" in (folder / "README.md").read_text()


def test_a_version_is_judged_against_the_champion_and_by_its_channels(models: Path, dataset: Path) -> None:
    judged(models, dataset)
    promote(models, "main", "n1", None, force=True)
    judged(models, dataset, "n2")
    verdict = read_verdict(models / "main" / "n2")
    assert verdict is not None
    assert verdict.champion == "main/n1"
    assert {one.slice for one in verdict.comparisons} == {"all", "old channels", "rare words"}
    assert [(model.version, model.is_champion) for model in list_models(models)] == [("n1", True), ("n2", False)]


def test_a_candidate_that_saw_a_test_video_is_refused_by_its_card(models: Path, dataset: Path) -> None:
    folder = judged(models, dataset)
    card = read_card(folder)
    test_video = card["pictures_of"][0]
    (folder / "card.json").write_text(json.dumps({**card, "trained_on": [*card["trained_on"], test_video]}))
    verdict = decide(models, "main", "n1", dataset, models.parent / "work", GATE).verdict
    assert verdict.reasons == (f"main/n1 was trained on 1 test videos, such as {test_video}",)


def test_a_broken_version_is_refused_and_its_card_says_why(models: Path, dataset: Path) -> None:
    folder = models / "main" / "n1"
    write_card(folder, dataset, PARAMS, code="1.2")
    (folder / "weights.safetensors").write_bytes(b"\x80\x04.")
    verdict = decide(models, "main", "n1", dataset, models.parent / "work", GATE).verdict
    assert not verdict.passed
    assert "a pickle or zip, not safetensors" in (folder / "README.md").read_text()
    assert json.loads((folder / "metrics.json").read_text())["faults"] == list(verdict.reasons)


def test_a_hostile_name_stays_text(models: Path, dataset: Path) -> None:
    assert text(0, 0, '<script>"&\n') == (
        '<text x="0.0" y="0.0" font-size="14" fill="#1a1a1a" text-anchor="start">&lt;script&gt;&quot;&amp; </text>')
    folder = judged(models, dataset)
    card = read_card(folder)
    card["dataset"]["licences"] = {"<img src=x>\n|": 1}
    (folder / "card.json").write_text(json.dumps(card))
    decide(models, "main", "n1", dataset, models.parent / "work", GATE)
    assert "\\<img src=x\\> \\|" in (folder / "README.md").read_text()


@pytest.mark.parametrize("content", ["", "epoch,samples\n1,2\n", "epoch,samples,train_loss,validation_loss\n1,2,three,4\n"])
def test_curves_that_are_none_are_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "curves.csv").write_text(content)
    with pytest.raises(IntegrityError, match="not learning curves"):
        draw_learning(tmp_path / "curves.csv")


def test_a_line_goes_through_its_points() -> None:
    drawn = "".join(plot(100, 0, 200, 100, [Line("a", [(0, 0.0), (1, 0.5), (2, 1.0)])], across=[(0, "0"), (2, "2")], up=(0, 1),
                         percent=True))
    assert 'points="100.0,100.0 200.0,50.0 300.0,0.0"' in drawn
    assert ">50 %<" in drawn
    ET.fromstring(page(400, 200, [drawn]))


def test_names_at_the_ends_of_lines_do_not_cover_each_other() -> None:
    assert spread([10, 12, 50, 11], 18) == [10, 46, 64, 28]


@pytest.mark.parametrize(("values", "expected"), [
    ([2.1, 3.9], (2.0, 4.0)), ([0.0, 0.37], (0.0, 0.4)), ([11.0, 140.0], (0.0, 200.0))])
def test_an_axis_ends_on_short_numbers(values: list[float], expected: tuple[float, float]) -> None:
    assert round_range(values) == pytest.approx(expected)


def test_without_a_judged_version_there_is_no_picture_of_versions(models: Path) -> None:
    assert draw_versions(models, "main") is None
