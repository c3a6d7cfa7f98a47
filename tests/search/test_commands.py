"""`framewords label` and `framewords find`, as a person types them."""

from pathlib import Path

import pytest
from PIL import Image

from flows.__main__ import main
from tasks.dataset.build import build_dataset
from tasks.evaluation.champion import promote
from tasks.nets.store import Calibration, TrainedNet, save_net
from tasks.nets.towers import NetSpec, Towers
from tests.dataset.conftest import dataset_params
from tests.labels import NOUNS, make_labels, make_videos


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two videos and an untrained net that knows the nouns of their labels."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((Path(__file__).parents[2] / "params.yaml").read_bytes())
    data, ids = tmp_path / "data", ["site_0", "site_1"]
    make_labels(data / "labels", ids)
    build_dataset(data / "labels", make_videos(ids), data / "dataset", dataset_params())
    spec = NetSpec("small", 32, 4, 8, 64)
    vocabulary = tuple(sorted(NOUNS))
    net = TrainedNet(spec, Towers(spec), vocabulary, Calibration(1.0, (0.0,) * len(vocabulary)))
    save_net(data / "models" / "main" / "n1", net)
    return data


@pytest.fixture
def champion(data: Path) -> Path:
    promote(data / "models", "main", "n1", None, force=True)
    return data


def test_found_pictures_are_lines_with_time_and_address(champion: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find", "knives", "cheese", "--top", "5", "--per-video", "0", "--save", "sheet.png"]) == 0
    head, *lines, saved = capsys.readouterr().out.splitlines()
    assert head.split() == ["knives", "cheese", "time", "video", "where"]
    assert len(lines) == 5
    for line in lines:
        knife, cheese, time, about, name, where = line.split()
        assert knife.endswith("%")
        assert cheese.endswith("%")
        minutes, seconds = map(int, time.split(":"))
        assert where == f"https://example.org/{name}#t={60 * minutes + seconds}"
        assert about == "About"
    assert saved == "sheet.png: 5 pictures"
    assert Image.open("sheet.png").width > 1000


def test_at_most_so_many_of_a_video(champion: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find", "knife", "--per-video", "1"]) == 0
    videos = [line.split()[3] for line in capsys.readouterr().out.splitlines()[1:]]
    assert sorted(videos) == ["site_0", "site_1"]


def test_unknown_words_are_one_line_with_the_nearest_known(champion: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find", "chese"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: chese: not among the 8 words the net knows: nearest known: cheese")
    assert said.err.count("\n") == 1
    assert main(["find", "knife", "chese"]) == 0
    assert capsys.readouterr().out.startswith("chese: not a word the net knows, guessed from its letters; nearest known: cheese")


def test_labels_are_ranked_and_what_is_no_picture_stops_nobody(champion: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (64, 36), "teal").save("good.jpg")
    Path("bad.jpg").write_bytes(b"not a picture")
    assert main(["label", "bad.jpg", "good.jpg", "--top", "3"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("error: bad.jpg: ")
    assert said.err.count("\n") == 1
    name, *words = said.out.split()
    assert name == "good.jpg:"
    assert set(words[::2]) <= set(NOUNS)
    chances = [float(chance.strip("<>%")) for chance in words[1::2]]
    assert len(chances) == 3
    assert chances == sorted(chances, reverse=True)
    assert main(["label", "bad.jpg", "none.jpg"]) == 2


@pytest.mark.parametrize("command", [["find", "knife"], ["label", "picture.jpg"]])
def test_without_a_champion_it_is_one_line(data: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: main: no champion yet: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("wrong", [["--top", "0"], ["--per-video", "-1"], ["--save", "sheet.jpg"], ["--net", "../x"]])
def test_options_that_make_no_sense_are_refused(champion: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find", "knife", *wrong]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_indices_of_nets_out_of_use_go(champion: Path) -> None:
    """The champion and the one before it keep theirs: n1, then n2, then n3."""
    folders = champion / ".cache" / "search"
    counts = []
    for name in ("n1", "n2", "n3"):
        if name != "n1":
            spec = NetSpec("small", 32, 4, 8, 64)
            save_net(champion / "models" / "main" / name, TrainedNet(spec, Towers(spec), (name,), Calibration(1.0, (0.0,))))
            promote(champion / "models", "main", name, None, force=True)
        assert main(["find", "knife" if name == "n1" else name]) == 0
        counts.append(len(list(folders.iterdir())))
    assert counts == [1, 2, 2]
