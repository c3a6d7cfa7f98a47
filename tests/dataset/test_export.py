"""What is exported is read back by the tool it is for."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from tasks.dataset.export import export_dataset
from tasks.dataset.manifest import read_manifest, shard_paths
from tasks.dataset.rows import picture_key
from tasks.errors import InputError, IntegrityError
from tests.dataset.conftest import Project, tree

CHANNELS = tuple(f"channel {at}" for at in range(30))


@pytest.fixture
def project(new_project: Callable[..., Project]) -> Project:
    project = new_project(30, CHANNELS)
    project.build()
    return project


def rows_by_key(project: Project, split: str) -> dict[str, dict[str, Any]]:
    shards = shard_paths(project.dataset, read_manifest(project.dataset), split)
    rows = [row for shard in shards for row in pq.read_table(shard).to_pylist()]
    return {picture_key(row["video_id"], row["frame"]): row for row in rows}


def test_webdataset_reads_every_row_with_its_picture(project: Project, tmp_path: Path) -> None:
    import webdataset

    assert export_dataset(project.dataset, "webdataset", tmp_path / "out") == 180
    for split in ("train", "validation", "test"):
        tars = sorted(map(str, (tmp_path / "out").glob(f"{split}-*.tar")))
        wanted = rows_by_key(project, split)
        samples = list(webdataset.WebDataset(tars, shardshuffle=False).decode("pil")) if tars else []
        assert [sample["__key__"] for sample in samples] == list(wanted)
        for sample in samples:
            row = wanted[sample["__key__"]]
            assert sample["json"] == {name: value for name, value in row.items() if name != "image"}
            assert sample["jpg"].tobytes() == Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB").tobytes()


def test_pycocotools_finds_every_label_and_picture(project: Project, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    assert export_dataset(project.dataset, "coco", tmp_path / "out") == 180
    names = set()
    for split in ("train", "validation", "test"):
        coco = COCO(str(tmp_path / f"out/annotations/instances_{split}.json"))
        wanted = rows_by_key(project, split)
        assert len(coco.getImgIds()) == len(wanted)
        names.add(tuple(category["name"] for category in coco.loadCats(coco.getCatIds())))
        for image in coco.loadImgs(coco.getImgIds()):
            row = wanted[image["file_name"].removesuffix(".jpg")]
            assert (tmp_path / "out/images" / split / image["file_name"]).read_bytes() == row["image"]["bytes"]
            annotations = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
            assert [(coco.cats[note["category_id"]]["name"], note["score"]) for note in annotations] == [
                (label["label"], label["weight"]) for label in row["labels"]]
            assert all(note["bbox"] == [0, 0, 48, 32] and coco.annToMask(note).all() for note in annotations)
    assert len(names) == 1  # the same categories, under the same numbers, in every split


def test_a_recipe_holds_everything_but_pictures(project: Project, tmp_path: Path) -> None:
    assert export_dataset(project.dataset, "recipe", tmp_path / "out") == 180
    path = tmp_path / "out/recipe.parquet"
    rows = pq.read_table(path).to_pylist()
    wanted = [{"split": split, **{name: value for name, value in row.items() if name != "image"}}
              for split in ("train", "validation", "test") for row in rows_by_key(project, split).values()]
    assert rows == wanted
    assert b"\xff\xd8\xff" not in path.read_bytes()
    told = json.loads(pq.read_metadata(path).metadata[b"framewords"])["extra"]
    assert told["params"] == project.params.model_dump()
    media = {video["id"]: video["inputs"]["media"] for video in told["videos"]}
    assert len(set(media.values())) == 30


@pytest.mark.parametrize("form", ["webdataset", "coco", "recipe"])
def test_the_same_dataset_exports_the_same_bytes(project: Project, tmp_path: Path, form: str) -> None:
    for out in ("a", "b"):
        export_dataset(project.dataset, form, tmp_path / out)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


@pytest.mark.parametrize("form", ["webdataset", "coco", "recipe"])
def test_an_empty_dataset_exports_as_an_empty_one(new_project: Callable[..., Project], tmp_path: Path, form: str) -> None:
    project = new_project(0)
    project.build()
    assert export_dataset(project.dataset, form, tmp_path / "out") == 0
    if form == "coco":
        assert json.loads((tmp_path / "out/annotations/instances_train.json").read_text())["images"] == []


def test_what_is_there_already_is_never_overwritten(project: Project, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for out in ("full", "file"):
        with pytest.raises(InputError, match="is there already"):
            export_dataset(project.dataset, "coco", tmp_path / out)
    assert (tmp_path / "full/mine.txt").read_text() == "mine"


def test_a_torn_shard_leaves_no_half_export(project: Project, tmp_path: Path) -> None:
    shard = next((project.dataset / "data").glob("train-*"))
    shard.write_bytes(shard.read_bytes()[:-30])
    with pytest.raises(IntegrityError, match="framewords verify"):
        export_dataset(project.dataset, "webdataset", tmp_path / "out")
    assert list(tmp_path.glob("out*")) == list(tmp_path.glob(".staging*")) == []
