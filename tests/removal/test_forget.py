"""A forgotten video leaves nothing behind, wherever a removal is killed, and takes nothing with it that is not its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flows.plan import make_plan
from tasks.dataset.build import build_dataset
from tasks.dataset.manifest import read_manifest
from tasks.dataset.verify import verify
from tasks.discovery.catalogue import append_videos, read_catalogue
from tasks.errors import InputError, TransientError
from tasks.removal.forget import finish, forget, preview, render, resolve
from tasks.removal.local import bury, in_dataset
from tasks.schema import FORGOTTEN, Video
from tasks.storage.artefact import digest_file
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger
from tasks.storage.objects import FolderStore, ObjectStore, StoreAddress, open_store
from tasks.storage.tombstones import Tombstone, read_tombstones, write_tombstones
from tests.dataset.conftest import tree
from tests.labels import make_labels, make_videos
from tests.removal.world import CANARY, NOW, PARAMS, VIDEOS, WORD, World, commit, make_world, whole_version
from tests.stores import Server, new_bucket

KEPT = {name for name in VIDEOS if name != CANARY}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture(params=["folder", "moto", "rclone"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderStore(StoreAddress(str(tmp_path / "store")))
    server: Server = request.getfixturevalue(f"{request.param}_server")
    return open_store(StoreAddress(f"s3://{new_bucket(server.endpoint)}/some/prefix", endpoint=server.endpoint))


def test_nothing_of_its_words_or_pictures_is_left_anywhere(tmp_path: Path, any_store: ObjectStore) -> None:
    world = make_world(tmp_path, any_store)
    before = world.traces()
    for place in ("data/media", "data/labels", "data/dataset/data", "corpus", "report.html", "ledger", ".dvc/cache", "sheets"):
        assert any(place in name for name in before)  # the canary was everywhere
    assert any(name.startswith("files/md5/") for name in before)
    report = world.forget()
    assert world.traces() == []
    assert report.searched is not None
    assert report.searched.left == ()
    assert report.versions == ("dataset-2026-11-19.1", "dataset-2026-11-20.1")
    published = [key for key, _ in any_store.keys("versions/") if key.endswith("manifest.json")]
    assert published == ["versions/dataset-2026-11-21.1/manifest.json"]
    assert b"withdrawn" in (any_store.get_bytes("versions/dataset-2026-11-19.1/README.md") or b"")


def test_the_others_and_the_new_version_stay_whole(world: World) -> None:
    data = world.project.data
    others = {name: (tree(data.media(name)), tree(data.labels(name))) for name in KEPT}
    world.forget()
    assert {name: (tree(data.media(name)), tree(data.labels(name))) for name in KEPT} == others
    verify(data.dataset)
    assert {video["id"] for video in read_manifest(data.dataset)["videos"]} == KEPT
    cache = FolderStore(StoreAddress(str(world.project.settings.parent / "cache")))
    assert whole_version(world.project, world.store)
    assert whole_version(world.project, cache)


def test_the_dataset_is_as_if_it_had_never_been_listed(world: World, tmp_path: Path) -> None:
    world.forget()
    data = world.project.data
    never = [video for video in read_catalogue(data.catalogue) if video.id != CANARY]
    build_dataset(data.labels_root, never, tmp_path / "never", PARAMS.dataset, data.evidence_root)
    assert tree(data.dataset) == tree(tmp_path / "never")


def test_its_row_keeps_id_and_date_only_and_it_never_comes_back(world: World) -> None:
    data = world.project.data
    before = data.catalogue.read_text().splitlines()
    world.forget()
    after = data.catalogue.read_text().splitlines()
    assert after[2] == f"{CANARY},,,,,,,2026-11-20,{FORGOTTEN}"
    assert [line for at, line in enumerate(after) if at != 2] == [line for at, line in enumerate(before) if at != 2]
    assert [(tomb.video_id, tomb.forgotten) for tomb in read_tombstones(data.forgotten)] == [(CANARY, "2026-11-21")]
    assert append_videos(data.catalogue, [Video(CANARY, "https://mirror.example/other")], "2026-11-22") == []
    data.catalogue.write_text("\n".join(line for line in after if CANARY not in line) + "\n")  # the row is lost by accident
    assert append_videos(data.catalogue, [Video(CANARY, "https://mirror.example/other")], "2026-11-22") == []


def test_a_removal_killed_anywhere_is_completed_by_doing_it_again(tmp_path: Path) -> None:
    make_world(tmp_path / "whole")
    changes = int(_forget_and_die(tmp_path / "whole", 0).stdout.splitlines()[-1])
    expected = _settled(tmp_path / "whole")
    assert changes > 50
    for place in (2, *range(5, changes, changes // 5), changes):
        root = tmp_path / str(place)
        world = make_world(root)
        assert _forget_and_die(root, place).returncode == 9
        assert world.project.data.forgotten.exists()  # the tombstone was the first change
        assert world.forget().searched is not None
        assert world.traces() == []
        assert _settled(root) == expected
        shutil.rmtree(root)


def _forget_and_die(root: Path, count: int) -> "subprocess.CompletedProcess[str]":
    """Forget in a process that ends at its n-th change of a file, 0 never."""
    return subprocess.run(
        [sys.executable, "-m", "tests.removal.world", str(root), str(count)], capture_output=True, text=True, check=False)


def _settled(root: Path) -> dict[str, bytes]:
    """All that is there, but what says when; the bytes of a ledger tell its history."""
    return {name: content for name, content in tree(root).items() if "ledger" not in name}


def test_what_two_videos_share_stays_for_the_other(world: World) -> None:
    data = world.project.data
    shutil.copy(data.media("site_3") / "picture.mp4", data.media(CANARY) / "picture.mp4")
    commit(world.project, world.store, "dataset-2026-11-20.2")
    world.forget()
    assert whole_version(world.project, world.store)


def test_an_object_that_a_killed_commit_left_without_a_directory_is_found(world: World) -> None:
    cache = world.project.settings.parent / "cache" / "files" / "md5"
    for listing in [*cache.rglob("*.dir"), *Path(world.store.address.url).rglob("*.dir")]:
        listing.unlink()
    world.store.put_bytes(world.pixels[0], "files/md5/00/.half-a-push.tmp")
    world.forget()
    assert world.traces() == []


def test_parcels_between_machines_go(world: World) -> None:
    world.store.put_bytes(world.pixels[0], f"exchange/{CANARY}/0123/picture.mp4")
    world.store.put_bytes(b"other", "exchange/site_12/0123/picture.mp4")
    world.forget()
    assert [key for key, _ in world.store.keys("exchange/")] == ["exchange/site_12/0123/picture.mp4"]


def test_models_that_saw_it_are_flagged(world: World) -> None:
    cards = {"a/1": {"dataset_version": "dataset-2026-11-19.1"}, "a/2": {"dataset_version": "dataset-2026-11-01.1"},
             "b/1": {"dataset_version": "elsewhere", "videos": [CANARY]}, "b/2": {"videos": ["site_12"]}}
    models = world.project.data.root / "models"
    for name, card in cards.items():
        (models / name).mkdir(parents=True)
        (models / name / "card.json").write_text(json.dumps(card))
    report = world.forget()
    assert report.models == ("a/1", "b/1")
    flags = {name: json.loads((models / name / "card.json").read_text()).get("forgotten") for name in cards}
    assert flags == {"a/1": [CANARY], "a/2": None, "b/1": [CANARY], "b/2": None}


def test_a_copy_elsewhere_in_the_project_is_reported(world: World) -> None:
    copy = world.project.root / "exports" / "old.parquet"
    copy.parent.mkdir()
    shutil.copy(next((world.project.data.dataset / "data").glob("train-*.parquet")), copy)
    (copy.parent / "notes.txt").write_text(f"see {WORD} title")
    (copy.parent / "other.txt").write_text("see site_12")
    report = world.forget()
    assert report.searched is not None
    assert report.searched.left == ("exports/notes.txt", "exports/old.parquet")
    assert "found 2" in render(report)


def test_a_killed_removal_is_completed_by_forgetting_another_video(world: World) -> None:
    data = world.project.data
    bury(data, [CANARY], "2026-11-21", relabel=False)  # and nothing else
    report = forget(world.project, data, ["site_4"], PARAMS, store=world.store, relabel=False, now=NOW, progress=print)
    commit(world.project, world.store, "dataset-2026-11-21.1")
    finish(world.project, data, report, store=world.store, progress=print)
    assert world.traces() == []


def test_the_next_video_to_show_a_picture_takes_its_place(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    hashes = np.random.default_rng(3).integers(0, 2**64, (3, 6), np.uint64).tolist()
    hashes[1][:2] = hashes[2][:2] = hashes[0][:2]  # two pictures that all three show
    names = VIDEOS[:3]
    append_videos(data.catalogue, make_videos(names, ("alice",)), "2026-11-20")
    make_labels(data.labels_root, names, hashes=dict(zip(names, hashes, strict=True)))
    build_dataset(data.labels_root, read_catalogue(data.catalogue), data.dataset, PARAMS.dataset, data.evidence_root)
    assert [video["rows"] for video in read_manifest(data.dataset)["videos"]] == [6, 4, 4]
    assert in_dataset(data, [names[0]])["repeats"] == {names[1]: 2, names[2]: 2}
    bury(data, [names[0]], "2026-11-21", relabel=False)
    build_dataset(data.labels_root, read_catalogue(data.catalogue), data.dataset, PARAMS.dataset, data.evidence_root)
    assert [video["rows"] for video in read_manifest(data.dataset)["videos"]] == [6, 4]


def test_ingest_of_a_forgotten_file_is_refused_in_one_line_under_any_name(tmp_path: Path, sample_folder: Path) -> None:
    source = next(sample_folder.glob("*.mp4"))
    data = DataFolder(tmp_path / "data")
    write_tombstones(data.forgotten, [Tombstone(f"file_{digest_file(source)[:16]}", "2026-11-21")])
    for path in (source, Path(shutil.copy(source, tmp_path / "another name.mp4"))):
        with pytest.raises(InputError, match="forgotten: file_") as caught:
            make_plan([str(path)], data.root, Path("params.yaml"), {})
        assert "\n" not in str(caught.value)


def test_objects_go_only_after_a_version_without_it_is_released(world: World) -> None:
    project, data = world.project, world.project.data
    report = forget(project, data, [CANARY], PARAMS, store=world.store, relabel=False, now=NOW, progress=print)
    before = dict(world.store.keys())
    with pytest.raises(TransientError, match="not released yet"):
        finish(project, data, report, store=world.store, progress=print)
    assert dict(world.store.keys()) == before


def test_a_preview_changes_nothing_and_says_what_would_go(world: World) -> None:
    before = tree(world.project.root)
    said = render(preview(world.project, world.project.data, [CANARY], store=world.store, progress=print))
    assert tree(world.project.root) == before
    assert "would forget: site_1" in said
    rows = next(video["rows"] for video in read_manifest(world.project.data.dataset)["videos"] if video["id"] == CANARY)
    assert f"rows of the dataset{rows:>14}" in said


def test_what_the_ledger_said_of_it_is_overwritten_on_disk(world: World) -> None:
    def held() -> bytes:  # log and all
        files = world.project.data.root.glob("ledger.sqlite*")
        return b"".join(path.read_bytes() for path in files if "damaged" not in path.name)

    assert WORD.encode() in held()
    ledger = Ledger(world.project.data.ledger)
    assert ledger.forget(CANARY) == 1
    assert WORD.encode() not in held()
    ledger.close()


@pytest.mark.parametrize(("name", "says"), [
    ("site_2", "did you mean site_"), ("../../etc", "no such video"), ("", "no such video"), ("https://x.org/", "mean")])
def test_a_video_that_was_never_here_is_refused_in_one_line(world: World, name: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        resolve(world.project.data, [name])
    assert "\n" not in str(caught.value)


def test_a_video_may_be_named_by_its_address(world: World) -> None:
    assert resolve(world.project.data, ["https://example.org/site_1", CANARY]) == [CANARY]
