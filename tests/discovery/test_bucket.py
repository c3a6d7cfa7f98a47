"""Videos in a bucket are known by their bytes, fetched once, and no more of them than a night wants."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tasks.discovery.bucket import fetch_object
from tasks.errors import UnusableVideoError
from tasks.params import SourceParams
from tasks.storage.artefact import digest_file
from tasks.storage.objects import ObjectStore, StoreAddress, open_store
from tests.discovery.conftest import MP4, Nights

SOURCE = SourceParams(name="lectures", url="s3://videos/talks", endpoint="http://127.0.0.1:9000", per_night=2)


class Counting:
    """The store of a folder in the place of a bucket, counting what is fetched from it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.fetched = folder, list[str]()
        self.opened: list[StoreAddress] = []

    def __call__(self, address: StoreAddress) -> ObjectStore:
        self.opened.append(address)
        store = open_store(StoreAddress(str(self.folder)))
        really = store.get_file

        def get_file(key: str, path: Path, *, digest: str = "") -> None:
            self.fetched.append(key)
            really(key, path, digest=digest)

        store.get_file = get_file  # type: ignore[method-assign]
        return store


@pytest.fixture
def bucket(tmp_path: Path) -> Counting:
    folder = tmp_path / "bucket"
    (folder / "2026").mkdir(parents=True)
    for name, content in (("a.mp4", b"a"), ("2026/b.mp4", b"b"), ("2026/same as a.mp4", b"a"), ("c.mp4", b"c")):
        (folder / name).write_bytes(MP4 + content)
    (folder / "a.info.json").write_text('{"title": "Onions", "license": "CC BY"}')
    (folder / "notes.txt").write_text("no video")
    return Counting(folder)


def test_objects_are_found_by_key_a_night_at_a_time_and_each_once(bucket: Counting, tmp_path: Path, nights: Nights) -> None:
    look = partial(nights.look, SOURCE, store=bucket, inbox=tmp_path / "inbox")
    first, second, third = look(), look(), look()
    assert bucket.opened[0] == StoreAddress("s3://videos/talks", "http://127.0.0.1:9000")
    assert [(video.title, video.url) for video in first.videos] == [
        ("b", "s3://videos/talks/2026/b.mp4"), ("same as a", "s3://videos/talks/2026/same as a.mp4")]
    assert any("2 more objects" in note for note in first.notes)
    assert [video.title for video in second.videos] == ["c"]  # a.mp4 has the bytes of another
    assert third.videos == ()
    assert bucket.fetched == ["2026/b.mp4", "2026/same as a.mp4", "a.mp4", "c.mp4"]


def test_the_info_beside_an_object_describes_it(bucket: Counting, tmp_path: Path, nights: Nights) -> None:
    (bucket.folder / "2026" / "same as a.mp4").unlink()
    found = nights.look(SOURCE, store=bucket, inbox=tmp_path / "inbox")
    assert [(video.title, video.licence) for video in found.videos] == [("b", ""), ("Onions", "CC BY")]


def test_an_object_is_handed_to_download_as_the_file_that_was_fetched_and_again_when_that_is_gone(
        bucket: Counting, tmp_path: Path, nights: Nights) -> None:
    inbox = tmp_path / "inbox"
    video = nights.look(SOURCE, store=bucket, inbox=inbox).videos[0]
    path = fetch_object(video, SOURCE, inbox, bucket)
    assert video.id == f"file_{digest_file(path)[:16]}"
    assert bucket.fetched.count("2026/b.mp4") == 1
    path.unlink()
    assert fetch_object(video, SOURCE, inbox, bucket).read_bytes() == MP4 + b"b"


def test_an_object_that_changed_or_went_since_is_not_taken_for_the_one_that_was_listed(
        bucket: Counting, tmp_path: Path, nights: Nights) -> None:
    inbox = tmp_path / "inbox"
    video = nights.look(SOURCE, store=bucket, inbox=inbox).videos[0]
    for path in inbox.iterdir():
        path.unlink()
    (bucket.folder / "2026" / "b.mp4").write_bytes(MP4 + b"other")
    with pytest.raises(UnusableVideoError, match="changed since"):
        fetch_object(video, SOURCE, inbox, bucket)
    with pytest.raises(UnusableVideoError, match="no such object"):
        fetch_object(replace(video, url="s3://videos/talks/gone.mp4"), SOURCE, inbox, bucket)
    assert list(inbox.iterdir()) == []


def test_an_object_that_is_no_video_is_set_aside_until_it_changes(bucket: Counting, tmp_path: Path, nights: Nights) -> None:
    (bucket.folder / "2026" / "b.mp4").write_bytes(b"<html>")
    look = partial(nights.look, SOURCE, store=bucket, inbox=tmp_path / "inbox")
    assert [code for _, code, _ in look().filtered] == ["not_a_video"]
    assert look().filtered == ()
    assert "b" not in [path.stem for path in (tmp_path / "inbox").iterdir()]


def test_a_dry_run_fetches_no_object(bucket: Counting, nights: Nights) -> None:
    found = nights.look(SOURCE, store=bucket)
    assert [video.title for video in found.videos] == ["b", "same as a"]
    assert bucket.fetched == []
