"""Flipped bits and lost files, wherever they lie: all are found, and mended where one whole copy is left."""

import hashlib
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.errors import IntegrityError
from tasks.release.copies import CACHE, STORE, WORKSPACE
from tasks.release.dvc import run_dvc
from tasks.release.integrity import Findings, verify_all
from tasks.release.remote import read_remote, set_remote
from tasks.storage import s3
from tasks.storage.artefact import METADATA_KEY, Fingerprint, read_record, write_table
from tasks.storage.objects import ObjectStore, StoreAddress, open_store
from tasks.storage.project import Project
from tasks.storage.tombstones import Tombstone, write_tombstones
from tests.release.nights import FIRST, git, label_videos, publish, small_project
from tests.release.published import copy_project, make_media
from tests.stores import RcloneServer, Server, Wire, new_bucket, raw_client

OUTPUTS = ("data/media", "data/labels", "data/dataset")


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one version, its store a folder. To be copied, never changed."""
    project = small_project(tmp_path_factory.mktemp("released") / "project")
    assert publish(project)
    return project


@pytest.fixture
def project(released: Project, tmp_path: Path) -> Project:
    return copy_project(released, tmp_path / "project")


@dataclass(frozen=True)
class Place:
    """A copy that a test damages: its place, name and bytes, and how to put other bytes there (None: remove it)."""

    place: str
    name: str
    content: bytes
    put: Callable[[bytes | None], None]

    @property
    def object(self) -> str:
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()


def put_file(path: Path, content: bytes | None) -> None:
    """Damage as a disk does it: the mode stays, whoever may write."""
    if content is None:
        path.unlink()
        return
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)


def local_places(project: Project) -> list[Place]:
    files = [(WORKSPACE, project.root, path) for output in OUTPUTS for path in (project.root / output).rglob("*")]
    cache = project.root / ".dvc" / "cache"
    files += [(CACHE, cache, path) for path in (cache / "files").rglob("*")]
    return sorted((Place(place, path.relative_to(root).as_posix(), path.read_bytes(), partial(put_file, path))
                   for place, root, path in files if path.is_file()), key=lambda place: place.name)


def folder_places(root: Path) -> list[Place]:
    return [Place(STORE, path.relative_to(root).as_posix(), path.read_bytes(), partial(put_file, path))
            for path in sorted(root.rglob("*")) if path.is_file() and path.name != "project.json"]


def bucket_places(server: Server, bucket: str) -> list[Place]:
    client = raw_client(server.endpoint)

    def put(key: str, content: bytes | None) -> None:
        if content is None:
            client.delete_object(Bucket=bucket, Key=key)
        else:
            client.put_object(Bucket=bucket, Key=key, Body=content)

    keys = [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket)["Contents"] if "project.json" not in entry["Key"]]
    return [Place(STORE, key.removeprefix("p/"), client.get_object(Bucket=bucket, Key=key)["Body"].read(),
                  partial(put, key)) for key in keys]


def flipped(content: bytes, source: random.Random) -> bytes:
    """The same bytes but for one bit."""
    at = source.randrange(8 * len(content))
    changed = bytearray(content)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def spread(places: list[Place], count: int, source: random.Random) -> list[Place]:
    """Some places at random, no two of them copies of one object, so that of each a whole copy is left."""
    chosen: dict[str, Place] = {}
    for place in source.sample(places, len(places)):
        if place.content:
            chosen.setdefault(place.object, place)
    return list(chosen.values())[:count]


def found(findings: Findings) -> set[tuple[str, str]]:
    return {(finding.place, finding.name) for finding in findings.found}


def check(project: Project, store: ObjectStore | None = None, *, repair: bool = False) -> Findings:
    return verify_all(project, store or open_store(read_remote(project)), repair=repair)


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def files_of(project: Project) -> dict[str, bytes]:
    return {name: content for name, content in tree(project.root).items() if not name.startswith((".git/", ".dvc/tmp"))}


def test_whole_copies_are_read_once_each_and_nothing_is_said(project: Project) -> None:
    reads: list[tuple[int, int]] = []
    findings = verify_all(project, open_store(read_remote(project)), progress=lambda read, total: reads.append((read, total)))
    places = local_places(project) + [place for place in folder_places(project.root / "store") if "files/" in place.name]
    assert (findings.found, findings.exit_code, findings.version, findings.away) == ((), 0, FIRST, "")
    assert findings.checked == len(places)
    assert findings.checked_bytes == sum(len(place.content) for place in places) == reads[-1][0] == reads[-1][1]


@pytest.mark.parametrize("seed", range(10))
def test_every_flipped_bit_is_found_and_mended_from_another_copy(project: Project, seed: int) -> None:
    """Ten seeds of ten: a hundred single bits over data folder, cache and a store in a folder."""
    source, before = random.Random(seed), files_of(project)
    hit = spread(local_places(project) + folder_places(project.root / "store"), 10, source)
    for place in hit:
        place.put(flipped(place.content, source))
    seen = check(project)
    assert found(seen) == {(place.place, place.name) for place in hit}
    assert (len(seen.found), seen.exit_code) == (10, 4)
    mended = check(project, repair=True)
    assert (found(mended), mended.damaged, mended.exit_code) == (found(seen), (), 0)
    assert files_of(project) == before
    assert check(project).found == ()


@pytest.fixture
def on_s3(project: Project, s3_server: Server) -> tuple[Project, list[Place]]:
    """The project with its objects in a bucket, under the prefix p."""
    bucket = new_bucket(s3_server.endpoint)
    set_remote(project, f"s3://{bucket}/p", endpoint=s3_server.endpoint)
    store = open_store(read_remote(project))
    for place in folder_places(project.root / "store"):
        store.put_bytes(place.content, place.name)
    return project, bucket_places(s3_server, bucket)


def test_flipped_bits_and_lost_objects_in_a_bucket_are_found_and_mended(on_s3: tuple[Project, list[Place]]) -> None:
    project, places = on_s3
    source = random.Random(1)
    hit = spread(places, 25, source)
    for at, place in enumerate(hit):
        place.put(flipped(place.content, source) if at % 3 else None)
    seen = check(project)
    assert found(seen) == {(STORE, place.name) for place in hit}
    assert {finding.problem for finding in seen.found} == {"altered", "missing"}
    mended = check(project, repair=True)
    assert (found(mended), mended.damaged) == (found(seen), ())
    assert check(project).found == ()


@pytest.mark.parametrize("place", [WORKSPACE, CACHE, STORE])
def test_a_lost_file_is_found_and_brought_back(project: Project, place: str) -> None:
    before = files_of(project)
    lost = [one for one in local_places(project) + folder_places(project.root / "store") if one.place == place and one.content]
    for one in lost[::3]:
        one.put(None)
    mended = check(project, repair=True)
    assert {finding.problem for finding in mended.found} == {"missing"}
    assert (mended.damaged, files_of(project)) == ((), before)


def test_after_a_repair_dvc_finds_everything_as_it_was(project: Project) -> None:
    source = random.Random(2)
    for place in spread(local_places(project), 8, source):
        place.put(flipped(place.content, source))
    check(project, repair=True)
    assert run_dvc(project, "status").strip().endswith("up to date.")
    assert "in sync" in run_dvc(project, "status", "--cloud")
    modes = {path.stat().st_mode & 0o777 for path in (project.root / ".dvc" / "cache" / "files").rglob("*") if path.is_file()}
    assert modes == {0o444}


def test_what_is_damaged_everywhere_is_named_and_the_rest_restored(project: Project) -> None:
    name = "data/media/site_0/picture.mp4"
    content = (project.root / name).read_bytes()
    copies = [place for place in local_places(project) + folder_places(project.root / "store") if place.content == content]
    other = next(place for place in local_places(project) if place.name == "data/media/site_1/picture.mp4")
    for place in [*copies, other]:
        place.put(place.content[:-1] + bytes([place.content[-1] ^ 1]))
    mended = check(project, repair=True)
    assert {finding.place for finding in mended.damaged} == {WORKSPACE, CACHE, STORE}
    assert len(mended.damaged) == 3
    assert mended.exit_code == 4
    assert (project.root / other.name).read_bytes() == other.content


def test_a_listing_lost_in_cache_and_store_is_made_again_of_the_files(project: Project) -> None:
    before = files_of(project)
    for place in local_places(project) + folder_places(project.root / "store"):
        if place.name.endswith(".dir"):
            place.put(None)
    mended = check(project, repair=True)
    # Of three folders in both places, and of empty folders on the store: a cache without anything of a folder may be so.
    assert len(mended.found) == 7
    assert mended.damaged == ()
    after = files_of(project)
    assert [name for name, content in before.items() if after.get(name) != content and content != b"[]"] == []


def test_links_to_one_file_are_read_once_and_both_mended(project: Project, tmp_path: Path) -> None:
    path = project.root / "data/media/site_0/picture.mp4"
    content = path.read_bytes()
    own = tmp_path / "the user's own.mp4"
    linked = next(place for place in local_places(project) if place.place == CACHE and place.content == content)
    in_cache = project.root / ".dvc" / "cache" / linked.name
    bytes_apart = check(project).checked_bytes
    path.unlink()
    os.link(in_cache, path)
    os.link(in_cache, own)
    assert check(project).checked_bytes == bytes_apart - len(content)
    linked.put(b"\0" + content[1:])
    mended = check(project, repair=True)
    assert found(mended) == {(WORKSPACE, "data/media/site_0/picture.mp4"), (CACHE, linked.name)}
    assert (path.read_bytes(), in_cache.read_bytes(), mended.damaged) == (content, content, ())
    assert own.read_bytes() == b"\0" + content[1:]  # what is not ours is left as it is


def remake_labels(project: Project, name: str) -> Path:
    """One table as another setting would have made it."""
    path = project.data.frames(name)
    record = read_record(path)
    table = pq.read_table(path).replace_schema_metadata()
    write_table(table, path, Fingerprint(record["step"], record["version"], {"every_seconds": 9}, record["inputs"]))
    return path


def test_work_done_since_the_version_is_not_damage_and_is_left_alone(project: Project) -> None:
    make_media(project.data.media("site_0"), "site_0", seed=5)  # fetched again: another picture
    remake_labels(project, "site_0")
    label_videos(project, ["site_2"])  # a new video, sealed into the dataset
    before = files_of(project)
    findings = check(project, repair=True)
    assert (findings.found, findings.exit_code) == ((), 0)
    assert files_of(project) == before
    assert findings.unlisted > 0
    assert "in no version yet" in findings.line


@pytest.mark.parametrize("name", [
    "data/media/site_0/picture.mp4", "data/media/site_0/media.json", "data/media/site_2/picture.mp4",
    "data/labels/site_2/frames.parquet", "data/dataset/data/train-*.parquet", "data/dataset/manifest.json",
])
def test_damage_to_work_done_since_the_version_is_found_too(project: Project, name: str) -> None:
    make_media(project.data.media("site_0"), "site_0", seed=5)
    label_videos(project, ["site_2"])
    path = next(project.root.glob(name))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 4]) + content[len(content) // 2 + 1:])
    assert check(project).exit_code == 4


def test_a_fingerprint_that_was_altered_is_not_taken_for_newer_work(project: Project) -> None:
    path = project.data.frames("site_0")
    content = path.read_bytes()
    digest = read_record(path)["fingerprint"].encode()
    path.write_bytes(content.replace(digest, (b"0" if digest[:1] != b"0" else b"1") + digest[1:]))
    assert METADATA_KEY in path.read_bytes()
    assert found(check(project)) == {(WORKSPACE, "data/labels/site_0/frames.parquet")}


def test_a_forgotten_video_is_neither_missed_nor_brought_back(project: Project) -> None:
    write_tombstones(project.data.forgotten, [Tombstone("site_1", "2026-01-03")])
    shutil.rmtree(project.data.media("site_1"))
    shutil.rmtree(project.data.labels("site_1"))
    assert check(project, repair=True).found == ()
    assert not project.data.media("site_1").exists()


def test_the_card_and_manifest_of_a_version_are_made_again_of_its_dataset_and_tag(project: Project) -> None:
    folder = project.root / "store" / "versions" / FIRST
    before, source = tree(folder), random.Random(3)
    for damage in [lambda content: flipped(content, source)] * 10 + [lambda content: None]:
        for path in sorted(folder.iterdir()):
            put_file(path, damage(before[path.name]))
        findings = check(project, repair=True)
        assert found(findings) == {(STORE, f"versions/{FIRST}/{name}") for name in before}
        assert tree(folder) == before


def test_a_clone_that_has_pulled_nothing_yet_misses_nothing(project: Project, tmp_path: Path) -> None:
    git(project, "clone", "-q", str(project.root), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    findings = check(clone, open_store(StoreAddress(str(project.root / "store"))))
    assert (findings.found, findings.exit_code) == ((), 0)
    assert findings.checked == len(list((project.root / "store" / "files").rglob("*/*/*")))


def test_before_the_first_version_nothing_is_asked_of_the_store(tmp_path: Path) -> None:
    project = small_project(tmp_path / "new")
    assert check(project).exit_code == 0
    path = project.data.media("site_0") / "picture.mp4"
    path.write_bytes(b"\0" + path.read_bytes()[1:])
    assert found(check(project)) == {(WORKSPACE, "data/media/site_0/picture.mp4")}


def test_a_store_that_does_not_answer_leaves_the_rest_checked(
        project: Project, aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    away = open_store(StoreAddress("s3://bucket/p", "http://127.0.0.1:9"))
    findings = check(project, away)
    assert "does not answer" in findings.line
    assert (findings.found, findings.exit_code) == ((), 3)
    path = project.data.media("site_0") / "picture.mp4"
    path.write_bytes(b"\0" + path.read_bytes()[1:])
    mended = check(project, away, repair=True)
    assert (len(mended.found), mended.damaged, mended.exit_code) == (1, (), 3)


def test_a_store_that_dies_in_the_middle_is_no_damage(
        project: Project, rclone_server: RcloneServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    bucket = new_bucket(rclone_server.endpoint)
    store = open_store(StoreAddress(f"s3://{bucket}", rclone_server.endpoint))
    for place in folder_places(project.root / "store"):
        store.put_bytes(place.content, place.name)
    with Wire(rclone_server.port) as wire:
        wire.cut(down=60_000, for_good=True)
        findings = check(project, open_store(StoreAddress(f"s3://{bucket}", wire.endpoint)))
    assert wire.cuts == 1
    assert (findings.found, findings.exit_code) == ((), 3)


@pytest.mark.parametrize("content", [b"\0", b"stages: [", b"stages: {media: {outs: [{path: ../x, md5: " + b"0" * 32 + b"}]}}"])
def test_a_damaged_lock_file_is_told_in_one_line(project: Project, content: bytes) -> None:
    project.lock.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"dvc\.lock"):
        check(project)
