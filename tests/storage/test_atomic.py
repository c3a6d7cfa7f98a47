"""Whole or absent, never half."""

import errno
from pathlib import Path

import pytest

from tasks.storage.atomic import STAGING_PREFIX, staged_file, staged_folder, sweep_staging, write_whole


class PowerCutError(Exception):
    pass


def test_a_file_that_was_not_finished_leaves_the_old_one_whole(tmp_path: Path) -> None:
    final = tmp_path / "a.txt"
    write_whole(final, b"old")

    def write_half() -> None:
        with staged_file(final) as staging:
            staging.write_bytes(b"ne")
            raise PowerCutError

    with pytest.raises(PowerCutError):
        write_half()
    assert final.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_takes_the_place_of_the_old_one_in_one_step(tmp_path: Path) -> None:
    final = tmp_path / "folder"
    for content in (b"1", b"2"):
        with staged_folder(final) as staging:
            (staging / content.decode()).write_bytes(content)
            if content == b"2":
                assert (final / "1").exists()  # the old one is there until the new one is whole
    assert [path.name for path in final.iterdir()] == ["2"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_full_disk_is_told_and_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a.txt", b"x")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / f"{STAGING_PREFIX}x.parquet").write_bytes(b"half")
    (tmp_path / f"{STAGING_PREFIX}folder").mkdir()
    (tmp_path / f"{STAGING_PREFIX}folder" / "a").write_bytes(b"half")
    (tmp_path / "kept").write_bytes(b"whole")
    assert sweep_staging(tmp_path) == 2
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "kept"]
