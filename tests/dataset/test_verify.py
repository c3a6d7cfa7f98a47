"""No damage to a dataset goes unnoticed, and none is blamed on the wrong file."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tasks.dataset.manifest import file_entries, file_entry, object_key, read_manifest, write_manifest
from tasks.dataset.verify import verify
from tasks.errors import IntegrityError
from tests.dataset.conftest import Project


@pytest.fixture
def dataset(new_project: Callable[..., Project]) -> Path:
    project = new_project(30, tuple(f"channel {at}" for at in range(30)))
    project.build()
    assert verify(project.dataset) == 4  # three splits and the index
    return project.dataset


def victim(dataset: Path) -> Path:
    return next((dataset / "data").glob("test-*"))


def forge(dataset: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Publish a changed manifest that is whole in itself."""
    manifest = read_manifest(dataset)
    change(manifest)
    write_manifest(dataset, manifest)


def test_any_flipped_bit_is_found_with_the_path(dataset: Path) -> None:
    path = victim(dataset)
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 20):
        torn = bytearray(whole)
        torn[place] ^= 0x10
        path.write_bytes(torn)
        with pytest.raises(IntegrityError, match=path.name):
            verify(dataset)
    path.write_bytes(whole)
    verify(dataset)


def test_a_torn_a_missing_and_an_exchanged_shard_are_named(dataset: Path) -> None:
    path = victim(dataset)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(IntegrityError, match=rf"{path.name} has {len(whole) - 1} bytes"):
        verify(dataset)
    path.unlink()
    with pytest.raises(IntegrityError, match=rf"{path.name} is missing") as caught:
        verify(dataset)
    assert caught.value.exit_code == 4
    shutil.copy(next((dataset / "data").glob("train-*")), path)
    with pytest.raises(IntegrityError, match=path.name):
        verify(dataset)


def test_a_forged_row_count_with_fitting_digests_is_found(dataset: Path) -> None:
    def one_more(manifest: dict[str, Any]) -> None:
        manifest["splits"]["test"]["shards"][0]["rows"] += 1
    forge(dataset, one_more)
    with pytest.raises(IntegrityError, match=victim(dataset).name):
        verify(dataset)


def test_other_columns_with_fitting_digests_are_found(dataset: Path) -> None:
    path = victim(dataset)
    pq.write_table(pq.read_table(path).drop_columns(["licence"]), path)

    def refit(manifest: dict[str, Any]) -> None:
        manifest["splits"]["test"]["shards"][0] |= file_entry(path, f"data/{path.name}")
    forge(dataset, refit)
    with pytest.raises(IntegrityError, match="other columns"):
        verify(dataset)


def test_an_object_that_holds_other_bytes_is_found(dataset: Path) -> None:
    def lead_elsewhere(manifest: dict[str, Any]) -> None:
        manifest["splits"]["test"]["shards"][0] |= {"md5": "0" * 32, "object": object_key("0" * 32)}
    forge(dataset, lead_elsewhere)
    with pytest.raises(IntegrityError, match=f"{victim(dataset).name}: the object named for it holds other bytes"):
        verify(dataset)


@pytest.mark.parametrize("change", [
    {"object": "files/md5/../../secret"}, {"md5": "../x", "object": "files/md5/../x"}, {"object": "versions/x/manifest.json"}])
def test_a_manifest_never_leads_outside_its_store(dataset: Path, change: dict[str, str]) -> None:
    forge(dataset, lambda manifest: manifest["index"].update(change))
    with pytest.raises(IntegrityError, match="altered"):
        read_manifest(dataset)


def test_every_file_is_named_by_the_object_that_dvc_makes_of_its_bytes(dataset: Path) -> None:
    entries = file_entries(read_manifest(dataset))
    assert len(entries) == 4
    for entry in entries:
        md5 = hashlib.md5((dataset / entry["path"]).read_bytes()).hexdigest()
        assert (entry["md5"], entry["object"]) == (md5, f"files/md5/{md5[:2]}/{md5[2:]}")


def test_books_that_do_not_balance_are_found(dataset: Path) -> None:
    def lose_one(manifest: dict[str, Any]) -> None:
        manifest["books"]["frames"]["left_out"]["duplicate"] -= 1
    forge(dataset, lose_one)
    with pytest.raises(IntegrityError, match="frames do not balance: 240 came in, 239"):
        verify(dataset)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_half_a_manifest_is_refused(dataset: Path, part: float) -> None:
    path = dataset / "manifest.json"
    text = path.read_bytes()
    path.write_bytes(text[:int(len(text) * part)])
    with pytest.raises(IntegrityError, match="manifest is not whole"):
        read_manifest(dataset)


def test_an_edited_manifest_and_no_manifest_are_refused(dataset: Path) -> None:
    path = dataset / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "notes": ["trust me"]}))
    with pytest.raises(IntegrityError, match="altered"):
        verify(dataset)
    path.write_text("[]")
    with pytest.raises(IntegrityError, match="not whole"):
        verify(dataset)
    path.unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        verify(dataset)


@pytest.mark.parametrize("path", ["../outside.parquet", "/etc/passwd", "data/../../x.parquet", "data/train-00000-0.parquet"])
def test_a_manifest_never_leads_outside_its_folder(dataset: Path, path: str) -> None:
    def lead_astray(manifest: dict[str, Any]) -> None:
        manifest["splits"]["test"]["shards"][0]["path"] = path
    forge(dataset, lead_astray)
    with pytest.raises(IntegrityError, match="altered"):
        read_manifest(dataset)
