"""Parcels between machines: whole or nothing, checked, the same again when sent again."""

import json
from pathlib import Path

import pytest

from tasks.errors import TransientError
from tasks.storage.exchange import RECORD, Parcel, is_published, parcels, receive, send, withdraw
from tasks.storage.objects import FolderStore, StoreAddress

PARCEL = Parcel("site_one", "0a" * 16)


class Counting(FolderStore):
    """A store that dies after so many changes."""

    def __init__(self, folder: Path, changes: int = 1_000) -> None:
        super().__init__(StoreAddress(str(folder)))
        self.left = changes

    def _change(self) -> None:
        if not self.left:
            raise TransientError("the store died", "run again")
        self.left -= 1

    def put_file(self, path: Path, key: str) -> None:
        self._change()
        super().put_file(path, key)

    def put_bytes(self, data: bytes, key: str, *, only_new: bool = False) -> bool:
        self._change()
        return super().put_bytes(data, key, only_new=only_new)

    def delete(self, key: str) -> None:
        self._change()
        super().delete(key)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Two files, one of them larger than what is read at once."""
    contents = {"frames.parquet": bytes(range(256)) * 5_000, "heard.parquet": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


def test_what_is_sent_arrives_with_what_was_said(tmp_path: Path, files: dict[str, Path]) -> None:
    store = Counting(tmp_path / "store")
    send(store, PARCEL, files, {"kept": 3})
    assert receive(store, PARCEL, tmp_path / "home") == {"kept": 3}
    assert {path.name: path.read_bytes() for path in (tmp_path / "home").iterdir()} == {
        name: path.read_bytes() for name, path in files.items()}


@pytest.mark.parametrize("changes", [0, 1, 2])
def test_half_an_upload_is_nothing_until_it_is_sent_again(tmp_path: Path, files: dict[str, Path], changes: int) -> None:
    """Two files and the record make three changes: whoever dies before the third has sent nothing."""
    with pytest.raises(TransientError):
        send(Counting(tmp_path / "store", changes), PARCEL, files)
    store = Counting(tmp_path / "store")
    assert not is_published(store, PARCEL)
    with pytest.raises(TransientError, match="not on the store"):
        receive(store, PARCEL, tmp_path / "home")
    send(store, PARCEL, files)
    receive(store, PARCEL, tmp_path / "home")
    assert (tmp_path / "home" / "frames.parquet").read_bytes() == files["frames.parquet"].read_bytes()


def test_a_parcel_that_is_there_is_not_sent_again(tmp_path: Path, files: dict[str, Path]) -> None:
    send(Counting(tmp_path / "store"), PARCEL, files)
    send(Counting(tmp_path / "store", changes=0), PARCEL, files)


@pytest.mark.parametrize("damage", ["flipped", "short", "gone"])
def test_a_damaged_parcel_is_withdrawn_and_takes_no_final_name(tmp_path: Path, files: dict[str, Path], damage: str) -> None:
    store = Counting(tmp_path / "store")
    send(store, PARCEL, files)
    stored = tmp_path / "store" / PARCEL.prefix / "frames.parquet"
    content = bytearray(stored.read_bytes())
    content[777] ^= 1
    if damage == "gone":
        stored.unlink()
    else:
        stored.write_bytes(content if damage == "flipped" else content[:-1])
    with pytest.raises(TransientError, match="damaged"):
        receive(store, PARCEL, tmp_path / "home")
    assert not (tmp_path / "home" / "frames.parquet").exists()
    assert not is_published(store, PARCEL)


@pytest.mark.parametrize("name", ["../outside", "..", "/outside", "a/b", ""])
def test_a_record_cannot_name_a_file_elsewhere(tmp_path: Path, files: dict[str, Path], name: str) -> None:
    store = Counting(tmp_path / "store")
    send(store, PARCEL, files)
    record = json.loads(store.get_bytes(PARCEL.prefix + RECORD) or b"")
    record["files"] = {name: record["files"]["heard.parquet"]}
    store.put_bytes(json.dumps(record).encode(), PARCEL.prefix + RECORD)
    (tmp_path / "home").mkdir()
    before = sorted(path for path in tmp_path.rglob("*") if "store" not in path.parts)
    with pytest.raises(TransientError, match="no name of ours"):
        receive(store, PARCEL, tmp_path / "home")
    assert sorted(path for path in tmp_path.rglob("*") if "store" not in path.parts) == before


@pytest.mark.parametrize("changes", [1, 2])
def test_a_parcel_half_withdrawn_is_gone_and_what_is_left_of_it_is_still_found(
        tmp_path: Path, files: dict[str, Path], changes: int) -> None:
    send(Counting(tmp_path / "store"), PARCEL, files)
    with pytest.raises(TransientError):
        withdraw(Counting(tmp_path / "store", changes), PARCEL)
    store = Counting(tmp_path / "store")
    assert not is_published(store, PARCEL)
    assert parcels(store) == [PARCEL]
    withdraw(store, PARCEL)
    assert parcels(store) == []


def test_parcels_of_one_video_are_told_from_those_of_another_whose_id_begins_alike(
        tmp_path: Path, files: dict[str, Path]) -> None:
    store = Counting(tmp_path / "store")
    other = Parcel("site_one-more", "0b" * 16)
    for parcel in (PARCEL, other):
        send(store, parcel, files)
    assert parcels(store, "site_one") == [PARCEL]
    assert parcels(store) == [PARCEL, other]
