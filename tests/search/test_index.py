import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

from tasks.dataset.build import build_dataset
from tasks.errors import InputError, IntegrityError
from tasks.search.arrays import read_arrays, write_arrays
from tasks.search.find import find_pictures
from tasks.search.index import open_index, update_index
from tasks.search.label import label_picture
from tasks.search.sheet import draw_sheet
from tasks.search.words import Term, words_of
from tests.dataset.conftest import dataset_params, tree
from tests.labels import make_labels, make_videos
from tests.search.world import ColourNet, Vectors, colour_net, random_unit, unit

IDS = [f"site_{at}" for at in range(6)]


class CountingNet(ColourNet):
    """Counts the pictures it is shown."""

    @property
    def shown(self) -> int:
        return int(self.__dict__.get("count", 0))

    def embed_pictures(self, pictures: NDArray[np.uint8]) -> Vectors:
        self.__dict__["count"] = self.shown + len(pictures)
        return super().embed_pictures(pictures)


def counting_net() -> CountingNet:
    net = colour_net()
    return CountingNet(net.spec, net.towers, net.vocabulary, net.calibration)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return build(tmp_path, IDS)


def build(root: Path, ids: list[str]) -> Path:
    """Six pictures a video of 200,000 bytes, shards of about 1 MB: most hold one video."""
    make_labels(root / "labels", ids, jpeg_bytes=200_000)
    build_dataset(root / "labels", make_videos(ids, ids), root / "dataset", dataset_params(shard_megabytes=1))
    return root / "dataset"


def test_every_picture_of_every_split_is_there_with_its_video_and_time(dataset: Path, tmp_path: Path) -> None:
    index = update_index(dataset, tmp_path / "index", colour_net())
    held = sorted((piece.videos[owner].id, time) for piece in index.pieces
                  for owner, time in zip(piece.owners, piece.timestamps, strict=True))
    # make_labels: eight frames, 3 s apart, every fourth a duplicate
    assert held == sorted((name, 3.0 * frame) for name in IDS for frame in (0, 1, 2, 4, 5, 6))
    assert np.linalg.norm(index.exact(np.arange(len(index))), axis=1) == pytest.approx(1, abs=1e-3)


def test_a_new_video_costs_its_own_shard_and_the_bytes_are_those_of_a_fresh_index(tmp_path: Path) -> None:
    dataset, net = build(tmp_path, IDS[:5]), counting_net()
    update_index(dataset, tmp_path / "index", net)
    assert net.shown == 30
    build(tmp_path, IDS)
    assert open_index(dataset, tmp_path / "index") is None  # it lacks the new video
    update_index(dataset, tmp_path / "index", net)
    assert 36 <= net.shown <= 42  # the open shard may have been written again
    update_index(dataset, tmp_path / "index", net)
    assert net.shown <= 42
    update_index(dataset, tmp_path / "fresh", colour_net())
    assert tree(tmp_path / "index") == tree(tmp_path / "fresh")


def test_a_torn_piece_is_made_again(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    update_index(dataset, folder, colour_net())
    before = tree(folder)
    torn = next(folder.iterdir())
    torn.write_bytes(torn.read_bytes()[:-64])
    assert open_index(dataset, folder) is None
    update_index(dataset, folder, colour_net())
    assert tree(folder) == before


def test_a_damaged_shard_is_named_and_what_is_there_stays(dataset: Path, tmp_path: Path) -> None:
    shard = next((dataset / "data").glob("train-00000-*"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(IntegrityError, match=shard.name):
        update_index(dataset, tmp_path / "index", colour_net())


def test_a_dataset_without_a_picture_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    build_dataset(tmp_path / "labels", [], tmp_path / "dataset", dataset_params())
    assert open_index(tmp_path / "dataset", tmp_path / "index") is None
    with pytest.raises(InputError, match="no picture in the dataset"):
        update_index(tmp_path / "dataset", tmp_path / "index", colour_net())


def test_the_sheet_shows_what_was_found(dataset: Path, tmp_path: Path) -> None:
    """The picture that is first by its own pixels is first on the sheet: its mean colour is found back there."""
    net = colour_net()
    index = update_index(dataset, tmp_path / "index", net)
    words = words_of(net)
    red = Term("red", words.vectors[2], words.factor, float(words.intercepts[2]))
    found = find_pictures(index, [red], results=3, per_video=0)
    draw_sheet(found, ["red"], len(index), tmp_path / "sheet.png")
    jpegs = [image["bytes"] for shard in (dataset / "data").iterdir() for image in pq.read_table(shard)["image"].to_pylist()]
    means = np.stack([np.asarray(Image.open(io.BytesIO(jpeg))).reshape(-1, 3).mean(axis=0) for jpeg in jpegs])
    logits = 10 * unit(means)
    expected = means[np.argmax(logits[:, 0] - np.log(np.exp(logits).sum(axis=1)))]
    pixels = np.asarray(Image.open(tmp_path / "sheet.png"), np.float64)
    shown = pixels[96:276, 57:327].reshape(-1, 3).mean(axis=0)  # 270 x 180 px of the first box of 320 x 180
    assert shown == pytest.approx(expected, abs=4)


def test_chances_found_are_those_the_net_gives(dataset: Path, tmp_path: Path) -> None:
    net = colour_net()
    index = update_index(dataset, tmp_path / "index", net)
    words = words_of(net)
    terms = [Term(word, *parts) for word, *parts in zip(
        words.vocabulary, words.vectors, [words.factor] * 3, words.intercepts.tolist(), strict=True)]
    found = find_pictures(index, terms, results=len(index), per_video=0)
    expected = net.probabilities(index.exact(np.arange(len(index))))
    in_order = sorted(found, key=lambda one: ([piece.shard for piece in index.pieces].index(one.shard), one.row))
    assert np.array([one.chances for one in in_order]) == pytest.approx(expected, abs=1e-3)


def test_a_picture_gets_words_by_its_colour(tmp_path: Path) -> None:
    Image.new("RGB", (64, 36), (10, 200, 20)).save(tmp_path / "meadow.png")
    words = label_picture(tmp_path / "meadow.png", colour_net(), 2).words
    assert [word for word, _ in words] == ["green", "blue"]
    assert words[0][1] == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-3)  # its share among all words is nearly 1


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<html>"])
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cake.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"cake\.jpg"):
        label_picture(tmp_path / "cake.jpg", colour_net(), 2)


@pytest.mark.parametrize("missing", ["none.jpg", "."])
def test_what_cannot_be_read_is_named(tmp_path: Path, missing: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        label_picture(tmp_path / missing, colour_net(), 2)


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    vectors = random_unit(5, 3)
    write_arrays(tmp_path / "a", {"name": "ü"}, {"vectors": vectors, "none": np.empty((0, 3), np.int8)})
    facts, arrays = read_arrays(tmp_path / "a")
    assert facts == {"name": "ü"}
    assert np.array_equal(arrays["vectors"], vectors)
    assert arrays["none"].shape == (0, 3)


@pytest.mark.parametrize("change", [
    {"format": "other"}, {"arrays": {"a": ["|O", 1]}}, {"arrays": {"a": ["<f4", -1]}}, {"arrays": {"a": ["<f4", 1 << 60]}},
    {"arrays": {"a": "<f4"}}, {"facts": 1},
])
def test_a_header_that_lies_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    write_arrays(tmp_path / "a", {}, {"a": np.zeros(4, np.float32)})
    line, _, rest = (tmp_path / "a").read_bytes().partition(b"\n")
    (tmp_path / "a").write_bytes(json.dumps(json.loads(line) | change).encode() + b"\n" + rest)
    with pytest.raises(IntegrityError):
        read_arrays(tmp_path / "a")


def test_a_broken_picture_is_left_out_and_the_others_stay(tmp_path: Path) -> None:
    from tasks.search.index import _decode

    buffer = io.BytesIO()
    Image.new("RGB", (64, 36), "teal").save(buffer, "JPEG")
    good, pictures = _decode([buffer.getvalue(), b"\xff\xd8\xff no", buffer.getvalue()], 32, "here")
    assert good == [0, 2]
    assert pictures.shape == (2, 32, 56, 3)
