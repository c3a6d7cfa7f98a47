"""A recipe becomes a dataset again, picture by checked picture."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.dataset.export import export_dataset
from tasks.dataset.manifest import read_manifest, shard_paths
from tasks.dataset.rebuild import Picture, rebuild
from tasks.dataset.verify import verify
from tasks.errors import InputError, IntegrityError, TransientError, UnavailableVideoError
from tasks.schema import Video
from tests.dataset.conftest import Project


class Site:
    """Stands for the sites and the decoder: gives the pictures that the dataset was made of."""

    def __init__(self, project: Project) -> None:
        self.pictures: dict[str, dict[float, Picture]] = {}
        for video in project.videos:
            frames = pq.read_table(project.labels / video.id / "frames.parquet").to_pylist()
            self.pictures[video.id] = {
                frame["timestamp"]: (frame["jpeg"], frame["phash"]) for frame in frames if frame["jpeg"]}
        self.refuses: dict[str, Exception] = {}

    def fetch(self, video: Video) -> Path:
        if video.id in self.refuses:
            raise self.refuses[video.id]
        assert video.url == f"https://example.org/{video.id}"
        return Path(video.id)

    def grab(self, path: Path, timestamps: Sequence[float]) -> list[Picture | None]:
        assert list(timestamps) == sorted(timestamps)
        return [self.pictures[path.name].get(timestamp) for timestamp in timestamps]


@pytest.fixture
def project(new_project: Callable[..., Project]) -> Project:
    project = new_project(12, tuple(f"channel {at}" for at in range(6)))
    project.build()
    export_dataset(project.dataset, "recipe", project.root / "recipe")
    return project


def split_rows(dataset: Path) -> dict[str, pa.Table]:
    manifest = read_manifest(dataset)
    return {split: pa.concat_tables([pq.read_table(path) for path in paths]).replace_schema_metadata()
            for split in manifest["splits"] if (paths := shard_paths(dataset, manifest, split))}


def test_with_every_video_still_there_the_rows_are_the_same(project: Project, tmp_path: Path) -> None:
    site = Site(project)
    summary = rebuild(project.root / "recipe", tmp_path / "again", site.fetch, site.grab, project.params)
    assert summary.line == "72 of 72 pictures are there again; left out: nothing"
    assert split_rows(tmp_path / "again") == split_rows(project.dataset)
    verify(tmp_path / "again")


def test_what_cannot_be_had_or_is_another_picture_is_counted_by_reason(project: Project, tmp_path: Path) -> None:
    site = Site(project)
    site.refuses = {"site_1": UnavailableVideoError("site_1: gone", "nothing", "gone"),
                    "site_2": TransientError("site_2: busy", "run again")}
    times = list(site.pictures["site_3"])
    jpeg, phash = site.pictures["site_3"][times[0]]
    site.pictures["site_3"][times[0]] = jpeg, phash ^ 0b111_1111  # seven bits: one too many
    jpeg, phash = site.pictures["site_3"][times[1]]
    site.pictures["site_3"][times[1]] = jpeg, phash ^ 0b11_1111
    del site.pictures["site_3"][times[2]]
    summary = rebuild(project.root / "recipe/recipe.parquet", tmp_path / "again", site.fetch, site.grab, project.params)
    assert summary.left_out == {"gone": 6, "unavailable_now": 6, "other_picture": 1, "no_picture": 1}
    assert (summary.wanted, summary.rebuilt) == (72, 58)
    books = read_manifest(tmp_path / "again")["books"]
    assert books["frames"] == {"all": 72, "kept": 58, "left_out": dict(summary.left_out)}
    assert books["videos"] == {"all": 12, "kept": 10, "left_out": {"gone": 1, "unavailable_now": 1}}
    verify(tmp_path / "again")


def test_a_recipe_that_is_none_is_refused_and_nothing_is_written(project: Project, tmp_path: Path) -> None:
    site = Site(project)
    for path in (tmp_path / "absent.parquet", next((project.dataset / "data").iterdir())):
        with pytest.raises(InputError, match="recipe"):
            rebuild(path, tmp_path / "again", site.fetch, site.grab, project.params)
    recipe = project.root / "recipe/recipe.parquet"
    recipe.write_bytes(recipe.read_bytes()[:-9])
    with pytest.raises(IntegrityError, match=r"recipe\.parquet"):
        rebuild(recipe, tmp_path / "again", site.fetch, site.grab, project.params)
    assert not (tmp_path / "again").exists()


def test_an_empty_recipe_makes_an_empty_dataset(new_project: Callable[..., Project], tmp_path: Path) -> None:
    project = new_project(0)
    project.build()
    export_dataset(project.dataset, "recipe", tmp_path / "recipe")
    site = Site(project)
    assert rebuild(tmp_path / "recipe", tmp_path / "again", site.fetch, site.grab, project.params).wanted == 0
    assert json.loads((tmp_path / "again/manifest.json").read_text())["books"]["frames"]["all"] == 0
