"""The dataset is a pure function of list and labels, and its books balance."""

import errno
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.dataset import build
from tasks.dataset.manifest import read_manifest, shard_paths
from tasks.dataset.rows import ROWS
from tasks.dataset.verify import verify
from tasks.errors import InputError, IntegrityError
from tasks.storage import atomic
from tasks.storage.artefact import digest_file
from tests.dataset.conftest import Project, dataset_params, tree
from tests.labels import make_labels, make_videos

NewProject = Callable[..., Project]
WORLD = [f"site_{at}" for at in range(14)]
states = st.lists(st.sets(st.sampled_from(WORLD)), min_size=1, max_size=4)


def rows_of(project: Project) -> pa.Table:
    shards = sorted(project.dataset.glob("data/*.parquet"))
    return pa.concat_tables([pq.read_table(shard) for shard in shards])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Fourteen videos of about 0.5 MB in shards of 1 MB, some of which repeat pictures of others."""
    root = tmp_path_factory.mktemp("world")
    shared = np.random.default_rng(5).integers(0, 2**64, 12, np.uint64).tolist()
    hashes = {"site_3": shared[:6], "site_5": [*shared[:2], *shared[6:10]], "site_9": shared[:6], "site_12": shared[4:10]}
    make_labels(root / "labels", WORLD, jpeg_bytes=80_000, hashes=hashes)
    return Project(root, make_videos(WORLD, ["a", "b", "c", "d"]), dataset_params(shard_megabytes=1))


@given(listed=states, labelled=states)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_built_before_the_bytes_are_those_of_a_fresh_build(
        world: Project, tmp_path_factory: pytest.TempPathFactory, listed: list[set[str]], labelled: list[set[str]]) -> None:
    root = tmp_path_factory.mktemp("state")
    rounds = [*zip(listed, labelled, strict=False), (set(WORLD), labelled[-1])]
    for names, present in rounds:
        shutil.rmtree(root / "labels", ignore_errors=True)
        (root / "labels").mkdir()
        for name in present:
            (root / "labels" / name).symlink_to(world.labels / name)
        videos = [video for video in world.videos if video.id in names]
        for out in ("grown", "fresh"):
            build.build_dataset(root / "labels", videos, root / out, world.params)
        assert tree(root / "grown") == tree(root / "fresh")
        shutil.rmtree(root / "fresh")
    shutil.rmtree(root)


def test_new_videos_leave_every_sealed_shard_alone(world: Project, tmp_path: Path) -> None:
    world.build(world.videos[:11], tmp_path)
    before = {path.name: path.stat().st_ino for path in (tmp_path / "data").iterdir()}
    splits = read_manifest(tmp_path)["splits"].values()
    last = {split["shards"][-1]["path"] for split in splits if split["shards"]}
    summary = world.build(world.videos, tmp_path)
    after = {path.name: path.stat().st_ino for path in (tmp_path / "data").iterdir()}
    gone = {f"data/{name}" for name in before if after.get(name) != before[name]}
    assert gone <= last
    assert summary.shards_kept == len(before) - len(gone) > 0


def test_a_forgotten_video_is_as_if_it_had_never_been_there(world: Project, tmp_path: Path) -> None:
    without = [video for video in world.videos if video.id != "site_3"]
    world.build(world.videos, tmp_path / "a")
    world.build(without, tmp_path / "a")
    world.build(without, tmp_path / "b")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert b"site_3" not in b"".join(tree(tmp_path / "a").values())


def test_a_second_build_with_nothing_new_writes_no_shard(new_project: NewProject) -> None:
    project = new_project()
    assert project.build().shards_written > 0
    before = tree(project.dataset)
    assert project.build().shards_written == 0
    assert tree(project.dataset) == before


def test_the_first_to_show_a_picture_keeps_it_and_the_books_name_the_others(new_project: NewProject) -> None:
    # Random hashes differ in about 32 bits; one of video 1 is made to lie three bits from one of video 0.
    hashes = np.random.default_rng(4).integers(0, 2**64, (3, 6), np.uint64).tolist()
    hashes[1][4] = hashes[0][2] ^ 0b111
    kept_frames = (0, 1, 2, 4, 5, 6)  # every fourth sampled one is a duplicate within its video
    project = new_project(3, ("alice",), hashes={f"site_{at}": hashes[at] for at in range(3)})
    project.params = dataset_params(duplicate_bits=3)
    project.build()
    manifest = read_manifest(project.dataset)
    index = pq.read_table(project.dataset / manifest["index"]["path"]).to_pylist()
    assert [(row["video_id"], row["frame"], row["dropped"], row["duplicate_video"], row["duplicate_frame"])
            for row in index if row["dropped"]] == [("site_1", kept_frames[4], "duplicate_video", "site_0", kept_frames[2])]
    assert manifest["books"]["frames"] == {"all": 24, "kept": 17, "left_out": {"duplicate": 6, "duplicate_video": 1}}
    project.params = dataset_params(duplicate_bits=2)
    project.build()
    assert read_manifest(project.dataset)["books"]["frames"]["left_out"] == {"duplicate": 6}


@pytest.mark.parametrize(("channels", "reason"), [(("alice",), "duplicate_video"), (("alice", "elsewhere"), "split_leak")])
def test_a_reupload_joins_the_group_of_its_original_and_never_another_split(
        new_project: NewProject, channels: tuple[str, ...], reason: str) -> None:
    original = np.random.default_rng(3).integers(0, 2**64, 6, np.uint64).tolist()
    copy = [*original[:4], original[4] ^ (2**64 - 1), original[5] ^ (2**64 - 1)]  # two pictures of its own
    project = new_project(2, channels, hashes={"site_0": original, "site_1": copy})
    project.params = dataset_params(validation_share=0.0, test_share=0.999)  # all but the first channel
    project.build()
    video = read_manifest(project.dataset)["videos"][1]
    assert video["group"] == "site_0"
    assert video["drops"] == {reason: 4 if reason == "duplicate_video" else 6}


def test_no_picture_and_no_channel_is_in_two_splits(world: Project, tmp_path: Path) -> None:
    build.build_dataset(world.labels, world.videos, tmp_path, dataset_params(validation_share=0.3, test_share=0.3))
    manifest = read_manifest(tmp_path)
    columns = ["phash", "channel", "video_id", "duplicate_group"]
    rows = {
        split: pa.concat_tables([pq.read_table(path, columns=columns) for path in paths]).to_pydict()
        for split in manifest["splits"] if (paths := shard_paths(tmp_path, manifest, split))}
    assert len(rows) > 1
    for column in columns:
        assert max(Counter(value for split in rows.values() for value in set(split[column])).values()) == 1


def test_books_balance_and_can_be_counted_again_from_the_parquet_alone(world: Project, tmp_path: Path) -> None:
    gone = tmp_path / "labels"
    shutil.copytree(world.labels, gone)
    shutil.rmtree(gone / "site_4")
    torn = gone / "site_6" / "words.parquet"
    torn.write_bytes(torn.read_bytes()[:-9])
    examples = gone / "site_7" / "examples.parquet"  # one example short of its frames
    pq.write_table(pq.read_table(examples).slice(1), examples)
    summary = build.build_dataset(gone, world.videos, tmp_path / "dataset", world.params)
    assert summary.left_out == {"damaged_labels": 2, "not_labelled": 1}
    books = read_manifest(tmp_path / "dataset")["books"]
    assert books["videos"] == {"all": 14, "kept": 11, "left_out": summary.left_out}
    frames = pa.concat_tables([pq.read_table(gone / f"{video.id}/frames.parquet") for video in world.videos
                               if video.id not in ("site_4", "site_6", "site_7")])
    shards = pa.concat_tables([pq.read_table(path) for path in sorted((tmp_path / "dataset/data").iterdir())])
    assert books["frames"]["all"] == len(frames) == 11 * 8
    assert books["frames"]["kept"] == len(shards) == sum(summary.rows.values())
    assert books["frames"]["all"] == books["frames"]["kept"] + sum(books["frames"]["left_out"].values())
    assert books["words"] == {"all": 11 * 16, "kept": 11 * 8, "left_out": {"stopword": 11 * 8}}
    verify(tmp_path / "dataset")


def test_a_video_whose_frames_were_made_again_waits_for_its_examples(new_project: NewProject) -> None:
    project = new_project(2)
    shutil.rmtree(project.labels / "site_1")
    make_labels(project.root / "other", ["site_1"], seed=9)
    shutil.copytree(project.root / "other/site_1", project.labels / "site_1")
    shutil.copy(project.labels / "site_0/words.parquet", project.labels / "site_1/words.parquet")
    assert project.build().left_out == {"not_labelled": 1}


def test_a_row_holds_what_its_labels_and_the_list_say(new_project: NewProject) -> None:
    project = new_project(2, ("alice",))
    project.build()
    rows = {(row["video_id"], row["frame"]): row for row in rows_of(project).to_pylist()}
    frames = pq.read_table(project.labels / "site_1/frames.parquet").to_pylist()
    examples = {row["frame"]: row for row in pq.read_table(project.labels / "site_1/examples.parquet").to_pylist()}
    kept = [frame for frame in frames if frame["dropped"] is None]
    assert sum(name == "site_1" for name, _ in rows) == len(kept) == 6
    for frame in kept:
        row, example = rows["site_1", frame["frame"]], examples[frame["frame"]]
        assert row["image"] == {"bytes": frame["jpeg"], "path": f"site_1-{frame['frame']:06d}.jpg"}
        assert (row["width"], row["height"], row["phash"]) == (48, 32, frame["phash"])
        assert {key: row[key] for key in ("timestamp", "until", "labels", "sentence")} == {
            key: example[key] for key in ("timestamp", "until", "labels", "sentence")}
        assert (row["channel"], row["title"], row["licence"]) == ("alice", "About site_1", "CC-BY-4.0")


def test_a_corrected_title_reaches_the_rows(new_project: NewProject) -> None:
    project = new_project(2)
    project.build()
    project.videos[1] = make_videos(["site_0", "site_1"], ["alice", "robert"])[1]
    project.build()
    assert set(rows_of(project)["channel"].to_pylist()) == {"alice", "robert"}


def test_hugging_face_finds_the_splits_and_shows_pictures(new_project: NewProject, tmp_path: Path) -> None:
    import datasets

    project = new_project(30, tuple(f"channel {at}" for at in range(30)))
    summary = project.build()
    whole = datasets.load_dataset(str(project.dataset), cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in whole.items()} == {name: count for name, count in summary.rows.items() if count}
    assert len(whole) == 3
    first = whole["train"][0]
    assert first["image"].size == (48, 32)
    assert first["labels"][0]["label"]
    shard = str(next((project.dataset / "data").glob("test-*")))
    alone = datasets.load_dataset("parquet", data_files=shard, split="train", cache_dir=str(tmp_path / "cache"))
    assert isinstance(alone.features["image"], datasets.Image)


def test_shards_are_laid_out_for_random_access(new_project: NewProject) -> None:
    project = new_project(30, ("only",))
    project.params = dataset_params(row_group_rows=50)
    project.build()
    metadata = pq.read_metadata(next(project.dataset.glob("data/*.parquet")))
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [50, 50, 50, 30]
    pictures = metadata.row_group(0).column(metadata.schema.names.index("bytes"))
    assert pictures.path_in_schema == "image.bytes"
    assert pictures.compression == "UNCOMPRESSED"
    assert "RLE_DICTIONARY" not in pictures.encodings
    assert metadata.schema.to_arrow_schema().equals(ROWS)


def test_a_video_larger_than_a_shard_is_cut_without_losing_a_row(new_project: NewProject) -> None:
    project = new_project(2, ("only",), jpeg_bytes=700_000)
    project.params = dataset_params(shard_megabytes=1)
    summary = project.build()
    assert summary.rows["train"] == 12
    assert summary.shards_written > 4
    assert all(path.stat().st_size < 2_500_000 for path in project.dataset.glob("data/*"))
    keys = rows_of(project).select(["video_id", "frame"]).to_pylist()
    assert len({tuple(key.values()) for key in keys}) == 12


@pytest.mark.parametrize(("count", "frames", "said"), [(0, 0, "no video of the list is labelled"), (1, 0, "every sampled frame")])
def test_an_empty_dataset_says_why(new_project: NewProject, count: int, frames: int, said: str) -> None:
    project = new_project(count, frames=frames)
    summary = project.build()
    assert summary.rows == {"train": 0, "validation": 0, "test": 0}
    assert said in summary.notes[0]
    assert said in (project.dataset / "README.md").read_text()
    assert verify(project.dataset) == 1  # the index


def test_a_split_that_stays_empty_is_noted_with_the_way_out(new_project: NewProject) -> None:
    summary = new_project(2, ("only",)).build()
    assert "validation and test" in summary.notes[0]
    assert "split_by" in summary.notes[1]


def test_titles_and_channels_cannot_break_the_card(new_project: NewProject) -> None:
    project = new_project(1, ("x | y\n---\n<script>`\x1b[31m" + "z" * 500,))
    project.build()
    card = (project.dataset / "README.md").read_text()
    header = yaml.safe_load(card.split("---\n")[1])
    assert [entry["split"] for entry in header["configs"][0]["data_files"]] == ["train"]
    assert "<script>" not in card.replace("\\<script\\>", "")
    line = next(line for line in card.splitlines() if "script" in line)
    assert line.replace("\\|", "").count("|") == 5
    assert "\x1b" not in card
    assert "z" * 100 not in card


def test_a_video_listed_twice_is_refused_and_nothing_is_written(new_project: NewProject) -> None:
    project = new_project(2)
    with pytest.raises(InputError, match="site_1: listed twice"):
        project.build([*project.videos, project.videos[1]])
    assert not project.dataset.exists()


def test_a_picture_damaged_on_disk_stops_the_build_and_the_old_dataset_stays(new_project: NewProject) -> None:
    project = new_project(3, jpeg_bytes=9_000)
    project.build(project.videos[:1])
    before = tree(project.dataset)
    path = project.labels / "site_2/frames.parquet"
    data = bytearray(path.read_bytes())
    picture = next(value for value in pq.read_table(path)["jpeg"].to_pylist() if value)
    data[data.index(picture) + 5_000] ^= 4
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match="site_2"):
        project.build()
    verify(project.dataset)
    assert (project.dataset / "manifest.json").read_bytes() == before["manifest.json"]


def test_a_disk_that_fails_at_any_point_leaves_a_whole_version_and_the_next_build_is_right(
        new_project: NewProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = new_project(6, ("only",))
    project.build(out=tmp_path / "wanted")
    fsync = atomic._fsync
    for point in count():
        shutil.rmtree(project.dataset, ignore_errors=True)
        project.build(project.videos[:3])
        calls = count()

        def failing(path: Path, calls: Iterator[int] = calls, point: int = point) -> None:
            if next(calls) == point:
                raise OSError(errno.ENOSPC, "no space left on device", str(path))
            fsync(path)

        with monkeypatch.context() as patched:
            patched.setattr(atomic, "_fsync", failing)
            try:
                project.build()
                break  # every point has been tried
            except OSError:
                verify(project.dataset)
        project.build()
        assert tree(project.dataset) == tree(tmp_path / "wanted")
    assert point == 8  # a file and its folder each: shard, index, card, manifest


def test_damage_to_a_sealed_shard_is_not_sealed_in_by_the_next_build(new_project: NewProject) -> None:
    project = new_project(3, ("only",), jpeg_bytes=9_000)
    project.build()
    shard = next(project.dataset.glob("data/*.parquet"))
    data = bytearray(shard.read_bytes())
    data[5_000] ^= 1
    shard.write_bytes(data)
    project.build()
    with pytest.raises(IntegrityError, match=shard.name):
        verify(project.dataset)
    shard.unlink()
    project.build()
    verify(project.dataset)


def test_the_manifest_names_the_digest_of_every_shard(new_project: NewProject) -> None:
    project = new_project()
    project.build()
    manifest = json.loads((project.dataset / "manifest.json").read_text())
    shards = [shard for split in manifest["splits"].values() for shard in split["shards"]]
    assert {shard["path"]: shard["digest"] for shard in shards} == {
        f"data/{path.name}": digest_file(path) for path in (project.dataset / "data").iterdir()}
